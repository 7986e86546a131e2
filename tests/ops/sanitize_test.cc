// SPDX-License-Identifier: Apache-2.0
// What stays, what goes and why; counted in the report.
#include <cmath>
#include <limits>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "pipeline/chain.h"
#include "tests/support/inputs.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {
namespace {

Instance Box(double x1, double y1, double x2, double y2) {
  Instance box;
  box.quad = BoxQuad(x1, y1, x2, y2);
  box.original_area = (x2 - x1) * (y2 - y1);
  return box;
}

Sample Picture(std::vector<Instance> instances) {
  Sample sample;
  sample.images.emplace_back("image", ImageField::Of(cv::Mat(100, 100, CV_8UC3, cv::Scalar(9))));
  sample.instances = std::move(instances);
  return sample;
}

std::optional<DataError> RunChain(const std::string& chain, Sample& sample) {
  LoadOptions options;
  options.registry = &RegistryWithInputs();
  const Pipeline pipeline = Pipeline::Parse(
      fmt::format("version: 1\nseed: 1\nnodes:\n  in: {{given: scene}}\n  look: {}\n  out: "
                  "{{nowhere: {{}}}}\n",
                  chain),
      "sanitize.yaml", options);
  const Graph& graph = pipeline.graph();
  const ChainRunner runner(BuiltInFamilies(), BuiltInCodec(), graph.seed);
  return runner.Run(graph.nodes[static_cast<std::size_t>(graph.Find("look"))], sample);
}

TEST_CASE("objects outside, without area or not a number go") {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  Sample sample = Picture({Box(10, 10, 30, 30), Box(120, 10, 150, 40), Box(20, 20, 20, 60),
                           Box(kNan, 10, 30, 30), Box(-kInf, 10, 30, 30), Box(-10, -10, 110, 110)});
  REQUIRE(!RunChain("[sanitize]", sample));
  CHECK(sample.instances.size() == 2);
  CHECK(sample.counts.at("objects kept") == 2);
  CHECK(sample.counts.at("objects dropped (outside)") == 1);
  CHECK(sample.counts.at("objects dropped (no area)") == 1);
  CHECK(sample.counts.at("objects dropped (invalid)") == 2);
  CHECK(*sample.instances[1].quad == BoxQuad(0, 0, 100, 100));
}

TEST_CASE("thresholds are inclusive") {
  const auto left = [](const std::string& args, const Instance& object) {
    Sample sample = Picture({object});
    REQUIRE(!RunChain(fmt::format("[sanitize: {{{}}}]", args), sample));
    return sample.instances.size();
  };
  const Instance half = Box(90, 10, 110, 40);  // 300 of 600 px^2, 10 x 30
  CHECK(left("min_visibility: 0.5", half) == 1);
  CHECK(left("min_visibility: 0.51", half) == 0);
  CHECK(left("min_area: 300", half) == 1);
  CHECK(left("min_area: 301", half) == 0);
  CHECK(left("min_size: 10", half) == 1);
  CHECK(left("min_size: 10.1", half) == 0);
}

TEST_CASE("visibility is measured against the original area, whatever the scale and order") {
  // Two crops take half each; the second alone would leave one half.
  const std::string crops =
      "crop: {x_min: 0, y_min: 0, x_max: 50, y_max: 100}, "
      "crop: {x_min: 0, y_min: 0, x_max: 50, y_max: 50}";
  for (const char* before : {"", "resize: [100, 100], ", "hflip, ", "sanitize, "}) {
    CAPTURE(before);
    Sample sample = Picture({Box(20, 20, 80, 80)});
    REQUIRE(!RunChain(fmt::format("[{}{}, sanitize: {{min_visibility: 0.26}}]", before, crops),
                      sample));
    CHECK(sample.instances.empty());
    Sample again = Picture({Box(20, 20, 80, 80)});
    REQUIRE(
        !RunChain(fmt::format("[{}{}, sanitize: {{min_visibility: 0.25}}]", before, crops), again));
    CHECK(again.instances.size() == 1);
  }
  // Shrinking takes nothing away.
  Sample small = Picture({Box(20, 20, 80, 80)});
  REQUIRE(!RunChain("[resize: 10, sanitize: {min_visibility: 1}]", small));
  REQUIRE(small.instances.size() == 1);
  CHECK(small.instances[0].original_area == doctest::Approx(36));
}

TEST_CASE("the tightest part makes the box; all parts go together") {
  Instance object = Box(40, 40, 140, 140);
  object.polygons = {{{{{60, 60}, {120, 60}, {60, 120}}, {{65, 65}, {75, 65}, {65, 75}}}}};
  object.original_area = object.polygons[0].Area();
  object.keypoints = {{{70, 70}, 2, 0, 1}, {{110, 62}, 2, 0, 1}};
  Sample sample = Picture({object});
  REQUIRE(!RunChain("[sanitize]", sample));
  REQUIRE(sample.instances.size() == 1);
  const Instance& kept = sample.instances[0];
  CHECK(*kept.quad == BoxQuad(60, 60, 100, 100));
  REQUIRE(kept.polygons.size() == 1);
  CHECK(kept.polygons[0].rings.size() == 2);  // the hole stays
  CHECK(kept.polygons[0].Area() == doctest::Approx(1800 - 400 - 50));
  CHECK(kept.keypoints[0].visibility == 2);
  CHECK(kept.keypoints[1].visibility == 0);

  Sample whole = Picture({object});
  REQUIRE(!RunChain("[sanitize: {clip: false}]", whole));
  CHECK(*whole.instances[0].quad == *object.quad);
}

TEST_CASE("bits and runs are measured as they are in the picture") {
  for (const bool runs : {false, true}) {
    Instance object;
    object.mask = cv::Mat::zeros(100, 100, CV_8U);
    object.mask(cv::Rect(80, 10, 20, 30)) = 255;
    object.original_area = 600;
    object.quad = BoxQuad(0, 0, 100, 100);
    if (runs) {
      object.rle = EncodeRle(object.mask);
      object.mask = cv::Mat();
    }
    Sample sample = Picture({object});
    REQUIRE(
        !RunChain("[crop: {x_min: 0, y_min: 0, x_max: 90, y_max: 100},"
                  " sanitize: {min_visibility: 0.5}]",
                  sample));
    REQUIRE(sample.instances.size() == 1);
    CHECK(*sample.instances[0].quad == BoxQuad(80, 10, 90, 40));
    CHECK(sample.instances[0].rle.has_value() == runs);
    REQUIRE(!RunChain("[sanitize: {min_visibility: 0.51}]", sample));
    CHECK(sample.instances.empty());
  }
}

TEST_CASE("keypoints alone stay while one of them is visible inside") {
  Instance points;
  points.keypoints = {{{150, 50}, 2, 0, 1}, {{50, 50}, 1, 0, 1}};
  Sample sample = Picture({points});
  REQUIRE(!RunChain("[sanitize]", sample));
  REQUIRE(sample.instances.size() == 1);
  REQUIRE(!RunChain("[crop: {x_min: 60, y_min: 0, x_max: 100, y_max: 100}, sanitize]", sample));
  CHECK(sample.instances.empty());
}

TEST_CASE("pictures that lose their last object are filtered when asked; the report says so") {
  const std::string yaml =
      "version: 1\nseed: 4\nnodes:\n  src: {canvas: {count: 12, size: [60, 60]}}\n"
      "  look: [random_crop: 12, sanitize: {min_area: 60, drop_empty: true}]\n"
      "  out: {collect: out}\n";
  const Outcome outcome = RunYaml(yaml);
  REQUIRE(outcome.errors.empty());
  const NodeCounts& look = outcome.report.nodes.at(1);
  CHECK(look.filtered > 0);
  CHECK(look.out + look.filtered == 12);
  CHECK(look.counts.at("pictures without objects") == look.filtered);
  CHECK(outcome.report.sources.at(0).filtered == look.filtered);
  CHECK(outcome.report.ToText().find("objects dropped") != std::string::npos);
  for (const Collected& c : outcome.samples) CHECK(!c.sample.instances.empty());
  const Outcome threads = RunYaml(yaml, 4);
  CHECK(threads.report.nodes.at(1).counts == look.counts);
  CHECK(threads.Keys() == outcome.Keys());
}

}  // namespace
}  // namespace pixloom::testing
