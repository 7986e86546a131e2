// SPDX-License-Identifier: Apache-2.0
// Passes decide how a graph is run and never what comes out.
#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "api/pixloom.h"
#include "pipeline/chain.h"
#include "tests/support/chains.h"
#include "tests/support/inputs.h"

namespace pixloom::testing {
namespace {

Pipeline Parsed(const std::string& nodes, const std::set<std::string>& disabled) {
  LoadOptions options;
  options.registry = &RegistryWithInputs();
  options.disabled_passes = disabled;
  return Pipeline::Parse("version: 1\nseed: 5\nnodes:\n" + nodes, "graph.yaml", options);
}

bool SameBits(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return false;
  const std::size_t row = a.elemSize() * static_cast<std::size_t>(a.cols);
  for (int y = 0; y < a.rows; ++y) {
    if (std::memcmp(a.ptr(y), b.ptr(y), row) != 0) return false;
  }
  return true;
}

bool SamePoints(const Keypoint& a, const Keypoint& b) {
  return a.at == b.at && a.visibility == b.visibility && a.angle == b.angle && a.scale == b.scale;
}

bool SameInstance(const Instance& a, const Instance& b) {
  bool same = a.id == b.id && a.label == b.label && a.quad == b.quad && SameBits(a.mask, b.mask) &&
              a.polygons.size() == b.polygons.size() && a.keypoints.size() == b.keypoints.size();
  for (std::size_t i = 0; same && i < a.polygons.size(); ++i) {
    same = a.polygons[i].rings == b.polygons[i].rings;
  }
  for (std::size_t i = 0; same && i < a.keypoints.size(); ++i) {
    same = SamePoints(a.keypoints[i], b.keypoints[i]);
  }
  return same;
}

// "" or the first thing that differs.
std::string Difference(const Sample& a, const Sample& b) {
  // `seq` numbers units of work, which are copies or whole entries as `schedule` decides.
  if (a.identity.id != b.identity.id || a.identity.branch != b.identity.branch) {
    return fmt::format("identity: {}, not {}", BranchText(b.identity.branch),
                       BranchText(a.identity.branch));
  }
  if (a.images.size() != b.images.size()) return "fields";
  for (std::size_t i = 0; i < a.images.size(); ++i) {
    const auto& frames = a.images[i].second.frames;
    const auto& others = b.images[i].second.frames;
    if (frames.size() != others.size()) return "frames";
    for (std::size_t f = 0; f < frames.size(); ++f) {
      if (!SameBits(frames[f].pixels, others[f].pixels)) return "pixels of " + a.images[i].first;
    }
  }
  for (const auto& [name, mask] : a.masks) {
    if (!SameBits(mask.pixels, b.masks.at(name).pixels)) return "mask " + name;
  }
  if (a.instances.size() != b.instances.size()) return "instances";
  for (std::size_t i = 0; i < a.instances.size(); ++i) {
    if (!SameInstance(a.instances[i], b.instances[i])) return fmt::format("instance {}", i);
  }
  if (a.labels.label != b.labels.label || a.labels.multi_hot != b.labels.multi_hot ||
      a.labels.soft != b.labels.soft) {
    return "labels";
  }
  return "";
}

std::vector<Pipeline::Replayed> Results(const std::string& nodes,
                                        const std::vector<std::string>& keys,
                                        const std::set<std::string>& disabled) {
  Pipeline pipeline = Parsed(nodes, disabled);
  std::vector<Pipeline::Replayed> all;
  for (const std::string& key : keys) {
    for (Pipeline::Replayed& r : pipeline.Replay(key)) {
      REQUIRE(!DecodeAll(r.sample, BuiltInCodec()));
      all.push_back(std::move(r));
    }
  }
  // Results are ordered within each sink.
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.sink < b.sink; });
  return all;
}

