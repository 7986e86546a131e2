// SPDX-License-Identifier: Apache-2.0
// What makes it a graph: joins, splits, windows and filters between sources and sinks. Same results
// whatever the timing, every sample accounted for at every node, replay through all of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/pixloom.h"
#include "tests/support/test_nodes.h"

namespace pixloom {
namespace {

using namespace testing;

// Sleeps that look random but are a function of place and `round`, so that a failure repeats.
auto Disturb(std::uint64_t round) {
  return [round](std::string_view node, std::uint64_t seq) {
    const std::uint64_t hash = HashCombine(HashCombine(StreamId(node), seq), round);
    if (hash % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(hash % 1500));
  };
}

RunReport RunOf(const std::string& yaml, RunOptions options = {}) {
  Kept().clear();
  if (options.quarantine_file.empty()) options.quarantine_file = TemporaryFile("quarantine.jsonl");
  return Pipeline::Parse(yaml, "test.yaml", {.registry = &TestRegistry()}).Run(std::move(options));
}

const NodeCounts& NodeOf(const RunReport& report, std::string_view name) {
  for (const NodeCounts& node : report.nodes) {
    if (node.name == name) return node;
  }
  throw std::runtime_error("no node " + std::string(name));
}

// Two sources, a filter, a window, a join of two ways a sample goes, copies, a split, two sinks.
constexpr const char* kWeave = R"(
version: 1
seed: 9
nodes:
  scenes: {shapes: {count: 30, size: [60, 80], encode: jpeg, min_object: 16}}
  plain:  {test_numbers: {count: 18, side: 40, prefix: p}}
  all:    {merge: {}, from: [scenes, plain]}
  some:   {filter: key != p7 and key != p8}
  views:  {copies: 2}
  shape:
    - random_resized_crop: {size: [48, 48]}
    - hflip: {p: 0.5}
  mixed:  {test_neighbour: {size: 4}, p: 0.7, from: shape}
  worse:
    chain: [gaussian_noise, {jpeg: {quality: [20, 60]}}, {rotate: [-9, 9]}]
    from: shape
  pairs:  {join: {image: mixed, target: worse}}
  parts:  {split: {train: 0.7, val: 0.3}}
  more:   {copies: 2, from: parts.train}
  train:  {test_keep: {name: train}, from: more}
  val:    {test_keep: {name: val}, from: parts.val}
)";

TEST_CASE("one graph of everything gives the same results for any threads and timing") {
  const std::vector<std::string> expected = RunKept(kWeave, {.threads = 1});
  REQUIRE(expected.size() > 100);
  for (int threads = 1; threads <= 8; ++threads) {
    CAPTURE(threads);
    CHECK(RunKept(kWeave, {.threads = threads}) == expected);
    CHECK(RunKept(kWeave, {.threads = threads,
                           .before_node = Disturb(static_cast<std::uint64_t>(threads))}) ==
          expected);
  }
  for (const char* pass : {"infer", "prune", "push_down", "fuse", "schedule"}) {
    CAPTURE(pass);
    CHECK(RunKept(kWeave, {.threads = 2}, {pass}) == expected);
  }
  // Tokens as few as they may be, so that units arrive one by one.
  const std::uint64_t least = LeastBudget(kWeave, 2);
  CHECK(RunKept(kWeave, {.threads = 2, .memory = least, .before_node = Disturb(99)}) == expected);
}

TEST_CASE("what goes into each node comes out of it") {
  const RunReport report = RunOf(kWeave, {.threads = 4});
  MESSAGE(report.ToText());
  for (const NodeCounts& node : report.nodes) {
    CAPTURE(node.name);
    CHECK(node.in + node.generated == node.out + node.filtered + node.failed);
  }
  CHECK(NodeOf(report, "all").out == 48);
  CHECK(NodeOf(report, "some").filtered == 2);
  CHECK(NodeOf(report, "views").out == 92);
  CHECK(NodeOf(report, "mixed").out == 92);
  CHECK(NodeOf(report, "pairs").in == 92);
  CHECK(NodeOf(report, "pairs").out == 92);
  CHECK(NodeOf(report, "pairs").counts.at("as image") == 92);
  CHECK(NodeOf(report, "pairs").counts.at("as target") == 92);
  CHECK(NodeOf(report, "more").out == NodeOf(report, "train").out);
  CHECK(NodeOf(report, "train").out / 2 + NodeOf(report, "val").out == 92);
}

TEST_CASE("no source entry is in two parts of a split") {
  RunOf(kWeave, {.threads = 4});
  std::map<std::string, std::set<std::string>> sinks;
  for (const KeptSample& kept : Kept()) sinks[kept.key].insert(kept.sink);
  CHECK(sinks.size() == 46);
  for (const auto& [key, names] : sinks) CHECK(names.size() == 1);
}

TEST_CASE("replay goes through windows, joins and splits") {
  Pipeline pipeline = Pipeline::Parse(kWeave, "test.yaml", {.registry = &TestRegistry()});
  RunOf(kWeave, {.threads = 4});
  std::map<std::string, std::vector<const KeptSample*>> run;
  for (const KeptSample& kept : Kept()) run[kept.key].push_back(&kept);
  std::size_t mixed = 0;
  for (const auto& [key, results] : run) {
    CAPTURE(key);
    const auto again = pipeline.Replay(key);
    REQUIRE(again.size() == results.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      CHECK(again[i].sink == results[i]->sink);
      CHECK(again[i].sample.identity.branch == results[i]->branch);
      CHECK(ContentHash(again[i].sample) == results[i]->hash);
      CHECK(again[i].sample.recipe.ToJson() == results[i]->recipe);
      mixed += results[i]->text.count("partner");
    }
  }
  CHECK(mixed > 20);
  CHECK_THROWS_AS(pipeline.Replay("nobody"), ConfigError);
}

// ---- joins --------------------------------------------------------------------------------------

TEST_CASE("a join makes one sample of two: labels of the first port, pictures of all") {
  RunOf(R"(
version: 1
seed: 3
nodes:
  in:    {shapes: {count: 6, size: [50, 60], min_object: 16}}
  crop:  [{random_crop: [32, 40]}]
  bad:   [{gaussian_noise: {std: 0.1}}]
  small: {resize: [16, 20], from: crop}
  pairs: {join: {image: bad, target: crop, low: small}}
  look:  [{gaussian_blur: {sigma: 1}, fields: target}, {hflip: {p: 1}}]
  out:   {test_keep: {name: out}, from: look}
  clean: {test_keep: {name: clean}, from: crop}
)");
  std::map<std::string, const KeptSample*> clean;
  for (const KeptSample& kept : Kept()) {
    if (kept.sink == "clean") clean[kept.key] = &kept;
  }
  int pairs = 0;
  for (const KeptSample& kept : Kept()) {
    if (kept.sink != "out") continue;
    ++pairs;
    const Sample& sample = kept.sample;
    REQUIRE(sample.images.size() == 3);
    CHECK(sample.images[0].first == "image");
    CHECK(sample.images[1].first == "target");
    CHECK(sample.images[2].first == "low");
    CHECK(sample.Image("low")->frames[0].size() == Size{20, 16});
    CHECK(sample.Image("target")->frames[0].size() == Size{40, 32});
    // Mirrored all alike; noise only in the first, blur only in the second.
    const Sample& before = clean.at(kept.key)->sample;
    const cv::Mat& was = before.images[0].second.frames[0].pixels;
    const cv::Mat& image = sample.images[0].second.frames[0].pixels;
    double difference = 0;
    for (int y = 0; y < was.rows; ++y) {
      for (int x = 0; x < was.cols; ++x) {
        difference += image.at<cv::Vec3b>(y, was.cols - 1 - x)[0] - was.at<cv::Vec3b>(y, x)[0];
      }
    }
    CHECK(std::abs(difference / static_cast<double>(was.total())) < 10);
    CHECK(sample.instances.size() == before.instances.size());
    // What happened before the ways parted stands in the recipe once.
    int crops = 0;
    for (const RecipeEntry& entry : sample.recipe.entries)
      crops += *entry.stream == "crop/random_crop#1";
    CHECK(crops == 1);
  }
  CHECK(pairs == 6);
}

TEST_CASE("a lost side drops its partner, counted") {
  const auto run = [](const std::string& loss) {
    return RunOf(R"(
version: 1
seed: 3
on_error: {max_bad: 100%}
nodes:
  in:    {test_numbers: {count: 20}}
  views: {copies: 2}
  a:     [hflip]
  b:     )" + loss + R"(
  pairs: {join: {image: a, target: b}}
  mix:   {test_neighbour: {size: 6}}
  out:   {test_keep: {name: out}}
)",
                 {.threads = 3, .before_node = Disturb(4)});
  };
  SUBCASE("filtered") {
    const RunReport report = run("{filter: key != n3 and key != n11, from: views}");
    CHECK(NodeOf(report, "pairs").in == 40);
    CHECK(NodeOf(report, "pairs").out == 36);
    CHECK(NodeOf(report, "pairs").filtered == 4);
    CHECK(NodeOf(report, "pairs").counts.at("without a partner") == 4);
    CHECK(report.written == 36);
    CHECK(report.sources[0].filtered == 2);
  }
  SUBCASE("failed") {
    const RunReport report = run("{chain: [{test_fail: {every: 10}}], from: views}");
    CHECK(NodeOf(report, "pairs").filtered == 4);
    CHECK(report.quarantined == 4);
    CHECK(report.written == 36);
    // An entry of which one copy failed counts as failed.
    CHECK(report.sources[0].failed == 4);
  }
  SUBCASE("in another part of a split") {
    const RunReport report = RunOf(R"(
version: 1
seed: 3
nodes:
  in:    {test_numbers: {count: 40}}
  parts: {split: {a: 0.5, b: 0.5}}
  rest:  {test_keep: {name: rest}, from: parts.b}
  pairs: {join: {image: parts.a, target: in}}
  out:   {test_keep: {name: out}}
)");
    const NodeCounts& pairs = NodeOf(report, "pairs");
    CHECK(pairs.out == NodeOf(report, "parts").out - NodeOf(report, "rest").in);
    CHECK(pairs.filtered == NodeOf(report, "rest").in);
  }
}

