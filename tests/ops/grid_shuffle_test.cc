// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "tests/support/draw_op.h"

namespace pixloom {
namespace {

// Each pixel holds its own place: 1000 * y + x.
cv::Mat Places(int width, int height) {
  cv::Mat pixels(height, width, CV_16UC1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(1000 * y + x);
    }
  }
  return pixels;
}

Sample SampleOf(int width, int height) {
  Sample sample;
  sample.images.emplace_back("image", ImageField::Of(Places(width, height)));
  return sample;
}

Sample Shuffle(Sample sample, const std::string& grid, std::uint64_t id) {
  const cv::Mat& pixels = sample.Image()->frames[0].pixels;
  const Drawn drawn = Draw(*Bind("grid_shuffle", grid), Picture(pixels.cols, pixels.rows, 1), id);
  const auto& step = std::get<SampleStep>(drawn.steps.at(0));
  CHECK(!step.run(sample));
  return sample;
}

// Where the pixel at (x, y) came from.
cv::Point From(const Sample& sample, int x, int y) {
  const int place = sample.Image()->frames[0].pixels.at<std::uint16_t>(y, x);
  return {place % 1000, place / 1000};
}

// Whether the centre of a pixel lies inside (even-odd rule over all rings).
bool Inside(const Polygon& polygon, int x, int y) {
  bool inside = false;
  for (const auto& ring : polygon.rings) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const Point& a = ring[i];
      const Point& b = ring[(i + 1) % ring.size()];
      if ((a.y > y + 0.5) == (b.y > y + 0.5)) continue;
      if (x + 0.5 < a.x + (y + 0.5 - a.y) / (b.y - a.y) * (b.x - a.x)) inside = !inside;
    }
  }
  return inside;
}

TEST_CASE("grid_shuffle permutes cells and leaves the rest") {
  // 3 x 4 cells of 7 x 8 px; two columns and one row remain.
  constexpr int kWidth = 4 * 7 + 2;
  constexpr int kHeight = 3 * 8 + 1;
  const cv::Mat before = Places(kWidth, kHeight);
  const Sample after = Shuffle(SampleOf(kWidth, kHeight), "[3, 4]", 3);
  std::map<std::pair<int, int>, int> sources;
  int moved = 0;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const cv::Point from = From(after, x, y);
      if (x >= 28 || y >= 24) {
        CHECK(from == cv::Point(x, y));
        continue;
      }
      CHECK(from.x % 7 == x % 7);
      CHECK(from.y % 8 == y % 8);
      ++sources[{from.x / 7, from.y / 8}];
      if (from != cv::Point(x, y)) ++moved;
    }
  }
  CHECK(sources.size() == 12);
  for (const auto& [cell, pixels] : sources) CHECK(pixels == 56);
  CHECK(moved > 0);
  // The input is not written to.
  CHECK(cv::norm(before, Places(kWidth, kHeight), cv::NORM_INF) == 0);
}

TEST_CASE("grid_shuffle gives every permutation the same chance") {
  std::map<std::vector<int>, int> seen;
  constexpr int kDraws = 2400;
  for (std::uint64_t id = 0; id < kDraws; ++id) {
    const Sample after = Shuffle(SampleOf(4, 1), "[1, 4]", id);
    std::vector<int> order;
    for (int x = 0; x < 4; ++x) order.push_back(From(after, x, 0).x);
    ++seen[order];
  }
  CHECK(seen.size() == 24);
  // 100 each; five standard errors.
  for (const auto& [order, count] : seen) CHECK(std::abs(count - 100) < 49);
}

TEST_CASE("grid_shuffle leaves a picture with less than a pixel per cell alone") {
  for (const Size size : {Size{2, 9}, Size{9, 2}, Size{1, 1}}) {
    Sample sample = SampleOf(size.width, size.height);
    sample.instances.emplace_back().keypoints.push_back({{0.5, 0.5}});
    const Sample after = Shuffle(std::move(sample), "3", 3);
    CHECK(cv::norm(after.Image()->frames[0].pixels, Places(size.width, size.height),
                   cv::NORM_INF) == 0);
    CHECK(after.instances[0].keypoints[0].at == Point(0.5, 0.5));
  }
}

