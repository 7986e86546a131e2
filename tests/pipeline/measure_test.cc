// SPDX-License-Identifier: Apache-2.0
#include "pipeline/measure.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/reference/ref_measure.h"
#include "tests/reference/ref_pixels.h"

namespace pixloom {
namespace {

using reference::Image64;

double Own(Measurements& m, const std::string& name, double argument) {
  if (name == "brightness") return m.Brightness();
  if (name == "contrast") return m.Contrast();
  if (name == "sharpness") return m.Sharpness();
  if (name == "blur") return m.Blur();
  if (name == "noise") return m.Noise();
  if (name == "saturation") return m.Saturation();
  if (name == "entropy") return m.Entropy();
  if (name == "luma") return m.Quantile(argument);
  return name == "darker" ? m.Darker(argument) : m.Brighter(argument);
}

const std::vector<std::pair<std::string, double>> kAll{
    {"brightness", 0}, {"contrast", 0},   {"sharpness", 0},  {"blur", 0},   {"noise", 0},
    {"saturation", 0}, {"entropy", 0},    {"luma", 0},       {"luma", 0.1}, {"luma", 0.5},
    {"luma", 1},       {"darker", 0.2},   {"darker", 0.6},   {"darker", 1}, {"brighter", 0},
    {"brighter", 0.2}, {"brighter", 0.9}, {"brighter", 0.55}};

double Word(int seed, int index) {
  const StreamKey key{static_cast<std::uint64_t>(seed), 3, 9};
  return key.Block(static_cast<std::uint32_t>(index))[0] * 0x1p-32;
}

// Slopes, a dark square, texture on the right; unit scale.
double SceneAt(Size size, int x, int y, int c) {
  const double u = (x + 0.5) / size.width, v = (y + 0.5) / size.height;
  double value = 0.25 + 0.4 * u + 0.05 * c * v;
  if (u > 0.2 && u < 0.5 && v > 0.3 && v < 0.7) value *= 0.3;
  if (u > 0.6) value += 0.1 * std::sin(1.3 * x + 0.7 * y + c);
  return value;
}

template <class Value>
Image64 Painted(Size size, int channels, Depth depth, Value value) {
  Image64 image(size, channels, depth, {0, 1});
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < channels; ++c) image.At(x, y, c) = image.FromUnit(value(x, y, c));
    }
  }
  reference::RoundToDepth(image);
  return image;
}

// As it is after a trip through pixels.
Image64 Stored(const Image64& image) {
  return reference::FromMat(reference::ToMat(image), image.range);
}

Measurements Of(const Image64& image) { return {reference::ToMat(image), image.range}; }

double Noisy(int seed, int index, double sigma) {
  const StreamKey key{static_cast<std::uint64_t>(seed), 5, 2};
  return sigma * reference::Normals(key.Block(static_cast<std::uint32_t>(index)))[0];
}

TEST_CASE("every measurement follows its definition in float64") {
  std::map<std::string, double> worst;
  int compared = 0;
  for (const Depth depth : {Depth::kU8, Depth::kU16, Depth::kF32}) {
    for (const int channels : {1, 2, 3, 4, 5}) {
      for (const Size size : {Size{1, 1}, Size{1, 7}, Size{9, 1}, Size{2, 2}, Size{3, 3},
                              Size{4, 4}, Size{7, 5}, Size{33, 40}, Size{70, 21}}) {
        for (const int content : {0, 1, 2}) {
          const auto value = [&](int x, int y, int c) {
            const int index = (y * size.width + x) * channels + c;
            if (content == 0) return Word(1, index);
            if (content == 1) return SceneAt(size, x, y, c);
            return Word(2, index) < 0.5 ? 0.0 : 1.0;
          };
          const Image64 image = Stored(Painted(size, channels, depth, value));
          Measurements m = Of(image);
          for (const auto& [name, argument] : kAll) {
            const double own = Own(m, name, argument);
            const double expected = reference::Measure(image, name, argument);
            // Float pictures are measured in steps of 1 / 65535, each half a step off at most, so
            // that values at the edge of a bin may fall into the next one. A luma of 1 - 1e-16 is
            // no darker than 1 in steps.
            const bool is_float = depth == Depth::kF32;
            if (is_float && content == 2 && name == "darker" && argument == 1) continue;
            const double tolerance = !is_float ? 1e-12 : name == "entropy" ? 0.01 : 2e-4;
            CAPTURE(DepthName(depth));
            CAPTURE(channels);
            CAPTURE(fmt::format("{}x{} content {}", size.width, size.height, content));
            CAPTURE(name);
            CAPTURE(argument);
            CHECK(std::abs(own - expected) <= tolerance);
            CHECK(Own(m, name, argument) == own);  // kept
            double& most = worst[depth == Depth::kF32 ? "float" : "integer"];
            most = std::max(most, std::abs(own - expected));
            ++compared;
          }
        }
      }
    }
  }
  CHECK(compared == 3 * 5 * 9 * 3 * 18 - 5 * 9);
  MESSAGE("worst differences: integer " << worst["integer"] << ", float " << worst["float"]);
}

