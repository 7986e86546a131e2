// SPDX-License-Identifier: Apache-2.0
// The graph language, one rule per case, seen at the sink: which samples arrive, in which order and
// with which draws. What is refused stands in tests/errors.
#include "pipeline/language.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/verbs.h"

namespace pixloom {
namespace {

using testing::Outcome;
using Keys = std::vector<std::string>;

std::string Doc(const std::string& nodes) { return "version: 1\nseed: 3\nnodes:\n" + nodes; }

Outcome Run(const std::string& nodes, int threads = 1) {
  Outcome outcome = testing::RunYaml(Doc(nodes), threads);
  INFO(outcome.errors);
  REQUIRE(outcome.errors.empty());
  return outcome;
}

// Steps of one chain over `count` pictures.
Outcome RunSteps(const std::string& steps, int count = 3) {
  return Run(
      fmt::format("  src: {{canvas: {}}}\n  look:\n{}  out: {{collect: out}}\n", count, steps));
}

void CheckSame(const Outcome& a, const Outcome& b) {
  REQUIRE(a.samples.size() == b.samples.size());
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    CHECK(testing::SampleDifference(a[i], b[i]) == "");
  }
}

// Streams of the recipe of the first sample.
std::vector<std::string> Streams(const Sample& sample) {
  std::vector<std::string> streams;
  for (const RecipeEntry& entry : sample.recipe.entries) streams.push_back(*entry.stream);
  return streams;
}

bool Near(std::size_t count, double share, std::size_t total) {
  const auto n = static_cast<double>(total);
  return std::abs(static_cast<double>(count) - share * n) < 5 * std::sqrt(n * share * (1 - share));
}

constexpr const char* kTwo = "  a: {canvas: {count: 2}}\n  b: {canvas: {count: 3, first: 100}}\n";

// ---- edges --------------------------------------------------------------------------------------

TEST_CASE("a node without from follows the one above") {
  const Outcome outcome =
      Run("  src: {canvas: 2}\n  look: [hflip]\n  more: {vflip: {}}\n  out: {collect: out}\n");
  CHECK(outcome.Keys() == Keys{"c0", "c1"});
  CHECK(Streams(outcome[0]) == Keys{"look/hflip#1", "more/vflip#1"});
}

TEST_CASE("from names another node, above or below") {
  const Outcome outcome =
      Run("  out: {collect: out, from: more}\n  more: {vflip: {}, from: look}\n"
          "  src: {canvas: 2}\n  look: {hflip: {}}\n");
  CHECK(Streams(outcome[0]) == Keys{"look/hflip#1", "more/vflip#1"});
}

TEST_CASE("a list in from concatenates in its order") {
  CHECK(Run(std::string(kTwo) + "  out: {collect: out, from: [a, b]}\n").Keys() ==
        Keys{"c0", "c1", "c100", "c101", "c102"});
  CHECK(Run(std::string(kTwo) + "  out: {collect: out, from: [b, a]}\n").Keys() ==
        Keys{"c100", "c101", "c102", "c0", "c1"});
  // Also before a chain and through one.
  CHECK(Run(std::string(kTwo) + "  look: {hflip: {}, from: [b, a]}\n  out: {collect: out}\n", 4)
            .Keys() == Keys{"c100", "c101", "c102", "c0", "c1"});
}

TEST_CASE("merge takes turns") {
  const Keys turns{"c0", "c100", "c1", "c101", "c102"};
  CHECK(Run(std::string(kTwo) + "  all: {merge: {}, from: [a, b]}\n  out: {collect: out}\n", 4)
            .Keys() == turns);
  CHECK(Run(std::string(kTwo) +
                "  x: {hflip: {}, from: a}\n  y: {vflip: {}, from: b}\n"
                "  all: {merge: {}, from: [x, y]}\n  look: {gamma: 2}\n  out: {collect: out}\n",
            4)
            .Keys() == turns);
}

TEST_CASE("two branches of one source meet in the order of from, entry by entry") {
  const Outcome outcome =
      Run("  src: {canvas: 2}\n  x: {hflip: {}, from: src}\n  c: {copies: 1, from: src}\n"
          "  y: {vflip: {}, from: c}\n  out: {collect: out, from: [y, x]}\n",
          4);
  CHECK(outcome.Keys() == Keys{"c0:0", "c0", "c1:0", "c1"});
  CHECK(Streams(outcome[0]) == Keys{"y/vflip#1"});
  CHECK(Streams(outcome[1]) == Keys{"x/hflip#1"});
}

TEST_CASE("one output may have several readers") {
  const Outcome outcome = Run(
      "  src: {canvas: 2}\n  x: {collect: x, from: src}\n  look: {gaussian_noise: 0.1, from: src}\n"
      "  y: {collect: y}\n");
  CHECK(outcome.Keys("x") == Keys{"c0", "c1"});
  CHECK(outcome.Keys("y") == Keys{"c0", "c1"});
  // The other branch got pixels of its own.
  const Outcome plain = Run("  src: {canvas: 2}\n  x: {collect: x}\n");
  CHECK(outcome.samples[0].sink == "x");
  CHECK(testing::PixelDifference(outcome[0], plain[0]) == "");
}

TEST_CASE("copies make every sample several times, each with its own draws") {
  const Outcome outcome = Run(
      "  src: {canvas: 2}\n  views: {copies: 3}\n  look: [rotate: 30]\n  out: {collect: out}\n");
  CHECK(outcome.Keys() == Keys{"c0:0", "c0:1", "c0:2", "c1:0", "c1:1", "c1:2"});
  const std::vector<double> noise =
      Run("  src: {canvas: 2}\n  views: {copies: {n: 3}}\n  look: {rotate: [-30, 30]}\n"
          "  out: {collect: out}\n")
          .Draws("look/rotate#1", "angle");
  CHECK(std::set<double>(noise.begin(), noise.end()).size() == 6);
  CHECK(Run("  src: {canvas: 1}\n  a: {copies: 2}\n  look: [hflip]\n  b: {copies: 2}\n"
            "  out: {collect: out}\n")
            .Keys() == Keys{"c0:0-0", "c0:0-1", "c0:1-0", "c0:1-1"});
}

TEST_CASE("split deals by the source's key; copies stay together") {
  const Outcome outcome =
      Run("  src: {canvas: 2000}\n  views: {copies: 2}\n"
          "  parts: {split: {train: 0.7, val: 0.2, test: 0.1}}\n"
          "  a: {collect: a, from: parts.train}\n  b: {collect: b, from: parts.val}\n"
          "  c: {collect: c, from: parts.test}\n",
          4);
  std::map<std::string, std::set<std::string>> part_of;
  for (const char* sink : {"a", "b", "c"}) {
    for (const std::string& key : outcome.Keys(sink)) {
      part_of[key.substr(0, key.find(':'))].insert(sink);
    }
  }
  CHECK(part_of.size() == 2000);
  CHECK(std::all_of(part_of.begin(), part_of.end(),
                    [](const auto& entry) { return entry.second.size() == 1; }));
  CHECK(Near(outcome.Keys("a").size() / 2, 0.7, 2000));
  CHECK(Near(outcome.Keys("b").size() / 2, 0.2, 2000));
  CHECK(outcome.Keys("a").size() + outcome.Keys("b").size() + outcome.Keys("c").size() == 4000);
  // More entries move nobody, and neither does the seed.
  const Outcome more = testing::RunYaml(
      "version: 1\nseed: 99\nnodes:\n  src: {canvas: 2100}\n"
      "  parts: {split: {train: 0.7, val: 0.2, test: 0.1}}\n"
      "  a: {collect: a, from: parts.train}\n"
      "  b: {collect: b, from: [parts.val, parts.test]}\n");
  for (const std::string& key : more.Keys("a")) {
    if (part_of.count(key) > 0) CHECK(part_of[key] == std::set<std::string>{"a"});
  }
}

// ---- steps --------------------------------------------------------------------------------------

TEST_CASE("a verb stands alone, with a value, or with a mapping") {
  CheckSame(RunSteps("    - gamma: 2\n"), RunSteps("    - gamma: {gamma: 2}\n"));
  CheckSame(RunSteps("    - hflip\n"), RunSteps("    - hflip: {}\n"));
  CheckSame(RunSteps("    - hflip\n"), RunSteps("    - hflip:\n"));
  CheckSame(RunSteps("    - random_crop: [8, 6]\n"),
            RunSteps("    - random_crop: {size: [8, 6]}\n"));
  const Outcome choice = RunSteps("    - rotate: {choice: [0, 90, 180]}\n", 100);
  std::map<double, int> angles;
  for (const double angle : choice.Draws("look/rotate#1", "angle")) ++angles[angle];
  CHECK(angles.size() == 3);
  CHECK(angles[0] + angles[90] + angles[180] == 100);
  CHECK(choice[0].Image()->frames[0].size() == Size{24, 20});
}

TEST_CASE("p stands inside the arguments or beside the verb") {
  const Outcome inside = RunSteps("    - rotate: {angle: [-30, 30], p: 0.5}\n", 400);
  const Outcome beside = RunSteps("    - {rotate: {angle: [-30, 30]}, p: 0.5}\n", 400);
  CheckSame(inside, beside);
  const Outcome always = RunSteps("    - rotate: {angle: [-30, 30]}\n", 400);
  std::size_t applied = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    const RecipeEntry* entry = testing::Find(inside[i], "look/rotate#1");
    REQUIRE(entry != nullptr);
    if (!entry->applied) {
      CHECK(entry->draws.empty());
      continue;
    }
    ++applied;
    // What is drawn does not depend on p.
    CHECK(entry->draws == testing::Find(always[i], "look/rotate#1")->draws);
  }
  CHECK(Near(applied, 0.5, 400));
  CheckSame(RunSteps("    - {hflip: {}, p: 1}\n"), RunSteps("    - hflip\n"));
  CheckSame(RunSteps("    - {hflip: {}, p: 0}\n    - gamma: 2\n"), RunSteps("    - gamma: 2\n"));
  // A node that is one verb takes p as well.
  CheckSame(Run("  src: {canvas: 9}\n  look: {hflip: {p: 0.5}}\n  out: {collect: out}\n"),
            Run("  src: {canvas: 9}\n  look: [{hflip: {}, p: 0.5}]\n  out: {collect: out}\n"));
}

