// SPDX-License-Identifier: Apache-2.0
// Chains, recipes and pictures put together by hand, for tests.
#pragma once

#include <cmath>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/reference/interpreter.h"

namespace pixloom::reference {

// An operator that has a name and arguments and cannot draw: the reference never asks it to.
class NamedOperator final : public Operator {
 public:
  NamedOperator(std::shared_ptr<OpInfo> info, Value arguments)
      : Operator(*info), info_(std::move(info)), arguments_(std::move(arguments)) {}

  std::vector<Step> Draw(Rng&, const Facts&) const override {
    PIXLOOM_CHECK(false, "the reference draws nothing");
  }
  Meta Out(const Meta& in) const override { return in; }
  Value Arguments() const override { return arguments_; }
  bool IsFixed() const override { return false; }

 private:
  std::shared_ptr<OpInfo> info_;  // the base refers to it
  Value arguments_;
};

using ArgList = std::vector<std::pair<std::string, Value>>;

inline Value Num(double v) {
  return v == std::floor(v) ? Value::Int(static_cast<std::int64_t>(v)) : Value::Float(v);
}
inline Value Pair(double a, double b) { return Value::List({Num(a), Num(b)}); }
inline Value Word(const char* text) { return Value::String(text, {}); }

inline ChainStep OpStep(const std::string& verb, const ArgList& arguments = {}, double p = 1) {
  auto info = std::make_shared<OpInfo>();
  info->name = verb;
  std::vector<Value::Entry> entries;
  for (const auto& [name, value] : arguments) entries.push_back({name, {}, value});
  ChainStep step;
  step.op = std::make_shared<NamedOperator>(info, Value::Map(std::move(entries)));
  step.stream = std::make_shared<const std::string>("look/" + verb);
  step.stream_id = StreamId(*step.stream);
  step.p = p;
  return step;
}

inline ChainStep Group(ChainStep::Kind kind, const std::string& verb,
                       std::vector<ChainStep> children, double p = 1) {
  ChainStep step;
  step.kind = kind;
  step.stream = std::make_shared<const std::string>("look/" + verb);
  step.stream_id = StreamId(*step.stream);
  step.children = std::move(children);
  step.p = p;
  return step;
}

using DrawList = std::vector<std::pair<std::string, double>>;

inline RecipeEntry Entry(const std::string& verb, DrawList draws = {}, bool applied = true) {
  return {std::make_shared<const std::string>("look/" + verb), applied, std::move(draws)};
}

// The draws of `affine` in order; what is not asked for leaves the picture as it is.
struct AffineDraws {
  double scale_x = 1, scale_y = 1, translate_x = 0, translate_y = 0, rotate = 0;
  RecipeEntry Entry() const {
    return reference::Entry("affine", {{"scale_x", scale_x},
                                       {"scale_y", scale_y},
                                       {"translate_x", translate_x},
                                       {"translate_y", translate_y},
                                       {"rotate", rotate},
                                       {"shear_x", 0},
                                       {"shear_y", 0}});
  }
};

// An affine step whose ranges hold everything the tests draw.
inline ChainStep AffineStepOf(ArgList more = {}) {
  more.push_back({"scale", Pair(0.01, 100)});
  more.push_back({"translate_x", Pair(-1, 1)});
  more.push_back({"translate_y", Pair(-1, 1)});
  more.push_back({"rotate", Pair(-180, 180)});
  return OpStep("affine", more);
}

// One channel of bytes, row by row.
inline cv::Mat Bytes(int rows, int cols, std::initializer_list<int> values) {
  cv::Mat m(rows, cols, CV_8UC1);
  auto next = values.begin();
  for (int i = 0; i < rows * cols; ++i) {
    m.at<std::uint8_t>(i / cols, i % cols) = static_cast<std::uint8_t>(*next++);
  }
  return m;
}

inline Sample SampleOf(const cv::Mat& image) {
  Sample sample;
  sample.identity.id = 7;
  sample.images.emplace_back("image", ImageField::Of(image));
  return sample;
}

inline Outcome Replay(const std::vector<ChainStep>& steps, Sample sample,
                      const std::vector<RecipeEntry>& entries, const Context& context = {}) {
  Interpreter interpreter(std::move(sample), entries, context);
  interpreter.RunChain(steps);
  return interpreter.Finish();
}

}  // namespace pixloom::reference
