// SPDX-License-Identifier: Apache-2.0
// Soft fields, blends and drawn layers against sums in double precision.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "ops/kernels/blend_rows.h"
#include "ops/kernels/layer_draw.h"
#include "ops/kernels/pixel_math.h"
#include "ops/kernels/soft_field.h"

namespace pixloom {
namespace {

TEST_CASE("BlendRow rounds half up at any length") {
  for (const std::size_t count : {1u, 3u, 7u, 8u, 31u, 100u}) {
    std::vector<std::uint8_t> in(count);
    std::vector<float> share(count);
    std::vector<float> target(count);
    for (std::size_t i = 0; i < count; ++i) {
      in[i] = static_cast<std::uint8_t>(i * 37 + 5);
      share[i] = static_cast<float>(i % 5) / 4;
      target[i] = static_cast<float>((i * 91) % 256);
    }
    std::vector<std::uint8_t> out(count);
    BlendRow(in.data(), share.data(), target.data(), out.data(), count);
    for (std::size_t i = 0; i < count; ++i) {
      // Quarters: exact in float32.
      const double exact = in[i] + double{share[i]} * (double{target[i]} - in[i]);
      CHECK(out[i] == static_cast<int>(std::floor(exact + 0.5)));
    }
  }
}

TEST_CASE("SpreadOverChannels leaves alpha alone") {
  std::vector<float> pixels(37);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i) + 1;
  for (const int channels : {1, 2, 3, 4, 5}) {
    std::vector<float> values(pixels.size() * static_cast<std::size_t>(channels));
    SpreadOverChannels(pixels.data(), channels, values.data(), pixels.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool alpha = channels == 4 && i % 4 == 3;
      CHECK(values[i] == (alpha ? 0 : pixels[i / static_cast<std::size_t>(channels)]));
    }
  }
}

TEST_CASE("a soft field has mean 0 and the deviation it was asked for") {
  double sum = 0;
  double squares = 0;
  double n = 0;
  for (std::uint64_t id = 0; id < 40; ++id) {
    const SoftField field({160, 120}, HalvingOctaves(0.1, 3, 0.5), {5, id, 6});
    std::vector<float> row(160);
    for (int y = 0; y < 120; ++y) {
      field.Row(y, row.data());
      for (const float v : row) sum += v, squares += double{v} * v, n += 1;
    }
  }
  // About a hundred independent cells per field.
  CHECK(std::abs(sum / n) < 0.06);
  CHECK(std::abs(squares / n - 1) < 0.08);
}

TEST_CASE("NormalQuantileAbove inverts the normal distribution") {
  for (const double share : {1e-6, 1e-3, 0.02, 0.0243, 0.1, 0.3, 0.5, 0.7, 0.97, 0.98, 0.999}) {
    const double x = NormalQuantileAbove(share);
    CHECK(std::erfc(x / std::numbers::sqrt2) / 2 == doctest::Approx(share).epsilon(1e-6));
  }
}

TEST_CASE("a colour on any number of channels") {
  const std::vector<double> colour{0.2, 0.4, 0.8};
  CHECK(OnChannels(colour, 1)[0] == doctest::Approx(0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.8));
  CHECK(OnChannels(colour, 5) == std::vector<float>{0.2F, 0.4F, 0.8F, 0.8F, 0.8F});
  CHECK(OnChannels(std::vector<double>{0.5}, 3) == std::vector<float>{0.5F, 0.5F, 0.5F});
}

double Area(const cv::Mat& layer) { return cv::sum(layer)[0] / 255; }

TEST_CASE("a stroke covers its area, wherever it lies and however thin it is") {
  for (const double width : {0.4, 1.0, 2.5, 8.0}) {
    for (const double softness : {1.0, 3.0}) {
      for (const double angle : {0.0, 0.3, 0.7854, 1.4, 2.5}) {
        const Point way{std::cos(angle), std::sin(angle)};
        const double exact = 60 * width + std::numbers::pi / 4 * width * width;
        // A diagonal meets all its pixels at one distance, so a single one may be off.
        double area = 0;
        for (int i = 0; i < 16; ++i) {
          const Point middle{50.3 + i / 16.0, 49.1 + i % 4 / 4.0};
          cv::Mat layer = cv::Mat::zeros(100, 100, CV_8UC1);
          DrawStroke({middle - way * 30, middle + way * 30, width, softness, 1}, layer);
          area += Area(layer) / 16;
        }
        CAPTURE(width);
        CAPTURE(softness);
        CAPTURE(angle);
        CHECK(area == doctest::Approx(exact).epsilon(0.05));
      }
    }
  }
}

TEST_CASE("a stroke is symmetric, fades outwards and is cut at the borders") {
  cv::Mat layer = cv::Mat::zeros(21, 21, CV_8UC1);
  DrawStroke({{10.5, 10.5}, {10.5, 10.5}, 9, 3, 1}, layer);
  CHECK(layer.at<std::uint8_t>(10, 10) == 255);
  for (int x = 11; x < 21; ++x) {
    CHECK(layer.at<std::uint8_t>(10, x) <= layer.at<std::uint8_t>(10, x - 1));
    CHECK(layer.at<std::uint8_t>(10, x) == layer.at<std::uint8_t>(10, 20 - x));
    CHECK(layer.at<std::uint8_t>(10, x) == layer.at<std::uint8_t>(x, 10));
  }
  CHECK(layer.at<std::uint8_t>(10, 17) == 0);
  // Five px out the window reaches from 3.5 to 6.5, the disc to 4.5.
  CHECK(layer.at<std::uint8_t>(10, 15) == 85);
  cv::Mat small = cv::Mat::zeros(3, 2, CV_8UC1);
  DrawStroke({{-1e7, -2}, {1e7, 5}, 3, 1, 1}, small);
  DrawStroke({{500, 500}, {600, 900}, 3, 1, 1}, small);
  CHECK(Area(small) <= 6);
  // The greater of both.
  cv::Mat twice = layer.clone();
  DrawStroke({{10.5, 10.5}, {10.5, 10.5}, 9, 3, 0.5}, twice);
  CHECK(cv::norm(layer, twice, cv::NORM_INF) == 0);
}

TEST_CASE("a soft polygon covers its area") {
  const std::vector<Point> ring{{10, 12}, {70, 5}, {85, 60}, {40, 90}, {15, 50}};
  double exact = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = ring[i];
    const Point b = ring[(i + 1) % ring.size()];
    exact += (a.x * b.y - b.x * a.y) / 2;
  }
  for (const double softness : {0.0, 1.0, 4.0, 9.0}) {
    const SoftPolygon polygon(ring, softness);
    std::vector<float> cover(100);
    double area = 0;
    for (int y = 0; y < 100; ++y) {
      if (!polygon.Row(y, 100, cover.data())) continue;
      for (const float v : cover) {
        CHECK(v >= 0);
        CHECK(v <= 1);
        area += v;
      }
    }
    CHECK(area == doctest::Approx(exact).epsilon(0.005));
  }
  std::vector<float> untouched(4, 7);
  CHECK(!SoftPolygon(ring, 2).Row(99, 4, untouched.data()));
  CHECK(untouched[0] == 7);
}

}  // namespace
}  // namespace pixloom
