// SPDX-License-Identifier: Apache-2.0
// Draws do not shift: what a step draws for a sample depends on the seed, the step's own name and
// the sample's own key, not on neighbours in the chain or in the source.
#include <algorithm>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/verbs.h"

namespace pixloom {
namespace {

using testing::Outcome;

std::string Doc(const std::string& steps, int count = 8) {
  return fmt::format(
      "version: 1\nseed: 5\nnodes:\n  photos: {{shapes: {{count: {}, size: 64}}}}\n"
      "  views: {{copies: 2}}\n  look: [{}]\n  out: {{collect: out}}\n",
      count, steps);
}

Outcome Run(const std::string& yaml) {
  Outcome outcome = testing::RunYaml(yaml);
  INFO(outcome.errors);
  REQUIRE(outcome.errors.empty());
  return outcome;
}

// Every step that both recipes have drew the same; `at_least` of them per sample.
void CheckSharedDraws(const Outcome& a, const Outcome& b, std::size_t at_least) {
  REQUIRE(a.samples.size() == b.samples.size());
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    std::size_t shared = 0;
    for (const RecipeEntry& entry : a[i].recipe.entries) {
      const RecipeEntry* other = testing::Find(b[i], *entry.stream);
      if (other == nullptr) continue;
      ++shared;
      CAPTURE(*entry.stream);
      CHECK(entry.applied == other->applied);
      CHECK(entry.draws == other->draws);
    }
    CHECK(shared >= at_least);
  }
}

void CheckSamePixels(const Outcome& a, const Outcome& b) {
  REQUIRE(a.samples.size() == b.samples.size());
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    CHECK(testing::SampleDifference(a[i], b[i]) == "");
  }
}

constexpr const char* kRotate = "{rotate: {angle: [-30, 30]}, p: 0.7}";
constexpr const char* kGamma = "{gamma: [0.5, 2], p: 0.7}";
constexpr const char* kNoise = "gaussian_noise: [0.01, 0.1]";
constexpr const char* kChoice = "one_of: [hue_saturation, color_jitter]";

std::string List(std::initializer_list<std::string> steps) {
  std::string text;
  for (const std::string& s : steps) text += (text.empty() ? "" : ", ") + s;
  return text;
}

TEST_CASE("an operator of another kind that keeps the size shifts nothing") {
  const Outcome base = Run(Doc(List({kRotate, kGamma, kNoise, kChoice})));
  for (const char* more :
       {"vflip", "gaussian_blur: [0.5, 2]", "brightness_contrast", "{jpeg: [40, 90], p: 0.5}",
        "elastic: {alpha: 3}", "some_of: {n: 1, steps: [vflip, hflip]}",
        "sometimes: [affine: {scale: [0.9, 1.1]}]"}) {
    CAPTURE(more);
    CheckSharedDraws(base, Run(Doc(List({more, kRotate, kGamma, kNoise, kChoice}))), 5);
    CheckSharedDraws(base, Run(Doc(List({kRotate, kGamma, more, kNoise, kChoice}))), 5);
    CheckSharedDraws(base, Run(Doc(List({kRotate, kGamma, kNoise, kChoice, more}))), 5);
  }
}

TEST_CASE("taking an operator out or moving it shifts nothing") {
  const Outcome base = Run(Doc(List({kRotate, kGamma, kNoise, kChoice})));
  CheckSharedDraws(base, Run(Doc(List({kRotate, kNoise, kChoice}))), 3);
  CheckSharedDraws(base, Run(Doc(List({kGamma, kNoise}))), 2);
  CheckSharedDraws(base, Run(Doc(List({kNoise, kGamma, kChoice, kRotate}))), 5);
  // Into another group of the same node as well.
  CheckSharedDraws(
      base, Run(Doc(List({"sometimes: {then: [" + std::string(kGamma) + "]}", kRotate, kNoise}))),
      2);
}