TEST_CASE("a declared range is the unit, and what lies outside counts as its ends") {
  const Size size{12, 9};
  cv::Mat unit(size.height, size.width, CV_32FC3);
  cv::Mat other = unit.clone();
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width * 3; ++x) {
      const auto value = static_cast<float>(std::floor(Word(3, y * 99 + x) * 256) / 256);
      unit.ptr<float>(y)[x] = value;
      other.ptr<float>(y)[x] = value * 4 - 2;
    }
  }
  unit.ptr<float>(0)[0] = 1;
  other.ptr<float>(0)[0] = 77;
  unit.ptr<float>(1)[5] = 0;
  other.ptr<float>(1)[5] = -std::numeric_limits<float>::infinity();
  unit.ptr<float>(2)[7] = 0;
  other.ptr<float>(2)[7] = std::numeric_limits<float>::quiet_NaN();
  Measurements a(unit, {0, 1});
  Measurements b(other, {-2, 2});
  for (const auto& [name, argument] : kAll) {
    CAPTURE(name);
    CHECK(Own(a, name, argument) == Own(b, name, argument));
  }
}

TEST_CASE("alpha is left out, and a part of a larger picture counts alone") {
  const Size size{31, 17};
  const auto value = [&](int x, int y, int c) { return SceneAt(size, x, y, c); };
  const Image64 rgb = Painted(size, 3, Depth::kU8, value);
  const Image64 rgba = Painted(size, 4, Depth::kU8, [&](int x, int y, int c) {
    return c == 3 ? Word(4, y * size.width + x) : value(x, y, c);
  });
  const Image64 large = Painted({50, 40}, 3, Depth::kU8, [&](int x, int y, int c) {
    const bool inside = x >= 7 && x < 38 && y >= 11 && y < 28;
    return inside ? value(x - 7, y - 11, c) : Word(5, x + 50 * y + 2000 * c);
  });
  Measurements a = Of(rgb);
  Measurements b = Of(rgba);
  Measurements c(reference::ToMat(large)(cv::Rect(7, 11, 31, 17)), {0, 1});
  for (const auto& [name, argument] : kAll) {
    CAPTURE(name);
    CHECK(Own(a, name, argument) == Own(b, name, argument));
    CHECK(Own(a, name, argument) == Own(c, name, argument));
  }
}

TEST_CASE("numbers that can be worked out by hand") {
  cv::Mat spot = cv::Mat::zeros(10, 10, CV_8U);
  spot.at<std::uint8_t>(4, 5) = 255;
  Measurements m(spot, {});
  CHECK(m.Brightness() == doctest::Approx(0.01));
  CHECK(m.Contrast() == doctest::Approx(std::sqrt(0.01 - 0.0001)));
  CHECK(m.Sharpness() == doctest::Approx((16 + 4) / 100.0));  // -4, and 1 four times; mean 0
  // |mask| sums to 16 over 64 inner pixels.
  CHECK(m.Noise() == doctest::Approx(16 / 64.0 / 6 * std::sqrt(std::acos(-1.0) / 2)));
  CHECK(m.Darker(0.5) == doctest::Approx(0.99));
  CHECK(m.Brighter(0.5) == doctest::Approx(0.01));
  CHECK(m.Quantile(0.99) == 0);
  CHECK(m.Quantile(0.995) == 1);
  CHECK(m.Saturation() == 0);
  cv::Mat red(4, 6, CV_16UC3, cv::Scalar(65535, 0, 13107));
  Measurements colour(red, {});
  CHECK(colour.Saturation() == 1);
  CHECK(colour.Brightness() == doctest::Approx(0.299 + 0.114 * 0.2).epsilon(1e-4));
  CHECK(colour.Contrast() == 0);
  CHECK(colour.Sharpness() == 0);
  CHECK(colour.Entropy() == 0);
  CHECK(colour.Noise() == 0);
  CHECK(colour.Blur() == 1);  // no edge at all
  // A level is neither below nor above itself.
  Measurements level(cv::Mat(2, 2, CV_8U, cv::Scalar(51)), {});
  CHECK(level.Darker(0.2) == 0);
  CHECK(level.Brighter(0.2) == 0);
}