TEST_CASE("a join pairs copies of both sides by their index") {
  RunOf(R"(
version: 1
seed: 3
nodes:
  in:   {test_numbers: {count: 5}}
  a:    {copies: 3, from: in}
  b:    {copies: 3, from: in}
  x:    {chain: [{brightness: {factor: [0.5, 1.5]}}], from: a}
  y:    {chain: [hflip], from: b}
  pairs: {join: {image: x, target: y}}
  out:  {test_keep: {name: out}}
)",
        {.threads = 2});
  CHECK(Kept().size() == 15);
}

TEST_CASE("a stop between the two sides of a join loses nothing unaccounted") {
  std::atomic<bool> stop{false};
  RunOptions options;
  options.threads = 3;
  options.stop = &stop;
  options.before_node = [&](std::string_view node, std::uint64_t seq) {
    if (seq == 20 && node == "worse") stop = true;
  };
  const RunReport report = RunOf(kWeave, std::move(options));
  CHECK(report.interrupted);
  for (const SourceCounts& source : report.sources) {
    CHECK(source.in == source.written + source.filtered + source.failed + source.unfinished);
  }
}

// ---- windows ------------------------------------------------------------------------------------

TEST_CASE("a window mixes by chance and says who went in") {
  RunOf(R"(
version: 1
seed: 5
nodes:
  in:  {test_numbers: {count: 61}}
  pre: [{brightness: {factor: [0.5, 1.5]}}]
  mix: {test_neighbour: {size: 4}, p: 0.5}
  out: {test_keep: {name: out}}
)");
  REQUIRE(Kept().size() == 61);
  int mixed = 0;
  for (const KeptSample& kept : Kept()) {
    const RecipeEntry& entry = kept.sample.recipe.entries.back();
    CHECK(*entry.stream == "mix/test_neighbour");
    CHECK(entry.applied == (kept.text.count("partner") == 1));
    if (!entry.applied) continue;
    ++mixed;
    REQUIRE(entry.parents.size() == 1);
    const Parent& parent = *entry.parents[0];
    CHECK(parent.key == kept.text.at("partner"));
    CHECK(parent.source == "in");
    REQUIRE(parent.recipe.entries.size() == 1);
    CHECK(*parent.recipe.entries[0].stream == "pre/brightness#1");
    CHECK(kept.recipe.find("\"parents\": [{\"source\": \"in\", \"key\": \"" + parent.key) !=
          std::string::npos);
  }
  // Binomial(60, 0.5): 15 to 45 covers all but 1e-4.
  CHECK(mixed > 15);
  CHECK(mixed < 45);
  // The last block holds one sample, which finds no partner.
  CHECK(Kept().back().key == "n60");
  CHECK_FALSE(Kept().back().sample.recipe.entries.back().applied);
}

}  // namespace
}  // namespace pixloom
