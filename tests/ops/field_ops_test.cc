// SPDX-License-Identifier: Apache-2.0
// Operators that displace every pixel: fields do not fold where that is promised, points find back,
// and what is known in closed form comes out.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "ops/kernels/simd.h"
#include "pipeline/exact_math.h"
#include "pipeline/labels.h"
#include "tests/support/draw_op.h"

namespace pixloom {
namespace {

const WarpField& FieldOf(const Drawn& drawn) { return std::get<WarpField>(drawn.steps.at(0)); }

cv::Mat FieldOf(std::string_view verb, const std::string& yaml, int width, int height) {
  return FieldOf(Draw(verb, yaml, Picture(width, height))).displacement;
}

double Largest(const cv::Mat& field) { return cv::norm(field, cv::NORM_INF); }

// The smallest area to which a pixel shrinks or, below zero, turns over: the corners of each cell
// between four centres, between which the determinant of a bilinear map is linear.
double SmallestDeterminant(const cv::Mat& field) {
  const auto at = [&](int x, int y) {
    const auto d = field.at<cv::Vec2f>(y, x);
    return Point(x + double{d[0]}, y + double{d[1]});
  };
  double least = 1e9;
  for (int y = 0; y + 1 < field.rows; ++y) {
    for (int x = 0; x + 1 < field.cols; ++x) {
      const std::array corners{at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)};
      for (std::size_t i = 0; i < 4; ++i) {
        const Point a = corners[(i + 1) % 4] - corners[i];
        const Point b = corners[(i + 3) % 4] - corners[i];
        least = std::min(least, a.cross(b));
      }
    }
  }
  return least;
}

constexpr std::array kSizes{Size{64, 64}, Size{300, 200}, Size{65, 233}, Size{128, 77}};

// From gentle to the most the parameters allow.
struct FieldCase {
  const char* verb;
  const char* yaml;
  bool folds = false;  // nothing is promised
};
constexpr std::array kFields{
    FieldCase{"grid_distortion", ""},
    FieldCase{"grid_distortion", "{distort: [-0.9, 0.9], num_steps: 11}"},
    FieldCase{"grid_distortion", "{distort: [-0.9, 0.9], normalized: false}"},
    FieldCase{"grid_elastic", ""},
    FieldCase{"grid_elastic", "{magnitude: 10000, num_grid: [7, 5]}"},
    FieldCase{"piecewise_affine", ""},
    FieldCase{"piecewise_affine", "{scale: 1, nb_rows: [2, 9], nb_cols: [2, 9]}"},
    FieldCase{"optical_distortion", ""},
    FieldCase{"optical_distortion", "[-0.3, 1]"},
    FieldCase{"optical_distortion", "{distort: [-0.3, 1], model: fisheye}"},
    FieldCase{"water", ""},
    FieldCase{"thin_plate_spline", "", true},
    FieldCase{"thin_plate_spline", "{num_control_points: 7}", true},
    FieldCase{"remap", "tests/support/maps/swirl.npy", true},
};

template <class Check>
void ForEachField(Check check) {
  for (const FieldCase& field_case : kFields) {
    const auto op = Bind(field_case.verb, field_case.yaml);
    for (const Size size : kSizes) {
      for (std::uint64_t seed = 0; seed < 6; ++seed) {
        INFO(std::string(field_case.verb) << ": " << std::string(field_case.yaml));
        CAPTURE(size.width);
        CAPTURE(size.height);
        CAPTURE(seed);
        const Drawn drawn = Draw(*op, Picture(size.width, size.height), seed);
        REQUIRE(FieldOf(drawn).displacement.size() == cv::Size(size.width, size.height));
        REQUIRE(FieldOf(drawn).displacement.type() == CV_32FC2);
        check(field_case, FieldOf(drawn), seed);
      }
    }
  }
}

TEST_CASE("fields that promise not to fold do not fold") {
  double least = 1e9;
  ForEachField([&](const FieldCase& field_case, const WarpField& field, std::uint64_t) {
    if (field_case.folds) return;
    const double here = SmallestDeterminant(field.displacement);
    CHECK(here > 0);
    least = std::min(least, here);
  });
  // The limits are reached: these are no fields that hardly move.
  CHECK(least < 0.2);
}

TEST_CASE("a fold would be found") {
  CHECK(SmallestDeterminant(FieldOf("optical_distortion", "-0.9", 100, 80)) < 0);
  CHECK(SmallestDeterminant(FieldOf("water", "{freq_x: 0.3, freq_y: 0.3}", 100, 80)) < 0);
}

TEST_CASE("points behind a field find the output point that shows them") {
  int points = 0;
  double worst = 0;
  ForEachField([&](const FieldCase&, const WarpField& field, std::uint64_t seed) {
    const cv::Mat& d = field.displacement;
    const StreamKey key{seed, 5, 1};
    Sample sample;
    Instance& instance = sample.instances.emplace_back();
    std::vector<Point> shown;
    for (std::uint32_t i = 0; i < 40; ++i) {
      const PhiloxBlock words = key.Block(i);
      const Point q(std::ldexp(words[0], -32) * d.cols, std::ldexp(words[1], -32) * d.rows);
      constexpr double kStep = 1e-3;
      const Point right = DisplacementAt(d, q + Point(kStep, 0)) - DisplacementAt(d, q);
      const Point below = DisplacementAt(d, q + Point(0, kStep)) - DisplacementAt(d, q);
      const double determinant =
          (1 + right.x / kStep) * (1 + below.y / kStep) - (right.y / kStep) * (below.x / kStep);
      if (determinant <= 0.05) continue;
      shown.push_back(q + DisplacementAt(d, q));
      instance.keypoints.push_back({shown.back()});
    }
    MoveLabels(field, sample);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const Point q = sample.instances[0].keypoints[i].at;
      const Point miss = q + DisplacementAt(d, q) - shown[i];
      const double length = std::sqrt(miss.dot(miss));
      worst = std::max(worst, length);
      ++points;
      if (length > 0.01) FAIL_CHECK("shown at " << shown[i] << ", found " << q << ", " << length);
    }
  });
  CHECK(points > 10'000);
  MESSAGE(points << " points, at worst " << worst << " px off");
}

TEST_CASE("no strength, no displacement") {
  CHECK(Largest(FieldOf("optical_distortion", "0", 90, 70)) == 0);
  CHECK(Largest(FieldOf("optical_distortion", "{distort: 0, model: fisheye}", 90, 70)) == 0);
  CHECK(Largest(FieldOf("water", "{ampl_x: 0, ampl_y: 0}", 90, 70)) == 0);
  CHECK(Largest(FieldOf("grid_distortion", "0", 90, 70)) == 0);
  CHECK(Largest(FieldOf("grid_elastic", "0", 90, 70)) == 0);
  CHECK(Largest(FieldOf("grid_elastic", "{magnitude: 9, num_grid: [1, 9]}", 90, 70)) == 0);
  CHECK(Largest(FieldOf("piecewise_affine", "0", 90, 70)) == 0);
  CHECK(Largest(FieldOf("thin_plate_spline", "0", 90, 70)) < 1e-6);
  CHECK(Largest(FieldOf("pixel_spread", "0.4", 90, 70)) == 0);
}

TEST_CASE("small pictures") {
  for (const FieldCase& field_case : kFields) {
    INFO(std::string(field_case.verb));
    for (const Size size : {Size{1, 1}, Size{1, 7}, Size{7, 1}, Size{2, 2}, Size{3, 5}}) {
      const cv::Mat field = FieldOf(field_case.verb, field_case.yaml, size.width, size.height);
      CHECK(field.size() == cv::Size(size.width, size.height));
      CHECK(cv::checkRange(field, true, nullptr, -10, 10));
    }
  }
}

TEST_CASE("grid_distortion") {
  // Equal columns, only wider: everything is enlarged about the upper left corner.
  const cv::Mat wide = FieldOf("grid_distortion", "{distort: 0.5, normalized: false}", 10, 20);
  CHECK(wide.at<cv::Vec2f>(3, 7)[0] == doctest::Approx(0.5 * 7.5));
  CHECK(wide.at<cv::Vec2f>(3, 7)[1] == doctest::Approx(0.5 * 3.5));
  CHECK(Largest(FieldOf("grid_distortion", "0.5", 10, 20)) < 1e-5);
  // The frame stays filled: the outermost pixels show something between the frame and the end of
  // the outermost strips, whatever is drawn.
  const auto op = Bind("grid_distortion", "{distort: [-0.8, 0.8], num_steps: 4}");
  std::set<float> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const cv::Mat d = FieldOf(Draw(*op, Picture(40, 30), seed)).displacement;
    for (int y = 0; y < 30; ++y) {
      CHECK(0.5 + d.at<cv::Vec2f>(y, 0)[0] > 0);
      CHECK(39.5 + d.at<cv::Vec2f>(y, 39)[0] < 40);
    }
    CHECK(0.5 + d.at<cv::Vec2f>(0, 0)[1] > 0);
    CHECK(29.5 + d.at<cv::Vec2f>(29, 0)[1] < 30);
    // A column is one strip of source columns: the same in every row.
    CHECK(d.at<cv::Vec2f>(0, 13)[0] == d.at<cv::Vec2f>(29, 13)[0]);
    seen.insert(d.at<cv::Vec2f>(0, 13)[0]);
  }
  CHECK(seen.size() == 20);
}

