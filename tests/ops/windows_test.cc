// SPDX-License-Identifier: Apache-2.0
// Windows in a run: holes, samples that are alone, chance, recipes, threads, and what is counted.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include <fmt/format.h>

#include "tests/support/verbs.h"

namespace pixloom {
namespace {

using testing::Collected;
using testing::ErrorsOf;
using testing::Find;
using testing::Outcome;
using testing::RunYaml;

const char* const kWindows[] = {"mixup", "cutmix", "mosaic", "copy_paste"};

std::string Graph(const std::string& canvas, const std::string& window) {
  return fmt::format(
      "version: 1\nseed: 4\non_error: {{max_bad: 100%}}\nnodes:\n  in: {{canvas: {}}}\n"
      "  look: [{{hflip: {{p: 0.5}}}}]\n  mix: {{{}}}\n  out: {{collect: out}}\n",
      canvas, window);
}

// Keys that went into each result.
std::vector<std::string> ParentsOf(const Sample& sample, const std::string& step) {
  std::vector<std::string> keys;
  const RecipeEntry* entry = Find(sample, step);
  REQUIRE(entry != nullptr);
  for (const auto& parent : entry->parents) keys.push_back(parent->key);
  return keys;
}

TEST_CASE("anchors find their partners among the survivors of their block") {
  for (const std::string window : kWindows) {
    CAPTURE(window);
    // c0, c5 and c10 are holes: blocks {1 2 3} {4 6 7} {8 9 11}.
    const Outcome ran = RunYaml(Graph("{count: 12, fail_every: 5}", window + ": {block: 4}"));
    REQUIRE(ran.errors.empty());
    REQUIRE(ran.samples.size() == 9);
    CHECK(ran.quarantine.size() == 3);
    const std::vector<std::set<std::string>> blocks{
        {"c1", "c2", "c3"}, {"c4", "c6", "c7"}, {"c8", "c9", "c11"}};
    std::set<std::string> seen;
    for (std::size_t i = 0; i < 9; ++i) {
      const Sample& sample = ran[i];
      for (const std::string& key : ParentsOf(sample, "mix/" + window)) {
        CHECK(blocks[i / 3].count(key) == 1);
        CHECK(key != sample.key);
        seen.insert(key);
      }
      // Parents bring their own recipe until then.
      const RecipeEntry* entry = Find(sample, "mix/" + window);
      REQUIRE(!entry->parents.empty());
      CHECK(*entry->parents[0]->recipe.entries.at(0).stream == "look/hflip#1");
      CHECK(entry->parents[0]->source == "in");
      CHECK(*sample.recipe.entries.at(0).stream == "look/hflip#1");
      CHECK(sample.recipe.ToJson().find("\"parents\": [{\"source\": \"in\"") != std::string::npos);
    }
    CHECK(seen.size() >= 6);
    const NodeCounts* node = nullptr;
    for (const NodeCounts& one : ran.report.nodes) {
      if (one.name == "mix") node = &one;
    }
    REQUIRE(node != nullptr);
    CHECK(node->in == 9);
    CHECK(node->out == 9);
    CHECK(node->failed == 0);
  }
}

TEST_CASE("filtered members are holes, too; alone in its block a sample passes as it is") {
  for (const std::string window : kWindows) {
    CAPTURE(window);
    const std::string yaml =
        "version: 1\nseed: 4\nnodes:\n  in: {canvas: 60}\n"
        "  some: [{random_crop: [7, 7]}, {sanitize: {min_area: 17, drop_empty: true}}]\n  mix: {" +
        window + ": {block: 3}}\n  out: {collect: out}\n  plain: {collect: plain, from: some}\n";
    const Outcome ran = RunYaml(yaml);
    REQUIRE(ran.errors.empty());
    const std::vector<std::string> keys = ran.Keys();
    CHECK(keys == ran.Keys("plain"));
    std::map<int, std::set<std::string>> blocks;
    for (const std::string& key : keys) blocks[std::stoi(key.substr(1)) / 3].insert(key);
    int alone = 0, together = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::set<std::string>& block = blocks[std::stoi(keys[i].substr(1)) / 3];
      const RecipeEntry* entry = Find(ran[i], "mix/" + window);
      REQUIRE(entry != nullptr);
      CHECK(entry->applied == (block.size() > 1));
      for (const std::string& key : ParentsOf(ran[i], "mix/" + window)) {
        CHECK(block.count(key) == 1);
        ++together;
      }
      if (block.size() > 1) continue;
      ++alone;
      CHECK(entry->parents.empty());
      CHECK(entry->draws == std::vector<std::pair<std::string, double>>{{"partners", 0}});
      CHECK(testing::SampleDifference(ran[i], ran[keys.size() + i]) == "");
    }
    CHECK(alone >= 2);
    CHECK(together > 5);
  }
}

TEST_CASE("p leaves samples as they are, and what is drawn does not depend on it") {
  for (const std::string window : kWindows) {
    CAPTURE(window);
    const std::string base = "{count: 24, content: noise}";
    const Outcome always = RunYaml(Graph(base, window + ": {}"));
    const Outcome half = RunYaml(Graph(base, window + ": {}, p: 0.5"));
    REQUIRE(half.errors.empty());
    int mixed = 0;
    for (std::size_t i = 0; i < 24; ++i) {
      const RecipeEntry* entry = Find(half[i], "mix/" + window);
      REQUIRE(entry != nullptr);
      if (entry->applied) {
        ++mixed;
        CHECK(testing::SampleDifference(half[i], always[i]) == "");
      } else {
        CHECK(half[i].labels.label);
      }
    }
    CHECK(mixed > 4);
    CHECK(mixed < 20);
  }
}

TEST_CASE("every pixel type goes through, and what a window counts is reported") {
  for (const std::string window : kWindows) {
    for (const char* depth : {"u8", "u16", "f32"}) {
      for (const int channels : {1, 3, 4, 5}) {
        CAPTURE(window);
        CAPTURE(depth);
        const Outcome ran =
            RunYaml(Graph(fmt::format("{{count: 8, depth: {}, channels: {}}}", depth, channels),
                          window + ": {}"));
        REQUIRE(ran.errors.empty());
        CHECK(ran.quarantine.empty());
        CHECK(ran.samples.size() == 8);
        for (const Collected& one : ran.samples) {
          const cv::Mat& pixels = one.sample.images[0].second.frames[0].pixels;
          CHECK(pixels.channels() == channels);
          std::set<std::int64_t> ids;
          for (const Instance& instance : one.sample.instances) ids.insert(instance.id);
          CHECK(ids.size() == one.sample.instances.size());
          CHECK(one.sample.counts.empty());
        }
      }
    }
  }
  const Outcome ran = RunYaml(Graph("8", "copy_paste: {objects: 1, position: random}"));
  CHECK(ran.report.ToText().find("mix: ") != std::string::npos);
  CHECK(ran.report.ToText().find("objects pasted") != std::string::npos);
}

TEST_CASE("what a mosaic makes of the size is known only where nobody passes with another") {
  const auto meta = [](const std::string& yaml) {
    Pipeline pipeline = Pipeline::Parse(yaml, "t.yaml", testing::TestOptions());
    const pixloom::Graph& graph = pipeline.graph();
    return graph.nodes[static_cast<std::size_t>(graph.Find("mix"))].meta.at(0).size;
  };
  CHECK(meta(Graph("{count: 8, size: [20, 24]}", "mosaic: {}")) == Size{24, 20});
  CHECK(meta(Graph("{count: 8, size: [20, 24]}", "mosaic: {size: [20, 24]}")) == Size{24, 20});
  CHECK(!meta(Graph("{count: 8, size: [20, 24]}", "mosaic: {size: [40, 40]}")));
  CHECK(!meta(Graph("{count: 8, declared: false}", "mosaic: {size: [40, 40]}")));
  CHECK(meta(Graph("{count: 8, size: [20, 24]}", "cutmix: {}")) == Size{24, 20});
}

TEST_CASE("planar pictures are refused when compiled") {
  const auto errors = ErrorsOf(
      "version: 1\nseed: 1\nnodes:\n  in: {canvas: 2}\n  look: [{layout: chw}]\n  mix: {mixup: "
      "{}}\n"
      "  out: {collect: out}\n");
  REQUIRE(!errors.empty());
  CHECK(errors[0].find("planar") != std::string::npos);
}

}  // namespace
}  // namespace pixloom
