// SPDX-License-Identifier: Apache-2.0
// Pictures walked together with noise that is a pure function of stream and position. Pure
// functions.
//
// Number i of a stream is word i % 4 of block i / 4. A pixel's numbers follow from its index in the
// whole picture, y * width + x, so neither threads nor the order of rows or frames can show. To
// work on a tile alone one would need its origin and the width of the whole picture.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <opencv2/core.hpp>

#include "ops/kernels/noise_kernel.h"
#include "ops/kernels/pixel_math.h"
#include "pipeline/rng.h"
#include "pipeline/sample.h"

namespace pixloom {

// Calls use(x, y, pixels, noise) for runs of pixels of every row; noise[i * each + k] is number
// (y * width + x + i) * each + k of what fill(first_block, out, count) writes.
template <class N, class Fill, class Use>
void WalkNoise(cv::Size size, int each, Fill fill, Use use) {
  constexpr std::size_t kChunk = 2048;  // stays in the first-level cache
  const auto per_pixel = static_cast<std::size_t>(each);
  PIXLOOM_CHECK(per_pixel >= 1 && per_pixel <= kChunk, "more numbers per pixel than a chunk holds");
  alignas(64) std::array<N, kChunk + kNormalPadding + 4> noise;
  const auto width = static_cast<std::size_t>(size.width);
  const std::size_t at_once = kChunk / per_pixel;
  for (int y = 0; y < size.height; ++y) {
    for (std::size_t x = 0; x < width; x += at_once) {
      const std::size_t pixels = std::min(at_once, width - x);
      const std::uint64_t first = (static_cast<std::uint64_t>(y) * width + x) * per_pixel;
      const std::size_t skipped = first % 4;
      fill(static_cast<std::uint32_t>(first / 4), noise.data(), skipped + pixels * per_pixel);
      use(static_cast<int>(x), y, pixels, noise.data() + skipped);
    }
  }
}

// Channels that noise touches: alpha, the fourth of four, stays.
inline int NoisyChannels(const cv::Mat& image) {
  return image.channels() == 4 ? 3 : image.channels();
}

// The level of black, and the distance to white, in levels.
inline float BlackLevel(const cv::Mat& image, ValueRange range) {
  return image.depth() == CV_32F ? range.lo : 0.0F;
}
inline float SpanLevels(const cv::Mat& image, ValueRange range) {
  if (image.depth() == CV_32F) return range.hi - range.lo;
  return static_cast<float>(image.depth() == CV_8U ? kLevels<std::uint8_t>
                                                   : kLevels<std::uint16_t>);
}

// Every value v becomes change(v, number), rounded half up and saturated on integers; one number
// per value, or with `per_channel` false one per pixel.
template <class Fill, class Change>
void ChangeByNoise(cv::Mat& image, bool per_channel, Fill fill, Change change) {
  const int channels = image.channels();
  const int touched = NoisyChannels(image);
  WithDepth(image, [&](auto zero) {
    using T = decltype(zero);
    WalkNoise<float>(image.size(), per_channel ? channels : 1, fill,
                     [&](int x, int y, std::size_t pixels, const float* noise) {
                       T* values = image.ptr<T>(y) + static_cast<std::ptrdiff_t>(x) * channels;
                       const auto next = [&](T& value, float number) {
                         value = RoundTo<T>(change(static_cast<float>(value), number));
                       };
                       if (touched == channels && (per_channel || channels == 1)) {
                         const std::size_t count = pixels * static_cast<std::size_t>(channels);
                         for (std::size_t i = 0; i < count; ++i) next(values[i], noise[i]);
                         return;
                       }
                       for (std::size_t i = 0; i < pixels; ++i, values += channels) {
                         for (int c = 0; c < touched; ++c)
                           next(values[c], noise[per_channel ? c : 0]);
                         noise += per_channel ? channels : 1;
                       }
                     });
  });
}

}  // namespace pixloom
