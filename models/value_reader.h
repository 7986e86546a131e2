// SPDX-License-Identifier: Apache-2.0
// Reads typed things out of Values and says what is wrong where it is wrong. Every function leaves
// `into` alone when it reports something.
//
// For sources of models/ that read YAML; used by one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/tensor.h"
#include "pipeline/error.h"
#include "pipeline/value.h"

namespace pixloom {

class ValueReader {
 public:
  using Read = std::function<void(const Value&)>;
  using Keys = std::vector<std::pair<std::string, Read>>;

  ValueReader(std::string code, Diagnostics& diagnostics)
      : code_(std::move(code)), diagnostics_(diagnostics) {}

  void Error(const Position& at, std::string text) {
    diagnostics_.Error(code_, at, std::move(text));
  }

  // A map with these keys only, each optional. `where` names it in messages; "" at the top.
  void Map(const Value& value, const std::string& where, const Keys& keys);
  // A map whose keys are names of the user's.
  void Named(const Value& value, const std::string& where,
             const std::function<void(const std::string&, const Value&)>& read);
  void List(const Value& value, const std::string& where, const Read& read);

  void Text(const Value& value, const std::string& where, std::string& into);
  void Bool(const Value& value, const std::string& where, bool& into);
  void Number(const Value& value, const std::string& where, double& into);
  // An integer from lo to hi.
  template <class T>
  void Int(const Value& value, const std::string& where, std::int64_t lo, std::int64_t hi,
           T& into) {
    if (IsInt(value, where, lo, hi)) into = static_cast<T>(value.integer);
  }
  // Two numbers, the first smaller.
  void Range(const Value& value, const std::string& where, double& lo, double& hi);
  // Sizes of one item; `any` and -1 stand for any, where that is allowed.
  void Sizes(const Value& value, const std::string& where, bool any, Dims& into);
  // One of these words.
  template <class T, std::size_t n>
  void Choice(const Value& value, const std::string& where,
              const std::array<std::pair<std::string_view, T>, n>& words, T& into) {
    std::vector<std::string> known;
    for (const auto& [word, meaning] : words) {
      if (value.kind == Value::Kind::kString && value.text == word) {
        into = meaning;
        return;
      }
      known.emplace_back(word);
    }
    WrongWord(value, where, known);
  }

 private:
  bool IsInt(const Value& value, const std::string& where, std::int64_t lo, std::int64_t hi);
  bool IsKind(const Value& value, const std::string& where, Value::Kind kind,
              std::string_view expected);
  void WrongWord(const Value& value, const std::string& where,
                 const std::vector<std::string>& known);

  std::string code_;
  Diagnostics& diagnostics_;
};

}  // namespace pixloom
