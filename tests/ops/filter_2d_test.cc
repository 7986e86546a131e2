// SPDX-License-Identifier: Apache-2.0
// Correlation, means and medians against OpenCV and plain loops, on every CPU target.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include <opencv2/imgproc.hpp>

#include "ops/kernels/bilateral_kernel.h"
#include "ops/kernels/box_kernel.h"
#include "ops/kernels/filter_2d.h"
#include "ops/kernels/median_kernel.h"
#include "ops/kernels/zoom_kernel.h"
#include "tests/support/image_reference.h"

namespace pixloom::testing {
namespace {

// Random weights, some of them 0 and some equal in runs, summing to 1.
Kernel2d RandomKernel(int width, int height, std::uint32_t seed) {
  const cv::Mat values = RandomImage(width, height, CV_32F, 1, seed);
  Kernel2d kernel(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float v = values.at<float>(y, x);
      double& weight = kernel.weights[static_cast<std::size_t>(y * width + x)];
      weight = y % 3 == 1 ? 0.25 : v < 0.2F ? 0 : v;
    }
  }
  kernel.At(0, 0) = 1;
  return kernel.Normalised();
}

cv::Mat AsMat(const Kernel2d& kernel) {
  cv::Mat mat(kernel.height, kernel.width, CV_64F);
  std::copy(kernel.weights.begin(), kernel.weights.end(), mat.ptr<double>());
  return mat;
}

// By OpenCV in float64.
cv::Mat Expected(const cv::Mat& image, const Kernel2d& kernel) {
  cv::Mat wide;
  image.convertTo(wide, CV_64F);
  cv::Mat out;
  cv::filter2D(wide, out, CV_64F, AsMat(kernel), cv::Point(-1, -1), 0, cv::BORDER_REFLECT_101);
  if (image.depth() == CV_32F) return out;
  const double top = image.depth() == CV_8U ? 255 : 65535;
  for (int y = 0; y < out.rows; ++y) {
    double* row = out.ptr<double>(y);
    for (int i = 0; i < out.cols * out.channels(); ++i) {
      row[i] = std::clamp(std::floor(row[i] + 0.5), 0.0, top);
    }
  }
  return out;
}

TEST_CASE("a correlation is OpenCV's in float64, and the same on every CPU") {
  // Kernels that are larger than the picture as well.
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 3}, {7, 7}, {1, 9}, {15, 1}, {5, 21}}) {
    const Kernel2d kernel = RandomKernel(width, height, static_cast<std::uint32_t>(width));
    CHECK(kernel.Sum() == doctest::Approx(1).epsilon(1e-12));
    SweepImages([&](int w, int h, int depth, int channels) {
      const cv::Mat image = RandomImage(w, h, depth, channels);
      const cv::Mat out = Filter2d(image, kernel);
      CHECK(MaxDifference(Expected(image, kernel), out) <= Tolerance(depth));
      ForEachTarget([&](const char* target) {
        CAPTURE(target);
        CHECK(SamePixels(Filter2d(image, kernel), out));
      });
    });
  }
}

TEST_CASE("runs of equal weights are summed like others") {
  for (const int side : {3, 5, 9, 31, 63}) {
    Kernel2d disk(side, side);
    const int radius = side / 2;
    for (int y = -radius; y <= radius; ++y) {
      for (int x = -radius; x <= radius; ++x) {
        if (x * x + y * y <= radius * radius + 1) disk.At(x, y) = 1;
      }
    }
    disk = disk.Normalised();
    for (const int depth : {CV_8U, CV_16U, CV_32F}) {
      const cv::Mat image = RandomImage(70, 41, depth, 3);
      CHECK(MaxDifference(Expected(image, disk), Filter2d(image, disk)) <= Tolerance(depth));
    }
  }
}

TEST_CASE("an offset, and sums that stay floats") {
  const cv::Mat image = RandomImage(31, 17, CV_8U, 3);
  Kernel2d half(1, 1, {0.5});
  const cv::Mat floats = Filter2d(image, half, 3, CV_32F);
  const cv::Mat bytes = Filter2d(image, half, 3);
  for (int y = 0; y < image.rows; ++y) {
    for (int i = 0; i < image.cols * 3; ++i) {
      const double exact = image.ptr(y)[i] * 0.5 + 3;
      CHECK(floats.ptr<float>(y)[i] == exact);
      CHECK(bytes.ptr(y)[i] == std::floor(exact + 0.5));
    }
  }
  // Nothing but the offset.
  const Kernel2d nothing(3, 3);
  CHECK(cv::norm(Filter2d(image, nothing, 40.6),
                 cv::Mat(image.size(), CV_8UC3, cv::Scalar::all(41)), cv::NORM_INF) == 0);
  // Black stays black.
  const cv::Mat black(5, 6, CV_32FC1, cv::Scalar(-2));
  CHECK(cv::norm(FilterUnit(black, Kernel2d(1, 1, {7}), 0, {-2, 5}), black, cv::NORM_INF) < 1e-5);
}