TEST_CASE("the noise of a flat picture is what was put in") {
  const Size size{160, 120};
  for (const int channels : {1, 3, 4}) {
    for (const Depth depth : {Depth::kU8, Depth::kU16, Depth::kF32}) {
      for (const double sigma : {0.01, 0.03, 0.08}) {
        const Image64 image = Painted(size, channels, depth, [&](int x, int y, int c) {
          return 0.5 + Noisy(1, (y * size.width + x) * 4 + c, sigma);
        });
        Measurements m = Of(image);
        CAPTURE(sigma);
        CAPTURE(channels);
        CHECK(m.Noise() == doctest::Approx(sigma).epsilon(0.03));
      }
    }
  }
}

TEST_CASE("in a textured picture noise still grows as it should") {
  const Size size{160, 120};
  double before = 0;
  for (const double sigma : {0.0, 0.01, 0.02, 0.04, 0.08}) {
    const Image64 image = Painted(size, 3, Depth::kU8, [&](int x, int y, int c) {
      return SceneAt(size, x, y, c) + Noisy(2, (y * size.width + x) * 4 + c, sigma);
    });
    Measurements m = Of(image);
    const double noise = m.Noise();
    CAPTURE(sigma);
    CHECK(noise > before);
    CHECK(noise > 0.9 * sigma);         // texture adds to it
    CHECK(noise < 1.1 * sigma + 0.03);  // but not much
    before = noise;
  }
}

TEST_CASE("the more it is blurred, the less sharp and the more blurred it counts") {
  const Size size{120, 90};
  const Image64 sharp = Painted(size, 1, Depth::kU8, [&](int x, int y, int) {
    return 0.2 + 0.6 * ((x / 9 + y / 7) % 2) + 0.1 * (Word(6, y * size.width + x) - 0.5);
  });
  Measurements first = Of(sharp);
  double blur = first.Blur(), sharpness = first.Sharpness();
  CHECK(blur < 0.3);
  for (const double sigma : {0.5, 1.0, 2.0, 4.0}) {
    const auto taps = reference::GaussianTaps(sigma, 2 * static_cast<int>(4 * sigma) + 1);
    Image64 soft = reference::Convolved(reference::Convolved(sharp, taps, true), taps, false);
    reference::RoundToDepth(soft);
    Measurements m = Of(soft);
    CAPTURE(sigma);
    CHECK(m.Blur() > blur);
    CHECK(m.Sharpness() < sharpness);
    blur = m.Blur();
    sharpness = m.Sharpness();
  }
  CHECK(blur > first.Blur() + 0.2);
  // Less contrast is less sharp, but no more blurred.
  Image64 pale = sharp;
  for (double& v : pale.values) v = 100 + v / 4;
  reference::RoundToDepth(pale);
  Measurements m = Of(pale);
  CHECK(m.Sharpness() < first.Sharpness() / 10);
  CHECK(m.Blur() == doctest::Approx(first.Blur()).epsilon(0.1));
}

TEST_CASE("blur in one direction counts, edges in one direction are enough") {
  const Size size{90, 90};
  const Image64 checks = Painted(
      size, 1, Depth::kU8, [](int x, int y, int) { return 0.2 + 0.6 * ((x / 9 + y / 7) % 2); });
  Image64 moved = reference::Convolved(checks, std::vector<double>(9, 1.0 / 9), true);
  reference::RoundToDepth(moved);
  CHECK(Of(moved).Blur() > Of(checks).Blur() + 0.2);
  const Image64 bars =
      Painted(size, 1, Depth::kU8, [](int x, int, int) { return 0.2 + 0.6 * (x / 9 % 2); });
  CHECK(Of(bars).Blur() < 0.3);
}

}  // namespace
}  // namespace pixloom
