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
  int alias_nodes = 100'000;  // nodes replayed through aliases, in total
};

// Values for $(NAME) and $(NAME:-default). `--set NAME=VALUE` comes before the environment.
struct Variables {
  std::map<std::string, std::string> set;
  bool use_environment = true;

  // Every variable that was expanded, with its value: part of the run's fingerprint.
  std::map<std::string, std::string> used;

  std::optional<std::string> Lookup(const std::string& name);
};

// Parses `text` (named `file` in messages) and expands $(NAME:-default) in scalars after parsing;
// an expanded plain scalar is typed again, a quoted one stays text. "$$(" writes a literal "$(".
// Returns nullopt exactly when it added at least one error.
std::optional<Value> ParseYaml(std::string_view text, const std::string& file,
                               Variables& variables, Diagnostics& diagnostics,
                               const ConfigLimits& limits = {});

// Reads a file of at most limits.bytes and parses it.
std::optional<Value> LoadYaml(const std::string& path, Variables& variables,
                              Diagnostics& diagnostics, const ConfigLimits& limits = {});

// Writes a value as YAML that ParseYaml reads back to an equal value.
std::string ToYaml(const Value& value);

// Writes a value as JSON.
std::string ToJson(const Value& value);

}  // namespace pixloom
