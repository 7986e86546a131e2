// SPDX-License-Identifier: Apache-2.0
// Operators: structs whose members are parameters and whose Draw says what to do.
//
// An operator declares
//   kName, kDoc                the verb and one sentence about it
//   Params()                   its parameter table (pipeline/schema.h)
//   kSupport                   which pixel types it works on; the rest is refused when compiled
//   kDeterminism               exact: same bits everywhere; per-isa: same bits per CPU class
//   Draw(Rng&, const Facts&)   const, returns one step type or Steps<...>: this is its class
// and, where it applies,
//   Out(const Meta&)           what it makes of size, depth and channels (geometry that resizes)
//   kNeedsPixels, kNeedsMasks  its Draw looks at pixels or masks (objects are always there)
//   Check()                    rules between parameters: "" or what is wrong
//   Use(const Services&)       what it wants injected (the jpeg operator: the codec)
//   kAliases                   peers' names, accepted with a notice
//   kFixed                     draws nothing but its ranges, so that with plain numbers it always
//                              does the same (resize): may stand in a cache
//
// Bound operators are immutable and shared by all threads.
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/contracts.h"
#include "pipeline/schema.h"
#include "pipeline/step.h"

namespace pixloom {

enum class Determinism { kExact, kPerIsa, kPerDevice };

std::string_view DeterminismName(Determinism d);

// Pixel types an operator accepts.
struct Support {
  bool u8 = true;
  bool u16 = true;
  bool f32 = true;
  bool one = true;    // 1 channel
  bool three = true;  // 3 channels
  bool four = true;   // 4 channels
  bool many = true;   // any other count

  constexpr bool Accepts(Depth depth, int channels) const {
    const bool depth_ok = depth == Depth::kU8 ? u8 : depth == Depth::kU16 ? u16 : f32;
    return depth_ok && (channels == 1 ? one : channels == 3 ? three : channels == 4 ? four : many);
  }
  std::string Text() const;
};

inline constexpr Support kAnyPixels{};
inline constexpr Support kColourPixels{.one = false, .many = false};

// What a draw may depend on: the sample as the steps before it leave it. Geometry that is still
// pending is already counted in size and labels.
struct Facts {
  Size size;
  Depth depth = Depth::kU8;
  int channels = 3;
  ValueRange range;
  const std::vector<Instance>* instances = nullptr;  // their bit masks: only with kNeedsMasks
  const std::map<std::string, SemanticMask>* masks = nullptr;  // set with kNeedsMasks
  const cv::Mat* pixels = nullptr;    // set when the operator declares kNeedsPixels
  const LabelNames* names = nullptr;  // of classes and keypoints; nullptr: the source has none
};

template <class T>
struct StepTraits;
#define PIXLOOM_STEP(TYPE, NAME)                    \
  template <>                                       \
  struct StepTraits<TYPE> {                         \
    static constexpr std::string_view kName = NAME; \
  }
PIXLOOM_STEP(AffineStep, "affine");
PIXLOOM_STEP(WarpField, "field");
PIXLOOM_STEP(Lut, "lut");
PIXLOOM_STEP(ColorMatrix, "color_matrix");
PIXLOOM_STEP(PixelStep, "pixel");
PIXLOOM_STEP(ImageStep, "image");
PIXLOOM_STEP(LabelStep, "label");
PIXLOOM_STEP(SampleStep, "sample");
#undef PIXLOOM_STEP

namespace detail {
template <class T>
struct StepList {  // a single step type
  static std::vector<std::string_view> Names() { return {StepTraits<T>::kName}; }
  static std::vector<Step> Wrap(T step) {
    std::vector<Step> steps;
    steps.push_back(std::move(step));
    return steps;
  }
};
template <class... S>
struct StepList<Steps<S...>> {
  static std::vector<std::string_view> Names() { return {StepTraits<S>::kName...}; }
  static std::vector<Step> Wrap(Steps<S...> steps) { return steps; }
};
template <class Op>
using DrawResult =
    decltype(std::declval<const Op&>().Draw(std::declval<Rng&>(), std::declval<const Facts&>()));
}  // namespace detail

template <class Op>
concept OperatorType = std::default_initializable<Op> && requires {
  { Op::kName } -> std::convertible_to<std::string_view>;
  { Op::kDoc } -> std::convertible_to<std::string_view>;
  { Op::kSupport } -> std::convertible_to<Support>;
  { Op::kDeterminism } -> std::convertible_to<Determinism>;
  Op::Params();
  detail::StepList<detail::DrawResult<Op>>::Names();
};

class Operator;

struct OpInfo : VerbInfo {
  std::vector<std::string> classes;  // names of the step types Draw may return
  Determinism determinism = Determinism::kExact;
  Support support;
  bool needs_pixels = false;
  bool needs_masks = false;
  bool fixed = false;  // draws nothing but its ranges
  std::function<std::shared_ptr<const Operator>(const Value& args, const Services& services,
                                                const std::string& where, Diagnostics&)>
      bind;

  bool Has(std::string_view step_class) const;
  // Moves pixels and labels; always applies to every field.
  bool IsGeometric() const;
};

// A bound operator.
class Operator {
 public:
  explicit Operator(const OpInfo& info) : info_(&info) {}
  virtual ~Operator() = default;

  const OpInfo& Info() const { return *info_; }
  virtual std::vector<Step> Draw(Rng& rng, const Facts& facts) const = 0;
  virtual Meta Out(const Meta& in) const = 0;
  virtual Value Arguments() const = 0;
  // Does the same whoever draws.
  virtual bool IsFixed() const = 0;

 private:
  const OpInfo* info_;
};

template <OperatorType Op>
class BoundOperator final : public Operator {
 public:
  BoundOperator(const OpInfo& info, Op op) : Operator(info), op_(std::move(op)) {}

  std::vector<Step> Draw(Rng& rng, const Facts& facts) const override {
    return detail::StepList<detail::DrawResult<Op>>::Wrap(op_.Draw(rng, facts));
  }
  Meta Out(const Meta& in) const override {
    if constexpr (requires {
                    { op_.Out(in) } -> std::same_as<Meta>;
                  })
      return op_.Out(in);
    else
      return in;
  }
  Value Arguments() const override { return DumpArguments(op_); }
  bool IsFixed() const override {
    bool fixed = Info().fixed;
    const auto look = [&](const auto& field) {
      if constexpr (std::is_same_v<std::decay_t<decltype(op_.*field.member)>, Range>) {
        const Range& range = op_.*field.member;
        fixed = fixed && range.choice.empty() && range.lo == range.hi;
      }
    };
    std::apply([&](const auto&... field) { (look(field), ...); }, Op::Params());
    return fixed;
  }

 private:
  Op op_;
};

template <OperatorType Op>
OpInfo DescribeOperator() {
  OpInfo info;
  static_cast<VerbInfo&>(info) = DescribeVerb<Op>();
  for (std::string_view name : detail::StepList<detail::DrawResult<Op>>::Names()) {
    info.classes.emplace_back(name);
  }
  info.determinism = Op::kDeterminism;
  info.support = Op::kSupport;
  if constexpr (requires { Op::kNeedsPixels; }) info.needs_pixels = Op::kNeedsPixels;
  if constexpr (requires { Op::kFixed; }) info.fixed = Op::kFixed;
  if constexpr (requires { Op::kNeedsMasks; }) info.needs_masks = Op::kNeedsMasks;
  return info;
}

}  // namespace pixloom
