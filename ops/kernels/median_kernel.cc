// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/median_kernel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <opencv2/imgproc.hpp>

#include "ops/kernels/pixel_math.h"

namespace pixloom {
namespace {

// A window of keys below `kinds`, and how many lie below `at`.
class KeyWindow {
 public:
  explicit KeyWindow(std::size_t kinds) : counts_(kinds + kStep), coarse_(kinds / kStep + 1) {}

  void Add(std::uint32_t key) {
    ++counts_[key];
    ++coarse_[key / kStep];
    if (key < at_) ++below_;
  }
  void Remove(std::uint32_t key) {
    --counts_[key];
    --coarse_[key / kStep];
    if (key < at_) --below_;
  }

  // The key with `rank` others before it. Neighbouring windows have medians that lie close.
  std::uint32_t Find(std::uint32_t rank) {
    while (below_ > rank) {
      if (at_ % kStep == 0 && below_ - coarse_[at_ / kStep - 1] > rank) {
        at_ -= kStep;
        below_ -= coarse_[at_ / kStep];
      } else {
        below_ -= counts_[--at_];
      }
    }
    for (;;) {
      if (at_ % kStep == 0 && below_ + coarse_[at_ / kStep] <= rank) {
        below_ += coarse_[at_ / kStep];
        at_ += kStep;
      } else if (below_ + counts_[at_] <= rank) {
        below_ += counts_[at_++];
      } else {
        return at_;
      }
    }
  }

 private:
  static constexpr std::uint32_t kStep = 256;
  std::vector<std::uint32_t> counts_;
  std::vector<std::uint32_t> coarse_;
  std::uint32_t at_ = 0;
  std::uint32_t below_ = 0;
};

// Medians of keys, in place of the keys.
std::vector<std::uint32_t> SlideMedian(const std::vector<std::uint32_t>& keys, int width,
                                       int height, std::size_t kinds, int side) {
  const int radius = side / 2;
  const auto rank = static_cast<std::uint32_t>(side * side / 2);
  KeyWindow window(kinds);
  std::vector<std::uint32_t> medians(keys.size());
  std::vector<const std::uint32_t*> rows(static_cast<std::size_t>(side));
  const auto column = [&](int x, auto&& use) {
    const int at = std::clamp(x, 0, width - 1);
    for (const std::uint32_t* row : rows) use(row[at]);
  };
  const auto add = [&](std::uint32_t key) { window.Add(key); };
  const auto remove = [&](std::uint32_t key) { window.Remove(key); };
  for (int y = 0; y < height; ++y) {
    for (int k = 0; k < side; ++k) {
      rows[static_cast<std::size_t>(k)] =
          keys.data() + std::ptrdiff_t{std::clamp(y - radius + k, 0, height - 1)} * width;
    }
    for (int x = -radius; x < radius; ++x) column(x, add);
    std::uint32_t* out = medians.data() + std::ptrdiff_t{y} * width;
    for (int x = 0; x < width; ++x) {
      column(x + radius, add);
      out[x] = window.Find(rank);
      column(x - radius, remove);
    }
    for (int x = width - radius; x < width + radius; ++x) column(x, remove);
  }
  return medians;
}

// Keys are places in the sorted list of values.
template <class T>
void MedianOfPlane(cv::Mat& plane, int side) {
  std::vector<T> all;
  for (int y = 0; y < plane.rows; ++y) {
    const T* row = plane.ptr<T>(y);
    all.insert(all.end(), row, row + plane.cols);
  }
  std::vector<T> values = all;
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  std::vector<std::uint32_t> keys(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    keys[i] = static_cast<std::uint32_t>(std::lower_bound(values.begin(), values.end(), all[i]) -
                                         values.begin());
  }
  const std::vector<std::uint32_t> medians =
      SlideMedian(keys, plane.cols, plane.rows, values.size(), side);
  for (int y = 0; y < plane.rows; ++y) {
    T* row = plane.ptr<T>(y);
    for (int x = 0; x < plane.cols; ++x) {
      row[x] = values[medians[static_cast<std::size_t>(y) * static_cast<std::size_t>(plane.cols) +
                              static_cast<std::size_t>(x)]];
    }
  }
}

// Zeros of both signs are one value; which of them a minimum returns would depend on the CPU.
cv::Mat WithoutNegativeZeros(const cv::Mat& image) {
  cv::Mat out(image.size(), image.type());
  const int values = image.cols * image.channels();
  for (int y = 0; y < image.rows; ++y) {
    const float* in = image.ptr<float>(y);
    float* to = out.ptr<float>(y);
    for (int i = 0; i < values; ++i) to[i] = in[i] + 0.0F;
  }
  return out;
}

cv::Mat Supported(const cv::Mat& image, int side) {
  cv::Mat out;
  if (image.depth() == CV_8U || side <= 5) {
    cv::medianBlur(image, out, side);
  } else {
    out = image.clone();
    if (image.depth() == CV_16U) MedianOfPlane<std::uint16_t>(out, side);
    if (image.depth() == CV_32F) MedianOfPlane<float>(out, side);
  }
  return out;
}

}  // namespace

cv::Mat MedianOf(const cv::Mat& image, int side) {
  PIXLOOM_CHECK(side % 2 == 1 && side <= 255, "a square has a middle");
  const int channels = image.channels();
  const cv::Mat source = image.depth() == CV_32F ? WithoutNegativeZeros(image) : image;
  const bool opencv = image.depth() == CV_8U || side <= 5;
  if (channels == 1 || (opencv && (channels == 3 || channels == 4))) {
    return Supported(source, side);
  }
  cv::Mat out(image.size(), image.type());
  cv::Mat plane;
  for (int c = 0; c < channels; ++c) {
    cv::extractChannel(source, plane, c);
    cv::insertChannel(Supported(plane, side), out, c);
  }
  return out;
}

}  // namespace pixloom
