// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "pipeline/exact_math.h"
#include "tests/support/draw_op.h"

namespace pixloom {
namespace {

void CheckPoint(const Matrix& map, Point from, Point to) {
  const Point at = map(from);
  CAPTURE(from);
  CHECK(at.x == doctest::Approx(to.x).epsilon(1e-12));
  CHECK(at.y == doctest::Approx(to.y).epsilon(1e-12));
}

TEST_CASE("flips") {
  const Drawn h = Draw("hflip", "", Picture(4, 2));
  CheckPoint(h.Affine().map, {1, 0.5}, {3, 0.5});
  CHECK(!h.Affine().border);
  CHECK(!h.Affine().resampling);
  CheckPoint(Draw("vflip", "", Picture(4, 2)).Affine().map, {1, 0.5}, {1, 1.5});
}

TEST_CASE("rotate turns counter-clockwise about the centre") {
  const Drawn quarter = Draw("rotate", "{angle: 90, border: reflect, fill: [1, 2]}", Picture(4, 2));
  CheckPoint(quarter.Affine().map, {2, 1}, {2, 1});
  CheckPoint(quarter.Affine().map, {3, 1}, {2, 0});  // what was on the right is at the top
  CheckPoint(quarter.Affine().map, {2, 0}, {1, 1});
  CHECK(quarter.Affine().out == Size{4, 2});
  CHECK(quarter.Affine().border->mode == Border::kReflect);
  CHECK(quarter.Affine().border->fill == std::array<double, 4>{1, 2, 2, 2});
  CHECK(quarter.Affine().resampling == Resampling::kLinear);
}

TEST_CASE("affine") {
  const Facts facts = Picture(4, 2);
  const auto map = [&](const std::string& yaml) {
    return Draw("affine", yaml, facts).Affine().map;
  };
  CheckPoint(map(""), {0.25, 1.75}, {0.25, 1.75});
  CheckPoint(map("scale: 2"), {3, 1.5}, {4, 2});
  CheckPoint(map("{translate_x: 0.25, translate_y: -0.5}"), {3, 1}, {4, 0});
  CheckPoint(map("rotate: 90"), {3, 1}, {2, 0});
  CheckPoint(map("shear_x: 45"), {2, 2}, {3, 2});
  CheckPoint(map("shear_y: 45"), {4, 1}, {4, 3});
  // Scale, then rotate, then shear, then shift: (3, 1) is (1, 0) from the centre; (2, 0); (0, -2);
  // (-2, -2); (-1, -2).
  CheckPoint(map("{scale: 2, rotate: 90, shear_x: 45, translate_x: 0.25}"), {3, 1}, {1, -1});

  const Drawn free = Draw("affine", "scale: [0.5, 2]", facts);
  CHECK(free.At("scale_x") != free.At("scale_y"));
  const Drawn kept = Draw("affine", "{scale: [0.5, 2], keep_ratio: true, rotate: [-9, 9]}", facts);
  CHECK(kept.At("scale_x") == kept.At("scale_y"));
  CHECK(kept.At("scale_x") == free.At("scale_x"));
  // keep_ratio shifts no later draw.
  CHECK(kept.At("rotate") ==
        Draw("affine", "{scale: [0.5, 2], rotate: [-9, 9]}", facts).At("rotate"));
}

TEST_CASE("crop") {
  const Drawn inside = Draw("crop", "{x_min: 2, y_min: 1, x_max: 5, y_max: 3}", Picture(5, 3));
  CheckPoint(inside.Affine().map, {2, 1}, {0, 0});
  CHECK(inside.Affine().out == Size{3, 2});
  CHECK(!inside.Affine().border);
  CHECK(!inside.Affine().resampling);
  const Drawn outside =
      Draw("crop", "{x_min: -1, y_min: 0, x_max: 2, y_max: 2, fill: 9}", Picture(5, 3));
  CheckPoint(outside.Affine().map, {0, 0}, {1, 0});
  CHECK(outside.Affine().border->fill[3] == 9);
}

TEST_CASE("random_crop stays inside, or centres a picture that is too small") {
  const auto op = Bind("random_crop", "[2, 3]");
  std::array<int, 3> seen_x{};
  std::array<int, 3> seen_y{};
  for (std::uint64_t id = 0; id < 300; ++id) {
    const Drawn drawn = Draw(*op, Picture(5, 4), id);
    CHECK(!drawn.Affine().border);
    CheckPoint(drawn.Affine().map, {drawn.At("x"), drawn.At("y")}, {0, 0});
    ++seen_x.at(static_cast<std::size_t>(drawn.At("x")));
    ++seen_y.at(static_cast<std::size_t>(drawn.At("y")));
  }
  CHECK(*std::min_element(seen_x.begin(), seen_x.end()) > 70);
  CHECK(*std::min_element(seen_y.begin(), seen_y.end()) > 70);

  const Drawn small = Draw("random_crop", "[10, 7]", Picture(4, 3));
  CHECK(small.At("x") == -2);
  CHECK(small.At("y") == -4);
  CHECK(small.Affine().border.has_value());
}

TEST_CASE("resize") {
  const Drawn drawn = Draw("resize", "{size: [10, 6], interpolation: antialias}", Picture(3, 4));
  CheckPoint(drawn.Affine().map, {3, 4}, {6, 10});
  CHECK(drawn.Affine().resampling == Resampling::kAntialias);
  CHECK(!drawn.Affine().border);
}

TEST_CASE("random_resized_crop draws area and shape from their ranges") {
  const auto op = Bind("random_resized_crop", "{size: [8, 6], scale: [0.2, 0.5], ratio: [0.5, 2]}");
  constexpr int kDraws = 4000;
  double area = 0;
  double log_ratio = 0;
  for (std::uint64_t id = 0; id < kDraws; ++id) {
    const Drawn drawn = Draw(*op, Picture(1000, 1000), id);
    const double w = drawn.At("width");
    const double h = drawn.At("height");
    area += w * h / 1e6 / kDraws;
    log_ratio += exact::Log(w / h) / kDraws;
    const bool fits = drawn.At("x") >= 0 && drawn.At("y") >= 0 && drawn.At("x") + w <= 1000 &&
                      drawn.At("y") + h <= 1000;
    const bool allowed = w * h > 0.199e6 && w * h < 0.501e6 && w / h > 0.497 && w / h < 2.01;
    if (!fits || !allowed) FAIL_CHECK("window " << w << "x" << h);
    REQUIRE(drawn.steps.size() == 2);
    CHECK(drawn.Affine(0).out == Size{static_cast<int>(w), static_cast<int>(h)});
    CHECK(!drawn.Affine(0).border);
    CheckPoint(drawn.Affine(1).map * drawn.Affine(0).map, {drawn.At("x") + w, drawn.At("y") + h},
               {6, 8});
  }
  // Four standard errors of a uniform mean.
  CHECK(std::abs(area - 0.35) < 4 * 0.3 / std::sqrt(12.0 * kDraws));
  CHECK(std::abs(log_ratio) < 4 * 2 * std::log(2.0) / std::sqrt(12.0 * kDraws));
}

TEST_CASE("random_resized_crop falls back to a centred window after ten tries") {
  const auto window = [](const std::string& yaml, int width, int height) {
    const Drawn d = Draw("random_resized_crop", yaml, Picture(width, height));
    return std::array{d.At("x"), d.At("y"), d.At("width"), d.At("height")};
  };
  CHECK(window("{size: 8, scale: [0.9, 1]}", 1000, 10) == std::array{493.0, 0.0, 13.0, 10.0});
  CHECK(window("{size: 8, scale: [0.9, 1]}", 10, 1000) == std::array{0.0, 493.0, 10.0, 13.0});
  CHECK(window("{size: 8, scale: 1}", 100, 100) == std::array{0.0, 0.0, 100.0, 100.0});
  CHECK(window("{size: 8, ratio: 0.01}", 3, 1) == std::array{1.0, 0.0, 1.0, 1.0});
}

TEST_CASE("elastic") {
  // A Gaussian this narrow is one tap: the noise itself, times alpha.
  const Drawn raw = Draw("elastic", "{alpha: 2, sigma: 0.1}", Picture(5, 4));
  const auto& field = std::get<WarpField>(raw.steps.at(0));
  REQUIRE(field.displacement.size() == cv::Size(5, 4));
  REQUIRE(field.displacement.type() == CV_32FC2);
  const StreamKey key = StreamKey{DrawKey(7, 0, {}), 1, StreamId("look/op")}.Pixels();
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 5; ++x) {
      const int pixel = y * 5 + x;
      const PhiloxBlock words = key.Block(static_cast<std::uint32_t>(pixel / 2));
      for (int axis = 0; axis < 2; ++axis) {
        const auto word = static_cast<std::size_t>(pixel % 2 * 2 + axis);
        const double noise = 2 * ((words[word] >> 8) * 0x1p-24) - 1;
        CHECK(field.displacement.at<cv::Vec2f>(y, x)[axis] == doctest::Approx(2 * noise));
      }
    }
  }
  const Drawn diagonal = Draw("elastic", "{alpha: 20, same_dxdy: true}", Picture(5, 4));
  const cv::Mat along = std::get<WarpField>(diagonal.steps.at(0)).displacement;
  const cv::Mat free =
      std::get<WarpField>(Draw("elastic", "{alpha: 20}", Picture(5, 4)).steps.at(0)).displacement;
  for (int i = 0; i < 20; ++i) {
    const auto v = along.at<cv::Vec2f>(i / 5, i % 5);
    CHECK(v[0] == v[1]);
    CHECK(v[0] == free.at<cv::Vec2f>(i / 5, i % 5)[0]);
  }
  const Drawn still = Draw("elastic", "{alpha: 0}", Picture(5, 4));
  CHECK(cv::norm(std::get<WarpField>(still.steps.at(0)).displacement) == 0);
}

}  // namespace
}  // namespace pixloom
