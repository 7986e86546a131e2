// SPDX-License-Identifier: Apache-2.0
// Small rules every pixel loop shares: rounding, fills, borders. Pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/error.h"
#include "pipeline/step.h"

namespace pixloom {

// Integers: round half up and saturate (NaN gives 0). Floats: as they are.
template <class T, class V>
T RoundTo(V value) {
  if constexpr (std::is_floating_point_v<T> || std::is_same_v<T, V>) {
    return static_cast<T>(value);
  } else {
    static_assert(std::is_floating_point_v<V>);
    constexpr V kMax = std::numeric_limits<T>::max();
    value = value > V{0} ? value : V{0};
    value = value < kMax ? value : kMax;
    return static_cast<T>(static_cast<std::int32_t>(value + V{0.5}));
  }
}

// Levels of full scale: what 1.0 in unit scale is on an integer image.
template <class T>
inline constexpr double kLevels = std::numeric_limits<T>::max();
template <>
inline constexpr double kLevels<float> = 1.0;

// Positions farther out than any picture; keeps them convertible to int. NaN goes there, too.
inline constexpr double kFarAway = 1e9;

inline double ClampFar(double v) {
  v = v > -kFarAway ? v : -kFarAway;
  return v < kFarAway ? v : kFarAway;
}

// Keeps a coordinate that is a pixel edge but for rounding noise on the right side of it.
inline constexpr double kNearestSlack = 1e-9;

// The pixel that contains a coordinate.
inline int NearestIndex(double coordinate) {
  return static_cast<int>(std::floor(ClampFar(coordinate) + kNearestSlack));
}

// Where pixel `i` of an axis of `n` pixels is read from; -1 means the fill. Any distance outside.
inline int BorderIndex(int i, int n, Border mode) {
  if (i >= 0 && i < n) return i;
  const auto wrap = [](std::int64_t a, std::int64_t period) {
    const std::int64_t r = a % period;
    return r < 0 ? r + period : r;
  };
  switch (mode) {
    case Border::kConstant:
      return -1;
    case Border::kReplicate:
      return i < 0 ? 0 : n - 1;
    case Border::kWrap:
      return static_cast<int>(wrap(i, n));
    case Border::kReflect: {  // dcba|abcd|dcba
      const std::int64_t r = wrap(i, std::int64_t{2} * n);
      return static_cast<int>(r < n ? r : 2 * std::int64_t{n} - 1 - r);
    }
    case Border::kReflect101: {  // dcb|abcd|cba
      if (n == 1) return 0;
      const std::int64_t r = wrap(i, std::int64_t{2} * n - 2);
      return static_cast<int>(r < n ? r : 2 * std::int64_t{n} - 2 - r);
    }
  }
  return -1;
}

// The fill as one pixel.
template <class T>
std::vector<T> FillPixel(const std::array<double, 4>& fill, int channels) {
  std::vector<T> pixel(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < pixel.size(); ++c) {
    pixel[c] = RoundTo<T>(fill[std::min<std::size_t>(c, fill.size() - 1)]);
  }
  return pixel;
}

// Calls fn(T{}) with the element type of `pixels`.
template <class Fn>
decltype(auto) WithDepth(const cv::Mat& pixels, Fn&& fn) {
  switch (pixels.depth()) {
    case CV_8U:
      return fn(std::uint8_t{});
    case CV_16U:
      return fn(std::uint16_t{});
    case CV_32F:
      return fn(float{});
    default:
      PIXLOOM_CHECK(false, "pixels are uint8, uint16 or float32");
  }
}

}  // namespace pixloom
