// SPDX-License-Identifier: Apache-2.0
// What operators of weather share. Lengths are fractions of the picture's longer side, so that
// weather looks the same on a thumbnail as on the photo it was made of. Pure functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ops/common.h"
#include "ops/kernels/soft_field.h"
#include "pipeline/rng.h"

namespace pixloom {

inline constexpr std::string_view kLength = "of the longer side";

inline int LongerSide(const cv::Mat& picture) { return std::max(picture.cols, picture.rows); }

inline Size SizeOf(const cv::Mat& picture) { return {picture.cols, picture.rows}; }

// Words of a block as numbers in [0, 1).
inline double UnitOf(std::uint32_t word) { return word * 0x1p-32; }

inline double Between(double lo, double hi, std::uint32_t word) {
  return lo + (hi - lo) * UnitOf(word);
}

inline int WholeOf(double value) { return static_cast<int>(std::floor(value + 0.5)); }

// 0 up to `from`, 1 beyond `to`, smooth between.
inline float SmoothStep(float from, float to, float value) {
  const float t = std::clamp((value - from) / (to - from), 0.0F, 1.0F);
  return t * t * (3 - 2 * t);
}

// How a colour is given.
template <class Op>
constexpr auto ColourParam(std::string_view name, std::vector<double> Op::*member,
                           std::string_view doc) {
  return Param(name, member).In(0, 1).Unit("full scale").Doc(doc);
}

// The part of the picture something may stand in: a base class, whose table follows the operator's
// own parameters.
struct Roi {
  double x_min = 0;
  double y_min = 0;
  double x_max = 1;
  double y_max = 1;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, double>("x_min", &Op::x_min).In(0, 1).Unit("of the width").Doc("Left border."),
        Param<Op, double>("y_min", &Op::y_min).In(0, 1).Unit("of the height").Doc("Top border."),
        Param<Op, double>("x_max", &Op::x_max).In(0, 1).Unit("of the width").Doc("Right border."),
        Param<Op, double>("y_max", &Op::y_max)
            .In(0, 1)
            .Unit("of the height")
            .Doc("Bottom border.")};
  }

  std::string Check() const {
    if (x_min > x_max) return "x_min: lies right of x_max; take a smaller one";
    if (y_min > y_max) return "y_min: lies below y_max; take a smaller one";
    return "";
  }

  // The place two words choose, in px.
  Point Place(Size picture, std::uint32_t across, std::uint32_t down) const {
    return {Between(x_min, x_max, across) * picture.width,
            Between(y_min, y_max, down) * picture.height};
  }
};

}  // namespace pixloom
