// SPDX-License-Identifier: Apache-2.0
// Text of an expression to its tree. Everything that can be wrong with it is found here.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "pipeline/expression_tokens.h"
#include "pipeline/expression_tree.h"
#include "pipeline/value.h"

namespace pixloom {

namespace {

using expression::ParseError;
using expression::Token;
using expression::Type;
using expression::Word;
using Node = Expression::Node;
using Kind = Node::Kind;
using Operator = Node::Operator;

// An expression is written by hand; this keeps a hostile one from the stack.
constexpr int kMaxDepth = 50;

const std::vector<std::string> kKeywords{"and", "or", "not", "in", "true", "false"};

std::string_view NameOf(Type type) {
  switch (type) {
    case Type::kNumber:
      return "a number";
    case Type::kText:
      return "text";
    case Type::kTruth:
      break;
  }
  return "a condition";
}

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Node Run() {
    Node root = ParseOr();
    if (Here().kind != Token::Kind::kEnd) {
      Fail(Here().at, fmt::format("expected and, or or the end, got {}{}", Here().Shown(),
                                  Here().kind == Token::Kind::kWord
                                      ? Suggestion(Here().text, {"and", "or", "in", "not"})
                                      : ""));
    }
    Require(root, Type::kTruth, "expected a condition, as width >= 64,");
    root.pixels = pixels_;
    root.needs = std::move(needs_);
    return root;
  }

 private:
  [[noreturn]] static void Fail(std::size_t at, std::string text) {
    throw ParseError{at, std::move(text)};
  }

  const Token& Here() const { return tokens_[next_]; }
  Token Take() { return tokens_[Here().kind == Token::Kind::kEnd ? next_ : next_++]; }
  bool Accept(std::string_view sign) {
    const bool is = Here().Is(sign);
    if (is) ++next_;
    return is;
  }
  bool AcceptWord(std::string_view word) {
    const bool is = Here().IsWord(word);
    if (is) ++next_;
    return is;
  }
  void Expect(std::string_view sign, std::string_view what) {
    if (!Accept(sign)) Fail(Here().at, fmt::format("expected {}, got {}", what, Here().Shown()));
  }

  static Node Of(Kind kind, Type type, std::size_t at) {
    Node node;
    node.kind = kind;
    node.type = type;
    node.at = at;
    return node;
  }

  // ---- types ------------------------------------------------------------------------------------

  [[noreturn]] static void FailWithoutArguments(const Word& word, std::size_t at) {
    Fail(at, fmt::format("'{}' takes arguments: {}", word.name, word.usage));
  }

  // A word that found nothing it could be compared with.
  [[noreturn]] static void FailUnknown(const Node& node) {
    if (const Word* word = expression::FindWord(node.text)) FailWithoutArguments(*word, node.at);
    std::vector<std::string> names;
    std::vector<std::string> plain;
    for (const Word& word : expression::Words()) {
      names.emplace_back(word.name);
      if (!word.IsFunction()) plain.emplace_back(word.name);
    }
    const std::string hint = Suggestion(node.text, names);
    Fail(node.at,
         fmt::format("unknown name {}{}", Quoted(node.text),
                     hint.empty() ? fmt::format("; known: {}", fmt::join(plain, ", ")) : hint));
  }

  static void Require(const Node& node, Type type, std::string_view what) {
    if (node.kind == Kind::kUnknown) FailUnknown(node);
    if (node.type != type) Fail(node.at, fmt::format("{} got {}", what, NameOf(node.type)));
  }

  // Makes text of what may be text where the others are.
  static void Settle(std::vector<Node>& nodes) {
    const auto is_text = [](const Node& n) {
      return n.kind != Kind::kUnknown && n.type == Type::kText;
    };
    const bool text = std::any_of(nodes.begin(), nodes.end(), is_text);
    for (Node& node : nodes) {
      if (text && (node.kind == Kind::kUnknown ||
                   (node.kind == Kind::kConstant && node.type == Type::kNumber))) {
        node.kind = Kind::kConstant;
        node.type = Type::kText;
      }
      if (node.kind == Kind::kUnknown) FailUnknown(node);
    }
    for (const Node& node : nodes) {
      const Type first = nodes[0].type;
      if (node.type == first) continue;
      const bool quotes =
          node.kind == Kind::kWord && !node.word->IsFunction() && node.type == Type::kNumber;
      Fail(node.at,
           fmt::format("{} is compared with {}{}", NameOf(node.type), NameOf(first),
                       quotes ? fmt::format("; if text is meant, write '{}'", node.text) : ""));
    }
  }