TEST_CASE("grid_shuffle moves labels with their cells") {
  constexpr int kWidth = 62;  // cells of 15 x 12 px; two columns and one row remain
  constexpr int kHeight = 37;
  for (std::uint64_t id = 0; id < 12; ++id) {
    CAPTURE(id);
    Sample sample = SampleOf(kWidth, kHeight);
    Instance& shape = sample.instances.emplace_back();
    // A diamond with a hole that leaves the picture on the right, its box, its mask.
    // No centre of a pixel lies on an edge.
    const Polygon diamond{{{{30.1, 3.2}, {70, 20.3}, {30.4, 35.1}, {5.2, 20.6}},
                           {{30.3, 15.1}, {36.2, 20.7}, {30.9, 25.3}}}};
    shape.polygons = {diamond};
    shape.quad = BoxQuad(5.2, 3.2, 70, 35.1);
    shape.mask = cv::Mat(kHeight, kWidth, CV_8U, cv::Scalar(0));
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        if (Inside(diamond, x, y)) shape.mask.at<std::uint8_t>(y, x) = 255;
        shape.keypoints.push_back({{x + 0.5, y + 0.5}, 2, 0.25, 2});
      }
    }
    SemanticMask classes{cv::Mat(kHeight, kWidth, CV_8U), 255};
    for (int i = 0; i < kWidth * kHeight; ++i) {
      classes.pixels.data[i] = static_cast<std::uint8_t>(i * 7 % 251);
    }
    const cv::Mat classes_before = classes.pixels.clone();
    const cv::Mat mask_before = shape.mask.clone();
    sample.masks.emplace("classes", classes);
    const Sample after = Shuffle(std::move(sample), "[3, 4]", id);
    const Instance& moved = after.instances[0];
    bool keypoints = true;
    bool masks = true;
    bool polygons = true;
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const cv::Point from = From(after, x, y);
        const auto& k = moved.keypoints.at(static_cast<std::size_t>(from.y * kWidth + from.x));
        keypoints = keypoints && k.at == Point(x + 0.5, y + 0.5) && k.angle == 0.25 && k.scale == 2;
        masks = masks && moved.mask.at<std::uint8_t>(y, x) == mask_before.at<std::uint8_t>(from) &&
                after.masks.at("classes").pixels.at<std::uint8_t>(y, x) ==
                    classes_before.at<std::uint8_t>(from);
        const auto covers = [&](const Polygon& p) { return Inside(p, x, y); };
        const auto pieces = std::count_if(moved.polygons.begin(), moved.polygons.end(), covers);
        polygons = polygons && pieces == (moved.mask.at<std::uint8_t>(y, x) != 0 ? 1 : 0);
      }
    }
    CHECK(keypoints);
    CHECK(masks);
    CHECK(polygons);
    double area = 0;
    for (const Polygon& p : moved.polygons) area += p.Area();
    CHECK(area == doctest::Approx(diamond.Area()));
    // The box holds all of its pieces and no more.
    CHECK(moved.polygons.size() > 8);
    CHECK(moved.id == 0);
    const auto bounds = Bounds(*moved.quad);
    CHECK(bounds[2] == 70);  // what lies outside the picture stays
    for (const Polygon& p : moved.polygons) {
      for (const Point& v : p.rings[0]) {
        CHECK((v.x >= bounds[0] - 1e-9 && v.x <= bounds[2] + 1e-9));
        CHECK((v.y >= bounds[1] - 1e-9 && v.y <= bounds[3] + 1e-9));
      }
    }
  }
}

TEST_CASE("grid_shuffle keeps objects inside one cell whole") {
  for (std::uint64_t id = 0; id < 12; ++id) {
    Sample sample = SampleOf(40, 20);
    Instance& shape = sample.instances.emplace_back();
    shape.quad = Quad{Point{25, 2}, Point{28, 5}, Point{25, 8}, Point{22, 5}};
    shape.oriented = true;
    shape.polygons = {{{{{20, 0}, {40, 0}, {40, 20}, {20, 20}}}}};  // a cell from border to border
    shape.keypoints = {{{25, 5}}, {{40, 20}}};                      // the last lies on no pixel
    const Sample after = Shuffle(std::move(sample), "[1, 2]", id);
    const double shift = From(after, 0, 0).x == 20 ? -20 : 0;
    const Instance& moved = after.instances[0];
    CHECK(moved.oriented);
    CHECK((*moved.quad)[1] == Point(28 + shift, 5));
    REQUIRE(moved.polygons.size() == 1);
    CHECK(moved.polygons[0].rings[0][2] == Point(40 + shift, 20));
    CHECK(moved.keypoints[0].at == Point(25 + shift, 5));
    CHECK(moved.keypoints[1].at == Point(40, 20));
  }
}

TEST_CASE("grid_shuffle shuffles every field by its own size") {
  Sample sample = SampleOf(40, 20);
  sample.images.emplace_back("target", ImageField::Of(Places(81, 41)));
  const Sample after = Shuffle(std::move(sample), "[2, 2]", 4);
  const cv::Mat& target = after.Image("target")->frames[0].pixels;
  for (const cv::Point cell : {cv::Point(0, 0), {1, 0}, {0, 1}, {1, 1}}) {
    const cv::Point from = From(after, cell.x * 20, cell.y * 10);
    CHECK(target.at<std::uint16_t>(cell.y * 20, cell.x * 40) == 1000 * 2 * from.y + 2 * from.x);
  }
  CHECK(target.at<std::uint16_t>(40, 80) == 40'080);
}

}  // namespace
}  // namespace pixloom
