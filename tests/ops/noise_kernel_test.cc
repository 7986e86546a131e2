// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/noise_kernel.h"

#include <doctest/doctest.h>

#include <cmath>

#include "ops/kernels/noise_field.h"
#include "pipeline/exact_math.h"
#include "tests/support/image_reference.h"

namespace pixloom {
namespace {

using namespace testing;

constexpr StreamKey kKey{0x123456789ABCDEF0u, 0x0FEDCBA987654321u, 77};

// Variate `index` of a stream from Philox and Box-Muller in float64.
double NormalReference(StreamKey key, std::uint64_t index) {
  const PhiloxBlock block = key.Block(static_cast<std::uint32_t>(index / 4));
  const std::size_t pair = index % 4 / 2 * 2;
  const double u = ((block[pair] >> 8) + 1) * 0x1p-24;
  const double radius = std::sqrt(-2 * exact::Log(u));
  const std::uint32_t turn = block[pair + 1];
  const double angle = ((turn & 0x7FFFFF) * 0x1p-23 - 0.5) * exact::kPi / 2;
  const double cosine = (turn >> 31) != 0 ? -exact::Cos(angle) : exact::Cos(angle);
  const bool sine_first = (turn >> 30 & 1) != 0;
  return radius * (sine_first == (index % 2 == 0) ? exact::Sin(angle) : cosine);
}

double NoiseReference(const cv::Mat& image, int x, int y, int c, bool per_channel, double sigma,
                      double mean) {
  if (image.channels() == 4 && c == 3) return ValueAt(image, x, y, c);
  const std::uint64_t pixel =
      static_cast<std::uint64_t>(y) * static_cast<std::uint64_t>(image.cols) +
      static_cast<std::uint64_t>(x);
  const std::uint64_t index = per_channel ? pixel * static_cast<std::uint64_t>(image.channels()) +
                                                static_cast<std::uint64_t>(c)
                                          : pixel;
  const double v = ValueAt(image, x, y, c) + mean + sigma * NormalReference(kKey, index);
  if (image.depth() == CV_32F) return v;
  return std::clamp(v, 0.0, image.depth() == CV_8U ? 255.0 : 65535.0);
}

TEST_CASE("variates are Box-Muller of Philox words") {
  std::vector<float> out(5000 + kNormalPadding);
  FillNormals(kKey, 9, out.data(), 5000);
  double largest = 0;
  for (std::size_t i = 0; i < 5000; ++i) {
    largest = std::max(largest, std::abs(double{out[i]} - NormalReference(kKey, 36 + i)));
  }
  CHECK(largest < 4e-6);
}

TEST_CASE("variates are normal") {
  constexpr std::size_t kCount = 1 << 20;
  std::vector<float> out(kCount + kNormalPadding);
  FillNormals(kKey, 0, out.data(), kCount);
  double sums[5] = {};
  for (std::size_t i = 0; i < kCount; ++i) {
    const double n = out[i];
    for (int k = 1; k <= 4; ++k) sums[k] += std::pow(n, k);
  }
  CHECK(std::abs(sums[1] / kCount) < 0.005);
  CHECK(std::abs(sums[2] / kCount - 1) < 0.007);
  CHECK(std::abs(sums[3] / kCount) < 0.02);
  CHECK(std::abs(sums[4] / kCount - 3) < 0.05);
}

TEST_CASE("noise is keyed by position for every depth and channel count") {
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    const double sigma = depth == CV_8U ? 20 : depth == CV_16U ? 3000 : 0.1;
    const double mean = depth == CV_8U ? 3 : depth == CV_16U ? -200 : 0.01;
    for (const bool per_channel : {true, false}) {
      cv::Mat out = image.clone();
      AddGaussianNoise(out, sigma, mean, per_channel, kKey);
      double largest = 0;
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          for (int c = 0; c < channels; ++c) {
            const double expected = NoiseReference(image, x, y, c, per_channel, sigma, mean);
            largest = std::max(largest, std::abs(ValueAt(out, x, y, c) - expected));
          }
        }
      }
      REQUIRE(largest <= (depth == CV_32F ? 1e-6 : depth == CV_16U ? 0.53 : 0.501));
    }
  });
}

TEST_CASE("a row layout with gaps changes nothing") {
  const cv::Mat wide = RandomImage(120, 40, CV_8U, 3);
  cv::Mat gaps = wide(cv::Rect(10, 3, 77, 30));
  cv::Mat packed = gaps.clone();
  AddGaussianNoise(gaps, 12, 0, true, kKey);
  AddGaussianNoise(packed, 12, 0, true, kKey);
  CHECK(SamePixels(gaps, packed));
}

