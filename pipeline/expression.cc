// SPDX-License-Identifier: Apache-2.0
#include "pipeline/expression.h"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/expression_tree.h"
#include "pipeline/measure.h"
#include "pipeline/value.h"

namespace pixloom {

SampleFacts::SampleFacts(const Sample& sample) : sample_(sample) {}
SampleFacts::~SampleFacts() = default;

Measurements& SampleFacts::Measured() {
  if (measured_ == nullptr) {
    const ImageField& field = sample_.images.at(0).second;
    measured_ = std::make_unique<Measurements>(field.frames.at(0).pixels, field.range);
  }
  return *measured_;
}

namespace expression {

namespace {

using Kind = Expression::Node::Kind;
using Operator = Expression::Node::Operator;

template <class V>
bool Compare(const V& a, Operator how, const V& b) {
  if (how == Operator::kIs) return a == b;
  if (how == Operator::kIsNot) return a != b;
  if constexpr (std::is_same_v<V, double>) {
    if (how == Operator::kLess) return a < b;
    if (how == Operator::kAtMost) return a <= b;
    if (how == Operator::kMore) return a > b;
    if (how == Operator::kAtLeast) return a >= b;
  }
  PIXLOOM_CHECK(false, "only numbers have an order");
}

// Each neighbouring pair; what stands right of the first that fails is not looked at.
template <class V, class Evaluate>
bool CompareAll(const Node& node, Evaluate evaluate) {
  V left = evaluate(node.children[0]);
  for (std::size_t i = 0; i < node.operators.size(); ++i) {
    V right = evaluate(node.children[i + 1]);
    if (!Compare(left, node.operators[i], right)) return false;
    left = std::move(right);
  }
  return true;
}

template <class V, class Evaluate>
bool IsAmong(const Node& node, Evaluate evaluate) {
  const V value = evaluate(node.children[0]);
  return std::any_of(node.children.begin() + 1, node.children.end(),
                     [&](const Node& item) { return evaluate(item) == value; });
}

bool TruthOfPair(const Node& node, SampleFacts& facts) {
  const auto number = [&](const Node& n) { return NumberOf(n, facts); };
  const auto text = [&](const Node& n) { return TextOf(n, facts); };
  const auto truth = [&](const Node& n) { return TruthOf(n, facts); };
  const bool among = node.kind == Kind::kIn;
  switch (node.children[0].type) {
    case Type::kNumber:
      return among ? IsAmong<double>(node, number) : CompareAll<double>(node, number);
    case Type::kText:
      return among ? IsAmong<std::string>(node, text) : CompareAll<std::string>(node, text);
    case Type::kTruth:
      break;
  }
  return among ? IsAmong<bool>(node, truth) : CompareAll<bool>(node, truth);
}

}  // namespace

double NumberOf(const Node& node, SampleFacts& facts) {
  switch (node.kind) {
    case Kind::kConstant:
      return node.number;
    case Kind::kWord:
      if (!node.word->seen) return node.word->number(facts, node);
      return facts.Number(node.text, [&] { return node.word->number(facts, node); });
    case Kind::kNegate:
      return -NumberOf(node.children[0], facts);
    case Kind::kSum:
    case Kind::kProduct: {
      double value = NumberOf(node.children[0], facts);
      for (std::size_t i = 1; i < node.children.size(); ++i) {
        const double next = NumberOf(node.children[i], facts);
        switch (node.operators[i - 1]) {
          case Operator::kPlus:
            value += next;
            break;
          case Operator::kMinus:
            value -= next;
            break;
          case Operator::kTimes:
            value *= next;
            break;
          default:
            value /= next;
            break;
        }
      }
      return value;
    }
    default:
      PIXLOOM_CHECK(false, "this expression is no number");
  }
}

std::string TextOf(const Node& node, SampleFacts& facts) {
  return node.kind == Kind::kWord ? node.word->text(facts, node) : node.text;
}

bool TruthOf(const Node& node, SampleFacts& facts) {
  const auto holds = [&](const Node& child) { return TruthOf(child, facts); };
  switch (node.kind) {
    case Kind::kConstant:
      return node.truth;
    case Kind::kWord:
      if (!node.word->seen) return node.word->truth(facts, node);
      return facts.Number(node.text, [&] { return node.word->truth(facts, node) ? 1.0 : 0.0; }) > 0;
    case Kind::kNot:
      return !TruthOf(node.children[0], facts);
    case Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), holds);
    case Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), holds);
    case Kind::kCompare:
    case Kind::kIn:
      return TruthOfPair(node, facts);
    default:
      PIXLOOM_CHECK(false, "this expression is no condition");
  }
}

}  // namespace expression

bool Expression::NeedsPixels() const { return root_->pixels; }

std::optional<DataError> Expression::Lacks(const Sample& sample) const {
  if (sample.images.empty() || sample.images[0].second.frames.empty()) {
    return DataError{"SMP-EMPTY", "sample has no picture", "", ""};
  }
  if (NeedsPixels() && sample.images[0].second.frames[0].Planar()) {
    return DataError{"OP-TYPE", fmt::format("{} measures a planar picture", Quoted(text_)),
                     "change the layout last", ""};
  }
  for (const expression::Need& need : root_->needs) {
    const bool there = need.text ? sample.text.contains(need.name)  //
                                 : sample.scalars.contains(need.name);
    if (there) continue;
    const std::string_view kind = need.text ? "text" : "scalar";
    return DataError{
        "SMP-MISSING",
        fmt::format("sample has no {} {} for {}", kind, Quoted(need.name), Quoted(text_)),
        fmt::format("write what stands for it where it is missing: {}({}, {})", kind, need.name,
                    need.text ? "''" : "0"),
        ""};
  }
  return std::nullopt;
}

bool Expression::Holds(SampleFacts& facts) const { return expression::TruthOf(*root_, facts); }

bool Expression::Holds(const Sample& sample,
                       std::vector<std::pair<std::string, double>>* seen) const {
  SampleFacts facts(sample);
  const bool holds = Holds(facts);
  if (seen != nullptr) seen->insert(seen->end(), facts.Seen().begin(), facts.Seen().end());
  return holds;
}

}  // namespace pixloom
