// SPDX-License-Identifier: Apache-2.0
// The words, numbers and signs of an expression. For its parser.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/value.h"

namespace pixloom::expression {

// Thrown at the first thing that is wrong; caught in Expression::Parse.
struct ParseError {
  std::size_t at;
  std::string text;
};

struct Token {
  enum class Kind { kEnd, kNumber, kWord, kQuoted, kSign };
  Kind kind = Kind::kEnd;
  std::size_t at = 1;  // character, from 1
  std::string text;
  double number = 0;

  bool Is(std::string_view sign) const { return kind == Kind::kSign && text == sign; }
  bool IsWord(std::string_view word) const { return kind == Kind::kWord && text == word; }
  std::string Shown() const { return kind == Kind::kEnd ? "the end" : Quoted(text); }
};

// The last one is kEnd. Throws ParseError.
std::vector<Token> Tokens(std::string_view text);

}  // namespace pixloom::expression
