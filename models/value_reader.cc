// SPDX-License-Identifier: Apache-2.0
#include "models/value_reader.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace pixloom {

namespace {
constexpr std::size_t kMostDims = 7;  // the batch is the eighth
}  // namespace

bool ValueReader::IsKind(const Value& value, const std::string& where, Value::Kind kind,
                         std::string_view expected) {
  if (value.kind == kind) return true;
  Error(value.at, fmt::format("{}{}expected {}, got {}", where, where.empty() ? "" : ": ", expected,
                              value.Describe()));
  return false;
}

void ValueReader::Map(const Value& value, const std::string& where, const Keys& keys) {
  if (!IsKind(value, where, Value::Kind::kMap, "a mapping")) return;
  std::vector<std::string> known;
  for (const auto& [key, read] : keys) known.push_back(key);
  for (const Value::Entry& entry : value.entries) {
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const auto& key) { return key.first == entry.key; });
    if (found != keys.end()) {
      found->second(entry.value);
      continue;
    }
    Error(entry.at, fmt::format("unknown key {}{}{}{}", Quoted(entry.key),
                                where.empty() ? "" : " in ", where, Suggestion(entry.key, known)));
  }
}

void ValueReader::Named(const Value& value, const std::string& where,
                        const std::function<void(const std::string&, const Value&)>& read) {
  if (!IsKind(value, where, Value::Kind::kMap, "a mapping")) return;
  for (const Value::Entry& entry : value.entries) read(entry.key, entry.value);
}

void ValueReader::List(const Value& value, const std::string& where, const Read& read) {
  if (!IsKind(value, where, Value::Kind::kList, "a list")) return;
  for (const Value& item : value.items) read(item);
}

void ValueReader::Text(const Value& value, const std::string& where, std::string& into) {
  if (value.kind == Value::Kind::kString && !value.text.empty()) {
    into = value.text;
    return;
  }
  Error(value.at, fmt::format("{}: expected a text, got {}", where, value.Describe()));
}

void ValueReader::Bool(const Value& value, const std::string& where, bool& into) {
  if (IsKind(value, where, Value::Kind::kBool, "true or false")) into = value.boolean;
}

void ValueReader::Number(const Value& value, const std::string& where, double& into) {
  if (value.IsNumber()) {
    into = value.number;
    return;
  }
  Error(value.at, fmt::format("{}: expected a number, got {}", where, value.Describe()));
}

bool ValueReader::IsInt(const Value& value, const std::string& where, std::int64_t lo,
                        std::int64_t hi) {
  if (value.kind == Value::Kind::kInt && value.integer >= lo && value.integer <= hi) return true;
  const std::string rule = hi == std::numeric_limits<std::int64_t>::max()
                               ? fmt::format("an integer of at least {}", lo)
                               : fmt::format("an integer from {} to {}", lo, hi);
  Error(value.at, fmt::format("{}: expected {}, got {}", where, rule, value.Describe()));
  return false;
}

void ValueReader::Range(const Value& value, const std::string& where, double& lo, double& hi) {
  const bool two = value.kind == Value::Kind::kList && value.items.size() == 2 &&
                   value.items[0].IsNumber() && value.items[1].IsNumber();
  if (two && value.items[0].number < value.items[1].number) {
    lo = value.items[0].number;
    hi = value.items[1].number;
    return;
  }
  const std::string got =
      two ? fmt::format("[{}, {}]", value.items[0].number, value.items[1].number)
          : value.Describe();
  Error(value.at, fmt::format("{}: expected two numbers, the smaller first, like [0, 1], got {}",
                              where, got));
}

void ValueReader::Sizes(const Value& value, const std::string& where, bool any, Dims& into) {
  const char* rule =
      any ? "a list of sizes, each at least 1 or `any`" : "a list of sizes, each at least 1";
  const auto refuse = [&](const Value& what) {
    Error(what.at, fmt::format("{}: expected {}, got {}", where, rule, what.Describe()));
  };
  if (value.kind != Value::Kind::kList || value.items.size() > kMostDims) return refuse(value);
  Dims dims;
  for (const Value& item : value.items) {
    const bool open = (item.kind == Value::Kind::kString && item.text == "any") ||
                      (item.kind == Value::Kind::kInt && item.integer == -1);
    const bool size = item.kind == Value::Kind::kInt && item.integer >= 1 &&
                      item.integer <= std::numeric_limits<std::int32_t>::max();
    if (!size && !(open && any)) return refuse(item);
    dims.push_back(open ? -1 : item.integer);
  }
  into = std::move(dims);
}

void ValueReader::WrongWord(const Value& value, const std::string& where,
                            const std::vector<std::string>& known) {
  std::string words;
  for (std::size_t i = 0; i < known.size(); ++i) {
    words += (i == 0 ? "" : i + 1 == known.size() ? " or " : ", ") + known[i];
  }
  Error(value.at, fmt::format("{}: expected {}, got {}{}", where, words, value.Describe(),
                              Suggestion(value.text, known)));
}

}  // namespace pixloom
