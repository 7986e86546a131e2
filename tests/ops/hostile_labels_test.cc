// SPDX-License-Identifier: Apache-2.0
// Labels and pictures nobody should have, through every operator: nothing crashes, finite stays
// finite, and sanitize leaves only what is in the picture.
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "api/pixloom.h"
#include "pipeline/chain.h"
#include "tests/ops/alignment_table.h"
#include "tests/support/inputs.h"

namespace pixloom::testing {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

Instance Box(double x1, double y1, double x2, double y2) {
  Instance box;
  box.quad = BoxQuad(x1, y1, x2, y2);
  return box;
}

// Zero-area, outside, turned inside out, far away, not a number, empty parts; and an honest one.
std::vector<Instance> Hostile(Size size) {
  const double w = size.width;
  const double h = size.height;
  std::vector<Instance> all{Box(0, 0, w, h),
                            Box(w / 2, h / 2, w / 2, h / 2),
                            Box(-3 * w, 0, -2 * w, h),
                            Box(w, h, 0, 0),
                            Box(-1e12, -1e12, 1e12, 1e12),
                            Box(kNan, 0, w, h),
                            Box(0, 0, kInf, h),
                            Instance{}};
  Instance parts;
  using Ring = std::vector<Point>;
  const auto polygon = [](std::vector<Ring> rings) { return Polygon{std::move(rings)}; };
  parts.polygons = {polygon({}), polygon({Ring{}}), polygon({Ring{{0, 0}}}),
                    polygon({Ring{{0, 0}, {w, h}}}), polygon({Ring{{kNan, 0}, {w, 0}, {0, h}}})};
  parts.keypoints = {{{0, 0}, 2, 0, 1}, {{kNan, kNan}, 2, kNan, kNan}, {{1e9, -1e9}, 1, 9, 0}};
  all.push_back(parts);
  Instance bow;  // crosses itself
  bow.polygons = {polygon({Ring{{0, 0}, {w, h}, {w, 0}, {0, h}}})};
  bow.mask = cv::Mat::zeros(size.height, size.width, CV_8U);
  all.push_back(bow);
  bow.rle = EncodeRle(bow.mask);
  bow.mask = cv::Mat();
  all.push_back(bow);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].id = static_cast<std::int64_t>(i);
  return all;
}

Sample Picture(Size size, bool labelled) {
  Sample sample;
  cv::Mat pixels(size.height, size.width, CV_8UC3);
  for (int y = 0; y < pixels.rows; ++y) {
    for (int x = 0; x < pixels.cols; ++x) {
      pixels.at<cv::Vec3b>(y, x) =
          cv::Vec3b(static_cast<std::uint8_t>(5 * x), static_cast<std::uint8_t>(7 * y), 99);
    }
  }
  sample.images.emplace_back("image", ImageField::Of(pixels));
  if (labelled) sample.instances = Hostile(size);
  sample.masks["classes"] = {cv::Mat(size.height, size.width, CV_16U, cv::Scalar(3)), 65'535};
  return sample;
}

// Every operator, and what works on the pixels of objects.
std::map<std::string, std::vector<std::string>> Steps() {
  std::map<std::string, std::vector<std::string>> steps;
  for (const auto& [name, info] : BuiltIns().Operators()) steps[name] = AlignmentArguments(info);
  for (const char* shape : {"best", "masks", "polygons", "oriented", "boxes"}) {
    for (const char* more : {"feather: 3", "invert: true"}) {
      steps["in_region"].push_back(fmt::format("{{shape: {}, {}, steps: [invert]}}", shape, more));
    }
  }
  return steps;
}

TEST_CASE("hostile labels on pictures of any size, through every operator") {
  int runs = 0;
  for (const auto& [name, all_args] : Steps()) {
    for (const std::string& args : all_args) {
      const std::string yaml = fmt::format(
          "version: 1\nseed: 3\nnodes:\n  in: {{given: scene}}\n  look: [{{{}: {}}}]\n"
          "  clean: [sanitize]\n  out: {{nowhere: {{}}}}\n",
          name, args);
      CAPTURE(yaml);
      LoadOptions options;
      options.registry = &RegistryWithInputs();
      const Pipeline pipeline = Pipeline::Parse(yaml, "hostile.yaml", options);
      const Graph& graph = pipeline.graph();
      const Node& look = graph.nodes[static_cast<std::size_t>(graph.Find("look"))];
      const Node& clean = graph.nodes[static_cast<std::size_t>(graph.Find("clean"))];
      const ChainRunner runner(BuiltInFamilies(), BuiltInCodec(), graph.seed);
      for (const Size size : {Size{1, 1}, Size{1, 7}, Size{9, 1}, Size{101, 99}}) {
        for (const bool labelled : {true, false}) {
          Sample sample = Picture(size, labelled);
          CAPTURE(size.width);
          CAPTURE(size.height);
          if (const auto error = runner.Run(look, sample)) {
            // The only reason to refuse a picture is its type.
            CHECK(error->code == "OP-TYPE");
            continue;
          }
          ++runs;
          const Size out = sample.images[0].second.frames[0].size();
          CHECK(!out.Empty());
          CHECK(sample.masks.at("classes").pixels.type() == CV_16U);
          for (const Instance& instance : sample.instances) {
            if (instance.id != 0 || !instance.quad) continue;
            for (const Point& p : *instance.quad) CHECK(std::isfinite(p.x + p.y));
          }
          REQUIRE(!runner.Run(clean, sample));
          for (const Instance& instance : sample.instances) {
            if (!instance.quad || instance.oriented) continue;
            const auto b = Bounds(*instance.quad);
            CHECK(b[0] >= 0);
            CHECK(b[1] >= 0);
            CHECK(b[2] <= out.width);
            CHECK(b[3] <= out.height);
            CHECK(b[2] > b[0]);
            CHECK(b[3] > b[1]);
          }
        }
      }
    }
  }
  CHECK(runs > 300);
}

}  // namespace
}  // namespace pixloom::testing
