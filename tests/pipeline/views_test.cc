// SPDX-License-Identifier: Apache-2.0
// Nodes that make several pictures of one: what each shows, who it is, and that none gets lost.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/verbs.h"

namespace pixloom::testing {
namespace {

// `canvas` pictures through a views node; places: the channels hold x, y and 1.
Outcome RunViews(const std::string& node, const std::string& canvas, int threads = 1) {
  return RunYaml(
      fmt::format("version: 1\nseed: 2\nnodes:\n  src: {{canvas: {{{}}}}}\n  cut: {{{}}}\n"
                  "  out: {{collect: out}}\n",
                  canvas, node),
      threads);
}

constexpr const char* kPlaces = "count: 2, size: [40, 60], depth: f32, content: places";

Point Corner(const Sample& sample) {  // of the picture, as its first pixel tells
  const auto first = sample.Image()->frames[0].pixels.at<cv::Vec3f>(0, 0);
  return {first[0] - 0.5, first[1] - 0.5};
}

TEST_CASE("five crops are the corners and the centre") {
  const Outcome outcome = RunViews("five_crop: [20, 30]", kPlaces);
  REQUIRE(outcome.errors.empty());
  REQUIRE(outcome.samples.size() == 10);
  const std::vector<Point> corners{{0, 0}, {30, 0}, {0, 20}, {30, 20}, {15, 10}};
  for (std::size_t i = 0; i < 10; ++i) {
    const Sample& view = outcome[i];
    CHECK(view.Image()->frames[0].size() == Size{30, 20});
    CHECK(Corner(view) == corners[i % 5]);
    CHECK(view.identity.branch == std::vector<std::uint32_t>{static_cast<std::uint32_t>(i % 5)});
    CHECK(view.scalars.at("five_crop_x") == corners[i % 5].x);
    CHECK(view.scalars.at("five_crop_y") == corners[i % 5].y);
  }
  // Conservation: in (times views) = out.
  const NodeCounts& node = outcome.report.nodes.at(1);
  CHECK(node.in == 10);
  CHECK(node.out == 10);
  CHECK(outcome.report.written == 10);
}

TEST_CASE("the second five of ten crops are mirrored, labels too") {
  const Outcome outcome = RunViews("ten_crop: [20, 30]", kPlaces);
  REQUIRE(outcome.samples.size() == 20);
  CHECK(Corner(outcome[0]) == Point(0, 0));
  CHECK(Corner(outcome[5]) == Point(59, 0));
  CHECK(Corner(outcome[6]) == Point(29, 0));
  const Outcome upright = RunViews("ten_crop: {size: [20, 30], vertical: true}", kPlaces);
  CHECK(Corner(upright[5]) == Point(0, 39));
  // The labels of a mirrored view are those of the mirrored picture, shifted by its corner.
  const Outcome flipped = RunYaml(
      fmt::format("version: 1\nseed: 2\nnodes:\n  src: {{canvas: {{{}}}}}\n  m: [hflip, {{crop: "
                  "{{x_min: 30, y_min: 0, x_max: 60, y_max: 20}}}}]\n  out: {{collect: out}}\n",
                  kPlaces));
  Sample view = outcome[6].Clone();
  view.scalars = flipped[0].scalars;  // without its place
  CHECK(LabelDifference(flipped[0], view) == "");
  CHECK(PixelDifference(flipped[0], outcome[6]).empty());
}

TEST_CASE("tiles cover the picture and know their place") {
  struct Case {
    const char* args;
    int rows, columns;
    Point last;
  };
  for (const Case& c :
       {Case{"size: [16, 20]", 3, 3, {40, 24}},
        Case{"size: [16, 20], overlap: [4, 5]", 3, 4, {40, 24}},
        Case{"size: [16, 20], edge: drop", 2, 3, {40, 16}}, Case{"size: [20, 30]", 2, 2, {30, 20}},
        Case{"size: [40, 60]", 1, 1, {0, 0}}}) {
    CAPTURE(c.args);
    const Outcome outcome = RunViews(fmt::format("tile: {{{}}}", c.args), kPlaces);
    REQUIRE(outcome.errors.empty());
    REQUIRE(outcome.samples.size() == static_cast<std::size_t>(2 * c.rows * c.columns));
    const Sample& last = outcome[static_cast<std::size_t>(c.rows * c.columns - 1)];
    CHECK(Corner(last) == c.last);
    CHECK(last.scalars.at("tile_row") == c.rows - 1);
    CHECK(last.scalars.at("tile_column") == c.columns - 1);
    CHECK(last.scalars.at("tile_x") == c.last.x);
    cv::Mat covered = cv::Mat::zeros(40, 60, CV_8U);
    for (int i = 0; i < c.rows * c.columns; ++i) {
      const Point at = Corner(outcome[static_cast<std::size_t>(i)]);
      const Size size = outcome[static_cast<std::size_t>(i)].Image()->frames[0].size();
      covered(cv::Rect(static_cast<int>(at.x), static_cast<int>(at.y), size.width, size.height)) =
          1;
    }
    if (std::string(c.args).find("drop") == std::string::npos) {
      CHECK(cv::countNonZero(covered) == 40 * 60);
    }
  }
  // Padded tiles start where the stride says; what lies outside is fill.
  const Outcome padded = RunViews("tile: {size: [16, 20], edge: pad, fill: 7}", kPlaces);
  REQUIRE(padded.samples.size() == 18);
  const cv::Mat& pixels = padded[8].Image()->frames[0].pixels;
  CHECK(Corner(padded[8]) == Point(40, 32));
  CHECK(pixels.at<cv::Vec3f>(15, 0)[0] == 7);
}

TEST_CASE("a picture smaller than the window lies in its middle") {
  for (const char* node : {"five_crop: [50, 80]", "tile: [50, 80]"}) {
    const Outcome outcome = RunViews(node, "count: 1, size: [40, 60]");
    CAPTURE(node);
    REQUIRE(outcome.errors.empty());
    CHECK(outcome[0].Image()->frames[0].size() == Size{80, 50});
    CHECK(outcome[0].scalars.at(std::string(node).substr(0, 4) == "tile" ? "tile_x"
                                                                         : "five_crop_x") == -10);
  }
}

TEST_CASE("views feed chains, copies and windows of views like any node") {
  const std::string graph =
      "version: 1\nseed: 2\nnodes:\n"
      "  src: {canvas: {count: 6, size: [40, 60], declared: false, fail_every: 4}}\n"
      "  first: [gamma: [0.8, 1.2], {random_crop: [36, 50]}]\n"
      "  parts: {tile: {size: [16, 20], overlap: [2, 2]}}\n"
      "  twice: {copies: 2}\n"
      "  look: [hflip: {p: 0.5}, rotate: [-20, 20]]\n"
      "  fives: {five_crop: 12}\n"
      "  out: {collect: out}\n";
  const Outcome one = RunYaml(graph, 1);
  REQUIRE(one.errors.empty());
  // Entries 0 and 4 are bad; 3 x 3 tiles, 2 copies, 5 crops of each of the others.
  CHECK(one.samples.size() == 4 * 9 * 2 * 5);
  CHECK(one.quarantine.size() == 2);
  for (const NodeCounts& node : one.report.nodes) {
    CAPTURE(node.name);
    CHECK(node.in + node.generated == node.out + node.filtered + node.failed);
  }
  for (const int threads : {2, 3, 8}) {
    const Outcome other = RunYaml(graph, threads);
    REQUIRE(other.samples.size() == one.samples.size());
    CHECK(other.Keys() == one.Keys());
    for (std::size_t i = 0; i < one.samples.size(); ++i) {
      CHECK(SampleDifference(one[i], other[i]).empty());
    }
  }
}

TEST_CASE("what a views node refuses") {
  const auto refused = [](const std::string& node) {
    const auto errors = ErrorsOf(fmt::format(
        "version: 1\nseed: 2\nnodes:\n  src: {{canvas: 2}}\n  cut: {}\n  out: {{collect: "
        "out}}\n",
        node));
    return errors.size() == 1 ? errors[0] : std::to_string(errors.size()) + " errors";
  };
  CHECK(refused("{five_crop: {}}").find("size") != std::string::npos);
  CHECK(refused("{tile: {size: 8, overlap: 8}}").find("overlap: [8, 8] is not smaller") !=
        std::string::npos);
  CHECK(refused("[hflip, {tile: 8}]").find("a node of its own") != std::string::npos);
  CHECK(refused("{tile: {size: 8}, p: 0.5}").find("'p'") != std::string::npos);
}

TEST_CASE("the largest number of views is admitted within the budget") {
  // 400 tiles of one picture wait in the sink at once.
  const Outcome outcome = RunYaml(
      "version: 1\nseed: 2\nmemory: 8MiB\nnodes:\n"
      "  src: {canvas: {count: 40, size: [200, 200]}}\n  cut: {tile: 10}\n  out: {collect: out}\n",
      4);
  REQUIRE(outcome.errors.empty());
  CHECK(outcome.samples.size() == 40 * 400);
  CHECK(outcome.report.peak_tokens <= outcome.report.memory);
}

}  // namespace
}  // namespace pixloom::testing