std::vector<std::set<std::string>> LeftOut() {
  std::vector<std::set<std::string>> sets;
  std::set<std::string> all;
  for (const Pass& pass : Passes()) {
    sets.push_back({pass.name});
    all.insert(pass.name);
  }
  sets.push_back(all);
  return sets;
}

void CheckPassesKeepPixels(const std::string& nodes, const std::vector<std::string>& keys) {
  CAPTURE(nodes);
  const auto expected = Results(nodes, keys, {});
  REQUIRE(!expected.empty());
  for (const std::set<std::string>& disabled : LeftOut()) {
    const std::string without = fmt::format("{}", fmt::join(disabled, ", "));
    CAPTURE(without);
    const auto actual = Results(nodes, keys, disabled);
    REQUIRE(actual.size() == expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      CAPTURE(i);
      CHECK(actual[i].sink == expected[i].sink);
      CHECK(Difference(expected[i].sample, actual[i].sample) == "");
    }
  }
}

std::string OneChain(const std::string& input, const std::string& chain) {
  return fmt::format("  in: {{given: {}}}\n  look: {}\n  out: {{nowhere: {{}}}}\n", input, chain);
}

TEST_CASE("no pass changes a pixel or a label of any chain") {
  const char* inputs[] = {"jpeg", "pair_jpeg", "exif6_odd", "jpeg_odd", "frames", "exif8"};
  std::size_t turn = 0;
  for (const ChainCase& chain : Chains()) {
    CheckPassesKeepPixels(OneChain(inputs[turn++ % std::size(inputs)], chain.yaml), {"0"});
  }
}

TEST_CASE("no pass changes a pixel behind copies and splits") {
  CheckPassesKeepPixels(R"(
  photos: {given: jpeg}
  views: {copies: 3}
  look:
    - hflip: {p: 0.5}
    - random_resized_crop: {size: [40, 40], scale: [0.1, 1]}
    - color_jitter: {p: 0.8}
    - gamma: {p: 0}
    - hue_saturation
  parts: {split: {train: 0.5, val: 0.5}, from: look}
  small: {resize: 20, from: parts.train}
  out: {nowhere: {}}
  other: {nowhere: {}, from: parts.val}
  plain: {nowhere: {}, from: photos}
)",
                        {"0", "1", "2"});
  CheckPassesKeepPixels(R"(
  scenes: {shapes: {count: 3, size: [120, 150], encode: jpeg}}
  twice: {copies: 2}
  turn: [{rotate: [-30, 30]}, {resize: [30, 36]}]
  again: {copies: 2}
  colours: [brightness_contrast, gamma, {color_jitter: {p: 0.5}}]
  out: {nowhere: {}}
  merged: {merge: , from: [turn, colours]}
  all: {nowhere: {}}
)",
                        {"shape_000000", "shape_000002"});
}

TEST_CASE("a sink that lists branches one after the other gets them in one order") {
  CheckPassesKeepPixels(R"(
  in: {given: pair}
  views: {copies: 2}
  turn: [{rotate: [-30, 30]}]
  more: {copies: 2}
  out: {nowhere: {}, from: [turn, more]}
)",
                        {"0", "2"});
}

TEST_CASE("steps that never act leave the draws and groups of the others alone") {
  for (const char* chain : {
           "[{gamma: {p: 0}}, {rotate: {angle: 20, p: 0}}, hflip]",
           // What stays of an inner choice is drawn as before.
           "[one_of: [{one_of: [{hflip: {p: 0}}, vflip, {rotate: 30}]}, gamma]]",
           "[one_of: [{some_of: {n: 2, steps: [{vflip: {p: 0}}, hflip, {rotate: 9}]}}, vflip]]",
           "[random_order: [{random_order: [{gamma: {p: 0}}, {rotate: 9}, {resize: 30}]}, vflip]]",
           // A chain of its own ends the group before it, whatever acts inside.
           "[rotate: 20, {chain: [{hflip: {p: 0}}], resample: each}, rotate: 15]",
           "[rotate: 20, {chain: [{chain: [{hflip: {p: 0}}]}], resample: each}, rotate: 15]",
           "[{sometimes: {p: 0, then: [hflip], else: [{rotate: 10}]}}, rotate: 15]",
       }) {
    CheckPassesKeepPixels(OneChain("scene", chain), {"0", "1", "2"});
  }
}