TEST_CASE("another stream, another noise") {
  const cv::Mat image = RandomImage(50, 40, CV_8U, 3);
  cv::Mat a = image.clone();
  cv::Mat b = image.clone();
  AddGaussianNoise(a, 12, 0, true, kKey);
  AddGaussianNoise(b, 12, 0, true, kKey.Pixels());
  CHECK_FALSE(SamePixels(a, b));
}

TEST_CASE("every instruction set gives the same bits") {
  std::vector<float> expected(4096);
  FillNormals(kKey, 5, expected.data(), expected.size());
  for (const int depth : kSweepDepths) {
    const cv::Mat image = RandomImage(131, 40, depth, 3);
    const auto hash = [&] {
      cv::Mat out = image.clone();
      AddGaussianNoise(out, depth == CV_32F ? 0.1 : 20, 0.3, true, kKey);
      return HashPixels(out);
    };
    const std::uint64_t pixels = hash();
    ForEachTarget([&](const char* target) {
      CAPTURE(target);
      std::vector<float> out(expected.size());
      FillNormals(kKey, 5, out.data(), out.size());
      CHECK(out == expected);
      CHECK(hash() == pixels);
    });
  }
}

TEST_CASE("rows of any length and offset take the same variates, on every instruction set") {
  for (const int channels : {1, 2, 3, 4}) {
    for (int width = 1; width < 100; ++width) {
      // Rows with gaps pass one by one and begin in the middle of blocks.
      const cv::Mat wide = RandomImage(width + 5, 4, CV_8U, channels);
      const cv::Mat image = wide(cv::Rect(2, 0, width, 4));
      cv::Mat expected = image.clone();
      AddGaussianNoise(expected, 30, 2.5, true, kKey);
      for (int y = 0; y < 4; ++y) {
        for (int x = 0; x < width; ++x) {
          for (int c = 0; c < channels; ++c) {
            const double noisy = NoiseReference(image, x, y, c, true, 30, 2.5);
            REQUIRE(std::abs(ValueAt(expected, x, y, c) - noisy) < 0.501);
          }
        }
      }
      ForEachTarget([&](const char* target) {
        CAPTURE(target);
        CAPTURE(width);
        cv::Mat gaps = wide.clone()(cv::Rect(2, 0, width, 4));
        cv::Mat packed = image.clone();
        AddGaussianNoise(gaps, 30, 2.5, true, kKey);
        AddGaussianNoise(packed, 30, 2.5, true, kKey);
        REQUIRE(SamePixels(gaps, expected));
        REQUIRE(SamePixels(packed, expected));
      });
    }
  }
}

TEST_CASE("signed uniforms are the words of the stream") {
  const StreamKey key{0x123456789ABCDEFull, 77, 5};
  std::vector<float> values(1024 + kNormalPadding);
  FillSignedUniforms(key, 0, values.data(), 1001);
  for (std::uint32_t i = 0; i < 1001; ++i) {
    const double expected = 2 * ((key.Block(i / 4)[i % 4] >> 8) * 0x1p-24) - 1;
    REQUIRE(double{values[i]} == expected);
  }
}

TEST_CASE("a smooth field is the Gaussian of the noise, on every instruction set") {
  const StreamKey key{3, 4, 5};
  for (const Size size : {Size{37, 21}, Size{1, 9}, Size{50, 3}}) {
    for (const double sigma : {0.2, 0.4, 2.5, 9.0}) {
      const int radius = static_cast<int>(3.5 * sigma);
      const auto noise = [&](int x, int y, int axis) {
        const auto word = static_cast<std::uint32_t>(2 * (y * size.width + x) + axis);
        return 2 * ((key.Block(word / 4)[word % 4] >> 8) * 0x1p-24) - 1;
      };
      const cv::Mat field = SmoothNoise(size, sigma, 10, false, key);
      for (int y = 0; y < size.height; y += 5) {
        for (int x = 0; x < size.width; x += 3) {
          for (int axis = 0; axis < 2; ++axis) {
            double sum = 0, total = 0;
            for (int j = -radius; j <= radius; ++j) {
              for (int i = -radius; i <= radius; ++i) {
                int column = x + i, row = y + j;
                Place(column, size.width, Border::kReflect101);
                Place(row, size.height, Border::kReflect101);
                const double weight = std::exp(-(i * i + j * j) / (2 * sigma * sigma));
                sum += weight * noise(column, row, axis);
                total += weight;
              }
            }
            REQUIRE(std::abs(field.at<cv::Vec2f>(y, x)[axis] - 10 * sum / total) <= 2e-5);
          }
        }
      }
      const std::uint64_t expected = HashPixels(field);
      ForEachTarget([&](const char* target) {
        CAPTURE(target);
        CHECK(HashPixels(SmoothNoise(size, sigma, 10, false, key)) == expected);
      });
    }
  }
}

}  // namespace
}  // namespace pixloom