TEST_CASE("a step with a name keeps its draws beside others of its kind") {
  const std::string named = "{gamma: [0.5, 2], name: dark}";
  const Outcome base = Run(Doc(List({kRotate, named, kNoise})));
  CheckSharedDraws(base, Run(Doc(List({"gamma: [1, 3]", kRotate, named, kNoise}))), 3);
  CheckSharedDraws(base, Run(Doc(List({kRotate, named, "{gamma: 2, name: other}", kNoise}))), 3);
  // And a named one shifts no unnamed one of its kind.
  const Outcome plain = Run(Doc(List({kGamma, kRotate})));
  CheckSharedDraws(plain, Run(Doc(List({named, kGamma, kRotate}))), 2);
  // Without a name it is counted, and the one behind it is another stream.
  const Outcome counted = Run(Doc(List({"gamma: [0.5, 2]", "gamma: [0.5, 2]"})));
  CHECK(counted.Draws("look/gamma#1", "gamma") != counted.Draws("look/gamma#2", "gamma"));
}

TEST_CASE("p, weights and parameters of one step change no other step") {
  const Outcome base = Run(Doc(List({kRotate, kGamma, kNoise})));
  const Outcome other = Run(Doc(List({"{rotate: {angle: [0, 9]}, p: 0.1}", kGamma, kNoise})));
  CHECK(base.Draws("look/gamma#1", "gamma") == other.Draws("look/gamma#1", "gamma"));
  CHECK(base.Draws("look/gaussian_noise#1", "std") == other.Draws("look/gaussian_noise#1", "std"));
}

TEST_CASE("where pixels are independent they stay as well") {
  // Another node on another branch, a step that never acts, notes: not one bit changes.
  const std::string steps = List({kRotate, kGamma, kNoise});
  const Outcome base = Run(Doc(steps));
  CheckSamePixels(base, Run(Doc(List({kRotate, "{vflip: {}, p: 0}", kGamma, kNoise}))));
  Outcome beside =
      Run(Doc(steps) + "  other: {vflip: {}, from: photos}\n  more: {collect: more}\n");
  std::erase_if(beside.samples, [](const testing::Collected& c) { return c.sink != "out"; });
  CheckSamePixels(base, beside);
}

TEST_CASE("more entries change no sample") {
  const std::string steps =
      List({kRotate, kGamma, kNoise, "random_crop: [40, 48]", "elastic: {alpha: 5}"});
  const Outcome ten = Run(Doc(steps, 10));
  const Outcome twenty = Run(Doc(steps, 20));
  REQUIRE(ten.samples.size() == 20);
  REQUIRE(twenty.samples.size() == 40);
  for (std::size_t i = 0; i < ten.samples.size(); ++i) {
    CHECK(testing::SampleDifference(ten[i], twenty[i]) == "");
    CHECK(ten[i].recipe.ToJson() == twenty[i].recipe.ToJson());
  }
  // Nor do entries in front of them.
  const auto canvas = [&](int first, int count) {
    return Run(fmt::format(
        "version: 1\nseed: 5\nnodes:\n  photos: {{canvas: {{count: {}, first: {}, size: 64}}}}\n"
        "  look: [{}]\n  out: {{collect: out}}\n",
        count, first, steps));
  };
  const Outcome late = canvas(5, 3);
  const Outcome early = canvas(0, 8);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(testing::SampleDifference(late[i], early[i + 5]) == "");
    CHECK(late[i].recipe.ToJson() == early[i + 5].recipe.ToJson());
  }
}

TEST_CASE("a file added to a folder changes no other sample") {
  const testing::TempFolder folder;
  const auto write = [&](const std::string& name, std::uint8_t shade) {
    cv::Mat pixels(40, 50, CV_8UC3);
    for (int y = 0; y < 40; ++y) {
      for (int x = 0; x < 150; ++x) {
        pixels.ptr<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(shade + x * 3 + y);
      }
    }
    const auto bytes = BuiltInCodec().Encode(pixels, {});
    REQUIRE(bytes.Ok());
    folder.Write("in/" + name, std::string(bytes->begin(), bytes->end()));
  };
  const std::string yaml = fmt::format(
      "version: 1\nseed: 5\nnodes:\n  photos: {{image_folder: {}}}\n  views: {{copies: 2}}\n"
      "  look: [{}, random_resized_crop: 32, elastic]\n  out: {{collect: out}}\n",
      folder.Path("in"), List({kRotate, kGamma, kNoise}));
  write("cat/b.png", 10);
  write("cat/d.png", 60);
  const Outcome before = Run(yaml);
  write("cat/c.png", 90);
  write("ant/a.png", 120);
  const Outcome after = Run(yaml);
  CHECK(before.samples.size() == 4);
  CHECK(after.samples.size() == 8);
  for (const testing::Collected& old : before.samples) {
    const auto same =
        std::find_if(after.samples.begin(), after.samples.end(), [&](const testing::Collected& c) {
          return c.sample.key == old.sample.key &&
                 c.sample.identity.branch == old.sample.identity.branch;
        });
    REQUIRE(same != after.samples.end());
    CHECK(testing::PixelDifference(old.sample, same->sample) == "");
    CHECK(old.sample.recipe.ToJson() == same->sample.recipe.ToJson());
    CHECK(old.sample.identity.id == same->sample.identity.id);
  }
}

