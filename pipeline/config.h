// SPDX-License-Identifier: Apache-2.0
// From YAML text to a Value tree: the only door to the YAML library.
//
// The loader is stricter than YAML: own limits on size, depth, nodes, keys and alias expansion;
// duplicate keys, cycles through aliases, tags, merge keys, tabs and second documents are refused
// with a position. Everything wrong is reported through Diagnostics; nothing throws. Functions are
// pure and may be called from any thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.h"
#include "pipeline/value.h"

namespace pixloom {

struct ConfigLimits {
  std::size_t bytes = 1 << 20;
  int depth = 64;
  int nodes = 20'000;
  int keys = 10'000;
  int alias_nodes = 100'000;   // nodes replayed through aliases, in total
  std::size_t text = 8 << 20;  // bytes of scalars after aliases and variables, in total
};

// Values for $(NAME) and $(NAME:-default). `--set NAME=VALUE` comes before the environment.
struct Variables {
  std::map<std::string, std::string> set;
  bool use_environment = true;

  // Every variable that was looked up and found, with its value: part of the run's fingerprint. A
  // default is not recorded, it stands in the text; so {set = used, no environment} repeats the
  // expansion exactly.
  std::map<std::string, std::string> used;

  // `set` first, then the environment; records what it finds in `used`.
  std::optional<std::string> Lookup(const std::string& name);
};

// Parses `text` (named `file` in messages) and expands $(NAME:-default) in scalars after parsing;
// an expanded plain scalar is typed again, a quoted one stays text. "$$(" writes a literal "$(".
// As in a shell, the default also stands in for an empty value; it runs to the next ")". Values
// are not expanded again, keys not at all. Columns count bytes. An empty text is null. A value
// replayed through an alias has the place of the alias; what is inside keeps its own place.
// Returns nullopt exactly when it added at least one error.
std::optional<Value> ParseYaml(std::string_view text, const std::string& file, Variables& variables,
                               Diagnostics& diagnostics, const ConfigLimits& limits = {});

// Reads a file of at most limits.bytes and parses it.
std::optional<Value> LoadYaml(const std::string& path, Variables& variables,
                              Diagnostics& diagnostics, const ConfigLimits& limits = {});

// Writes a value as YAML that ParseYaml reads back to an equal value: same kinds, numbers, strings
// and order. Not kept: places, and how a number was spelt. Numbers are finite, text is UTF-8
// without NUL.
std::string ToYaml(const Value& value);

// Writes a value as JSON on one line; a number that is not finite becomes null.
std::string ToJson(const Value& value);

}  // namespace pixloom
