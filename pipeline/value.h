// SPDX-License-Identifier: Apache-2.0
// Value is a configuration document as plain data: what YAML said, with the place of every key.
//
// The YAML library stays behind pipeline/config.cc; every later stage reads Values. Scalars are
// typed by a strict grammar (no octal, no yes/no, quoted text stays text). Immutable after parsing
// and safe to share across threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/error.h"

namespace pixloom {

struct Value {
  enum class Kind { kNull, kBool, kInt, kFloat, kString, kList, kMap };

  struct Entry;  // key, its place, value

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;           // also set for kInt
  std::string text;            // scalar as written after substitution (also for numbers)
  std::vector<Value> items;    // kList
  std::vector<Entry> entries;  // kMap, in file order, keys unique
  Position at;

  bool IsNumber() const { return kind == Kind::kInt || kind == Kind::kFloat; }
  bool IsScalar() const { return kind != Kind::kList && kind != Kind::kMap; }

  // The value under `key`, or nullptr. REQUIRES: kind == kMap.
  const Value* Find(std::string_view key) const;

  // "int 7", "list of 3", ... for messages that say what was found instead.
  std::string Describe() const;

  // Types a plain (unquoted) scalar: null, true/false, decimal int, decimal float, else string.
  static Value Plain(std::string text, Position at);
  static Value String(std::string text, Position at);
  static Value Int(std::int64_t value, Position at = {});
  static Value Float(double value, Position at = {});
  static Value Bool(bool value, Position at = {});
  static Value List(std::vector<Value> items, Position at = {});
  static Value Map(std::vector<Entry> entries, Position at = {});
};

struct Value::Entry {
  std::string key;
  Position at;  // of the key
  Value value;
};

// The name in `known` nearest to `word` by edit distance, or "" when none is near enough to be
// worth suggesting.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& known);

// "; did you mean 'x'?" or "".
std::string Suggestion(std::string_view word, const std::vector<std::string>& known);

// The text between single quotes, for messages: control characters and invalid UTF-8 as \xNN, so
// that a name cannot forge a line of output; long text is cut.
std::string Quoted(std::string_view text);

// The offset of the first byte that is not part of well formed UTF-8, or npos.
std::size_t FirstInvalidUtf8(std::string_view text);

}  // namespace pixloom