TEST_CASE("what is decoded of a JPEG does not show in its pixels") {
  for (const char* input : {"jpeg", "jpeg_odd", "jpeg_grey", "jpeg_exact", "exif2", "exif3_odd",
                            "exif5", "exif6_odd", "exif7", "pair_jpeg"}) {
    for (const char* step :
         {"crop: {x_min: 17, y_min: 9, x_max: 18, y_max: 10}",
          "crop: {x_min: -20, y_min: 30, x_max: 33, y_max: 77}",
          "crop: {x_min: 60, y_min: 5, x_max: 400, y_max: 61, border: reflect}",
          "crop: {x_min: 900, y_min: 5, x_max: 950, y_max: 61, border: replicate}",
          "crop: {x_min: -500, y_min: 5, x_max: -450, y_max: 61, fill: 9}", "random_crop: [31, 23]",
          "random_resized_crop: {size: 19, scale: [0.05, 0.3]}",
          "random_resized_crop: {size: [9, 11], scale: [0.2, 1], interpolation: antialias}",
          "random_resized_crop: {size: [64, 80], scale: [0.02, 0.2], interpolation: nearest}",
          "affine: {scale: 3, rotate: 20, border: replicate}",
          "affine: {scale: 2.5, translate_x: 0.3, border: wrap}",
          "affine: {scale: 4, translate_y: -0.4, interpolation: antialias}",
          "affine: {scale: 0.3, translate_y: -0.4}"}) {
      for (const char* after : {"", ", hflip", ", resize: 16", ", rotate: 90",
                                ", {random_crop: [13, 16]}, {resize: [30, 7]}"}) {
        const std::string nodes = OneChain(input, fmt::format("[{}{}]", step, after));
        CAPTURE(nodes);
        const auto part = Results(nodes, {"1"}, {});
        const auto whole = Results(nodes, {"1"}, {"push_down"});
        REQUIRE(part.size() == 1);
        REQUIRE(whole.size() == 1);
        CHECK(Difference(whole[0].sample, part[0].sample) == "");
      }
    }
  }
}

TEST_CASE("every pass says what it did") {
  const Pipeline pipeline = Parsed(R"(
  in: {given: jpeg}
  views: {copies: 2}
  look: [{random_crop: 40}, {hflip: {p: 0}}, {gamma: 1.2}, color_jitter]
  out: {nowhere: {}}
)",
                                   {});
  REQUIRE(pipeline.passes().size() == Passes().size() + 1);
  CHECK(pipeline.passes()[0].name == "bind");
  for (std::size_t i = 0; i < Passes().size(); ++i) {
    const PassLog& log = pipeline.passes()[i + 1];
    CAPTURE(log.name);
    CHECK(log.name == Passes()[i].name);
    CHECK(!log.why.empty());
    CHECK(!log.note.empty());
    CHECK(log.note != "disabled");
  }
  const Pipeline without = Parsed(OneChain("jpeg", "[hflip]"), {"fuse"});
  CHECK(without.passes().back().name == "schedule");
  CHECK(without.passes()[without.passes().size() - 2].note == "disabled");
}

TEST_CASE("only passes that exist and may go can be disabled") {
  for (const char* name : {"bind", "fusion", ""}) {
    CAPTURE(name);
    try {
      Parsed(OneChain("jpeg", "[hflip]"), {name});
      FAIL_CHECK("accepted");
    } catch (const ConfigError& error) {
      const auto& found = error.Found().All();
      REQUIRE(found.size() == 1);
      CHECK(found[0].code == "CFG-PASS");
    }
  }
}

}  // namespace
}  // namespace pixloom::testing
