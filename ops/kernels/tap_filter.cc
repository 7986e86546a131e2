// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/tap_filter.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "ops/kernels/filter_rows.h"
#include "ops/kernels/pixel_math.h"
#include "pipeline/exact_math.h"

namespace pixloom {
namespace {

// Keeps the taps above zero, scaled to the sum 1.
template <class Weight>
std::vector<Tap> TapsWithin(int radius, Weight weight) {
  double total = 0;
  for (int y = -radius; y <= radius; ++y) {
    for (int x = -radius; x <= radius; ++x) total += weight(x, y);
  }
  std::vector<Tap> taps;
  for (int y = -radius; y <= radius; ++y) {
    for (int x = -radius; x <= radius; ++x) {
      const double w = weight(x, y);
      if (w > 0) taps.push_back({x, y, static_cast<float>(w / total)});
    }
  }
  return taps;
}

// How far the taps reach.
cv::Size Reach(std::span<const Tap> taps) {
  cv::Size reach(0, 0);
  for (const Tap& tap : taps) {
    reach.width = std::max(reach.width, std::abs(tap.dx));
    reach.height = std::max(reach.height, std::abs(tap.dy));
  }
  return reach;
}

// `out` is laid at `origin` of a picture `in` that holds everything the taps ask for.
void Weigh(const cv::Mat& in, cv::Point origin, std::span<const Tap> taps, int sign, cv::Mat& out) {
  std::vector<const float*> rows(taps.size());
  std::vector<float> weights;
  for (const Tap& tap : taps) weights.push_back(tap.weight);
  const std::ptrdiff_t channels = in.channels();
  for (int y = 0; y < out.rows; ++y) {
    for (std::size_t i = 0; i < taps.size(); ++i) {
      rows[i] = in.ptr<float>(origin.y + y + sign * taps[i].dy) +
                (origin.x + sign * taps[i].dx) * channels;
    }
    WeighRows(rows.data(), weights.data(), static_cast<int>(taps.size()), out.ptr<float>(y),
              static_cast<std::size_t>(out.cols) * static_cast<std::size_t>(channels));
  }
}

}  // namespace

std::vector<Tap> DiskTaps(double radius) {
  return TapsWithin(static_cast<int>(std::ceil(radius)), [radius](int x, int y) {
    return std::clamp(radius + 0.5 - std::sqrt(double{1} * (x * x + y * y)), 0.0, 1.0);
  });
}

std::vector<Tap> LineTaps(double length, double radians) {
  const double half = std::max(length - 1, 0.0) / 2;
  const double along_x = exact::Cos(radians);
  const double along_y = -exact::Sin(radians);
  return TapsWithin(static_cast<int>(std::ceil(half)) + 1, [=](int x, int y) {
    const double t = std::clamp(x * along_x + y * along_y, -half, half);
    const double off_x = x - t * along_x;
    const double off_y = y - t * along_y;
    return std::max(1 - std::sqrt(off_x * off_x + off_y * off_y), 0.0);
  });
}

cv::Mat FilterTaps(const cv::Mat& image, std::span<const Tap> taps, Border border) {
  PIXLOOM_CHECK(border != Border::kConstant, "filters look at pictures, not at fills");
  const cv::Size reach = Reach(taps);
  cv::Mat wide(image.rows + 2 * reach.height, image.cols + 2 * reach.width, image.type());
  const std::ptrdiff_t channels = image.channels();
  for (int y = 0; y < wide.rows; ++y) {
    const float* from = image.ptr<float>(BorderIndex(y - reach.height, image.rows, border));
    float* to = wide.ptr<float>(y);
    for (int x = 0; x < wide.cols; ++x, to += channels) {
      std::copy_n(from + BorderIndex(x - reach.width, image.cols, border) * channels, channels, to);
    }
  }
  cv::Mat out(image.size(), image.type());
  Weigh(wide, {reach.width, reach.height}, taps, 1, out);
  return out;
}

cv::Mat FilterTapsTransposed(const cv::Mat& image, std::span<const Tap> taps, Border border) {
  PIXLOOM_CHECK(border != Border::kConstant, "filters look at pictures, not at fills");
  const cv::Size reach = Reach(taps);
  const std::ptrdiff_t channels = image.channels();
  // What each pixel gives to all places the taps reach, then folded back by the border rule.
  cv::Mat wide =
      cv::Mat::zeros(image.rows + 4 * reach.height, image.cols + 4 * reach.width, image.type());
  for (int y = 0; y < image.rows; ++y) {
    std::copy_n(image.ptr<float>(y), image.cols * channels,
                wide.ptr<float>(y + 2 * reach.height) + 2 * reach.width * channels);
  }
  cv::Mat given(image.rows + 2 * reach.height, image.cols + 2 * reach.width, image.type());
  Weigh(wide, {reach.width, reach.height}, taps, -1, given);
  cv::Mat out = cv::Mat::zeros(image.size(), image.type());
  for (int y = 0; y < given.rows; ++y) {
    float* to = out.ptr<float>(BorderIndex(y - reach.height, image.rows, border));
    const float* from = given.ptr<float>(y);
    for (int x = 0; x < given.cols; ++x, from += channels) {
      float* pixel = to + BorderIndex(x - reach.width, image.cols, border) * channels;
      for (std::ptrdiff_t c = 0; c < channels; ++c) pixel[c] += from[c];
    }
  }
  return out;
}

}  // namespace pixloom
