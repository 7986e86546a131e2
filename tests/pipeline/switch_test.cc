// SPDX-License-Identifier: Apache-2.0
// What reads expressions: `switch` in chains and the node `filter`.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "pipeline/chain.h"
#include "tests/reference/interpreter.h"
#include "tests/reference/ref_measure.h"
#include "tests/support/inputs.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {
namespace {

std::string Graph(const std::string& nodes) {
  return "version: 1\nseed: 5\nnodes:\n  src: {canvas: {count: 60, size: [16, 12]}}\n" + nodes;
}

const cv::Mat& Pixels(const Sample& sample) { return sample.Image()->frames[0].pixels; }

double MeasuredIn(const Sample& sample, const std::string& name, double argument = 0) {
  return reference::Measure(reference::FromMat(Pixels(sample), sample.Image()->range), name,
                            argument);
}

double Draw(const RecipeEntry* entry, const std::string& name) {
  REQUIRE(entry != nullptr);
  for (const auto& [key, value] : entry->draws) {
    if (key == name) return value;
  }
  return -1;
}

// Samples of one sink by key and branch.
std::map<std::string, const Sample*> Arrived(const Outcome& outcome, const std::string& sink) {
  std::map<std::string, const Sample*> samples;
  for (const Collected& c : outcome.samples) {
    if (c.sink != sink) continue;
    samples[c.sample.key + ":" + BranchText(c.sample.identity.branch)] = &c.sample;
  }
  return samples;
}

const NodeCounts& CountsOf(const Outcome& outcome, const std::string& node) {
  for (const NodeCounts& counts : outcome.report.nodes) {
    if (counts.name == node) return counts;
  }
  FAIL("no node " << node);
  return outcome.report.nodes[0];
}

void CheckNothingLost(const Outcome& outcome) {
  for (const NodeCounts& n : outcome.report.nodes) {
    CAPTURE(n.name);
    CHECK(n.in + n.generated == n.out + n.filtered + n.failed);
  }
  for (const SourceCounts& s : outcome.report.sources) {
    CHECK(s.in == s.written + s.filtered + s.failed + s.unfinished);
  }
}

TEST_CASE("dark pictures are brightened, bright ones inverted, the rest is mirrored") {
  const Outcome outcome = RunYaml(Graph(R"(
  base: [{gamma: [0.2, 5]}]
  look:
    - switch:
        - {when: brightness < 0.4, then: [{gamma: 0.4}]}
        - {when: brightness > 0.6 and contrast > 0, then: [invert]}
        - else: [hflip]
  dark: {gamma: 0.4, from: base}
  bright: {invert: {}, from: base}
  other: {hflip: {}, from: base}
  o1: {collect: base, from: base}
  o2: {collect: out, from: look}
  o3: {collect: dark, from: dark}
  o4: {collect: bright, from: bright}
  o5: {collect: other, from: other}
)"));
  REQUIRE(outcome.errors == "");
  const auto base = Arrived(outcome, "base");
  const auto out = Arrived(outcome, "out");
  REQUIRE(out.size() == 60);
  std::map<std::string, int> taken;
  for (const auto& [key, sample] : out) {
    CAPTURE(key);
    const double brightness = MeasuredIn(*base.at(key), "brightness");
    const std::string way = brightness < 0.4 ? "dark" : brightness > 0.6 ? "bright" : "other";
    ++taken[way];
    CHECK(SampleDifference(*sample, *Arrived(outcome, way).at(key)) == "");
    const RecipeEntry* entry = Find(*sample, "look/switch#1");
    CHECK(Draw(entry, "brightness") == doctest::Approx(brightness).epsilon(1e-12));
    CHECK(Draw(entry, "picked") == (way == "dark" ? 0 : way == "bright" ? 1 : 2));
    // Asked for only where the case before did not hold and the first half of this one did.
    CHECK((Draw(entry, "contrast") >= 0) == (way == "bright"));
    CHECK(entry->draws.back().first == "picked");
    CHECK((Find(*sample, "look/hflip#1") != nullptr) == (way == "other"));
  }
  CHECK(taken["dark"] > 10);
  CHECK(taken["bright"] > 3);
  CHECK(taken["other"] > 5);
}

TEST_CASE("where no case holds nothing happens, and a case may say so") {
  const Outcome outcome = RunYaml(Graph(R"(
  none: {chain: [{switch: [{when: width > 900, then: [invert]}]}], from: src}
  empty: {chain: [{switch: [{when: width > 3, then: []}, {else: [invert]}]}], from: src}
  o0: {collect: src, from: src}
  o1: {collect: none, from: none}
  o2: {collect: empty, from: empty}
)"));
  REQUIRE(outcome.errors == "");
  const auto src = Arrived(outcome, "src");
  for (const char* sink : {"none", "empty"}) {
    for (const auto& [key, sample] : Arrived(outcome, sink)) {
      CHECK(SampleDifference(*sample, *src.at(key)) == "");
    }
  }
  CHECK(outcome.Draws("none/switch#1", "picked").empty());
  CHECK(outcome.Draws("none/switch#1", "width") == std::vector<double>(60, 12.0));
  CHECK(outcome.Draws("empty/switch#1", "picked") == std::vector<double>(60, 0.0));
}

TEST_CASE("it looks at the sample as the steps before left it") {
  const Outcome outcome = RunYaml(Graph(R"(
  look:
    - resize: [20, 40]
    - random_crop: [20, 10]
    - switch: [{when: width == 10 and height == 20, then: [{resize: [5, 7]}]}]
    - switch: [{when: aspect == 7 / 5, then: [{gamma: 8}]}]
    - switch: [{when: brightness < 0.3, then: [vflip]}]
  out: {collect: out}
)"));
  REQUIRE(outcome.errors == "");
  for (int n = 1; n <= 3; ++n) {
    CAPTURE(n);
    CHECK(outcome.Draws(fmt::format("look/switch#{}", n), "picked") ==
          std::vector<double>(60, 0.0));
  }
  CHECK(Pixels(outcome[0]).cols == 7);
}

// Chains with a switch in every place a step may stand.
const std::vector<std::string>& Chains() {
  static const std::vector<std::string> chains{
      "[gamma: [0.2, 5], switch: [{when: brightness < 0.4, then: [gamma: 0.5, hflip]}]]",
      "[{switch: [{when: contrast > 0.1, then: [invert]}, {else: [vflip]}], p: 0.5}]",
      "[{switch: [{when: contrast > 9, then: []}], p: 0.5}, rotate: [-20, 20]]",
      "[one_of: [invert, {switch: [{when: 'darker(0.5) > 0.4', then: [vflip]}, "
      "{else: [gamma: [0.5, 1]]}], weight: 2}]]",
      "[gamma: [0.2, 5], switch: [{when: brightness < 0.6, then: [switch: "
      "[{when: brightness < 0.3, then: [gamma: 0.3]}, {else: [gamma: 0.7]}], hflip]}, "
      "{when: luma(0.9) > 0.95, then: [{rotate: [-9, 9], p: 0.5}]}]]",
      "[repeat: {times: 3, steps: [gamma: [0.7, 1.9], switch: "
      "[{when: brightness < 0.4, then: [gamma: [0.4, 0.6]]}, {else: [brightness: 0.8]}]]}]",
      "[sometimes: {then: [switch: [{when: objects > 0, then: [hflip]}]], else: [vflip]}]",
      "[random_order: [{gamma: 2}, {switch: [{when: brightness < 0.5, then: [invert]}]}]]",
      "[some_of: {n: 1, steps: [hflip, {switch: [{when: 'key != nothing', then: [vflip]}]}]}]",
      "[rotate: [-20, 20], switch: [{when: width > 3 and not has(nothing), then: [rotate: 9]}], "
      "rotate: [-5, 5]]",
      "[{chain: [rotate: 5, switch: [{when: masks >= 0, then: [rotate: 5, rotate: 5]}]], "
      "resample: each}]",
      "[resize: [50, 60], switch: [{when: 'blur > 0.1 and noise < 9 and saturation >= 0', "
      "then: [resize: [20, 20]]}]]",
      "[switch: [{when: width >= 2, then: [random_resized_crop: [20, 20]]}, {else: [hflip]}]]",
      "[switch: [{when: sharpness >= 0, then: [random_resized_crop: [20, 20]]}]]",
      "[switch: [{when: 'class in [cat, dog] or scalar(none, 3) == 3 and frames == 1', "
      "then: [hflip]}]]",
  };
  return chains;
}

Pipeline Parsed(const std::string& chain, const std::string& input) {
  LoadOptions options;
  options.registry = &RegistryWithInputs();
  return Pipeline::Parse(
      fmt::format("version: 1\nseed: 11\nnodes:\n  in: {{given: '{}'}}\n  look: {}\n  out: "
                  "{{nowhere: {{}}}}\n",
                  input, chain),
      "chain.yaml", options);
}

TEST_CASE("the reference replays what the engine did, and chooses the same cases") {
  int picked = 0, compared = 0;
  for (const std::string& chain : Chains()) {
    for (const char* input : {"u8x3@31x23", "u8x1@7x5", "u16x3@20x20", "f32x3@20x20", "u8x4@9x9",
                              "u8x3@1x1", "scene", "jpeg", "exif6", "clip"}) {
      const Pipeline pipeline = Parsed(chain, input);
      const auto& graph = pipeline.graph();
      const Node& node = graph.nodes[static_cast<std::size_t>(graph.Find("look"))];
      for (std::uint32_t copy = 0; copy < 4; ++copy) {
        Sample given = MakeInput(input, static_cast<int>(copy) % 3);
        given.identity.id = SampleId("in", input);
        given.identity.branch = {copy};
        Sample actual = given.Clone();
        const ChainRunner runner(BuiltInFamilies(), BuiltInCodec(), graph.seed);
        CAPTURE(chain);
        CAPTURE(input);
        REQUIRE(!runner.Run(node, actual));
        REQUIRE(!DecodeAll(actual, BuiltInCodec()));
        reference::Context context;
        context.seed = graph.seed;
        context.codec = &BuiltInCodec();
        const auto expected = reference::Run(node, given.Clone(), actual.recipe, context);
        CAPTURE(actual.recipe.ToJson());
        for (const std::string& problem : expected.problems) FAIL_CHECK(problem);
        const bool is_float = actual.Image()->frames[0].depth() == Depth::kF32;
        // One level of resampling, which a later gain may amplify.
        CHECK(reference::MaxDifference(expected.Image(), Pixels(actual)) <= (is_float ? 1e-3 : 3));
        CHECK(reference::LabelDifference(expected, actual) < 1e-9);
        ++compared;

        // Another case, and another number, must not pass for what happened.
        for (RecipeEntry& entry : actual.recipe.entries) {
          if (entry.stream->find("switch") == std::string::npos || entry.draws.empty()) continue;
          picked += entry.draws.back().first == "picked" ? 1 : 0;
          const auto changed = [&](double& value, double to) {
            const double was = std::exchange(value, to);
            const auto other = reference::Run(node, given.Clone(), actual.recipe, context);
            value = was;
            return other.problems.size();
          };
          CHECK(changed(entry.draws[0].second, entry.draws[0].second + 7) > 0);
          CHECK(changed(entry.draws.back().second, entry.draws.back().second + 1) > 0);
        }
      }
    }
  }
  CHECK(picked > 300);
  MESSAGE(compared << " replays, " << picked << " cases picked");
}

TEST_CASE("a switch that is not applied parts no geometry, and one that decodes nothing no files") {
  const auto run = [](const std::string& chain, std::uint32_t copy) {
    const Pipeline pipeline = Parsed(chain, "jpeg");
    const auto& graph = pipeline.graph();
    Sample sample = MakeInput("jpeg", 0);
    sample.identity.branch = {copy};
    const ChainRunner runner(BuiltInFamilies(), BuiltInCodec(), graph.seed);
    REQUIRE(!runner.Run(graph.nodes[static_cast<std::size_t>(graph.Find("look"))], sample));
    REQUIRE(!DecodeAll(sample, BuiltInCodec()));
    return sample;
  };
  int skipped = 0;
  for (std::uint32_t copy = 0; copy < 12; ++copy) {
    const Sample without = run("[rotate: 10, rotate: 10]", copy);
    const Sample with =
        run("[rotate: 10, {switch: [{when: width > 3, then: []}], p: 0.5}, rotate: 10]", copy);
    const bool applied = Find(with, "look/switch#1")->applied;
    skipped += applied ? 0 : 1;
    CHECK((PixelDifference(without, with) == "") == !applied);
  }
  CHECK(skipped > 2);
  CHECK(skipped < 10);
  // The file is read at a reduced scale behind a switch on its size, whole behind one on its
  // pixels.
  const Sample plain = run("[resize: [10, 10]]", 0);
  CHECK(PixelDifference(plain,
                        run("[switch: [{when: width > 3, then: []}], resize: [10, 10]]", 0)) == "");
  CHECK(PixelDifference(plain,
                        run("[switch: [{when: blur >= 0, then: []}], resize: [10, 10]]", 0)) != "");
}

constexpr const char* kEverything = R"(
  wide: {filter: "not (key in [c3, 'c4']) and class in [grid, shape]"}
  twice: {copies: 3}
  some: {filter: copy != 1 and brightness > 0.4}
  look:
    - gamma: [0.2, 5]
    - switch:
        - {when: "brightness < 0.4 or class == 'a \"b\" $$(x'", then: [{gamma: 0.4}, {hflip: {p: 0.5}}]}
        - {when: "luma(0.5) > 0.6", then: [switch: [{when: has(shape), then: [invert]}]], x-why: note}
        - else: [{rotate: [-9, 9]}]
      p: 0.9
    - one_of: [{switch: [{when: true, then: []}], weight: 2}, {gamma: [0.5, 2], p: 0.5}]
    - repeat: {times: 2, steps: [switch: [{when: contrast < 0.2, then: [gaussian_noise: 0.1]}]]}
    - {switch: [{when: saturation > 0, then: [{hflip: {}, p: 0}]}, {else: [vflip]}], fields: image}
  last: {filter: noise > 0.01 and sharpness > 0}
  out: {collect: out}
)";

TEST_CASE("written out and read again it does the same") {
  const Outcome first = RunYaml(Graph(kEverything));
  REQUIRE(first.errors == "");
  CHECK(first.samples.size() > 30);
  for (const bool passes : {true, false}) {
    LoadOptions options = TestOptions();
    if (!passes) options.disabled_passes = {"prune", "push_down", "fuse", "schedule"};
    const std::string written = Pipeline::Parse(Graph(kEverything), "t.yaml", options).ToYaml();
    CAPTURE(written);
    CHECK(ErrorsOf(written) == std::vector<std::string>{});
    const Outcome again = RunYaml(written, 1, options);
    CHECK(again.errors == "");
    REQUIRE(again.Keys() == first.Keys());
    for (std::size_t i = 0; i < first.samples.size(); ++i) {
      CHECK(SampleDifference(first[i], again[i]) == "");
      if (passes) CHECK(first[i].recipe.ToJson() == again[i].recipe.ToJson());
    }
    CHECK(Pipeline::Parse(written, "t.yaml", options).ToYaml() == written);
  }
}

TEST_CASE("the same for any number of threads, and nothing is lost") {
  const Outcome one = RunYaml(Graph(kEverything), 1);
  CheckNothingLost(one);
  for (int threads = 2; threads <= 8; ++threads) {
    const Outcome other = RunYaml(Graph(kEverything), threads);
    CAPTURE(threads);
    REQUIRE(other.Keys() == one.Keys());
    for (std::size_t i = 0; i < one.samples.size(); ++i) {
      CHECK(SampleDifference(one[i], other[i]) == "");
      CHECK(one[i].recipe.ToJson() == other[i].recipe.ToJson());
    }
    for (std::size_t n = 0; n < one.report.nodes.size(); ++n) {
      CHECK(one.report.nodes[n].filtered == other.report.nodes[n].filtered);
      CHECK(one.report.nodes[n].out == other.report.nodes[n].out);
    }
  }
}

TEST_CASE("a filter keeps what holds, and the report counts the rest") {
  const Outcome outcome = RunYaml(Graph(R"(
  base: [{gamma: [0.2, 5]}]
  keep: {filter: 0.3 < brightness <= 0.7 and key != c7}
  all: {collect: all, from: base}
  out: {collect: out, from: keep}
)"),
                                  3);
  REQUIRE(outcome.errors == "");
  const auto kept = Arrived(outcome, "out");
  std::size_t expected = 0;
  for (const auto& [key, sample] : Arrived(outcome, "all")) {
    const double brightness = MeasuredIn(*sample, "brightness");
    const bool holds = brightness > 0.3 && brightness <= 0.7 && sample->key != "c7";
    CAPTURE(key);
    CHECK(kept.contains(key) == holds);
    expected += holds ? 1 : 0;
    if (!holds) continue;
    // Unchanged, but the recipe tells what was seen.
    CHECK(SampleDifference(*sample, *kept.at(key)) == "");
    CHECK(Draw(Find(*kept.at(key), "keep/filter"), "brightness") ==
          doctest::Approx(brightness).epsilon(1e-12));
  }
  CHECK(expected > 10);
  CHECK(expected < 50);
  CheckNothingLost(outcome);
  CHECK(CountsOf(outcome, "keep").in == 60);
  CHECK(CountsOf(outcome, "keep").out == expected);
  CHECK(CountsOf(outcome, "keep").filtered == 60 - expected);
  CHECK(outcome.report.quarantined == 0);
}

TEST_CASE("a pair that loses one side to a filter is counted, not kept") {
  const Outcome outcome = RunYaml(Graph(R"(
  base: [{gamma: [0.2, 5]}]
  keep: {filter: brightness > 0.4}
  soft: {gaussian_blur: 2, from: base}
  pairs: {join: {image: soft, target: keep}}
  out: {collect: out}
  kept: {collect: kept, from: keep}
)"),
                                  3);
  REQUIRE(outcome.errors == "");
  const std::size_t kept = outcome.Keys("kept").size();
  CHECK(kept > 10);
  CHECK(kept < 50);
  CHECK(outcome.Keys("out") == outcome.Keys("kept"));
  CHECK(CountsOf(outcome, "pairs").filtered == 60 - kept);
  CheckNothingLost(outcome);
}

TEST_CASE("all, none, and copies by their number") {
  const Outcome outcome = RunYaml(Graph(R"(
  twice: {copies: 3}
  all: {filter: true}
  none: {filter: false, from: all}
  middle: {filter: copy == 1, from: all}
  o1: {collect: all, from: all}
  o2: {collect: none, from: none}
  o3: {collect: middle, from: middle}
)"),
                                  2);
  REQUIRE(outcome.errors == "");
  CHECK(outcome.Keys("all").size() == 180);
  CHECK(outcome.Keys("none").empty());
  CHECK(outcome.Keys("middle").size() == 60);
  for (const std::string& key : outcome.Keys("middle")) CHECK(key.ends_with(":1"));
  CheckNothingLost(outcome);
  CHECK(CountsOf(outcome, "none").filtered == 180);
  const Outcome nothing = RunYaml(Graph("  none: {filter: width > 99}\n  out: {collect: out}\n"));
  CHECK(nothing.samples.empty());
  CHECK(nothing.report.sources.at(0).filtered == 60);
  CheckNothingLost(nothing);
}

TEST_CASE("a sample that lacks what is asked for is bad, not filtered") {
  const Outcome outcome = RunYaml(
      "version: 1\nseed: 5\non_error: {max_bad: 100%}\nnodes:\n  src: {canvas: 4}\n"
      "  good: {filter: \"scalar(score) == 0.5 and scalar(other, 1) == 1\"}\n"
      "  bad: {filter: scalar(other) > 0.5, from: good}\n"
      "  look: {chain: [{switch: [{when: text(lens) == wide, then: [hflip]}]}], from: good}\n"
      "  o1: {collect: bad, from: bad}\n  o2: {collect: look, from: look}\n");
  REQUIRE(outcome.errors == "");
  CHECK(outcome.samples.empty());
  CHECK(CountsOf(outcome, "good").out == 4);
  CHECK(CountsOf(outcome, "bad").failed == 4);
  CHECK(CountsOf(outcome, "look").failed == 4);
  CheckNothingLost(outcome);
  REQUIRE(outcome.quarantine.size() == 8);
  CHECK(outcome.quarantine[0].find("SMP-MISSING") != std::string::npos);
  CHECK(outcome.quarantine[0].find("scalar(other, 0)") != std::string::npos);
}

TEST_CASE("planes cannot be measured, but asked for their size") {
  const auto errors = [](const std::string& rest) {
    std::string all;
    for (const std::string& e : ErrorsOf(Graph(rest))) all += e + "\n";
    return all;
  };
  const std::string planar = "  base: [{to_float: {}}, {layout: chw}]\n";
  CHECK(errors(planar + "  keep: {filter: blur < 0.5}\n  out: {collect: out}\n")
            .find("keep: gets planar pictures from 'base'; change the layout last") !=
        std::string::npos);
  CHECK(errors(planar + "  look: [switch: [{when: blur < 0.5, then: []}]]\n  out: {collect: out}\n")
            .find("look (switch): measures planar pictures from 'base'; change the layout last") !=
        std::string::npos);
  const Outcome outcome =
      RunYaml(Graph(
          planar + "  keep: {filter: width == 12 and height == 16 and key != c3}\n"
                   "  look: [switch: [{when: channels == 3, then: []}]]\n  out: {collect: out}\n"));
  CHECK(outcome.errors == "");
  CHECK(outcome.samples.size() == 59);
}

TEST_CASE("a switch among the steps moves nobody's draws") {
  const std::string steps = "{rotate: [-20, 20]}, {gamma: [0.5, 2]}, {hflip: {p: 0.5}}";
  const Outcome without = RunYaml(Graph("  look: [" + steps + "]\n  out: {collect: out}\n"));
  const Outcome with = RunYaml(
      Graph("  look: [{switch: [{when: key == c3, then: [vflip]}, {else: [gaussian_noise: 0]}], "
            "p: 0.5}, " +
            steps + "]\n  out: {collect: out}\n"));
  REQUIRE(with.errors == "");
  for (const auto& [step, name] :
       {std::pair{"look/rotate#1", "angle"}, {"look/gamma#1", "gamma"}}) {
    CHECK(with.Draws(step, name).size() == 60);
    CHECK(with.Draws(step, name) == without.Draws(step, name));
  }
}

TEST_CASE("explain says what is kept and when which case is taken") {
  const std::string text = Pipeline::Parse(Graph(R"(
  keep: {filter: width > 3}
  look: [switch: [{when: "class in [a, b]", then: [hflip]}, {else: [vflip]}]]
  out: {collect: out}
)"),
                                           "t.yaml", TestOptions())
                               .graph()
                               .ToText();
  CHECK(text.find("filter width > 3") != std::string::npos);
  CHECK(text.find("switch(class in [a, b]: chain(hflip), chain(vflip))") != std::string::npos);
}

}  // namespace
}  // namespace pixloom::testing
