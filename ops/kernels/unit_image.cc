// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/unit_image.h"

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ops/kernels/pixel_math.h"

namespace pixloom {
namespace {

// Calls fn(const float* pixel) for every pixel and keeps what it returns.
template <class Fn>
cv::Mat PixelsToPlane(const cv::Mat& unit, Fn fn) {
  cv::Mat plane(unit.size(), CV_32FC1);
  const int channels = unit.channels();
  for (int y = 0; y < unit.rows; ++y) {
    const float* in = unit.ptr<float>(y);
    float* out = plane.ptr<float>(y);
    for (int x = 0; x < unit.cols; ++x, in += channels) out[x] = fn(in);
  }
  return plane;
}

}  // namespace

cv::Mat ToUnit(const cv::Mat& pixels, ValueRange range) {
  cv::Mat unit(pixels.size(), CV_MAKETYPE(CV_32F, pixels.channels()));
  const int count = pixels.cols * pixels.channels();
  WithDepth(pixels, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < pixels.rows; ++y) {
      const T* in = pixels.ptr<T>(y);
      float* out = unit.ptr<float>(y);
      if constexpr (std::is_integral_v<T>) {
        constexpr auto kMax = static_cast<float>(kLevels<T>);
        for (int i = 0; i < count; ++i) out[i] = static_cast<float>(in[i]) / kMax;
      } else {
        const float width = range.hi - range.lo;
        for (int i = 0; i < count; ++i) out[i] = (in[i] - range.lo) / width;
      }
    }
  });
  return unit;
}

cv::Mat FromUnit(const cv::Mat& unit, const cv::Mat& like, ValueRange range) {
  cv::Mat pixels(like.size(), like.type());
  const int count = like.cols * like.channels();
  WithDepth(like, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < pixels.rows; ++y) {
      const float* in = unit.ptr<float>(y);
      T* out = pixels.ptr<T>(y);
      if constexpr (std::is_integral_v<T>) {
        constexpr auto kMax = static_cast<float>(kLevels<T>);
        for (int i = 0; i < count; ++i) out[i] = RoundTo<T>(in[i] * kMax);
      } else {
        const float width = range.hi - range.lo;
        for (int i = 0; i < count; ++i) out[i] = range.lo + width * in[i];
      }
    }
  });
  return pixels;
}

std::vector<cv::Mat> ColourPlanes(const cv::Mat& unit) {
  std::vector<cv::Mat> planes;
  cv::split(unit, planes);
  planes.resize(static_cast<std::size_t>(ColourCount(unit.channels())));
  return planes;
}

void PutColourPlanes(const std::vector<cv::Mat>& planes, cv::Mat& unit) {
  for (std::size_t c = 0; c < planes.size(); ++c) {
    cv::insertChannel(planes[c], unit, static_cast<int>(c));
  }
}

cv::Mat UnitLuma(const cv::Mat& unit) {
  const int channels = unit.channels();
  if (channels == 1) return unit;
  if (channels == 3 || channels == 4) {
    return PixelsToPlane(
        unit, [](const float* v) { return 0.299F * v[0] + 0.587F * v[1] + 0.114F * v[2]; });
  }
  return PixelsToPlane(unit, [channels](const float* v) {
    float sum = 0;
    for (int c = 0; c < channels; ++c) sum += v[c];
    return sum / static_cast<float>(channels);
  });
}

cv::Mat LeastColour(const cv::Mat& unit) {
  return PixelsToPlane(unit, [n = ColourCount(unit.channels())](const float* v) {
    float least = v[0];
    for (int c = 1; c < n; ++c) least = std::min(least, v[c]);
    return least;
  });
}

cv::Mat LargestColour(const cv::Mat& unit) {
  return PixelsToPlane(unit, [n = ColourCount(unit.channels())](const float* v) {
    float largest = v[0];
    for (int c = 1; c < n; ++c) largest = std::max(largest, v[c]);
    return largest;
  });
}

cv::Mat Clamped(const cv::Mat& unit) {
  cv::Mat out(unit.size(), unit.type());
  const int count = unit.cols * unit.channels();
  for (int y = 0; y < unit.rows; ++y) {
    const float* in = unit.ptr<float>(y);
    float* to = out.ptr<float>(y);
    for (int i = 0; i < count; ++i) to[i] = std::min(std::max(in[i], 0.0F), 1.0F);
  }
  return out;
}

}  // namespace pixloom