  // ---- grammar ----------------------------------------------------------------------------------

  // Nesting goes through here.
  Node ParseOr() {
    if (++depth_ > kMaxDepth) {
      Fail(Here().at, fmt::format("nested deeper than {} levels", kMaxDepth));
    }
    Node node = ParseJoined("or", Kind::kOr, [this] {
      return ParseJoined("and", Kind::kAnd, [this] { return ParseNot(); });
    });
    --depth_;
    return node;
  }

  template <class Part>
  Node ParseJoined(std::string_view word, Kind kind, Part part) {
    Node first = part();
    if (!Here().IsWord(word)) return first;
    Node all = Of(kind, Type::kTruth, first.at);
    const std::string what = fmt::format("'{}' joins conditions,", word);
    Require(first, Type::kTruth, what);
    all.children.push_back(std::move(first));
    while (AcceptWord(word)) {
      all.children.push_back(part());
      Require(all.children.back(), Type::kTruth, what);
    }
    return all;
  }

  Node ParseNot() {
    const std::size_t at = Here().at;
    bool negated = false;
    bool any = false;
    while (AcceptWord("not")) {
      negated = !negated;
      any = true;
    }
    Node node = ParseComparison();
    if (any) Require(node, Type::kTruth, "'not' takes a condition,");
    if (!negated) return node;
    return Negated(std::move(node), at);
  }

  static Node Negated(Node node, std::size_t at) {
    Node negation = Of(Kind::kNot, Type::kTruth, at);
    negation.children.push_back(std::move(node));
    return negation;
  }

  Node ParseComparison() {
    constexpr std::pair<std::string_view, Operator> kOperators[] = {
        {"<", Operator::kLess},     {"<=", Operator::kAtMost}, {">", Operator::kMore},
        {">=", Operator::kAtLeast}, {"==", Operator::kIs},     {"!=", Operator::kIsNot}};
    Node first = ParseSum();
    const Token& next = Here();
    const bool not_in = next.IsWord("not") && tokens_[next_ + 1].IsWord("in");
    if (not_in || next.IsWord("in")) {
      const std::size_t at = first.at;
      next_ += not_in ? 2 : 1;
      Node in = ParseList(std::move(first));
      return not_in ? Negated(std::move(in), at) : in;
    }
    Node compare = Of(Kind::kCompare, Type::kTruth, first.at);
    compare.children.push_back(std::move(first));
    std::string_view ordered;
    while (true) {
      const auto* found = std::find_if(std::begin(kOperators), std::end(kOperators),
                                       [&](const auto& o) { return Here().Is(o.first); });
      if (found == std::end(kOperators)) break;
      if (found->second != Operator::kIs && found->second != Operator::kIsNot) {
        ordered = found->first;
      }
      Take();
      compare.operators.push_back(found->second);
      compare.children.push_back(ParseSum());
    }
    if (compare.operators.empty()) return std::move(compare.children[0]);
    if (!ordered.empty()) {
      const std::string what = fmt::format("'{}' compares numbers,", ordered);
      for (const Node& child : compare.children) Require(child, Type::kNumber, what);
    }
    Settle(compare.children);
    return compare;
  }

  Node ParseList(Node first) {
    Node in = Of(Kind::kIn, Type::kTruth, first.at);
    in.children.push_back(std::move(first));
    Expect("[", "a list, as [a, b]");
    do {
      in.children.push_back(ParseSum());
    } while (Accept(","));
    Expect("]", "',' or ']'");
    Settle(in.children);
    return in;
  }

  Node ParseSum() {
    return ParseArithmetic(Kind::kSum, {{"+", Operator::kPlus}, {"-", Operator::kMinus}}, [this] {
      return ParseArithmetic(Kind::kProduct, {{"*", Operator::kTimes}, {"/", Operator::kOver}},
                             [this] { return ParseUnary(); });
    });
  }

