// SPDX-License-Identifier: Apache-2.0
// Steps that several colour operators share: contrast, saturation, hue. Pure functions; the steps
// are immutable.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "ops/common.h"
#include "ops/kernels/hsv_rows.h"

namespace pixloom {

enum class ContrastCenter { kZero, kMiddle, kMean };

template <>
struct EnumNames<ContrastCenter> {
  static constexpr std::array kAll{std::pair{ContrastCenter::kZero, "zero"},
                                   std::pair{ContrastCenter::kMiddle, "middle"},
                                   std::pair{ContrastCenter::kMean, "mean"}};
};

inline constexpr std::string_view kContrastCenterDoc =
    "The level that contrast leaves alone: black, middle gray, or the picture's mean gray.";

// Distances from the mean gray are multiplied by `factor`.
inline PixelStep MeanContrastStep(double factor) {
  return MakeGainStep(factor, [factor](double mean) { return (1 - factor) * mean; });
}

// Distances from each pixel's BT.601 luma are multiplied by `factor`.
inline ColorMatrix SaturationMatrix(double factor) {
  constexpr std::array kLuma{0.299, 0.587, 0.114};
  ColorMatrix matrix;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      matrix.m[row * 4 + column] = (1 - factor) * kLuma[column] + (row == column ? factor : 0);
    }
  }
  return matrix;
}

// Hue turned by `turns` of the colour wheel.
inline PixelStep TurnHueStep(double turns) { return {TurnHueKernel(turns)}; }

// Hue turned; `saturation` and `value` added in unit scale. Gray stays gray.
inline PixelStep ShiftHsvStep(double turns, double saturation, double value) {
  return {ShiftHsvKernel(turns, saturation, value)};
}

}  // namespace pixloom