TEST_CASE("grid_elastic and piecewise_affine leave the frame on the frame") {
  for (const auto& [verb, along] : {std::pair{"grid_elastic", false}, {"piecewise_affine", true}}) {
    CAPTURE(verb);
    // So many pixels that the outermost lie close to the frame.
    const cv::Mat d = FieldOf(verb, "", 2000, 1000);
    double across = 0;
    double beside = 0;
    for (int x = 0; x < d.cols; ++x) {
      for (const int y : {0, d.rows - 1}) {
        const auto v = d.at<cv::Vec2f>(y, x);
        across = std::max(across, std::abs(double{v[1]}));
        beside = std::max(beside, std::abs(double{v[0]}));
      }
    }
    CHECK(across < 0.5);
    CHECK((beside > 5) == along);
    CHECK(cv::norm(d.at<cv::Vec2f>(0, 0)) < 0.5);
  }
  // The limit: 23 % of a cell, reached when much more is asked for.
  double far = 0;
  const auto op = Bind("grid_elastic", "{magnitude: 10000, num_grid: [4, 8]}");
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const cv::Mat d = FieldOf(Draw(*op, Picture(160, 160), seed)).displacement;
    std::array<cv::Mat, 2> axes;
    cv::split(d, axes.data());
    CHECK(Largest(axes[0]) <= 0.23 * 20);
    CHECK(Largest(axes[1]) <= 0.23 * 40);
    far = std::max(far, Largest(axes[1]));
  }
  CHECK(far > 0.2 * 40);
}

