// SPDX-License-Identifier: Apache-2.0
// Reads and evaluates an expression in one go. What cannot matter any more is read all the same,
// but nothing is looked up for it.
#include <algorithm>
#include <cctype>
#include <cstdlib>

#include <fmt/format.h>

#include "tests/reference/ref_measure.h"

namespace pixloom::reference {

namespace {

struct Operand {
  bool is_text = false;
  double number = 0;  // 1 and 0 for true and false
  std::string text;   // also of a number, as written
};

class Reader {
 public:
  Reader(const std::string& text, const Names& names) : text_(text), names_(names) {}

  bool Run() {
    const bool holds = Or(true);
    PIXLOOM_CHECK(Peek().empty(), "rest of " + text_);
    return holds;
  }

 private:
  bool Or(bool live) {
    bool holds = And(live);
    while (Take("or")) {
      const bool next = And(live && !holds);
      holds = holds || next;
    }
    return holds;
  }

  bool And(bool live) {
    bool holds = Not(live);
    while (Take("and")) {
      const bool next = Not(live && holds);
      holds = holds && next;
    }
    return holds;
  }

  bool Not(bool live) { return Take("not") ? !Not(live) : Compare(live); }

  bool Compare(bool live) {
    Operand left = Sum(live);
    const bool inverted = Peek() == "not";
    if (inverted) Take("not");
    if (Take("in")) {
      bool found = false;
      Take("[");
      do {
        const Operand item = Sum(live && !found);
        found = found || Same(left, item);
      } while (Take(","));
      Take("]");
      return found != inverted;
    }
    bool holds = left.number != 0;
    bool first = true;
    while (true) {
      const std::string how = Peek();
      if (how != "<" && how != "<=" && how != ">" && how != ">=" && how != "==" && how != "!=") {
        return holds;
      }
      Take(how);
      holds = holds || first;
      const Operand right = Sum(live && holds);
      holds = holds && (how == "<"    ? left.number < right.number
                        : how == "<=" ? left.number <= right.number
                        : how == ">"  ? left.number > right.number
                        : how == ">=" ? left.number >= right.number
                                      : Same(left, right) == (how == "=="));
      left = right;
      first = false;
    }
  }

  static bool Same(const Operand& a, const Operand& b) {
    return a.is_text || b.is_text ? a.text == b.text : a.number == b.number;
  }

  Operand Sum(bool live) {
    Operand value = Product(live);
    while (Peek() == "+" || Peek() == "-") {
      const double sign = Take("+") ? 1 : (Take("-"), -1);
      value.number += sign * Product(live).number;
    }
    return value;
  }

  Operand Product(bool live) {
    Operand value = Unary(live);
    while (Peek() == "*" || Peek() == "/") {
      const bool times = Peek() == "*";
      Take(Peek());
      const double next = Unary(live).number;
      value.number = times ? value.number * next : value.number / next;
    }
    return value;
  }

  Operand Unary(bool live) {
    if (!Take("-")) return Primary(live);
    Operand value = Unary(live);
    value.number = -value.number;
    return value;
  }

  Operand Primary(bool live) {
    const std::string token = Peek();
    if (Take("(")) {
      Operand inside;
      // Conditions and numbers alike: a number is a comparison that compares nothing.
      const std::size_t begin = next_;
      inside = Sum(live);
      if (Peek() != ")") {
        next_ = begin;
        inside = {false, Or(live) ? 1.0 : 0.0, ""};
      }
      Take(")");
      return inside;
    }
    Take(token);
    if (token[0] == '\'' || token[0] == '"') {
      return {true, 0, token.substr(1, token.size() - 2)};
    }
    if (std::isdigit(static_cast<unsigned char>(token[0])) != 0 || token[0] == '.') {
      return {false, std::strtod(token.c_str(), nullptr), token};
    }
    if (token == "true" || token == "false") return {false, token == "true" ? 1.0 : 0.0, token};
    std::vector<std::string> arguments;
    if (Take("(")) {
      do {
        std::string argument = Take("-") ? "-" : "";
        std::string word = Peek();
        Take(word);
        if (word[0] == '\'' || word[0] == '"') word = word.substr(1, word.size() - 2);
        arguments.push_back(argument + word);
      } while (Take(","));
      Take(")");
    }
    if (names_.is_text(token)) {
      return {true, 0, live ? names_.text(token, arguments) : ""};
    }
    static const std::vector<std::string> known{"width",    "height",    "aspect",  "area",
                                                "channels", "frames",    "objects", "boxes",
                                                "polygons", "keypoints", "masks",   "copy"};
    const bool name = !arguments.empty() || IsMeasured(token) ||
                      std::find(known.begin(), known.end(), token) != known.end();
    if (!name) return {true, 0, token};
    return {false, live ? names_.number(token, arguments) : 0.0, token};
  }

  // The next token, "" at the end; does not move.
  std::string Peek() const {
    std::size_t i = next_;
    while (i < text_.size() && text_[i] == ' ') ++i;
    if (i == text_.size()) return "";
    const auto is_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' ||
             static_cast<unsigned char>(c) >= 0x80;
    };
    std::size_t end = i + 1;
    if (text_[i] == '\'' || text_[i] == '"') {
      end = text_.find(text_[i], i + 1) + 1;
    } else if (is_word(text_[i])) {
      while (end < text_.size() && is_word(text_[end])) ++end;
    } else if (end < text_.size() && text_[end] == '=') {
      ++end;
    }
    return text_.substr(i, end - i);
  }

  bool Take(const std::string& token) {
    if (token.empty() || Peek() != token) return false;
    while (text_[next_] == ' ') ++next_;
    next_ += token.size();
    return true;
  }

  const std::string& text_;
  const Names& names_;
  std::size_t next_ = 0;
};

}  // namespace

bool Evaluate(const std::string& expression, const Names& names) {
  return Reader(expression, names).Run();
}

}  // namespace pixloom::reference