  using Signs = std::pair<std::string_view, Operator>[2];
  template <class Part>
  Node ParseArithmetic(Kind kind, const Signs& signs, Part part) {
    Node first = part();
    if (!Here().Is(signs[0].first) && !Here().Is(signs[1].first)) return first;
    Node all = Of(kind, Type::kNumber, first.at);
    all.children.push_back(std::move(first));
    while (Here().Is(signs[0].first) || Here().Is(signs[1].first)) {
      const auto& [sign, how] = Here().Is(signs[0].first) ? signs[0] : signs[1];
      const std::string what = fmt::format("'{}' takes numbers,", sign);
      Require(all.children.back(), Type::kNumber, what);
      Take();
      all.operators.push_back(how);
      all.children.push_back(part());
      Require(all.children.back(), Type::kNumber, what);
    }
    return all;
  }

  Node ParseUnary() {
    const std::size_t at = Here().at;
    bool negative = false;
    bool any = false;
    while (Accept("-")) {
      negative = !negative;
      any = true;
    }
    Node node = ParsePrimary();
    if (any) Require(node, Type::kNumber, "'-' takes a number,");
    if (!negative) return node;
    Node minus = Of(Kind::kNegate, Type::kNumber, at);
    minus.children.push_back(std::move(node));
    return minus;
  }

  Node ParsePrimary() {
    const Token token = Take();
    switch (token.kind) {
      case Token::Kind::kNumber: {
        Node node = Of(Kind::kConstant, Type::kNumber, token.at);
        node.number = token.number;
        node.text = token.text;
        return node;
      }
      case Token::Kind::kQuoted: {
        Node node = Of(Kind::kConstant, Type::kText, token.at);
        node.text = token.text;
        return node;
      }
      case Token::Kind::kWord:
        return ParseWord(token);
      case Token::Kind::kSign:
        if (token.text == "(") {
          Node inside = ParseOr();
          Expect(")", "')'");
          // A word in parentheses is no text, so that (a) == b is not taken for two texts.
          if (inside.kind == Kind::kUnknown) FailUnknown(inside);
          return inside;
        }
        break;
      case Token::Kind::kEnd:
        break;
    }
    Fail(token.at, fmt::format("expected a value, got {}", token.Shown()));
  }

  Node ParseWord(const Token& token) {
    if (token.text == "true" || token.text == "false") {
      Node node = Of(Kind::kConstant, Type::kTruth, token.at);
      node.truth = token.text == "true";
      return node;
    }
    if (std::find(kKeywords.begin(), kKeywords.end(), token.text) != kKeywords.end()) {
      Fail(token.at, fmt::format("expected a value, got {}", token.Shown()));
    }
    const Word* word = expression::FindWord(token.text);
    const bool call = Here().Is("(");
    if (word == nullptr && call) {
      std::vector<std::string> functions;
      for (const Word& w : expression::Words()) {
        if (w.IsFunction()) functions.emplace_back(w.name);
      }
      const std::string hint = Suggestion(token.text, functions);
      Fail(token.at,
           fmt::format(
               "unknown function {}{}", Quoted(token.text),
               hint.empty() ? fmt::format("; known: {}", fmt::join(functions, ", ")) : hint));
    }
    if (word == nullptr || (word->IsFunction() && !call)) {
      if (word != nullptr && !MayBeText()) FailWithoutArguments(*word, token.at);
      Node node = Of(Kind::kUnknown, Type::kText, token.at);
      node.text = token.text;
      return node;
    }
    if (call && !word->IsFunction()) {
      Fail(token.at, fmt::format("'{}' is a name and takes no arguments", word->name));
    }
    Node node = Of(Kind::kWord, word->type, token.at);
    node.word = word;
    node.text = word->name;
    pixels_ = pixels_ || word->pixels;
    if (call) ParseArguments(node);
    return node;
  }

  // Behind == or != or inside a list: there a word like min is a class as any other.
  bool MayBeText() const {
    if (next_ < 2) return false;
    const Token& before = tokens_[next_ - 2];
    return before.Is("==") || before.Is("!=") || before.Is("[") || before.Is(",");
  }

