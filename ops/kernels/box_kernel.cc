// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/box_kernel.h"

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "ops/kernels/blur_kernel.h"
#include "ops/kernels/pixel_math.h"

namespace pixloom {
namespace {

using Sum = std::uint32_t;  // 255 * 255 values of 16 bits fit

// sums[x] = ends of windows that slide along `wide`; C channels, 0: `channels` of them.
template <int C>
void SlideAlong(const Sum* wide, int side, int pixels, int channels, std::vector<Sum>& window,
                Sum* sums) {
  const int count = C > 0 ? C : channels;
  Sum fixed[C > 0 ? C : 1] = {};
  Sum* sum = fixed;
  if constexpr (C == 0) {
    window.assign(static_cast<std::size_t>(channels), 0);
    sum = window.data();
  }
  for (int i = 0; i < (side - 1) * count; i += count) {
    for (int c = 0; c < count; ++c) sum[c] += wide[i + c];
  }
  const Sum* enters = wide + std::ptrdiff_t{side - 1} * count;
  for (int x = 0; x < pixels; ++x) {
    for (int c = 0; c < count; ++c) {
      sum[c] += enters[c];
      sums[c] = sum[c];
      sum[c] -= wide[c];
    }
    enters += count;
    wide += count;
    sums += count;
  }
}

// sums / area. The area is odd, so no quotient is a half, and the next one is at least 1 / (2 area)
// away: less than what Real is off by as long as the caller keeps to kFloatSide.
constexpr int kFloatSide = 89;

template <class Real, class T>
void Divide(const Sum* sums, std::size_t count, Sum area, T* out) {
  const Real inverse = Real{1} / static_cast<Real>(area);
  const Real half = static_cast<Real>(area / 2) + Real{0.5};
  for (std::size_t i = 0; i < count; ++i) {
    // The sum of bytes over a small area is a positive int, which converts fast.
    const Real sum = std::is_same_v<Real, float>
                         ? static_cast<Real>(static_cast<std::int32_t>(sums[i]))
                         : static_cast<Real>(sums[i]);
    out[i] = static_cast<T>(static_cast<std::int32_t>((sum + half) * inverse));
  }
}

template <class T>
cv::Mat BoxTyped(const cv::Mat& image, int side) {
  const int radius = side / 2;
  const int channels = image.channels();
  const std::size_t values =
      static_cast<std::size_t>(image.cols) * static_cast<std::size_t>(channels);
  const std::size_t margin = static_cast<std::size_t>(radius) * static_cast<std::size_t>(channels);
  std::vector<Sum> wide(values + 2 * margin);
  Sum* columns = wide.data() + margin;  // sums over `side` rows
  std::vector<Sum> sums(values);
  std::vector<Sum> window;
  const auto row = [&](int y) {
    return image.ptr<T>(BorderIndex(y, image.rows, Border::kReflect101));
  };
  for (int y = -radius; y < radius; ++y) {
    const T* in = row(y);
    for (std::size_t i = 0; i < values; ++i) columns[i] += in[i];
  }
  cv::Mat out(image.size(), image.type());
  for (int y = 0; y < image.rows; ++y) {
    const T* enters = row(y + radius);
    for (std::size_t i = 0; i < values; ++i) columns[i] += enters[i];
    for (int x = 1; x <= radius; ++x) {
      const int left = BorderIndex(-x, image.cols, Border::kReflect101);
      const int right = BorderIndex(image.cols - 1 + x, image.cols, Border::kReflect101);
      for (int c = 0; c < channels; ++c) {
        columns[-x * channels + c] = columns[left * channels + c];
        columns[(image.cols - 1 + x) * channels + c] = columns[right * channels + c];
      }
    }
    switch (channels) {
      case 1:
        SlideAlong<1>(wide.data(), side, image.cols, channels, window, sums.data());
        break;
      case 3:
        SlideAlong<3>(wide.data(), side, image.cols, channels, window, sums.data());
        break;
      case 4:
        SlideAlong<4>(wide.data(), side, image.cols, channels, window, sums.data());
        break;
      default:
        SlideAlong<0>(wide.data(), side, image.cols, channels, window, sums.data());
    }
    const Sum area = static_cast<Sum>(side) * static_cast<Sum>(side);
    if (std::is_same_v<T, std::uint8_t> && side <= kFloatSide) {
      Divide<float>(sums.data(), values, area, out.ptr<T>(y));
    } else {
      Divide<double>(sums.data(), values, area, out.ptr<T>(y));
    }
    const T* leaves = row(y - radius);
    for (std::size_t i = 0; i < values; ++i) columns[i] -= leaves[i];
  }
  return out;
}

}  // namespace

cv::Mat BoxMean(const cv::Mat& image, int side) {
  PIXLOOM_CHECK(side % 2 == 1 && side <= 255, "a square has a middle, and sums fit");
  if (image.depth() == CV_8U) return BoxTyped<std::uint8_t>(image, side);
  if (image.depth() == CV_16U) return BoxTyped<std::uint16_t>(image, side);
  const std::vector<float> weights(static_cast<std::size_t>(side), 1.0F / static_cast<float>(side));
  return FilterSeparable(image, weights, weights);
}

}  // namespace pixloom
