// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/normalize.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "tests/support/image_reference.h"

namespace pixloom {
namespace {

using namespace testing;

struct Weights {
  std::vector<float> scale;
  std::vector<float> offset;
};

Weights WeightsFor(int channels) {
  Weights weights;
  for (int c = 0; c < channels; ++c) {
    weights.scale.push_back(0.0171F * static_cast<float>(c + 1));
    weights.offset.push_back(-2.1F + 0.37F * static_cast<float>(c));
  }
  return weights;
}

std::vector<float> Planar(const cv::Mat& image, bool mirror) {
  const Weights weights = WeightsFor(image.channels());
  // A guard behind the last plane.
  std::vector<float> planes(image.total() * static_cast<std::size_t>(image.channels()) + 1, 77.0F);
  NormalizeToPlanar(image, weights.scale, weights.offset, mirror, planes.data());
  REQUIRE(planes.back() == 77.0F);
  planes.pop_back();
  return planes;
}

// What two roundings to float32 may cost.
double Allowed(const Weights& weights, int c, double v) {
  const auto at = static_cast<std::size_t>(c);
  const double product = std::abs(v * double{weights.scale[at]});
  return (2 * product + std::abs(double{weights.offset[at]})) * 0x1p-24;
}

TEST_CASE("planes are scaled and shifted values, mirrored or not") {
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    const Weights weights = WeightsFor(channels);
    for (const bool mirror : {false, true}) {
      const std::vector<float> planes = Planar(image, mirror);
      std::size_t i = 0;
      for (int c = 0; c < channels; ++c) {
        const auto at = static_cast<std::size_t>(c);
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x, ++i) {
            const double v = ValueAt(image, mirror ? width - 1 - x : x, y, c);
            const double expected = v * double{weights.scale[at]} + double{weights.offset[at]};
            REQUIRE(std::abs(planes[i] - expected) <= Allowed(weights, c, v));
          }
        }
      }
    }
  });
}

TEST_CASE("interleaved values are the planes' values") {
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    const Weights weights = WeightsFor(channels);
    const std::vector<float> planes = Planar(image, false);
    cv::Mat out;
    NormalizeInterleaved(image, weights.scale, weights.offset, out);
    REQUIRE(out.type() == CV_MAKETYPE(CV_32F, channels));
    REQUIRE(out.size() == image.size());
    std::size_t i = 0;
    for (int c = 0; c < channels; ++c) {
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x, ++i) {
          REQUIRE(out.ptr<float>(y)[x * channels + c] == planes[i]);
        }
      }
    }
    cv::Mat in_place = image.clone();
    NormalizeInterleaved(in_place, weights.scale, weights.offset, in_place);
    REQUIRE(SamePixels(in_place, out));
  });
}

TEST_CASE("rows with gaps between them are read alike") {
  const cv::Mat wide = RandomImage(120, 40, CV_8U, 3);
  const cv::Mat gaps = wide(cv::Rect(10, 3, 77, 30));
  for (const bool mirror : {false, true}) {
    CHECK(Planar(gaps, mirror) == Planar(gaps.clone(), mirror));
  }
}

TEST_CASE("every instruction set gives the same planes, at every width") {
  for (const int depth : kSweepDepths) {
    for (int channels = 1; channels <= 5; ++channels) {
      for (int width = 1; width < 140; ++width) {
        const cv::Mat image = RandomImage(width, 2, depth, channels);
        const Weights weights = WeightsFor(channels);
        for (const bool mirror : {false, true}) {
          const std::vector<float> expected = Planar(image, mirror);
          cv::Mat whole;
          NormalizeInterleaved(image, weights.scale, weights.offset, whole);
          ForEachTarget([&](const char* target) {
            CAPTURE(target);
            CAPTURE(width);
            REQUIRE(Planar(image, mirror) == expected);
            cv::Mat out;
            NormalizeInterleaved(image, weights.scale, weights.offset, out);
            REQUIRE(SamePixels(out, whole));
          });
        }
      }
    }
  }
}

TEST_CASE("rows longer than what is taken apart at once") {
  for (const int width : {511, 512, 513, 1100}) {
    const cv::Mat image = RandomImage(width, 1, CV_8U, 3);
    const Weights weights = WeightsFor(3);
    for (const bool mirror : {false, true}) {
      const std::vector<float> planes = Planar(image, mirror);
      for (int c = 0; c < 3; ++c) {
        const auto at = static_cast<std::size_t>(c);
        for (int x = 0; x < width; ++x) {
          const auto v = static_cast<float>(ValueAt(image, mirror ? width - 1 - x : x, 0, c));
          const float product = v * weights.scale[at];
          REQUIRE(planes[static_cast<std::size_t>(c * width + x)] == product + weights.offset[at]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace pixloom