TEST_CASE("one_of runs one child, by weight") {
  const Outcome outcome = RunSteps(
      "    - one_of:\n        - hflip\n        - {vflip: {}, weight: 0}\n"
      "        - {gamma: 2, weight: 3}\n",
      2000);
  std::map<std::string, std::size_t> runs;
  for (const testing::Collected& c : outcome.samples) {
    const std::vector<std::string> streams = Streams(c.sample);
    REQUIRE(streams.size() == 2);
    CHECK(streams[0] == "look/one_of#1");
    ++runs[streams[1]];
  }
  CHECK(runs.count("look/vflip#1") == 0);
  CHECK(Near(runs["look/hflip#1"], 0.25, 2000));
  CHECK(Near(runs["look/gamma#1"], 0.75, 2000));
  const Outcome some = RunSteps("    - {one_of: [hflip, vflip], p: 0.25}\n", 2000);
  std::size_t none = 0;
  for (const testing::Collected& c : some.samples) none += Streams(c.sample).size() == 1 ? 1 : 0;
  CHECK(Near(none, 0.75, 2000));
}

TEST_CASE("some_of runs n children in file order") {
  const auto sizes = [](const std::string& n) {
    std::map<std::size_t, std::size_t> counts;
    const Outcome outcome = RunSteps(
        "    - some_of: {n: " + n + ", steps: [hflip, vflip, gamma: 2, rotate: 5]}\n", 600);
    const Keys order{"look/hflip#1", "look/vflip#1", "look/gamma#1", "look/rotate#1"};
    std::set<Keys> subsets;
    for (const testing::Collected& c : outcome.samples) {
      Keys streams = Streams(c.sample);
      streams.erase(streams.begin());
      ++counts[streams.size()];
      subsets.insert(streams);
      std::size_t at = 0;
      for (const std::string& stream : streams) {
        while (at < order.size() && order[at] != stream) ++at;
        CHECK(at < order.size());  // in file order, none twice
      }
    }
    if (n == "2") CHECK(subsets.size() == 6);
    return counts;
  };
  CHECK(sizes("2") == std::map<std::size_t, std::size_t>{{2, 600}});
  CHECK(sizes("0") == std::map<std::size_t, std::size_t>{{0, 600}});
  CHECK(sizes("4") == std::map<std::size_t, std::size_t>{{4, 600}});
  const auto spread = sizes("[1, 3]");
  CHECK(spread.size() == 3);
  for (const std::size_t n : {1u, 2u, 3u}) CHECK(Near(spread.at(n), 1.0 / 3, 600));
  // A child without weight never runs as long as others are left.
  const Outcome weighted = RunSteps(
      "    - some_of: {n: 1, steps: [{hflip: {}, weight: 0}, vflip, {gamma: 2, weight: 3}]}\n",
      600);
  std::size_t gamma = 0;
  for (const testing::Collected& c : weighted.samples) {
    CHECK(testing::Find(c.sample, "look/hflip#1") == nullptr);
    gamma += testing::Find(c.sample, "look/gamma#1") != nullptr ? 1 : 0;
  }
  CHECK(Near(gamma, 0.75, 600));
}

