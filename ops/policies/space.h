// SPDX-License-Identifier: Apache-2.0
// The operations that the published policies choose from, and how strong each is in every bin of
// its scale, as steps of the graph language. Names, scales and signs are those of torchvision.
//
// A policy is written as text, so that what it is made of can be read, changed and drawn again.
// Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ops/common.h"
#include "pipeline/config.h"

namespace pixloom {

enum class PolicyOp {
  kIdentity,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
  kRotate,
  kBrightness,
  kColor,
  kContrast,
  kSharpness,
  kPosterize,
  kSolarize,
  kAutoContrast,
  kEqualize,
  kInvert
};

// RandAugment, TrivialAugment and AugMix choose among these, in this order.
inline constexpr std::array kGeometricOps{PolicyOp::kShearX, PolicyOp::kShearY,
                                          PolicyOp::kTranslateX, PolicyOp::kTranslateY,
                                          PolicyOp::kRotate};
inline constexpr std::array kEnhancingOps{PolicyOp::kBrightness, PolicyOp::kColor,
                                          PolicyOp::kContrast, PolicyOp::kSharpness};
inline constexpr std::array kLevelOps{PolicyOp::kPosterize, PolicyOp::kSolarize,
                                      PolicyOp::kAutoContrast, PolicyOp::kEqualize};

// The largest magnitude of each scale.
struct PolicyScale {
  double shear = 0.3;              // tangent of the slant
  double translate = 150.0 / 331;  // of the side, or px
  bool translate_px = false;
  double rotate = 30;    // degrees
  double enhance = 0.9;  // factors reach from 1 - enhance to 1 + enhance
  int bits = 8;          // posterize keeps as many in bin 0
  int bits_lost = 4;     // and that many fewer in the last
};

// RandAugment and AutoAugment.
inline constexpr PolicyScale kRandScale{};
// TrivialAugment.
inline constexpr PolicyScale kWideScale{.shear = 0.99,
                                        .translate = 32,
                                        .translate_px = true,
                                        .rotate = 135,
                                        .enhance = 0.99,
                                        .bits_lost = 6};
inline constexpr PolicyScale kMixScale{.translate = 1.0 / 3, .bits = 4};

// One scale cut into bins; bin 0 is the weakest.
class PolicySpace {
 public:
  // `warp`: further arguments of geometric steps (WarpText).
  PolicySpace(PolicyScale scale, std::int64_t bins, std::string warp)
      : scale_(scale), last_(bins - 1), warp_(std::move(warp)) {}

  // "rotate: {angle: {choice: [-9, 9]}}": of the magnitudes of the bins from `first` on, each as
  // likely as the others, of either sign where the operation has one.
  std::string Step(PolicyOp op, std::int64_t first, std::int64_t count = 1) const;

 private:
  template <class Value>
  std::string Choice(std::int64_t first, std::int64_t count, bool is_signed, Value value) const;

  PolicyScale scale_;
  std::int64_t last_;
  std::string warp_;
};

// The 14 operations of RandAugment and TrivialAugment.
std::vector<std::string> AllSteps(const PolicySpace& space, std::int64_t first, std::int64_t count);

// Steps as a YAML list at this indentation, one line each.
std::string StepList(const std::vector<std::string>& steps, int indent = 0);

// How geometric steps of the policy resample and what they uncover, where it differs from the
// operators' defaults: ", interpolation: nearest, fill: [128]".
template <class Policy>
std::string WarpText(const Policy& policy) {
  const Policy plain{};
  std::string text;
  const auto add = [&](const auto& field) {
    const std::string value = ToYaml(DefaultOrCurrent(policy, field));
    if (value == ToYaml(DefaultOrCurrent(plain, field))) return;
    text += ", " + std::string(field.name) + ": " + value.substr(0, value.find('\n'));
  };
  std::apply([&](const auto&... field) { (add(field), ...); }, Warped::Table<Policy>());
  return text;
}

}  // namespace pixloom