TEST_CASE("box means are exact") {
  for (const int side : {3, 5, 31, 89, 91, 255}) {
    for (const auto& [w, h] : {std::pair{1, 1}, {1, 7}, {9, 1}, {101, 99}}) {
      for (const int channels : {1, 3, 4, 6}) {
        for (const int depth : {CV_8U, CV_16U}) {
          cv::Mat image = RandomImage(w, h, depth, channels);
          // White beside noise: the greatest sums there are.
          if (w > 50) image.colRange(0, 40).reshape(1).setTo(65535);
          const cv::Mat out = BoxMean(image, side);
          cv::Mat wide;
          image.convertTo(wide, CV_64F);
          cv::boxFilter(wide, wide, CV_64F, {side, side}, {-1, -1}, false, cv::BORDER_REFLECT_101);
          double worst = 0;
          for (int y = 0; y < h; ++y) {
            for (int i = 0; i < w * channels; ++i) {
              const double mean = std::floor(wide.ptr<double>(y)[i] / (side * side) + 0.5);
              worst = std::max(worst, std::abs(mean - ValueAt(out, i / channels, y, i % channels)));
            }
          }
          CAPTURE(side);
          CAPTURE(w);
          CHECK(worst == 0);
        }
      }
    }
  }
  // OpenCV's own on bytes rounds the same sums by a float.
  const cv::Mat photo = RandomImage(120, 77, CV_8U, 3);
  cv::Mat theirs;
  cv::blur(photo, theirs, {7, 7});
  CHECK(MaxDifference(theirs, BoxMean(photo, 7)) == 0);
}

// The middle of the sorted neighbours; the edge repeats.
double SortedMiddle(const cv::Mat& image, int x, int y, int c, int radius) {
  std::vector<double> values;
  for (int j = y - radius; j <= y + radius; ++j) {
    for (int i = x - radius; i <= x + radius; ++i) {
      values.push_back(
          ValueAt(image, std::clamp(i, 0, image.cols - 1), std::clamp(j, 0, image.rows - 1), c));
    }
  }
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

TEST_CASE("medians are the middle of the sorted neighbours") {
  for (const int side : {3, 5, 7, 9, 17, 41}) {
    for (const auto& [w, h] : {std::pair{1, 1}, {1, 7}, {9, 1}, {33, 29}}) {
      for (const int channels : {1, 2, 3, 4, 5}) {
        for (const int depth : {CV_8U, CV_16U, CV_32F}) {
          if (side > 9 && channels != 1 && channels != 3) continue;
          const cv::Mat image = RandomImage(w, h, depth, channels, 3);
          const cv::Mat out = MedianOf(image, side);
          int wrong = 0;
          for (int y = 0; y < h; ++y) {
            for (int x = 0; x < w; ++x) {
              for (int c = 0; c < channels; ++c) {
                wrong += ValueAt(out, x, y, c) != SortedMiddle(image, x, y, c, side / 2) ? 1 : 0;
              }
            }
          }
          CAPTURE(side);
          CAPTURE(w);
          CAPTURE(h);
          CAPTURE(channels);
          CAPTURE(depth);
          CHECK(wrong == 0);
        }
      }
    }
  }
  // Few values, many ties; both zeros.
  cv::Mat signs(20, 20, CV_32F);
  for (int i = 0; i < 400; ++i) signs.ptr<float>(i / 20)[i % 20] = i % 3 == 0 ? -0.0F : 0.0F;
  for (const int side : {3, 7}) {
    const cv::Mat out = MedianOf(signs, side);
    CHECK(cv::norm(out, cv::NORM_INF) == 0);
    CHECK(!std::signbit(out.at<float>(9, 9)));
  }
}

TEST_CASE("the bilateral filter is OpenCV's within a level, and the same on every CPU") {
  cv::Mat image = RandomImage(90, 61, CV_8U, 3);
  cv::GaussianBlur(image, image, {0, 0}, 1.5);  // differences of all sizes
  image.colRange(30, 55).convertTo(image.colRange(30, 55), -1, 1, 70);
  for (const int channels : {1, 3}) {
    cv::Mat given = image;
    if (channels == 1) cv::extractChannel(image, given, 0);
    for (const auto& [diameter, colour, space] :
         {std::tuple{5, 20.0, 2.0}, {9, 60.0, 3.0}, {15, 8.0, 10.0}}) {
      cv::Mat theirs;
      cv::bilateralFilter(given, theirs, diameter, colour, space);
      CHECK(MaxDifference(theirs, BilateralFilter(given, diameter, colour, space)) <= 1);
      cv::Mat floats;
      given.convertTo(floats, CV_32F, 1 / 255.0);
      cv::bilateralFilter(floats, theirs, diameter, colour / 255, space);
      CHECK(MaxDifference(theirs, BilateralFilter(floats, diameter, colour / 255, space)) < 1e-4);
    }
  }
  SweepImages([&](int w, int h, int depth, int channels) {
    const cv::Mat random = RandomImage(w, h, depth, channels);
    const double level = depth == CV_8U ? 255 : depth == CV_16U ? 65535 : 1;
    const cv::Mat out = BilateralFilter(random, 5, 0.3 * level, 2);
    ForEachTarget([&](const char* target) {
      CAPTURE(target);
      CHECK(SamePixels(BilateralFilter(random, 5, 0.3 * level, 2), out));
    });
  });
}

TEST_CASE("zooms are the same on every CPU") {
  const std::vector<double> factors{1, 1.03, 1.2, 1.7, 2.9, 1};
  SweepImages([&](int w, int h, int depth, int channels) {
    const cv::Mat image = RandomImage(w, h, depth, channels);
    const cv::Mat out = MeanOfZooms(image, factors);
    ForEachTarget([&](const char* target) {
      CAPTURE(target);
      CHECK(SamePixels(MeanOfZooms(image, factors), out));
    });
  });
}

}  // namespace
}  // namespace pixloom::testing