TEST_CASE("sometimes runs then or else") {
  const Outcome outcome =
      RunSteps("    - sometimes: {then: [hflip, gamma: 2], else: [vflip]}\n", 400);
  std::size_t then = 0;
  for (const testing::Collected& c : outcome.samples) {
    const Keys streams = Streams(c.sample);
    if (streams == Keys{"look/sometimes#1", "look/hflip#1", "look/gamma#1"}) {
      ++then;
    } else {
      CHECK(streams == Keys{"look/sometimes#1", "look/vflip#1"});
    }
  }
  CHECK(Near(then, 0.5, 400));
  CheckSame(RunSteps("    - {sometimes: {then: [hflip]}, p: 1}\n"), RunSteps("    - hflip\n"));
  CheckSame(RunSteps("    - {sometimes: {then: [hflip], else: [vflip]}, p: 0}\n"),
            RunSteps("    - vflip\n"));
  CheckSame(RunSteps("    - {sometimes: [hflip], p: 1}\n"), RunSteps("    - hflip\n"));
}

TEST_CASE("random_order runs all children in any order") {
  const Outcome outcome = RunSteps("    - random_order: [hflip, gamma: 2, rotate: 5]\n", 600);
  std::map<Keys, std::size_t> orders;
  for (const testing::Collected& c : outcome.samples) ++orders[Streams(c.sample)];
  CHECK(orders.size() == 6);
  for (const auto& [order, count] : orders) {
    CHECK(order.size() == 4);
    CHECK(Near(count, 1.0 / 6, 600));
  }
}

