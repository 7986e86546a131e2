// SPDX-License-Identifier: Apache-2.0
// The engine against the reference interpreter: chains as a user writes them, run by the engine,
// then replayed from the engine's recipe in float64.
//
// PIXLOOM_PROVE=1 runs every chain on every input and several copies of each; PIXLOOM_CHAIN=WORD
// only the chains with this word in their name.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "api/pixloom.h"
#include "pipeline/chain.h"
#include "tests/reference/interpreter.h"
#include "tests/support/chains.h"
#include "tests/support/inputs.h"

namespace pixloom::testing {
namespace {

using reference::Image64;
using reference::Outcome;

bool Prove() {
  const char* value = std::getenv("PIXLOOM_PROVE");
  return value != nullptr && std::string(value) == "1";
}

Pipeline Parsed(const std::string& chain, const std::string& input) {
  const std::string yaml = fmt::format(
      "version: 1\nseed: 11\nnodes:\n  in: {{given: {}}}\n  look: {}\n  out: {{nowhere: {{}}}}\n",
      input.find('@') != std::string::npos ? '"' + input + '"' : input, chain);
  LoadOptions options;
  options.registry = &RegistryWithInputs();
  return Pipeline::Parse(yaml, "chain.yaml", options);
}

// The replay, and replays with positions pushed off the borders of pixels, or values off the halves
// between levels, where either neighbour is right.
struct Expected {
  std::vector<Outcome> outcomes;
  const Outcome& Main() const { return outcomes.front(); }
};

Outcome ReplayShifted(const Node& chain, const Sample& input, const Recipe& recipe,
                      std::uint64_t seed, Point shift, double rounding) {
  reference::Context context;
  context.seed = seed;
  context.codec = &BuiltInCodec();
  context.nearest_shift = shift;
  context.rounding_shift = rounding;
  return reference::Run(chain, input.Clone(), recipe, context);
}

int MaskAt(const cv::Mat& mask, int x, int y) {
  return mask.depth() == CV_16U ? mask.at<std::uint16_t>(y, x) : mask.at<std::uint8_t>(y, x);
}

// Pixels of `actual` that none of the candidates has.
std::size_t Unexplained(const std::vector<const cv::Mat*>& candidates, const cv::Mat& actual) {
  std::size_t count = 0;
  for (const cv::Mat* c : candidates) {
    if (c->size() != actual.size() || c->type() != actual.type()) return actual.total() + 1;
  }
  for (int y = 0; y < actual.rows; ++y) {
    for (int x = 0; x < actual.cols; ++x) {
      const int value = MaskAt(actual, x, y);
      const bool known = std::any_of(candidates.begin(), candidates.end(),
                                     [&](const cv::Mat* c) { return MaskAt(*c, x, y) == value; });
      if (!known) ++count;
    }
  }
  return count;
}

std::size_t UnexplainedMasks(const Expected& expected, const Sample& actual) {
  std::size_t count = 0;
  for (const auto& [name, mask] : actual.masks) {
    std::vector<const cv::Mat*> candidates;
    for (const Outcome& o : expected.outcomes) candidates.push_back(&o.masks.at(name));
    count += Unexplained(candidates, mask.pixels);
  }
  for (std::size_t i = 0; i < actual.instances.size(); ++i) {
    if (actual.instances[i].mask.empty()) continue;
    std::vector<const cv::Mat*> candidates;
    for (const Outcome& o : expected.outcomes) candidates.push_back(&o.instances.at(i).mask);
    count += Unexplained(candidates, actual.instances[i].mask);
  }
  return count;
}

struct Difference {
  double worst = 0;        // levels; for float pictures parts of the range
  double share_above = 0;  // of the values, above `above`
};

Difference Compare(const Expected& expected, std::size_t field, std::size_t frame,
                   const cv::Mat& actual, double above) {
  const auto picture = [&](const Outcome& o) -> const Image64& {
    return o.images.at(field).second.at(frame);
  };
  const Image64& main = picture(expected.Main());
  const double scale = main.depth == Depth::kF32 ? 1 / main.Span() : 1;
  Difference difference;
  difference.worst = reference::MaxDifference(main, actual) * scale;
  if (difference.worst <= above || !(difference.worst < 1e9)) return difference;
  const Image64 got = reference::FromMat(actual, main.range);
  std::size_t count = 0;
  difference.worst = 0;
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    double nearest = 1e9;
    for (const Outcome& o : expected.outcomes) {
      nearest = std::min(nearest, std::abs(picture(o).values[i] - got.values[i]) * scale);
    }
    difference.worst = std::max(difference.worst, nearest);
    if (nearest > above) ++count;
  }
  difference.share_above = static_cast<double>(count) / static_cast<double>(got.values.size());
  return difference;
}

// Directions and sizes of points behind a field come from slopes of a sampled field: compared on
// their own, loosely. Returns how far the worst lies off, and sets both sides equal.
double SettleOrientations(Outcome& expected, const Sample& actual) {
  double worst = 0;
  for (std::size_t i = 0; i < expected.instances.size() && i < actual.instances.size(); ++i) {
    auto& points = expected.instances[i].keypoints;
    const auto& others = actual.instances[i].keypoints;
    for (std::size_t k = 0; k < points.size() && k < others.size(); ++k) {
      const double turn = std::remainder(points[k].angle - others[k].angle, 6.283185307179586);
      const double growth = std::abs(std::log(points[k].scale / others[k].scale));
      worst = std::max({worst, std::abs(turn), growth});
      points[k].angle = others[k].angle;
      points[k].scale = others[k].scale;
    }
  }
  return worst;
}

struct Tally {
  int compared = 0;
  double worst_table = 0, worst_colour = 0, share_colour = 0, worst_u8 = 0, worst_u16 = 0,
         worst_f32 = 0, worst_label = 0, worst_point = 0, worst_slope = 0;
  std::size_t ties = 0;
  std::set<std::string> chains, inputs;
  void Keep(double& worst, double value) { worst = std::max(worst, value); }
};

void ComparePictures(const ChainCase& chain, const Expected& expected, const Sample& actual,
                     Tally& tally) {
  REQUIRE(expected.Main().images.size() == actual.images.size());
  for (std::size_t f = 0; f < actual.images.size(); ++f) {
    const auto& [name, field] = actual.images[f];
    CAPTURE(name);
    REQUIRE(expected.Main().images[f].second.size() == field.frames.size());
    for (std::size_t i = 0; i < field.frames.size(); ++i) {
      const cv::Mat& pixels = field.frames[i].pixels;
      const Depth depth = DepthOf(pixels);
      const bool is_float = depth == Depth::kF32;
      double allowed = 0;
      double share = 1;  // of the values that may be off by more than nothing
      switch (chain.closeness) {
        case Closeness::kSame:
          break;
        case Closeness::kTable:
          allowed = is_float ? 1e-5 : 0;
          break;
        case Closeness::kColour:
          allowed = is_float ? 1e-5 : chain.levels;
          // Of 65536 levels a value lies next to a half more often than of 256.
          share = is_float ? 1 : depth == Depth::kU16 ? 0.005 : 0.001;
          share = std::max(share, 3.0 / static_cast<double>(pixels.total()));
          break;
        case Closeness::kSampled:
          allowed = chain.levels * (is_float ? 1e-4 : 1);
          break;
      }
      const double above = chain.closeness == Closeness::kColour && !is_float ? 0 : allowed;
      const Difference d = Compare(expected, f, i, pixels, above);
      CAPTURE(i);
      CAPTURE(d.share_above);
      CHECK(d.worst <= allowed);
      if (chain.closeness == Closeness::kColour) CHECK(d.share_above <= share);
      if (chain.closeness == Closeness::kColour && depth == Depth::kU8) {
        tally.Keep(tally.worst_colour, d.worst);
        tally.Keep(tally.share_colour, d.share_above);
      } else {
        tally.Keep(is_float               ? tally.worst_f32
                   : depth == Depth::kU16 ? tally.worst_u16
                                          : tally.worst_u8,
                   d.worst);
      }
    }
  }
}

void CompareOnce(const ChainCase& chain, const Pipeline& pipeline, const std::string& input,
                 int index, std::uint32_t branch, Tally& tally) {
  const Graph& graph = pipeline.graph();
  const Node& node = graph.nodes[static_cast<std::size_t>(graph.Find("look"))];
  Sample given = MakeInput(input, index);
  given.identity.id = SampleId("in", std::to_string(index));
  given.identity.branch = {branch};
  Sample actual = given.Clone();
  const ChainRunner runner(BuiltInFamilies(), BuiltInCodec(), graph.seed);
  const auto error = runner.Run(node, actual);
  if (error && error->code == "OP-TYPE") return;    // the table of the operator refuses this type
  if (error && error->code == "OP-FRAMES") return;  // labels of a clip go with all its frames
  const std::string chain_name = chain.name;
  CAPTURE(chain_name);
  CAPTURE(input);
  CAPTURE(index);
  CAPTURE(branch);
  if (error) CAPTURE(error->message);
  REQUIRE(!error);
  REQUIRE(!DecodeAll(actual, BuiltInCodec()));
  CAPTURE(actual.recipe.ToJson());

  const auto replay = [&](Point shift, double rounding = 0) {
    return ReplayShifted(node, given, actual.recipe, graph.seed, shift, rounding);
  };
  Expected expected;
  expected.outcomes.push_back(replay({0, 0}));
  for (const std::string& problem : expected.Main().problems) FAIL_CHECK(problem);
  REQUIRE(expected.Main().problems.empty());

  // Positions agree to this many pixels; only a centre that lies closer to a border is a tie.
  const double reach = chain.field ? 1e-3 : 1e-6;
  const auto differs = [&] {
    if (reference::MaskDifferences(expected.Main(), actual) > 0) return true;
    const bool nearest = chain.closeness == Closeness::kSame;
    return nearest && reference::MaxDifference(expected.Main().Image(),
                                               actual.images[0].second.frames[0].pixels) > 0;
  };
  if (differs()) {
    for (const Point side : {Point{1, 1}, Point{-1, -1}, Point{1, -1}, Point{-1, 1}}) {
      expected.outcomes.push_back(replay({side.x * reach, side.y * reach}));
    }
    ++tally.ties;
  }
  if (chain.closeness == Closeness::kColour) {
    // A few steps of float32 arithmetic.
    for (const double rounding : {5e-7, -5e-7}) {
      expected.outcomes.push_back(replay({0, 0}, rounding));
    }
  }
  CHECK(UnexplainedMasks(expected, actual) == 0);
  ComparePictures(chain, expected, actual, tally);

  if (chain.field) {
    const double slope = SettleOrientations(expected.outcomes.front(), actual);
    CHECK(slope <= 0.2);
    tally.Keep(tally.worst_slope, slope);
  }
  const double labels = reference::LabelDifference(expected.Main(), actual);
  CHECK(labels <= (chain.field ? 0.01 : 1e-9));
  tally.Keep(chain.field ? tally.worst_point : tally.worst_label, labels);
  ++tally.compared;
  tally.chains.insert(chain.name);
  tally.inputs.insert(input);
}

// All types on small and odd sizes; scenes for labels; files for lazy decoding.
std::vector<std::string> AllInputs() {
  std::vector<std::string> inputs;
  for (const char* size : {"1x1", "7x5", "101x99"}) {
    for (const char* type : {"u8x3", "u8x1", "u8x4", "u16x3", "u16x1", "f32x3", "f32x1", "u16x9"}) {
      inputs.push_back(fmt::format("{}@{}", type, size));
    }
  }
  for (const char* name : {"scene", "scene_turned", "scene_large", "jpeg", "jpeg_odd", "jpeg_grey",
                           "jpeg_exact", "pair", "pair_jpeg", "clip", "frames"}) {
    inputs.emplace_back(name);
  }
  for (int orientation = 2; orientation <= 8; ++orientation) {
    inputs.push_back(fmt::format("exif{}", orientation));
  }
  inputs.emplace_back("exif6_odd");
  inputs.emplace_back("exif3_odd");
  return inputs;
}

void Run(const std::vector<std::string>& always, const std::vector<std::string>& in_turn,
         int copies) {
  Tally tally;
  const char* only_chain = std::getenv("PIXLOOM_CHAIN");
  std::size_t turn = 0;
  for (const ChainCase& chain : Chains()) {
    if (only_chain != nullptr && std::string(chain.name).find(only_chain) == std::string::npos) {
      continue;
    }
    std::vector<std::string> inputs = always;
    if (std::string(chain.yaml).find("scope: frame") != std::string::npos) {
      inputs.emplace_back("frames");
    }
    for (int i = 0; i < 7 && !in_turn.empty(); ++i) {
      inputs.push_back(in_turn[turn++ % in_turn.size()]);
    }
    for (const std::string& input : inputs) {
      const Pipeline pipeline = Parsed(chain.yaml, input);
      for (int copy = 0; copy < copies; ++copy) {
        CompareOnce(chain, pipeline, input, copy % 3, static_cast<std::uint32_t>(copy), tally);
      }
    }
  }
  MESSAGE(fmt::format(
      "{} comparisons, {} chains x {} inputs; worst: u8 {:.4g}, u16 {:.4g} levels, float {:.3g}; "
      "colour u8 {:.4g} levels on at most {:.3g} of the values; labels {:.3g} px, through fields "
      "{:.3g} px, slopes {:.3g}; {} with ties",
      tally.compared, tally.chains.size(), tally.inputs.size(), tally.worst_u8, tally.worst_u16,
      tally.worst_f32, tally.worst_colour, tally.share_colour, tally.worst_label, tally.worst_point,
      tally.worst_slope, tally.ties));
}

TEST_CASE("the engine agrees with the reference") {
  Run({"u8x3@7x5", "u8x1@1x1", "u16x3@7x5", "f32x3@7x5", "scene", "jpeg"}, AllInputs(), 2);
}

TEST_CASE("the engine agrees with the reference: sweep" * doctest::skip(!Prove())) {
  Run(AllInputs(), {}, 5);
}

}  // namespace
}  // namespace pixloom::testing