  // ---- arguments --------------------------------------------------------------------------------

  void ParseArguments(Node& call) {
    using A = Word::Argument;
    const Word& word = *call.word;
    const bool endless = word.arguments[0] == A::kNumbers;
    Expect("(", "'('");
    if (!Here().Is(")")) {
      do {
        const std::size_t i = call.children.size();
        if (!endless && i == word.arguments.size()) FailCount(call);
        call.children.push_back(ParseArgument(word, word.arguments[endless ? 0 : i]));
      } while (Accept(","));
    }
    if (!Here().Is(")")) {
      Fail(Here().at, fmt::format("expected ',' or ')', got {}", Here().Shown()));
    }
    Take();
    if (call.children.size() < word.required) FailCount(call);
    for (const Node& argument : call.children) {
      if (argument.kind != Kind::kConstant) return;
    }
    call.text += "(";
    for (std::size_t i = 0; i < call.children.size(); ++i) {
      call.text += (i > 0 ? ", " : "") + call.children[i].text;
    }
    call.text += ")";
    const bool looked_up = word.name == "scalar" || word.name == "text";
    if (looked_up && call.children.size() == word.required) {
      needs_.push_back({word.name == "text", call.children[0].text});
    }
  }

  [[noreturn]] static void FailCount(const Node& call) {
    const Word& word = *call.word;
    const bool endless = word.arguments[0] == Word::Argument::kNumbers;
    const std::size_t most = word.arguments.size();
    const std::string wanted = endless ? "at least 2 arguments"
                               : word.required != most
                                   ? fmt::format("{} or {} arguments", word.required, most)
                               : most == 1 ? "1 argument"
                                           : fmt::format("{} arguments", most);
    Fail(call.at, fmt::format("'{}' takes {}: {}", word.name, wanted, word.usage));
  }

  Node ParseArgument(const Word& word, Word::Argument kind) {
    using A = Word::Argument;
    const std::size_t at = Here().at;
    const auto refuse = [&](std::string_view wanted) {
      Fail(at, fmt::format("{}: expected {}, got {}", word.usage, wanted, Here().Shown()));
    };
    if (kind == A::kText || kind == A::kNumber || kind == A::kNumbers) {
      if (++depth_ > kMaxDepth) Fail(at, fmt::format("nested deeper than {} levels", kMaxDepth));
      Node node = ParseSum();
      --depth_;
      Require(node, kind == A::kText ? Type::kText : Type::kNumber,
              fmt::format("{}: expected {},", word.usage, kind == A::kText ? "text" : "a number"));
      return node;
    }
    if (kind == A::kConstantText || kind == A::kExtreme) {
      const Token::Kind got = Here().kind;
      const bool extreme = Here().IsWord("min") || Here().IsWord("max");
      if (kind == A::kExtreme && !extreme) refuse("min or max");
      if (got != Token::Kind::kWord && got != Token::Kind::kQuoted && got != Token::Kind::kNumber) {
        refuse("a word, a number or quoted text");
      }
      Node node = Of(Kind::kConstant, Type::kText, at);
      node.text = Take().text;
      return node;
    }
    const bool negative = Accept("-");
    if (Here().kind != Token::Kind::kNumber) refuse("a number");
    Node node = Of(Kind::kConstant, Type::kNumber, at);
    const double value = Take().number;
    node.number = negative ? -value : value;
    node.text = fmt::format("{}", node.number);
    if (kind == A::kShare && (node.number < 0 || node.number > 1)) {
      Fail(at, fmt::format("{}: {} is outside [0, 1]", word.usage, node.text));
    }
    return node;
  }

  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  int depth_ = 0;
  bool pixels_ = false;
  std::vector<expression::Need> needs_;
};

}  // namespace

Result<Expression, std::string> Expression::Parse(std::string_view text) {
  try {
    Expression parsed;
    parsed.text_ = text;
    parsed.root_ = std::make_shared<const Node>(Parser(expression::Tokens(text)).Run());
    return parsed;
  } catch (const ParseError& error) {
    return fmt::format("at {}: {}", error.at, error.text);
  }
}

}  // namespace pixloom