TEST_CASE("repeat runs its steps several times, each round with its own draws") {
  const Outcome outcome = RunSteps(
      "    - repeat: {times: 3, steps: [rotate: [-9, 9], {gamma: [0.5, 2], name: dark}]}\n");
  CHECK(Streams(outcome[0]) == Keys{"look/rotate#1@0", "look/dark@0", "look/rotate#1@1",
                                    "look/dark@1", "look/rotate#1@2", "look/dark@2"});
  std::set<double> angles;
  for (const char* round : {"0", "1", "2"}) {
    const auto draws = outcome.Draws(std::string("look/rotate#1@") + round, "angle");
    angles.insert(draws.begin(), draws.end());
  }
  CHECK(angles.size() == 9);
  CHECK(Streams(RunSteps(
            "    - repeat: {times: 2, steps: [{repeat: {times: 2, steps: [hflip]}}]}\n")[0]) ==
        Keys{"look/hflip#1@0@0", "look/hflip#1@0@1", "look/hflip#1@1@0", "look/hflip#1@1@1"});
}

TEST_CASE("lists and chains nest, and steps count up within their node") {
  const Outcome outcome = RunSteps(
      "    - hflip\n    - [hflip, chain: [hflip, vflip]]\n    - {chain: [hflip], p: 0.5}\n", 9);
  CHECK(testing::Find(outcome[0], "look/hflip#3") != nullptr);
  std::size_t applied = 0;
  for (const testing::Collected& c : outcome.samples) {
    const RecipeEntry* chain = testing::Find(c.sample, "look/chain#3");
    REQUIRE(chain != nullptr);
    CHECK((testing::Find(c.sample, "look/hflip#4") != nullptr) == chain->applied);
    applied += chain->applied ? 1 : 0;
  }
  CHECK(applied > 0);
  CHECK(applied < 9);
}

