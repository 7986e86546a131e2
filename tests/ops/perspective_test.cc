// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/draw_op.h"
#include "tests/support/run_chain.h"

namespace pixloom::testing {
namespace {

constexpr int kDraws = 10'000;
constexpr Size kSize{120, 90};

constexpr const char* kOffsets[] = {"top_left_x",    "top_left_y",     "top_right_x",
                                    "top_right_y",   "bottom_right_x", "bottom_right_y",
                                    "bottom_left_x", "bottom_left_y"};

// The four points of the recipe, in pixels, clockwise from the upper left.
Quad PointsOf(const Drawn& drawn, Size size) {
  const auto at = [&](int i) { return drawn.At(kOffsets[i]); };
  const double w = size.width;
  const double h = size.height;
  return {Point{at(0) * w, at(1) * h}, Point{w - at(2) * w, at(3) * h},
          Point{w - at(4) * w, h - at(5) * h}, Point{at(6) * w, h - at(7) * h}};
}

// Smallest turn between neighbouring edges, as a part of the product of their lengths; negative
// when the quad folds.
double Convexity(const Quad& q) {
  double least = 1;
  for (std::size_t i = 0; i < 4; ++i) {
    const Point a = q[(i + 1) % 4] - q[i];
    const Point b = q[(i + 2) % 4] - q[(i + 1) % 4];
    least = std::min(least, (a.x * b.y - a.y * b.x) / std::sqrt(a.dot(a) * b.dot(b)));
  }
  return least;
}

// Divisor of the map at the corners of the picture: least over greatest.
double Depths(const Matrix& map, Size size) {
  double least = 1e300;
  double most = -1e300;
  for (const Point& p : BoxQuad(0, 0, size.width, size.height)) {
    const double w = map.m[6] * p.x + map.m[7] * p.y + map.m[8];
    least = std::min(least, w);
    most = std::max(most, w);
  }
  return least / std::abs(most);
}

bool Near(Point a, Point b) { return std::abs(a.x - b.x) < 1e-6 && std::abs(a.y - b.y) < 1e-6; }

TEST_CASE("perspective never folds and keeps the whole picture in front of the viewer") {
  for (const char* yaml :
       {"", "{scale: 0.1}", "{scale: [0, 1]}", "{scale: 0.3, fit_output: true, keep_size: false}",
        "{sampler: distortion}", "{sampler: distortion, distortion_scale: 1}",
        "{sampler: distortion, distortion_scale: 1, fit_output: true}"}) {
    CAPTURE(yaml);
    const auto op = Bind("perspective", yaml);
    const bool distorts = std::string(yaml).find("distortion") != std::string::npos;
    double flattest = 1;
    double depth = 1;
    int wrong = 0;
    for (std::uint64_t id = 0; id < kDraws; ++id) {
      const Drawn drawn = Draw(*op, Picture(kSize.width, kSize.height), id);
      const Matrix& map = drawn.Affine().map;
      const Quad points = PointsOf(drawn, kSize);
      flattest = std::min(flattest, Convexity(points));
      depth = std::min(depth, Depths(map, kSize));
      // The points lie in front, too, and turn the way the picture does.
      Quad mapped = distorts ? BoxQuad(0, 0, kSize.width, kSize.height) : points;
      for (Point& p : mapped) p = map(p);
      if (!(Convexity(mapped) > 0)) ++wrong;
    }
    CHECK(wrong == 0);
    CHECK(flattest > 1e-3);
    CHECK(depth > 0.0999);
  }
}

TEST_CASE("perspective jitter takes four points to the corners of the canvas") {
  const auto op = Bind("perspective", "");
  const auto free_size = Bind("perspective", "{keep_size: false}");
  for (std::uint64_t id = 0; id < 200; ++id) {
    const Drawn drawn = Draw(*op, Picture(kSize.width, kSize.height), id);
    const Quad points = PointsOf(drawn, kSize);
    const Quad corners = BoxQuad(0, 0, kSize.width, kSize.height);
    for (std::size_t i = 0; i < 4; ++i) CHECK(Near(drawn.Affine().map(points[i]), corners[i]));
    CHECK(drawn.Affine().out == kSize);
    CHECK(!drawn.Affine().border);

    const Drawn smaller = Draw(*free_size, Picture(kSize.width, kSize.height), id);
    CHECK(smaller.record == drawn.record);
    const Size out = smaller.Affine().out;
    CHECK(out.width <= kSize.width);
    CHECK(out.width >= 0.36 * kSize.width);
    const Quad own = BoxQuad(0, 0, out.width, out.height);
    for (std::size_t i = 0; i < 4; ++i) CHECK(Near(smaller.Affine().map(points[i]), own[i]));
  }
}

TEST_CASE("perspective distortion takes the corners of the picture to four points") {
  const auto op = Bind("perspective", "{sampler: distortion}");
  const auto fitted = Bind("perspective", "{sampler: distortion, fit_output: true}");
  for (std::uint64_t id = 0; id < 200; ++id) {
    const Drawn drawn = Draw(*op, Picture(kSize.width, kSize.height), id);
    const Quad points = PointsOf(drawn, kSize);
    Quad corners = BoxQuad(0, 0, kSize.width, kSize.height);
    for (std::size_t i = 0; i < 4; ++i) CHECK(Near(drawn.Affine().map(corners[i]), points[i]));
    CHECK(drawn.Affine().out == kSize);
    CHECK(drawn.Affine().border.has_value());

    const Drawn whole = Draw(*fitted, Picture(kSize.width, kSize.height), id);
    for (Point& p : corners) p = whole.Affine().map(p);
    const auto b = Bounds(corners);
    CHECK(Near({b[0], b[1]}, {0, 0}));
    CHECK(Near({b[2], b[3]}, {1.0 * kSize.width, 1.0 * kSize.height}));
  }
}

TEST_CASE("perspective jitter with fit_output shows the whole picture") {
  const auto op = Bind("perspective", "{fit_output: true, keep_size: false}");
  for (std::uint64_t id = 0; id < 200; ++id) {
    const Drawn drawn = Draw(*op, Picture(kSize.width, kSize.height), id);
    Quad corners = BoxQuad(0, 0, kSize.width, kSize.height);
    for (Point& p : corners) p = drawn.Affine().map(p);
    const auto b = Bounds(corners);
    const Size out = drawn.Affine().out;
    CHECK(Near({b[0], b[1]}, {0, 0}));
    CHECK(Near({b[2], b[3]}, {1.0 * out.width, 1.0 * out.height}));
    CHECK(drawn.Affine().border.has_value());
  }
}

TEST_CASE("perspective: distribution of the offsets") {
  const auto mean_and_most = [](const char* yaml) {
    const auto op = Bind("perspective", yaml);
    double sum = 0;
    double most = 0;
    for (std::uint64_t id = 0; id < kDraws; ++id) {
      const Drawn drawn = Draw(*op, Picture(kSize.width, kSize.height), id);
      for (const char* name : kOffsets) {
        sum += drawn.At(name) / (8.0 * kDraws);
        most = std::max(most, drawn.At(name));
        if (drawn.At(name) < 0) FAIL_CHECK(name);
      }
    }
    return std::pair(sum, most);
  };
  // The mean of |N(0, s)| is s sqrt(2 / pi).
  const auto [jitter, jitter_most] = mean_and_most("{scale: 0.06}");
  CHECK(jitter == doctest::Approx(0.06 * std::sqrt(2 / 3.14159265358979)).epsilon(0.01));
  CHECK(jitter_most > 0.2);
  const auto [wide, wide_most] = mean_and_most("{scale: 1}");
  CHECK(wide < 0.17);
  CHECK(wide > 0.14);
  CHECK(wide_most < 0.32);
  CHECK(wide_most > 0.31);
  const auto [uniform, uniform_most] = mean_and_most("{sampler: distortion}");
  CHECK(uniform == doctest::Approx(0.125).epsilon(0.01));
  CHECK(uniform_most <= 0.25);
  CHECK(uniform_most > 0.2499);
}

TEST_CASE("perspective that moves nothing copies the picture") {
  const Sample scene = MakeInput("scene", 0);
  for (const char* chain :
       {"[perspective: {scale: 0}]", "[perspective: {scale: 0, fit_output: true}]",
        "[perspective: {scale: 0, keep_size: false}]",
        "[perspective: {sampler: distortion, distortion_scale: 0}]"}) {
    CAPTURE(chain);
    CHECK(SameSample(scene, ChainUnderTest(chain).Run(scene.Clone())));
  }
}

TEST_CASE("perspective: sizes known before the draw") {
  Meta meta;
  meta.size = kSize;
  CHECK(Bind("perspective", "")->Out(meta).size == kSize);
  CHECK(Bind("perspective", "{fit_output: true}")->Out(meta).size == kSize);
  CHECK(!Bind("perspective", "{keep_size: false}")->Out(meta).size);
}

}  // namespace
}  // namespace pixloom::testing
