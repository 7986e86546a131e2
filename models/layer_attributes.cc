// SPDX-License-Identifier: Apache-2.0
#include "models/layer_attributes.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace pixloom {

Attributes::Attributes(std::string verb, const Value& args, std::vector<std::string> known,
                       Position at, Diagnostics& diagnostics)
    : verb_(std::move(verb)),
      args_(args),
      known_(std::move(known)),
      at_(std::move(at)),
      diagnostics_(diagnostics) {
  if (args.kind == Value::Kind::kNull) return;
  if (args.kind != Value::Kind::kMap) {
    if (known_.empty()) Fail(args.at, "takes no value, got " + args.Describe());
    return;
  }
  for (const Value::Entry& entry : args.entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    ok_ = false;
    diagnostics_.Error("NET-KEY", entry.at,
                       fmt::format("{}: unknown key {}{}", verb_, Quoted(entry.key),
                                   Suggestion(entry.key, known_)));
  }
}

const Value* Attributes::Find(const std::string& key) const {
  if (args_.kind == Value::Kind::kMap) return args_.Find(key);
  const bool primary = !known_.empty() && key == known_[0];
  return primary && args_.kind != Value::Kind::kNull ? &args_ : nullptr;
}

void Attributes::Fail(const Position& at, const std::string& text) {
  ok_ = false;
  diagnostics_.Error("NET-VALUE", at, fmt::format("{}: {}", verb_, text));
}

const Value* Attributes::Need(const std::string& key) {
  const Value* value = Find(key);
  if (value == nullptr) {
    // A mistyped key has been reported already; two messages about one slip are one too many.
    if (ok_) Fail(at_, fmt::format("{} is missing", key));
    ok_ = false;
  }
  return value;
}

std::int64_t Attributes::Int(const std::string& key, std::int64_t lo, std::int64_t hi,
                             std::optional<std::int64_t> fallback) {
  const Value* value = fallback ? Find(key) : Need(key);
  if (value == nullptr) return fallback.value_or(lo);
  if (value->kind == Value::Kind::kInt && value->integer >= lo && value->integer <= hi) {
    return value->integer;
  }
  Fail(value->at,
       fmt::format("{} is an integer from {} to {}, got {}", key, lo, hi, value->Describe()));
  return fallback.value_or(lo);
}

double Attributes::Number(const std::string& key, double lo, double hi, double fallback) {
  const Value* value = Find(key);
  if (value == nullptr) return fallback;
  if (value->IsNumber() && value->number >= lo && value->number <= hi) return value->number;
  Fail(value->at,
       fmt::format("{} is a number from {} to {}, got {}", key, lo, hi, value->Describe()));
  return fallback;
}

bool Attributes::Flag(const std::string& key, bool fallback) {
  const Value* value = Find(key);
  if (value == nullptr) return fallback;
  if (value->kind == Value::Kind::kBool) return value->boolean;
  Fail(value->at, fmt::format("{} is true or false, got {}", key, value->Describe()));
  return fallback;
}

std::string Attributes::Word(const std::string& key, const std::vector<std::string>& words) {
  const Value* value = Find(key);
  if (value == nullptr) return words[0];
  if (value->kind == Value::Kind::kString &&
      std::find(words.begin(), words.end(), value->text) != words.end()) {
    return value->text;
  }
  Fail(value->at, fmt::format("{} is one of {}, got {}{}", key, fmt::join(words, ", "),
                              value->Describe(), Suggestion(value->text, words)));
  return words[0];
}

}  // namespace pixloom