TEST_CASE("resample: each draws the same and resamples after every step") {
  const std::string steps = "[rotate: [10, 30], rotate: [-30, -10]]";
  const Outcome once = RunSteps("    - chain: " + steps + "\n");
  const Outcome each = RunSteps("    - {chain: " + steps + ", resample: each}\n");
  CheckSame(once, RunSteps("    - {chain: " + steps + ", resample: once}\n"));
  CHECK(once.Draws("look/rotate#2", "angle") == each.Draws("look/rotate#2", "angle"));
  CHECK(testing::LabelDifference(once[0], once[0]) == "");
  CHECK(testing::PixelDifference(once[0], each[0]) != "");
  CHECK(once[0].instances[0].keypoints[5].at == each[0].instances[0].keypoints[5].at);
}

TEST_CASE("name: gives a step a stream of its own") {
  const Outcome outcome = RunSteps(
      "    - {gamma: [0.5, 2], name: dark}\n    - {one_of: [hflip, vflip], name: turn}\n"
      "    - gamma: 2\n");
  CHECK(Streams(outcome[0])[0] == "look/dark");
  CHECK(Streams(outcome[0])[1] == "look/turn");
  CHECK(Streams(outcome[0])[3] == "look/gamma#1");
}

TEST_CASE("fields and scope restrict photometric steps, also from outside") {
  CheckSame(RunSteps("    - {gamma: 2, fields: image}\n"), RunSteps("    - gamma: 2\n"));
  CheckSame(RunSteps("    - {chain: [gamma: 2, hflip], fields: [image]}\n"),
            RunSteps("    - gamma: 2\n    - hflip\n"));
  const Outcome clip = RunSteps("    - gamma: [0.5, 2]\n");
  const Outcome frame = RunSteps("    - {gamma: [0.5, 2], scope: frame}\n");
  CHECK(clip.Draws("look/gamma#1", "gamma") != frame.Draws("look/gamma#1", "gamma"));
}

// ---- the file -----------------------------------------------------------------------------------

TEST_CASE("x- keys are notes, everywhere") {
  const Outcome noted = testing::RunYaml(
      "version: 1\nseed: 3\nx-why: {anything: [1]}\nnodes:\n  x-nodes: 1\n"
      "  src: {canvas: {count: 3, x-a: 1}, x-b: [2]}\n"
      "  look:\n    - {gamma: {gamma: 2, x-c: 3}, x-d: 4}\n"
      "    - {one_of: {steps: [hflip], x-e: 5}}\n  out: {collect: out}\n");
  CHECK(noted.errors == "");
  CheckSame(noted, RunSteps("    - gamma: 2\n    - one_of: [hflip]\n"));
}

TEST_CASE("variables come from --set, then the environment, then the default") {
  const std::string yaml =
      Doc("  src: {canvas: $(PIXLOOM_TEST_COUNT:-2)}\n  look: {gamma: $(GAMMA:-2)}\n"
          "  out: {collect: out}\n");
  const auto count = [&](std::map<std::string, std::string> set) {
    LoadOptions options = testing::TestOptions();
    options.set = std::move(set);
    const Outcome outcome = testing::RunYaml(yaml, 1, options);
    return outcome.errors.empty() ? std::to_string(outcome.samples.size()) : outcome.errors;
  };
  CHECK(count({}) == "2");
  CHECK(count({{"PIXLOOM_TEST_COUNT", "4"}}) == "4");
  setenv("PIXLOOM_TEST_COUNT", "5", 1);
  CHECK(count({}) == "5");
  CHECK(count({{"PIXLOOM_TEST_COUNT", "4"}}) == "4");
  unsetenv("PIXLOOM_TEST_COUNT");
  CHECK(count({{"PIXLOOM_TEST_COUNT", "many"}}) ==
        "t.yaml:4:17: error[CFG-VALUE] src (canvas): count: expected an integer, got string "
        "'many'");
  CHECK(count({{"COUNT", "4"}}) == "error[CFG-VAR] --set COUNT: the configuration has no $(COUNT)");
}