TEST_CASE("optical_distortion") {
  const double k = 0.2;
  const auto at = [&](const std::string& yaml, int x, int y) {
    return FieldOf("optical_distortion", yaml, 80, 60).at<cv::Vec2f>(y, x);
  };
  // From the centre (40, 30) to the pixel at (70.5, 10.5), in widths and heights.
  const double nx = 30.5 / 80;
  const double ny = -19.5 / 60;
  const double r2 = nx * nx + ny * ny;
  CHECK(at("0.2", 70, 10)[0] == doctest::Approx(30.5 * k * (r2 + r2 * r2)));
  CHECK(at("0.2", 70, 10)[1] == doctest::Approx(-19.5 * k * (r2 + r2 * r2)));
  // Half the diagonal is 50 px.
  const double half = (30.5 * 30.5 + 19.5 * 19.5) / 2500;
  CHECK(at("{distort: 0.2, model: fisheye}", 70, 10)[0] == doctest::Approx(30.5 * k * half));
  CHECK(at("{distort: 0.2, mode: fisheye}", 70, 10)[1] == doctest::Approx(-19.5 * k * half));
  // Symmetric about the centre.
  CHECK(at("0.2", 9, 49)[0] == -at("0.2", 70, 10)[0]);
}

TEST_CASE("water") {
  const std::string waves =
      "{ampl_x: 3, ampl_y: 2, freq_x: 0.1, freq_y: 0.2, phase_x: 0.5, phase_y: 0.25}";
  const auto d = FieldOf("water", waves, 50, 40).at<cv::Vec2f>(11, 17);
  CHECK(d[0] == doctest::Approx(3 * std::sin(0.1 * 11.5 + 0.5)));
  CHECK(d[1] == doctest::Approx(2 * std::cos(0.2 * 17.5 + 0.25)));
}

