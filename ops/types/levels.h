// SPDX-License-Identifier: Apache-2.0
// Levels of one pixel type as levels of another. Pure functions.
#pragma once

#include <array>
#include <utility>

#include <opencv2/core.hpp>

#include "ops/common.h"

namespace pixloom {

template <>
struct EnumNames<Depth> {
  static constexpr std::array kAll{std::pair{Depth::kU8, "uint8"}, std::pair{Depth::kU16, "uint16"},
                                   std::pair{Depth::kF32, "float32"}};
};

// Levels of black and of full scale: 0 and 255, 0 and 65535, or the declared range.
inline ValueRange LevelsOf(Depth depth, ValueRange declared) {
  if (depth == Depth::kF32) return declared;
  return {0, depth == Depth::kU8 ? 255.0F : 65535.0F};
}

// v * gain + offset in float32 (two roundings), then rounded half up and saturated on integers.
cv::Mat MapLevels(const cv::Mat& in, Depth to, double gain, double offset);

}  // namespace pixloom
