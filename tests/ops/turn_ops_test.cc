// SPDX-License-Identifier: Apache-2.0
// Turns that change the canvas or the scale, and warps that gained a parameter.
#include <algorithm>
#include <array>
#include <cmath>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/draw_op.h"
#include "tests/support/run_chain.h"

namespace pixloom::testing {
namespace {

constexpr Size kSizes[] = {{100, 100}, {120, 37}, {16, 81}, {7, 5}, {1, 1}, {40, 1}};

Facts Of(Size size) { return Picture(size.width, size.height); }

std::array<double, 4> Shown(const Matrix& map, Size size) {
  Quad corners = BoxQuad(0, 0, size.width, size.height);
  for (Point& p : corners) p = map(p);
  return Bounds(corners);
}

bool Refused(const char* verb, const std::string& yaml) {
  Diagnostics diagnostics;
  Bind(verb, yaml, diagnostics);
  return diagnostics.HasErrors();
}

TEST_CASE("rotate expand: the canvas holds all corners and is less than a pixel too large") {
  for (const Size size : kSizes) {
    for (double angle = -360; angle <= 360; angle += 7.5) {
      const Drawn drawn = Draw("rotate", fmt::format("{{angle: {}, expand: true}}", angle),  //
                               Of(size));
      const Size out = drawn.Affine().out;
      const auto b = Shown(drawn.Affine().map, size);
      const bool holds =
          b[0] >= -1e-6 && b[1] >= -1e-6 && b[2] <= out.width + 1e-6 && b[3] <= out.height + 1e-6;
      const bool tight = b[0] < 0.5 && b[1] < 0.5 && b[2] > out.width - 0.5 - 1e-6 &&
                         b[3] > out.height - 0.5 - 1e-6;
      if (!holds || !tight) FAIL_CHECK(size.width << "x" << size.height << " at " << angle);
      CHECK(drawn.Affine().border.has_value());
    }
  }
  const auto size = [](int angle) {
    return Draw("rotate", fmt::format("{{angle: {}, expand: true}}", angle), Picture(100, 60))
        .Affine()
        .out;
  };
  CHECK(size(0) == Size{100, 60});
  CHECK(size(90) == Size{60, 100});
  CHECK(size(-180) == Size{100, 60});
  CHECK(size(45) == Size{114, 114});  // 160 / sqrt(2) = 113.14
}

TEST_CASE("rotate crop_border: white stays white on a black border") {
  for (const Size size : kSizes) {
    const cv::Mat white(size.height, size.width, CV_8UC3, cv::Scalar::all(255));
    for (double angle = -360; angle <= 360; angle += 7.5) {
      for (const char* how : {"linear", "nearest"}) {
        const ChainUnderTest chain(
            fmt::format("[rotate: {{angle: {}, crop_border: true, interpolation: {}}}]", angle,  //
                        how));
        const cv::Mat out = PixelsOf(chain.Run(PictureSample(white)));
        double least = 0;
        cv::minMaxLoc(out.reshape(1), &least);
        // Of a line of single pixels nothing can be cut out when it is turned.
        if (size.height > 1) CHECK(least == 255);
        REQUIRE(out.total() > 0);
      }
    }
  }
}

TEST_CASE("rotate crop_border: known rectangles") {
  const auto size = [](double angle, Size in) {
    return Draw("rotate", fmt::format("{{angle: {}, crop_border: true}}", angle), Of(in))
        .Affine()
        .out;
  };
  CHECK(size(0, {100, 60}) == Size{100, 60});
  CHECK(size(90, {100, 60}) == Size{60, 100});
  CHECK(size(180, {100, 60}) == Size{100, 60});
  CHECK(size(45, {100, 100}) == Size{70, 70});   // 100 / sqrt(2)
  CHECK(size(-45, {400, 100}) == Size{70, 70});  // the long sides bound it
  // A 3-4-5 triangle: 30 / 0.6 by 30 / 0.8.
  CHECK(size(36.86989764584402, {100, 60}) == Size{50, 37});
  CHECK(size(45, {1, 1}) == Size{1, 1});
  CHECK(!Draw("rotate", "{angle: 20, crop_border: true}", Picture(50, 60)).Affine().border);
  CHECK(Draw("rotate", "{angle: 20, crop_border: true}", Picture(50, 1)).Affine().border);
}

TEST_CASE("rotate: one wish at a time, and the size is known when it stays") {
  CHECK(Refused("rotate", "{expand: true, crop_border: true}"));
  Meta meta;
  meta.size = Size{10, 20};
  CHECK(Bind("rotate", "")->Out(meta).size == Size{10, 20});
  CHECK(!Bind("rotate", "{expand: true}")->Out(meta).size);
  CHECK(!Bind("rotate", "{crop_border: true}")->Out(meta).size);
  const auto op = Bind("rotate", "{angle: [-20, 20]}");
  const auto expanding = Bind("rotate", "{angle: [-20, 20], expand: true}");
  CHECK(Draw(*op, Picture(9, 9), 3).At("angle") == Draw(*expanding, Picture(9, 9), 3).At("angle"));
}

TEST_CASE("safe_rotate: everything fits, touching the canvas, under one scale") {
  for (const Size size : kSizes) {
    for (double angle = -360; angle <= 360; angle += 7.5) {
      const Drawn drawn = Draw("safe_rotate", fmt::format("{}", angle), Of(size));
      const auto b = Shown(drawn.Affine().map, size);
      const double room = std::min({b[0], b[1], size.width - b[2], size.height - b[3]});
      CHECK(std::abs(room) < 1e-9);
      const auto& m = drawn.Affine().map.m;
      const double s = drawn.At("scale");
      CHECK(std::hypot(m[0], m[3]) == doctest::Approx(s));
      CHECK(std::hypot(m[1], m[4]) == doctest::Approx(s));
      CHECK(drawn.Affine().out == size);
    }
  }
  CHECK(Draw("safe_rotate", "90", Picture(100, 50)).At("scale") == doctest::Approx(0.5));
  CHECK(Draw("safe_rotate", "45", Picture(80, 80)).At("scale") == doctest::Approx(std::sqrt(0.5)));
}

TEST_CASE("affine fit_output: the canvas is the box around the picture") {
  for (const Size size : kSizes) {
    const auto op = Bind("affine",
                         "{scale: [0.3, 2], rotate: [-180, 180], shear_x: [-30, 30], shear_y: "
                         "[-20, 20], translate: [-1, 1], fit_output: true}");
    for (std::uint64_t id = 0; id < 100; ++id) {
      const Drawn drawn = Draw(*op, Of(size), id);
      const auto b = Shown(drawn.Affine().map, size);
      const Size out = drawn.Affine().out;
      CHECK(b[0] + b[2] == doctest::Approx(out.width));
      CHECK(b[1] + b[3] == doctest::Approx(out.height));
      CHECK(out.width == std::max(1.0, std::ceil(b[2] - b[0] - 1e-6)));
      CHECK(out.height == std::max(1.0, std::ceil(b[3] - b[1] - 1e-6)));
    }
  }
  CHECK(Draw("affine", "{scale: 2, fit_output: true}", Picture(5, 3)).Affine().out == Size{10, 6});
}

TEST_CASE("affine balanced_scale draws below and above 1 with equal chance") {
  const auto op = Bind("affine", "{scale: [0.8, 3], balanced_scale: true}");
  int below = 0;
  double low = 10;
  double high = 0;
  double sum_below = 0;
  double sum_above = 0;
  constexpr int kDraws = 8000;
  for (std::uint64_t id = 0; id < kDraws; ++id) {
    const double s = Draw(*op, Picture(9, 9), id).At("scale_x");
    low = std::min(low, s);
    high = std::max(high, s);
    below += s < 1 ? 1 : 0;
    (s < 1 ? sum_below : sum_above) += s;
  }
  CHECK(std::abs(below - kDraws / 2) < 180);  // four standard deviations
  CHECK(low >= 0.8);
  CHECK(low < 0.801);
  CHECK(high < 3);
  CHECK(high > 2.99);
  CHECK(sum_below / below == doctest::Approx(0.9).epsilon(0.005));
  CHECK(sum_above / (kDraws - below) == doctest::Approx(2).epsilon(0.02));
  // On one side of 1 there is nothing to balance, and later draws are not moved.
  for (const char* scale : {"[1, 2]", "[0.5, 1]", "{choice: [0.5, 2]}"}) {
    const std::string rest = fmt::format("scale: {}, rotate: [-9, 9]", scale);
    const Drawn plain = Draw("affine", "{" + rest + "}", Picture(9, 9));
    const Drawn balanced = Draw("affine", "{" + rest + ", balanced_scale: true}", Picture(9, 9));
    CHECK(plain.record == balanced.record);
  }
}

TEST_CASE("affine translate stands for the axes without a range of their own") {
  const Drawn both = Draw("affine", "{translate: 0.5}", Picture(10, 20));
  CHECK(both.Affine().map({0, 0}) == Point(5, 10));
  const Drawn one = Draw("affine", "{translate: 0.5, translate_y: -0.25}", Picture(10, 20));
  CHECK(one.Affine().map({0, 0}) == Point(5, -5));
}

TEST_CASE("shift_scale_rotate") {
  const Drawn drawn =
      Draw("shift_scale_rotate", "{shift: 0.25, scale: 2, rotate: 90}", Picture(4, 8));
  // (3, 4) is (1, 0) from the centre; doubled (2, 0); turned (0, -2); shifted by (1, 2).
  const Point at = drawn.Affine().map({3, 4});
  CHECK(at.x == doctest::Approx(3));
  CHECK(at.y == doctest::Approx(4));
  const auto op = Bind("shift_scale_rotate", "");
  std::array<double, 8> ends{1, -1, 1, -1, 2, 0, 99, -99};
  for (std::uint64_t id = 0; id < 4000; ++id) {
    const Drawn d = Draw(*op, Picture(4, 8), id);
    std::size_t i = 0;
    for (const char* name : {"shift_x", "shift_y", "scale", "rotate"}) {
      ends.at(i) = std::min(ends.at(i), d.At(name));
      ends.at(i + 1) = std::max(ends.at(i + 1), d.At(name));
      i += 2;
    }
  }
  const std::array<double, 8> expected{-0.0625, 0.0625, -0.0625, 0.0625, 0.9, 1.1, -45, 45};
  for (std::size_t i = 0; i < 8; ++i) CHECK(ends[i] == doctest::Approx(expected[i]).epsilon(0.01));
}

TEST_CASE("shear") {
  const Drawn centre = Draw("shear", "{x: 45, y: 0}", Picture(4, 8));
  CHECK(centre.Affine().map({2, 4}).x == doctest::Approx(2));
  CHECK(centre.Affine().map({2, 8}).x == doctest::Approx(6));  // lower rows move right
  const Drawn corner = Draw("shear", "{x: 0, y: 45, anchor: top_left}", Picture(4, 8));
  CHECK(corner.Affine().map({0, 3}).y == doctest::Approx(3));
  CHECK(corner.Affine().map({4, 3}).y == doctest::Approx(7));  // columns to the right move down
  CHECK(Refused("shear", "{x: 50, y: 40}"));
}

TEST_CASE("translate") {
  const Drawn part = Draw("translate", "{x: 0.25, y: -0.5}", Picture(10, 20));
  CHECK(part.Affine().map({0, 0}) == Point(2.5, -10));
  const auto op = Bind("translate", "{x: [-3, 3], y: 7.5, unit: px}");
  for (std::uint64_t id = 0; id < 50; ++id) {
    const Drawn pixels = Draw(*op, Picture(10, 20), id);
    const Point at = pixels.Affine().map({0, 0});
    CHECK(at.x == std::floor(at.x));
    CHECK(std::abs(at.x - pixels.At("x")) <= 0.5);
    CHECK(at.y == 8);
  }
  CHECK(Refused("translate", "{x: 3}"));
  CHECK(Refused("translate", "{y: [-1.5, 0]}"));
}

TEST_CASE("peers' spellings of turns and warps") {
  const auto interval = [](const char* verb, const std::string& yaml, std::string_view name) {
    const Value args = Bind(verb, yaml)->Arguments();
    const Value* v = args.Find(name);
    REQUIRE(v->items.size() == 2);
    return std::pair(v->items[0].number, v->items[1].number);
  };
  using Pair = std::pair<double, double>;
  CHECK(interval("RandomRotation", "{degrees: 30}", "angle") == Pair(-30, 30));
  CHECK(interval("SafeRotate", "{limit: 30}", "angle") == Pair(-30, 30));
  CHECK(interval("Affine", "{degrees: 30}", "rotate") == Pair(-30, 30));
  CHECK(interval("Affine", "{translate_percent: [0.1, 0.2]}", "translate") == Pair(0.1, 0.2));
  CHECK(interval("ShiftScaleRotate", "{shift_limit: 0.1}", "shift") == Pair(-0.1, 0.1));
  CHECK(interval("ShiftScaleRotate", "{scale_limit: 0.25}", "scale") == Pair(0.75, 1.25));
  CHECK(interval("ShiftScaleRotate", "{scale_limit: [-0.5, 0.25]}", "scale") == Pair(0.5, 1.25));
  CHECK(interval("ShiftScaleRotate", "{rotate_limit: 10}", "rotate") == Pair(-10, 10));
  CHECK(interval("RandomShear", "{shear: 10}", "x") == Pair(-10, 10));
  CHECK(Refused("ShiftScaleRotate", "{scale_limit: [wide, 2]}"));
  for (const char* verb : {"RandomRotate90", "D4", "SquareSymmetry", "Transpose", "Perspective"}) {
    CHECK(Ops().FindOperator(verb) != nullptr);
  }
}

}  // namespace
}  // namespace pixloom::testing
