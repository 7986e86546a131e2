// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/blur_kernel.h"

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "ops/kernels/filter_rows.h"
#include "ops/kernels/pixel_math.h"
#include "pipeline/exact_math.h"

namespace pixloom {
namespace {

// The last rows that were filtered across, each once, in a ring.
template <class T>
class FilteredRows {
 public:
  FilteredRows(const cv::Mat& image, std::span<const float> across, std::size_t size, Border border)
      : image_(image),
        across_(across),
        values_(static_cast<std::size_t>(image.cols) * static_cast<std::size_t>(image.channels())),
        margin_(across.size() / 2 * static_cast<std::size_t>(image.channels())),
        wide_(values_ + 2 * margin_),
        shifted_(across.size()),
        rows_(size, std::vector<float>(values_)),
        held_(size, -1) {
    const int radius = static_cast<int>(across.size() / 2);
    for (int i = 1; i <= radius; ++i) {
      left_.push_back(BorderIndex(-i, image.cols, border));
      right_.push_back(BorderIndex(image.cols - 1 + i, image.cols, border));
    }
    for (std::size_t k = 0; k < shifted_.size(); ++k) {
      shifted_[k] = wide_.data() + k * static_cast<std::size_t>(image.channels());
    }
  }

  const float* Row(int y) {
    const std::size_t slot = static_cast<std::size_t>(y) % rows_.size();
    if (held_[slot] != y) {
      held_[slot] = y;
      Filter(image_.ptr<T>(y), rows_[slot].data());
    }
    return rows_[slot].data();
  }

 private:
  void Filter(const T* in, float* out) {
    float* picture = wide_.data() + margin_;
    if constexpr (std::is_same_v<T, float>) {
      std::copy_n(in, values_, picture);
    } else {
      ToFloat(in, picture, values_);
    }
    Extend(picture);
    WeighRows(shifted_.data(), across_.data(), static_cast<int>(across_.size()), out, values_);
  }

  // What the border rule puts beside a row.
  void Extend(float* picture) const {
    const std::ptrdiff_t channels = image_.channels();
    float* before = picture;
    float* after = picture + values_;
    for (std::size_t i = 0; i < left_.size(); ++i) {
      before -= channels;
      for (std::ptrdiff_t c = 0; c < channels; ++c) {
        before[c] = picture[left_[i] * channels + c];
        *after++ = picture[right_[i] * channels + c];
      }
    }
  }

  const cv::Mat& image_;
  std::span<const float> across_;
  std::size_t values_;
  std::size_t margin_;
  std::vector<float> wide_;            // one row and what the border rule puts beside it
  std::vector<const float*> shifted_;  // the same, seen from every tap
  std::vector<int> left_;              // pixel that stands for the first, second, ... one outside
  std::vector<int> right_;
  std::vector<std::vector<float>> rows_;
  std::vector<int> held_;
};

template <class T>
cv::Mat FilterTyped(const cv::Mat& image, std::span<const float> across,
                    std::span<const float> down, Border border) {
  const int taps = static_cast<int>(down.size());
  // A border rule asks for at most `taps` neighbouring rows, except when it wraps around.
  const int ring = border == Border::kWrap ? image.rows : std::min(taps, image.rows);
  FilteredRows<T> filtered(image, across, static_cast<std::size_t>(ring), border);
  std::vector<const float*> rows(down.size());
  cv::Mat out(image.size(), image.type());
  for (int y = 0; y < image.rows; ++y) {
    for (int k = 0; k < taps; ++k) {
      rows[static_cast<std::size_t>(k)] =
          filtered.Row(BorderIndex(y - taps / 2 + k, image.rows, border));
    }
    WeighRows(rows.data(), down.data(), taps, out.ptr<T>(y),
              static_cast<std::size_t>(image.cols) * static_cast<std::size_t>(image.channels()));
  }
  return out;
}

}  // namespace

std::vector<float> GaussianKernel(double sigma, int size) {
  PIXLOOM_CHECK(size == 0 || size % 2 == 1, "a kernel has a middle");
  if (!(sigma > 0)) return {1.0F};
  const int radius = size > 0 ? size / 2 : static_cast<int>(3.5 * sigma);
  std::vector<double> weights;
  double total = 0;
  for (int i = -radius; i <= radius; ++i) {
    weights.push_back(exact::Exp(-0.5 * (i / sigma) * (i / sigma)));
    total += weights.back();
  }
  std::vector<float> kernel;
  for (double weight : weights) kernel.push_back(static_cast<float>(weight / total));
  return kernel;
}

cv::Mat FilterSeparable(const cv::Mat& image, std::span<const float> across,
                        std::span<const float> down, Border border) {
  PIXLOOM_CHECK(border != Border::kConstant, "filters look at pictures, not at fills");
  PIXLOOM_CHECK(across.size() % 2 == 1 && down.size() % 2 == 1, "a kernel has a middle");
  if (image.empty()) return image;
  return WithDepth(
      image, [&](auto zero) { return FilterTyped<decltype(zero)>(image, across, down, border); });
}

cv::Mat GaussianBlur(const cv::Mat& image, double sigma_x, double sigma_y, int kernel_size,
                     Border border) {
  return FilterSeparable(image, GaussianKernel(sigma_x, kernel_size),
                         GaussianKernel(sigma_y, kernel_size), border);
}

}  // namespace pixloom