TEST_CASE("ids come from the source's name and the key, branches from copies") {
  const Outcome outcome =
      Run("version: 1\nseed: 5\nnodes:\n  a: {canvas: 2}\n  b: {canvas: 2}\n"
          "  views: {copies: 2, from: [a, b]}\n  again: {copies: 2}\n  out: {collect: out}\n");
  std::set<std::pair<std::uint64_t, std::vector<std::uint32_t>>> identities;
  std::uint64_t last = 0;
  for (const testing::Collected& c : outcome.samples) {
    CHECK(c.sample.identity.id == SampleId(c.sample.source, c.sample.key));
    CHECK(c.sample.identity.branch.size() == 2);
    CHECK(c.sample.identity.seq >= last);
    last = c.sample.identity.seq;
    identities.insert({c.sample.identity.id, c.sample.identity.branch});
  }
  CHECK(identities.size() == 16);
  CHECK(SampleId("a", "bc") != SampleId("ab", "c"));
  CHECK(SampleId("a", "c0") != SampleId("b", "c0"));
}

TEST_CASE("another seed, another epoch and another node name draw anew") {
  const Outcome base = Run(Doc(kRotate, 100));
  std::string other = Doc(kRotate, 100);
  other.replace(other.find("seed: 5"), 7, "seed: 6");
  CHECK(base.Draws("look/rotate#1", "angle") != Run(other).Draws("look/rotate#1", "angle"));
  Pipeline pipeline = Pipeline::Parse(Doc(kRotate, 100), "t.yaml", testing::TestOptions());
  const Outcome same = testing::RunPipeline(pipeline);
  CHECK(base.Draws("look/rotate#1", "angle") == same.Draws("look/rotate#1", "angle"));
  other = Doc(kRotate, 100);
  other.replace(other.find("look:"), 5, "gaze:");
  CHECK(base.Draws("look/rotate#1", "angle") != Run(other).Draws("gaze/rotate#1", "angle"));
}

TEST_CASE("replay gives what the run gave") {
  const std::string yaml =
      "version: 1\nseed: 5\nnodes:\n  photos: {shapes: {count: 5, size: 64, encode: jpeg}}\n"
      "  extra: {canvas: {count: 3, size: 64}}\n"
      "  views: {copies: 3, from: [photos, extra]}\n"
      "  look: [{rotate: [-30, 30], p: 0.5}, random_resized_crop: 24, gaussian_noise, elastic]\n"
      "  parts: {split: {a: 0.5, b: 0.5}}\n"
      "  a: {collect: a, from: parts.a}\n  b: {collect: b, from: parts.b}\n";
  Pipeline pipeline = Pipeline::Parse(yaml, "t.yaml", testing::TestOptions());
  const Outcome outcome = testing::RunPipeline(pipeline, 4);
  REQUIRE(outcome.samples.size() == 24);
  for (const testing::Collected& c : outcome.samples) {
    const std::string branch = BranchText(c.sample.identity.branch);
    CAPTURE(c.sample.key);
    const auto replayed = pipeline.Replay(c.sample.key, branch);
    REQUIRE(replayed.size() == 1);
    CHECK(replayed[0].sink == c.sink);
    CHECK(testing::SampleDifference(replayed[0].sample, c.sample) == "");
    CHECK(replayed[0].sample.recipe.ToJson() == c.sample.recipe.ToJson());
  }
  CHECK(pipeline.Replay("c0").size() == 3);
  CHECK_THROWS_AS(pipeline.Replay("c99"), ConfigError);
  CHECK(pipeline.Replay("c0", "9").empty());
  // Replaying leaves the pipeline as it was.
  const Outcome again = testing::RunPipeline(pipeline);
  REQUIRE(again.samples.size() == 24);
  CHECK(testing::SampleDifference(again[3], outcome[3]) == "");
}

}  // namespace
}  // namespace pixloom