TEST_CASE("include brings in nodes of other files, relative to the file that names them") {
  const testing::TempFolder folder;
  folder.Write("main.yaml",
               "version: 1\nseed: 3\ninclude: [parts/look.yaml]\nnodes:\n"
               "  src: {canvas: 2}\n  out: {collect: out, from: look}\n");
  folder.Write("parts/look.yaml",
               "version: 1\nx-note: 1\ninclude: deeper/pre.yaml\nnodes:\n"
               "  look: {gamma: $(G:-2), from: pre}\n");
  folder.Write("parts/deeper/pre.yaml", "version: 1\nnodes:\n  pre: {hflip: {}, from: src}\n");
  Pipeline pipeline = Pipeline::Load(folder.Path("main.yaml"), testing::TestOptions());
  const Outcome outcome = testing::RunPipeline(pipeline);
  CHECK(outcome.Keys() == Keys{"c0", "c1"});
  CHECK(Streams(outcome[0]) == Keys{"pre/hflip#1", "look/gamma#1"});
  // The same twice, side by side, is two definitions; so is a name of the main file.
  folder.Write("twice.yaml",
               "version: 1\ninclude: [parts/look.yaml, parts/look.yaml]\nnodes:\n"
               "  src: {canvas: 2}\n  out: {collect: out, from: look}\n");
  CHECK_THROWS_AS(Pipeline::Load(folder.Path("twice.yaml"), testing::TestOptions()), ConfigError);
}

TEST_CASE("image_folder is a source where something reads it, and a sink at the end") {
  using Kind = Node::Kind;
  const auto kinds = [](const std::string& nodes) {
    std::vector<Kind> list;
    const Pipeline pipeline = Pipeline::Parse(Doc(nodes), "t.yaml", testing::TestOptions());
    for (const Node& node : pipeline.graph().nodes) list.push_back(node.kind);
    return list;
  };
  const std::string in = "{image_folder: in}";
  const std::string out = "{image_folder: out}";
  CHECK(kinds("  a: " + in + "\n  b: " + out + "\n") == std::vector{Kind::kSource, Kind::kSink});
  CHECK(kinds("  a: " + in + "\n  look: [hflip]\n  b: " + out + "\n") ==
        std::vector{Kind::kSource, Kind::kChain, Kind::kSink});
  CHECK(kinds("  a: " + in + "\n  c: " + in + "\n  b: {image_folder: out, from: [a, c]}\n") ==
        std::vector{Kind::kSource, Kind::kSource, Kind::kSink});
  CHECK(kinds("  a: " + in + "\n  b: " + out + "\n  c: " + in + "\n  look: [hflip]\n  d: " + out +
              "\n") ==
        std::vector{Kind::kSource, Kind::kSink, Kind::kSource, Kind::kChain, Kind::kSink});
}

TEST_CASE("peers' names are read with a notice") {
  const Pipeline pipeline = Pipeline::Parse(
      Doc("  src: {canvas: 2}\n  look:\n    - HorizontalFlip\n    - rotate: {limit: 30}\n"
          "  out: {collect: out}\n"),
      "t.yaml", testing::TestOptions());
  REQUIRE(pipeline.notices().size() == 2);
  CHECK(pipeline.notices()[0].Text() ==
        "t.yaml:6:7: notice[CFG-ALIAS] look: 'HorizontalFlip' is read as 'hflip'");
  CHECK(pipeline.notices()[1].Text() ==
        "t.yaml:7:16: notice[CFG-ALIAS] look (rotate): 'limit' is read as 'angle'");
}

TEST_CASE("a missing seed is chosen and said") {
  const Pipeline pipeline =
      Pipeline::Parse("version: 1\nnodes:\n  src: {canvas: 2}\n  out: {collect: out}\n", "t.yaml",
                      testing::TestOptions());
  REQUIRE(pipeline.notices().size() == 1);
  CHECK(pipeline.notices()[0].Text() ==
        fmt::format("notice[CFG-SEED] no seed given, using seed: {}", pipeline.graph().seed));
}

TEST_CASE("sizes in bytes") {
  CHECK(ParseBytes("12") == 12);
  CHECK(ParseBytes("1kB") == 1000);
  CHECK(ParseBytes("256MiB") == std::uint64_t{256} << 20);
  CHECK(ParseBytes("1.5 GB") == 1'500'000'000);
  CHECK(ParseBytes("2TiB") == std::uint64_t{2} << 40);
  for (const char* bad : {"", "MiB", "-1", "1 XB", "1e30", "nan", "inf", "1MiB extra", "0x10"}) {
    CAPTURE(bad);
    CHECK(!ParseBytes(bad).has_value());
  }
}

}  // namespace
}  // namespace pixloom
