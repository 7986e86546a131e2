// SPDX-License-Identifier: Apache-2.0
#include "ops/blur_kernel.h"

#include <cstddef>
#include <cstring>

#include "ops/filter_rows.h"
#include "ops/pixel_math.h"
#include "pipeline/exact_math.h"

namespace pixloom {
namespace {

// Puts what the border rule says left and right of a row of `width` pixels that starts at
// `row + radius * channels`.
void ExtendRow(float* row, int width, int channels, int radius, Border border) {
  float* picture = row + std::ptrdiff_t{radius} * channels;
  const std::size_t bytes = static_cast<std::size_t>(channels) * sizeof(float);
  for (int i = 1; i <= radius; ++i) {
    const int left = BorderIndex(-i, width, border);
    const int right = BorderIndex(width - 1 + i, width, border);
    std::memcpy(picture - std::ptrdiff_t{i} * channels, picture + std::ptrdiff_t{left} * channels,
                bytes);
    std::memcpy(picture + std::ptrdiff_t{width - 1 + i} * channels,
                picture + std::ptrdiff_t{right} * channels, bytes);
  }
}

template <class T>
cv::Mat FilterTyped(const cv::Mat& image, std::span<const float> across,
                    std::span<const float> down, Border border) {
  const int channels = image.channels();
  const auto radius_x = static_cast<int>(across.size() / 2);
  const auto radius_y = static_cast<int>(down.size() / 2);
  const std::size_t values =
      static_cast<std::size_t>(image.cols) * static_cast<std::size_t>(channels);
  const std::size_t margin =
      static_cast<std::size_t>(radius_x) * static_cast<std::size_t>(channels);
  cv::Mat out(image.size(), image.type());
  std::vector<float> sums(values + 2 * margin);
  std::vector<const T*> rows(down.size());
  for (int y = 0; y < image.rows; ++y) {
    for (int k = 0; k < static_cast<int>(down.size()); ++k) {
      rows[static_cast<std::size_t>(k)] =
          image.ptr<T>(BorderIndex(y - radius_y + k, image.rows, border));
    }
    FilterDown(rows.data(), down.data(), static_cast<int>(down.size()), sums.data() + margin,
               values);
    ExtendRow(sums.data(), image.cols, channels, radius_x, border);
    FilterAcross(sums.data(), static_cast<std::size_t>(channels), across.data(),
                 static_cast<int>(across.size()), out.ptr<T>(y), values);
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