TEST_CASE("thin_plate_spline passes through its control points") {
  for (const int points : {3, 4, 7}) {
    CAPTURE(points);
    const std::string yaml = "{scale: 0.3, num_control_points: " + std::to_string(points) + "}";
    // Control points on pixel corners; the mean of the four pixels around is the field there.
    const int side = 120 * (points - 1);
    const cv::Mat d = FieldOf("thin_plate_spline", yaml, side, side);
    const StreamKey key = StreamKey{DrawKey(7, 0, {}), 1, StreamId("look/op")}.Pixels();
    for (int row = 1; row + 1 < points; ++row) {
      for (int column = 1; column + 1 < points; ++column) {
        const PhiloxBlock w = key.Block(static_cast<std::uint32_t>(row * points + column));
        const auto unit = [&](std::size_t i) {
          return std::ldexp(w[i] >> 5, -27) + std::ldexp(w[i + 1] >> 6, -53);
        };
        const double length = std::sqrt(-2 * std::log(1 - unit(0))) * 0.03 * side;
        const double angle = 2 * exact::kPi * unit(2);
        const Point way = DisplacementAt(d, Point(120.0 * column, 120.0 * row));
        CHECK(std::abs(way.x - length * std::cos(angle)) < 0.02);
        CHECK(std::abs(way.y - length * std::sin(angle)) < 0.02);
      }
    }
  }
}

TEST_CASE("thin_plate_spline gives the same bits with any vector instructions") {
  const std::string yaml = "{scale: 1, num_control_points: 5}";
  const cv::Mat expected = FieldOf("thin_plate_spline", yaml, 131, 40);
  for (const char* without : {"AVX3", "AVX3,AVX2", "AVX3,AVX2,SSE4"}) {
    CAPTURE(without);
    CHECK(DisableSimd(without).empty());
    const cv::Mat actual = FieldOf("thin_plate_spline", yaml, 131, 40);
    CHECK(cv::norm(expected, actual, cv::NORM_INF) == 0);
  }
  DisableSimd("");
}

TEST_CASE("peers' names and spellings") {
  for (const auto& [peer, ours] : {std::pair{"GridDistortion", "grid_distortion"},
                                   {"GridElasticDeform", "grid_elastic"},
                                   {"OpticalDistortion", "optical_distortion"},
                                   {"PiecewiseAffine", "piecewise_affine"},
                                   {"ThinPlateSpline", "thin_plate_spline"},
                                   {"WaterRefraction", "water"},
                                   {"RandomGridShuffle", "grid_shuffle"},
                                   {"RandomJigsaw", "grid_shuffle"}}) {
    CHECK(Ops().FindOperator(peer)->name == ours);
  }
  const Value grid = *Bind("grid_elastic", "num_grid_xy: [3, 5]")->Arguments().Find("num_grid");
  CHECK(grid.items.at(0).integer == 5);
  CHECK(grid.items.at(1).integer == 3);
  const Value limit =
      *Bind("optical_distortion", "distort_limit: 0.2")->Arguments().Find("distort");
  CHECK(limit.items.at(0).number == -0.2);
}

TEST_CASE("pixel_spread") {
  const Drawn drawn = Draw("pixel_spread", "3", Picture(100, 80));
  const WarpField& field = FieldOf(drawn);
  CHECK(!field.moves_labels);
  CHECK(field.resampling == Resampling::kNearest);
  std::array<int, 7> seen{};
  bool right = true;
  for (int y = 0; y < 80; ++y) {
    for (int x = 0; x < 100; ++x) {
      const auto d = field.displacement.at<cv::Vec2f>(y, x);
      right = right && d[0] == std::round(d[0]) && std::abs(d[0]) <= 3 && std::abs(d[1]) <= 3 &&
              x + d[0] >= 0 && x + d[0] <= 99 && y + d[1] >= 0 && y + d[1] <= 79;
      if (right && x >= 3 && x < 97) ++seen.at(static_cast<std::size_t>(d[0] + 3));
    }
  }
  CHECK(right);
  // 7520 draws over 7 offsets: 1074 each, four standard errors are 122.
  for (const int n : seen) CHECK(std::abs(n - 1074) < 122);
}

}  // namespace
}  // namespace pixloom
