// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/blur_kernel.h"

#include <doctest/doctest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "tests/support/image_reference.h"

namespace pixloom {
namespace {

using namespace testing;

std::vector<double> Gaussian(double sigma, int radius) {
  std::vector<double> weights;
  double total = 0;
  for (int i = -radius; i <= radius; ++i) {
    weights.push_back(std::exp(-i * i / (2 * sigma * sigma)));
    total += weights.back();
  }
  for (double& weight : weights) weight /= total;
  return weights;
}

cv::Mat FilterReference(const cv::Mat& image, const std::vector<double>& across,
                        const std::vector<double>& down, Border border) {
  const int rx = static_cast<int>(across.size() / 2);
  const int ry = static_cast<int>(down.size() / 2);
  cv::Mat out(image.size(), CV_MAKETYPE(CV_64F, image.channels()));
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      for (int c = 0; c < image.channels(); ++c) {
        double sum = 0;
        for (int j = -ry; j <= ry; ++j) {
          for (int i = -rx; i <= rx; ++i) {
            sum += across[static_cast<std::size_t>(i + rx)] *
                   down[static_cast<std::size_t>(j + ry)] *
                   PixelOrFill(image, x + i, y + j, c, {border, {}});
          }
        }
        out.ptr<double>(y)[x * image.channels() + c] = sum;
      }
    }
  }
  return out;
}

TEST_CASE("a blur is within rounding of float64 for every border, depth and channel count") {
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (const Border border : kSweepBorders) {
      if (border == Border::kConstant) continue;
      const cv::Mat expected = FilterReference(image, Gaussian(1.2, 4), Gaussian(0.8, 2), border);
      // Half a level of rounding and what float32 sums cost.
      const double tolerance = depth == CV_32F ? 1e-6 : depth == CV_16U ? 0.52 : 0.5001;
      REQUIRE(MaxDifference(GaussianBlur(image, 1.2, 0.8, 0, border), expected) <= tolerance);
    }
  });
}

TEST_CASE("a blur of bytes is OpenCV's within one level") {
  const cv::Mat image = RandomImage(200, 150, CV_8U, 3);
  for (const double sigma : {0.5, 1.0, 2.5}) {
    const int size = 2 * static_cast<int>(3.5 * sigma) + 1;
    cv::Mat expected;
    cv::GaussianBlur(image, expected, {size, size}, sigma, sigma);
    CHECK(MaxDifference(GaussianBlur(image, sigma, sigma), expected) <= 1);
  }
}

TEST_CASE("sigma and size set the kernel") {
  CHECK(GaussianKernel(2.0).size() == 15);
  CHECK(GaussianKernel(0.2).size() == 1);
  CHECK(GaussianKernel(0.2, 5).size() == 5);
  CHECK(GaussianKernel(0.0, 5).size() == 1);
  const cv::Mat image = RandomImage(30, 20, CV_16U, 3);
  CHECK(SamePixels(GaussianBlur(image, 0, 0), image));
}

TEST_CASE("every instruction set gives the same bits") {
  for (const int depth : kSweepDepths) {
    const cv::Mat image = RandomImage(131, 40, depth, 3);
    const std::uint64_t expected = HashPixels(GaussianBlur(image, 1.7, 0.9));
    ForEachTarget([&](const char* target) {
      CAPTURE(target);
      CHECK(HashPixels(GaussianBlur(image, 1.7, 0.9)) == expected);
    });
  }
}

}  // namespace
}  // namespace pixloom
