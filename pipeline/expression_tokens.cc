// SPDX-License-Identifier: Apache-2.0
#include "pipeline/expression_tokens.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace pixloom::expression {

namespace {

constexpr std::size_t kMaxLength = 4000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> Run() {
    if (text_.size() > kMaxLength) {
      throw ParseError{1, fmt::format("longer than {} characters", kMaxLength)};
    }
    if (const std::size_t bad = FirstInvalidUtf8(text_); bad != std::string_view::npos) {
      throw ParseError{bad + 1, "not UTF-8"};
    }
    std::vector<Token> tokens;
    while (true) {
      while (next_ < text_.size() && (text_[next_] == ' ' || text_[next_] == '\t' ||
                                      text_[next_] == '\n' || text_[next_] == '\r')) {
        ++next_;
      }
      tokens.push_back(Next());
      if (tokens.back().kind == Token::Kind::kEnd) return tokens;
    }
  }

 private:
  // Characters, not bytes.
  std::size_t At(std::size_t byte) const {
    return 1 + static_cast<std::size_t>(std::count_if(
                   text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(byte),
                   [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  }

  template <class Fits>
  std::string_view TakeWhile(Fits fits) {
    const std::size_t begin = next_;
    while (next_ < text_.size() && fits(text_[next_])) ++next_;
    return text_.substr(begin, next_ - begin);
  }

  Token Next() {
    Token token;
    token.at = At(next_);
    if (next_ == text_.size()) return token;
    const char c = text_[next_];
    if (IsDigit(c) || (c == '.' && next_ + 1 < text_.size() && IsDigit(text_[next_ + 1]))) {
      token.kind = Token::Kind::kNumber;
      const char* begin = text_.data() + next_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), token.number);
      if (error != std::errc()) throw ParseError{token.at, "this number is too large"};
      token.text.assign(begin, end);
      next_ += token.text.size();
    } else if (IsLetter(c)) {
      token.kind = Token::Kind::kWord;
      token.text = TakeWhile([](char d) { return IsLetter(d) || IsDigit(d); });
    } else if (c == '\'' || c == '"') {
      token.kind = Token::Kind::kQuoted;
      ++next_;
      token.text = TakeWhile([c](char d) { return d != c; });
      if (next_ == text_.size()) throw ParseError{token.at, "this quote is never closed"};
      ++next_;
    } else {
      token.kind = Token::Kind::kSign;
      token.text = Sign(token.at);
      next_ += token.text.size();
    }
    return token;
  }

  std::string Sign(std::size_t at) const {
    const std::string_view rest = text_.substr(next_);
    for (const std::string_view sign : {"<=", ">=", "==", "!="}) {
      if (rest.starts_with(sign)) return std::string(sign);
    }
    constexpr std::pair<std::string_view, std::string_view> kOthers[] = {
        {"&&", "and"}, {"||", "or"}, {"=", "=="}, {"!", "not"}, {"&", "and"}, {"|", "or"}};
    for (const auto& [sign, ours] : kOthers) {
      if (rest.starts_with(sign)) {
        throw ParseError{at, fmt::format("unexpected '{}'; write {}", sign, ours)};
      }
    }
    if (std::string_view("<>+-*/()[],").find(rest[0]) == std::string_view::npos) {
      throw ParseError{at, fmt::format("unexpected {}", Quoted(rest.substr(0, 1)))};
    }
    return std::string(1, rest[0]);
  }

  std::string_view text_;
  std::size_t next_ = 0;
};

}  // namespace

std::vector<Token> Tokens(std::string_view text) { return Lexer(text).Run(); }

}  // namespace pixloom::expression
