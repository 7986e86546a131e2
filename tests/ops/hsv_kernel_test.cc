// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/hsv_kernel.h"

#include <doctest/doctest.h>

#include <cmath>

namespace pixloom {
namespace {

// Distance around the circle.
double HueDistance(double a, double b) {
  const double d = std::abs(a - b);
  return std::min(d, 1 - d);
}

// A saturated colour from its hue: each channel is a trapezoid of the angle to its own primary.
double Trapezoid(double hue, double primary) {
  return std::clamp(2 - 6 * HueDistance(hue, primary), 0.0, 1.0);
}

TEST_CASE("HSV to RGB is the hexcone") {
  for (int i = 0; i < 240; ++i) {
    const double h = i / 240.0;
    for (const double s : {0.0, 0.3, 1.0}) {
      for (const double v : {0.0, 0.4, 1.0}) {
        const Rgb rgb =
            HsvToRgb({static_cast<float>(h), static_cast<float>(s), static_cast<float>(v)});
        CHECK(std::abs(double{rgb.r} - v * (1 - s + s * Trapezoid(h, 0))) < 2e-6);
        CHECK(std::abs(double{rgb.g} - v * (1 - s + s * Trapezoid(h, 1 / 3.0))) < 2e-6);
        CHECK(std::abs(double{rgb.b} - v * (1 - s + s * Trapezoid(h, 2 / 3.0))) < 2e-6);
      }
    }
  }
}

TEST_CASE("a round trip gives every colour back and hue stays in [0, 1)") {
  for (int r = 0; r <= 255; r += 15) {
    for (int g = 0; g <= 255; g += 15) {
      for (int b = 0; b <= 255; b += 15) {
        const Rgb in{static_cast<float>(r) / 255, static_cast<float>(g) / 255,
                     static_cast<float>(b) / 255};
        const Hsv hsv = RgbToHsv(in);
        REQUIRE(hsv.h >= 0);
        REQUIRE(hsv.h < 1);
        REQUIRE(hsv.v == std::max({in.r, in.g, in.b}));
        const Rgb out = HsvToRgb(hsv);
        REQUIRE(std::abs(out.r - in.r) < 2e-6F);
        REQUIRE(std::abs(out.g - in.g) < 2e-6F);
        REQUIRE(std::abs(out.b - in.b) < 2e-6F);
      }
    }
  }
}

TEST_CASE("gray has no hue and no saturation") {
  for (const float v : {0.0F, 0.25F, 1.0F}) {
    const Hsv hsv = RgbToHsv({v, v, v});
    CHECK(hsv.h == 0);
    CHECK(hsv.s == 0);
    CHECK(hsv.v == v);
  }
}

TEST_CASE("float colours outside the range come back") {
  for (const Rgb in : {Rgb{1.5F, 1.25F, 0.5F}, Rgb{2, 2, 2}, Rgb{0.5F, -0.25F, 0.125F}}) {
    const Rgb out = HsvToRgb(RgbToHsv(in));
    CHECK(out.r == doctest::Approx(in.r));
    CHECK(out.g == doctest::Approx(in.g));
    CHECK(out.b == doctest::Approx(in.b));
  }
  const Rgb dark = HsvToRgb(RgbToHsv({0, -0.5F, -1}));
  CHECK(dark.r == 0);
  CHECK(dark.g == 0);
  CHECK(dark.b == 0);
}

TEST_CASE("hue turns around the circle") {
  CHECK(TurnHue(0.9F, 0.2F) == doctest::Approx(0.1));
  CHECK(TurnHue(0.1F, -0.3F) == doctest::Approx(0.8));
  CHECK(TurnHue(0.5F, -3.0F) == doctest::Approx(0.5));
  CHECK(TurnHue(0.0F, -1e-9F) < 1.0F);
  const Rgb green = HsvToRgb({TurnHue(RgbToHsv({1, 0, 0}).h, 1.0F / 3), 1, 1});
  CHECK(green.g == 1.0F);
  CHECK(green.r < 1e-6F);
}

}  // namespace
}  // namespace pixloom
