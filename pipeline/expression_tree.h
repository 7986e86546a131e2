// SPDX-License-Identifier: Apache-2.0
// The tree of an expression, and the names and functions that may stand in one. For the parser and
// the evaluation; everyone else uses pipeline/expression.h. Values and immutable tables.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/expression.h"

namespace pixloom::expression {

enum class Type { kNumber, kText, kTruth };

using Node = Expression::Node;

// One name or function. Exactly one of the functions is set, as `type` says; it gets the node of
// the call, whose children are the arguments.
struct Word {
  // What an argument may be. Only expressions are evaluated; everything else is fixed when parsed.
  enum class Argument {
    kText,            // an expression
    kNumber,          // an expression
    kNumbers,         // two or more of them
    kConstantText,    // a word, a number or quoted text
    kConstantNumber,  // a number
    kShare,           // a number in [0, 1]
    kExtreme,         // min or max
  };

  std::string_view name;
  std::string_view usage;  // as in a message: "count(CLASS)"; "" for a name
  Type type = Type::kNumber;
  double (*number)(SampleFacts&, const Node&) = nullptr;
  std::string (*text)(SampleFacts&, const Node&) = nullptr;
  bool (*truth)(SampleFacts&, const Node&) = nullptr;
  std::vector<Argument> arguments{};
  std::size_t required = 0;  // of them; the rest has defaults
  bool pixels = false;       // measures pixels
  bool seen = true;          // goes into the recipe

  bool IsFunction() const { return !usage.empty(); }
};

const std::vector<Word>& Words();
const Word* FindWord(std::string_view name);

// What is asked of every sample, whatever the rest of the expression comes to.
struct Need {
  bool text = false;  // a text, or else a scalar
  std::string name;
};

// Evaluation of a node of that type.
double NumberOf(const Node& node, SampleFacts& facts);
std::string TextOf(const Node& node, SampleFacts& facts);
bool TruthOf(const Node& node, SampleFacts& facts);

// Whole of `text` is like `pattern`: * is any text, ? any one character.
bool IsLike(std::string_view text, std::string_view pattern);

}  // namespace pixloom::expression

namespace pixloom {

struct Expression::Node {
  enum class Kind {
    kConstant,
    kWord,     // a name or function; children are its arguments
    kUnknown,  // a word that becomes text where text is compared; only while parsing
    kNegate,
    kSum,      // operators: "+-", one per child
    kProduct,  // operators: "*/", one per child
    kCompare,  // operators: one between two children
    kIn,       // the first child among the others
    kNot,
    kAnd,
    kOr,
  };
  enum class Operator {
    kPlus,
    kMinus,
    kTimes,
    kOver,
    kLess,
    kAtMost,
    kMore,
    kAtLeast,
    kIs,
    kIsNot
  };

  Kind kind = Kind::kConstant;
  expression::Type type = expression::Type::kNumber;
  std::size_t at = 0;  // of its first character, from 1
  double number = 0;   // kConstant
  bool truth = false;  // kConstant
  std::string text;    // kConstant: also of a number, as written; kWord: as it is recorded
  const expression::Word* word = nullptr;  // kWord
  std::vector<Node> children;
  std::vector<Operator> operators;

  // Of the whole tree; set at the root.
  bool pixels = false;
  std::vector<expression::Need> needs;
};

}  // namespace pixloom
