// SPDX-License-Identifier: Apache-2.0
// Policies are steps of the graph language: written out they do the same, choose with the published
// chances, carry labels, and leave a recipe that says everything.
//
// PIXLOOM_UPDATE=1 writes configs/policies/*.yaml.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "tests/reference/interpreter.h"
#include "tests/support/run_chain.h"
#include "tests/support/statistics.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {
namespace {

// ---- Presets ------------------------------------------------------------------------------------

struct Preset {
  const char* file;
  const char* verb;
  const char* arguments;  // "" for the defaults
  const char* title;
};

constexpr Preset kPresets[] = {
    {"rand_augment", "rand_augment", "", "RandAugment (Cubuk et al., 2020)"},
    {"trivial_augment_wide", "trivial_augment_wide", "",
     "TrivialAugment, wide (Müller and Hutter, 2021)"},
    {"auto_augment_imagenet", "auto_augment", "imagenet",
     "AutoAugment (Cubuk et al., 2019), learned on ImageNet"},
    {"auto_augment_cifar10", "auto_augment", "cifar10",
     "AutoAugment (Cubuk et al., 2019), learned on CIFAR-10"},
    {"auto_augment_svhn", "auto_augment", "svhn",
     "AutoAugment (Cubuk et al., 2019), learned on SVHN"},
    {"aug_mix", "aug_mix", "", "AugMix (Hendrycks et al., 2020)"},
    {"three_augment", "three_augment", "", "3-Augment of DeiT III (Touvron et al., 2022)"},
};

std::string StepsOf(const std::string& verb, const std::string& arguments) {
  Diagnostics diagnostics;
  Variables none;
  const auto args = ParseYaml(arguments, "t.yaml", none, diagnostics);
  REQUIRE(args.has_value());
  return BuiltIns().FindPolicy(verb)->steps(*args, verb, diagnostics);
}

std::string PresetText(const Preset& preset) {
  const std::string verb =
      fmt::format("{}{}{}", preset.verb, *preset.arguments == '\0' ? "" : ": ", preset.arguments);
  std::string text = fmt::format(
      "# {}, written out: what the step `{}` stands for.\n"
      "# Written by tests/ops/policies_test.cc; copy it to change it.\n"
      "#   pixloom run configs/policies/{}.yaml --set PICTURES=photos --set OUT=augmented\n"
      "version: 1\nseed: 1\nnodes:\n  pictures: {{image_folder: $(PICTURES)}}\n  look:\n",
      preset.title, verb, preset.file);
  std::istringstream lines(StepsOf(preset.verb, preset.arguments));
  for (std::string line; std::getline(lines, line);) text += "    " + line + "\n";
  return text + fmt::format("  out: {{image_folder: {{path: $(OUT:-out)/{}}}}}\n", preset.file);
}

TEST_CASE("the files in configs/policies are what the policies stand for") {
  for (const Preset& preset : kPresets) {
    CAPTURE(preset.file);
    const std::string path = fmt::format("configs/policies/{}.yaml", preset.file);
    const std::string expected = PresetText(preset);
    if (std::getenv("PIXLOOM_UPDATE") != nullptr) std::ofstream(path) << expected;
    std::ostringstream found;
    found << std::ifstream(path).rdbuf();
    CHECK(found.str() == expected);
    LoadOptions options;
    options.set = {{"PICTURES", "tests/support/references"}};
    CHECK_NOTHROW(Pipeline::Load(path, options));
  }
  CHECK(BuiltIns().Policies().size() == 5);
}

// ---- Written out --------------------------------------------------------------------------------

std::string Doc(const std::string& look, const std::string& canvas = "count: 4, size: [40, 52]") {
  return fmt::format(
      "version: 1\nseed: 7\nnodes:\n  src: {{canvas: {{{}}}}}\n  look: {}\n  out: {{collect: "
      "out}}\n",
      canvas, look);
}

Outcome RunLook(const std::string& look, const std::string& canvas = "count: 4, size: [40, 52]",
                int threads = 1) {
  Outcome outcome = RunYaml(Doc(look, canvas), threads);
  INFO(look);
  INFO(outcome.errors);
  REQUIRE(outcome.errors.empty());
  CHECK(outcome.quarantine == std::vector<std::string>{});
  return outcome;
}

void CheckSame(const Outcome& a, const Outcome& b) {
  CHECK(a.errors == "");
  CHECK(b.errors == "");
  REQUIRE(a.samples.size() == b.samples.size());
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    CHECK(SampleDifference(a[i], b[i]) == "");
    CHECK(a[i].recipe.ToJson() == b[i].recipe.ToJson());
  }
}

TEST_CASE("a policy written out draws from the same streams and makes the same pixels") {
  for (const std::string look :
       {"{rand_augment: {}}", "{rand_augment: {n: 3, magnitude: 20}, resample: each, p: 0.7}",
        "[rand_augment, hflip, rand_augment, {rand_augment: {n: 1}, name: again}]",
        "[{trivial_augment_wide: {interpolation: nearest, fill: [9, 200], mask_fill: 3}}]",
        "[{trivial_augment_wide: {border: reflect, mirror_labels: duplicate}}]",
        "[auto_augment, {auto_augment: cifar10, fields: [image]}, {auto_augment: svhn, p: 0.5}]",
        "[{three_augment: {crop: 24}}, {three_augment: {color_jitter: 0}, p: 0.5}]",
        "[aug_mix, {aug_mix: {width: 2, depth: 2, alpha: 0.5, geometry: always}, fields: image}]",
        "[repeat: {times: 2, steps: [rand_augment, {aug_mix: {geometry: never, all_ops: false}}]}]",
        "[one_of: [{rand_augment: {}, weight: 3}, [trivial_augment_wide, vflip], identity]]",
        "[some_of: {n: [1, 2], steps: [rand_augment, three_augment, {auto_augment: svhn}]}]",
        "[blend: {alpha: 2, steps: [rand_augment, [hflip, trivial_augment_wide], identity]}]",
        "[{blend: {original: false, steps: [vflip, gamma: 2]}, p: 0.5, name: both}]",
        "[sometimes: {then: [auto_augment], else: [aug_mix]}]",
        "[switch: [{when: width > 20, then: [rand_augment]}, {else: [three_augment]}]]"}) {
    CAPTURE(look);
    const Outcome first = RunLook(look);
    const std::string written = Pipeline::Parse(Doc(look), "t.yaml", TestOptions()).ToYaml();
    CheckSame(first, RunYaml(written));
    CHECK(Pipeline::Parse(written, "t.yaml", TestOptions()).ToYaml() == written);
    CheckSame(first, RunLook(look, "count: 4, size: [40, 52]", 2));
    CheckSame(first, RunLook(look, "count: 4, size: [40, 52]", 8));
    LoadOptions plain = TestOptions();
    plain.disabled_passes = {"prune", "push_down", "fuse", "schedule"};
    CheckSame(first, RunYaml(Doc(look), 1, plain));
  }
}

TEST_CASE("steps of a policy draw from streams below its own") {
  const Outcome outcome =
      RunLook("[gamma, {rand_augment: {n: 1}}, {rand_augment: {n: 1}, name: b}]");
  for (const Collected& c : outcome.samples) {
    std::set<std::string> policies;
    for (const RecipeEntry& entry : c.sample.recipe.entries) {
      const std::string& path = *entry.stream;
      if (path == "look/gamma#1") continue;
      policies.insert(path.substr(0, path.rfind('/')));
    }
    CHECK(policies == std::set<std::string>{"look/b", "look/rand_augment#1"});
  }
  // What stands beside a policy keeps its draws.
  const Outcome alone = RunLook("[gamma]");
  for (std::size_t i = 0; i < alone.samples.size(); ++i) {
    CHECK(Find(alone[i], "look/gamma#1")->draws == Find(outcome[i], "look/gamma#1")->draws);
  }
}

TEST_CASE("every pixel type a policy's operations take") {
  for (const char* depth : {"u8", "u16", "f32"}) {
    for (const int channels : {1, 3, 4}) {
      const std::string canvas =
          fmt::format("count: 3, size: [30, 37], depth: {}, channels: {}", depth, channels);
      CAPTURE(canvas);
      const Outcome outcome = RunLook(
          "[rand_augment, trivial_augment_wide, auto_augment, three_augment, aug_mix]", canvas);
      CHECK(outcome.samples.size() == 3);
    }
  }
  const std::vector<std::string> errors =
      ErrorsOf(Doc("[rand_augment]", "count: 1, size: 20, channels: 5"));
  REQUIRE_FALSE(errors.empty());
  CHECK(errors[0].find("saturation") != std::string::npos);
}

TEST_CASE("what a policy refuses") {
  const auto refused = [](const std::string& look, std::string_view text) {
    const std::vector<std::string> errors = ErrorsOf(Doc(look));
    CAPTURE(look);
    REQUIRE(errors.size() == 1);
    CHECK_MESSAGE(errors[0].find(text) != std::string::npos, errors[0]);
  };
  refused("[rand_augment: {magnitude: 31}]",
          "magnitude: 31 is none of the 31 bins; the last one is 30");
  refused("[rand_augment: {n: 0}]", "n: 0 is outside [1, 20]");
  refused("[rand_augment: {num_op: 2}]", "num_op");
  refused("[auto_augment: imagenette]", "imagenet");
  refused("[aug_mix: {depth: 0}]", "depth: a chain has at least one operation");
  refused("[trivial_augment_wide: {fill: [1, 2, 3, 4, 5]}]", "fill: takes at most 4 levels");
  CHECK(ErrorsOf(Doc("[rand_augment: {num_ops: 3, num_magnitude_bins: 11}]")).empty());
  CHECK(ErrorsOf(Doc("[aug_mix: {mixture_width: 2, chain_depth: 2}]")).empty());
  CHECK(StepsOf("rand_augment", "{num_ops: 3, num_magnitude_bins: 11}") ==
        StepsOf("rand_augment", "{n: 3, bins: 11}"));
}

// ---- Chances ------------------------------------------------------------------------------------

// What each sample's steps drew, by the last part of their path; combinators leave "picked".
std::vector<std::vector<RecipeEntry>> Recipes(const std::string& look, int count) {
  std::vector<std::vector<RecipeEntry>> recipes;
  const Outcome outcome = RunLook(look, fmt::format("count: {}, size: 6", count));
  for (const Collected& c : outcome.samples) recipes.push_back(c.sample.recipe.entries);
  REQUIRE(static_cast<int>(recipes.size()) == count);
  return recipes;
}

std::string VerbOf(const RecipeEntry& entry) {
  const std::string tail = entry.stream->substr(entry.stream->rfind('/') + 1);
  return tail.substr(0, tail.find('@'));
}

bool IsChoice(const RecipeEntry& entry) {
  return std::any_of(entry.draws.begin(), entry.draws.end(), [](const auto& draw) {
    return draw.first == "picked" || draw.first == "share";
  });
}

// The draw that says how strong the operation is; an axis it leaves alone is 0.
double Strength(const RecipeEntry& entry) {
  double strength = 0;
  for (const auto& [name, value] : entry.draws) strength = value != 0 ? value : strength;
  return strength;
}

TEST_CASE("rand_augment takes 14 operations alike, each round by itself, with fair signs") {
  std::map<std::string, int> seen;
  std::map<std::pair<std::string, std::string>, int> pairs;
  std::map<std::string, std::pair<int, int>> signs;
  for (const auto& recipe : Recipes("{rand_augment: {}}", 6000)) {
    std::vector<std::string> names;
    for (const RecipeEntry& entry : recipe) {
      if (IsChoice(entry)) continue;
      const std::string verb = VerbOf(entry);
      names.push_back(verb);
      ++seen[verb];
      const std::string kind = verb.substr(0, verb.find('#'));
      const bool factor =
          kind == "brightness" || kind == "saturation" || kind == "contrast" || kind == "sharpness";
      const double strength = Strength(entry) - (factor ? 1 : 0);
      if (factor || kind == "shear" || kind == "translate" || kind == "rotate") {
        (strength < 0 ? signs[verb].first : signs[verb].second) += 1;
        const double size = kind == "shear"       ? std::atan(0.09) * 180 / std::acos(-1)
                            : kind == "translate" ? 150.0 / 331 * 0.3
                            : kind == "rotate"    ? 9
                                                  : 0.27;
        CHECK(std::abs(strength) == doctest::Approx(size).epsilon(1e-12));
      }
    }
    REQUIRE(names.size() == 2);
    ++pairs[{names[0], names[1]}];
  }
  CHECK(seen.size() == 14);
  std::vector<int> counts;
  for (const auto& [verb, n] : seen) counts.push_back(n);
  CHECK(LooksUniform(counts));
  counts.clear();
  for (const auto& [a, unused] : seen) {
    for (const auto& [b, other] : seen) counts.push_back(pairs[{a, b}]);
  }
  CHECK(LooksUniform(counts));  // independent, too
  CHECK(signs.size() == 9);
  for (const auto& [verb, both] : signs) {
    CAPTURE(verb);
    CHECK(LooksUniform({both.first, both.second}));
  }
}

TEST_CASE("trivial_augment_wide takes every strength alike") {
  std::map<std::string, int> seen;
  std::map<std::string, std::map<double, int>> strengths;
  for (const auto& recipe : Recipes("{trivial_augment_wide: {bins: 7}}", 12000)) {
    for (const RecipeEntry& entry : recipe) {
      if (IsChoice(entry)) continue;
      ++seen[VerbOf(entry)];
      if (!entry.draws.empty()) ++strengths[VerbOf(entry)][Strength(entry)];
    }
  }
  std::vector<int> counts;
  for (const auto& [verb, n] : seen) counts.push_back(n);
  CHECK(counts.size() == 14);
  CHECK(LooksUniform(counts));
  for (const auto& [verb, values] : strengths) {
    CAPTURE(verb);
    if (verb.starts_with("auto_contrast")) continue;  // its cutoff is fixed
    std::vector<int> found;
    std::vector<double> chances;
    for (const auto& [value, n] : values) {
      found.push_back(n);
      // Bin 0 stands for both signs; six bins in between.
      const bool is_signed = !verb.starts_with("posterize") && !verb.starts_with("solarize");
      const bool zero = value == 0 || (value == 1 && !verb.starts_with("solarize"));
      chances.push_back(!is_signed ? 1.0 / 7 : zero ? 1.0 / 7 : 0.5 / 7);
    }
    CHECK(found.size() == (verb.starts_with("posterize") || verb.starts_with("solarize") ? 7 : 13));
    CHECK(LooksLike(found, chances));
  }
}

TEST_CASE("auto_augment takes 25 pairs alike, each half with its chance") {
  for (const char* data : {"imagenet", "cifar10", "svhn"}) {
    CAPTURE(data);
    std::vector<int> picked(25, 0);
    std::map<std::string, std::pair<int, int>> applied;  // of how many
    for (const auto& recipe : Recipes(fmt::format("{{auto_augment: {}}}", data), 5000)) {
      for (const RecipeEntry& entry : recipe) {
        if (IsChoice(entry)) {
          ++picked[static_cast<std::size_t>(entry.draws.at(0).second)];
        } else {
          applied[VerbOf(entry)].first += entry.applied ? 1 : 0;
          ++applied[VerbOf(entry)].second;
        }
      }
    }
    CHECK(LooksUniform(picked));
    // The chances that stand in the policy's own text, in its order.
    std::istringstream lines(StepsOf("auto_augment", data));
    std::map<std::string, int> numbers;
    int compared = 0;
    for (std::string line; std::getline(lines, line);) {
      Variables none;
      Diagnostics diagnostics;
      const auto list = ParseYaml(line, "t.yaml", none, diagnostics);
      REQUIRE(list.has_value());
      if (list->items.empty() || list->items[0].items.empty()) continue;
      for (const Value& step : list->items[0].items) {
        const std::string verb = step.kind == Value::Kind::kMap ? step.entries[0].key : step.text;
        const Value* p = step.kind == Value::Kind::kMap ? step.Find("p") : nullptr;
        const double chance = p != nullptr ? p->number : 1;
        const std::string name = fmt::format("{}#{}", verb, ++numbers[verb]);
        const auto [hits, n] = applied[name];
        CAPTURE(name);
        ++compared;
        if (chance == 1) {
          CHECK(hits == n);
        } else {
          CHECK(LooksLike({hits, n - hits}, {chance, 1 - chance}));
        }
      }
    }
    CHECK(compared == 49);  // one of each table never acts
  }
}

TEST_CASE("aug_mix mixes chains of one to three operations") {
  std::vector<int> depths(3, 0);
  std::map<std::string, int> seen;
  std::vector<double> originals;
  std::vector<double> shares;
  int operations = 0;
  for (const auto& recipe : Recipes("{aug_mix: {geometry: always}}", 2000)) {
    double sum = 0;
    int mixed = 0;
    for (const RecipeEntry& entry : recipe) {
      const std::string verb = VerbOf(entry);
      if (verb.starts_with("some_of")) {
        ++depths[entry.draws.size() - 1];
      } else if (verb.starts_with("blend")) {
        originals.push_back(entry.draws.at(0).second);
        for (const auto& [name, value] : entry.draws) {
          sum += value;
          if (name != "share") continue;
          ++mixed;
          if (mixed == 1) shares.push_back(value / (1 - originals.back()));
        }
      } else if (!IsChoice(entry)) {
        ++operations;
        const std::string kind = verb.substr(0, verb.find('#'));
        ++seen[kind];
      }
    }
    CHECK(mixed == 3);
    CHECK(sum == doctest::Approx(1).epsilon(1e-12));
  }
  CHECK(LooksUniform(depths));
  CHECK(Follows(originals, [](double x) { return x; }));
  CHECK(Follows(shares, [](double x) { return 1 - (1 - x) * (1 - x); }));
  std::vector<int> counts;
  std::vector<double> chances;
  for (const auto& [kind, n] : seen) {
    counts.push_back(n);
    chances.push_back((kind == "shear" || kind == "translate" ? 2.0 : 1.0) / 13);
  }
  CHECK(counts.size() == 11);
  CHECK(LooksLike(counts, chances));
  CHECK(operations > 11000);
}

// ---- Labels -------------------------------------------------------------------------------------

TEST_CASE("aug_mix moves pixels where there are no labels to leave behind, or when told to") {
  const auto moves = [](const ChainUnderTest& chain, const Sample& before) {
    int moved = 0;
    for (std::uint32_t copy = 0; copy < 12; ++copy) {
      const Sample after = chain.Run(before.Clone(), copy);
      CHECK(LabelDifference(before, after) == "");
      moved += std::any_of(
          after.recipe.entries.begin(), after.recipe.entries.end(), [](const RecipeEntry& entry) {
            const OpInfo* op =
                BuiltIns().FindOperator(VerbOf(entry).substr(0, VerbOf(entry).find('#')));
            return op != nullptr && op->IsGeometric();
          });
    }
    return moved;
  };
  const Sample labelled = MakeInput("scene", 0);
  const Sample masked = [&] {
    Sample sample = labelled.Clone();
    sample.instances.clear();
    return sample;
  }();
  const Sample plain = MakeInput("u8x3@70x50", 0);
  const ChainUnderTest usual("[aug_mix]");
  CHECK(moves(usual, plain) > 6);
  CHECK(moves(usual, labelled) == 0);
  CHECK(moves(usual, masked) == 0);
  CHECK(moves(ChainUnderTest("[aug_mix: {geometry: always}]"), labelled) > 6);
  CHECK(moves(ChainUnderTest("[aug_mix: {geometry: never}]"), plain) == 0);
}

TEST_CASE("the recipe of a policy says everything that was done") {
  for (const std::string chain :
       {"[rand_augment: {n: 3, magnitude: 25}]", "[{rand_augment: {}, resample: each}]",
        "[trivial_augment_wide]", "[auto_augment: svhn]", "[auto_augment: cifar10, auto_augment]",
        "[three_augment: {crop: 60}]"}) {
    CAPTURE(chain);
    LoadOptions options;
    options.registry = &RegistryWithInputs();
    const Pipeline pipeline =
        Pipeline::Parse("version: 1\nseed: 11\nnodes:\n  in: {given: scene}\n  look: " + chain +
                            "\n  out: {nowhere: {}}\n",
                        "chain.yaml", options);
    const Graph& graph = pipeline.graph();
    const Node& node = graph.nodes[static_cast<std::size_t>(graph.Find("look"))];
    const ChainRunner runner(BuiltInFamilies(), BuiltInCodec(), graph.seed);
    for (std::uint32_t copy = 0; copy < 12; ++copy) {
      const Sample before = MakeInput("scene", static_cast<int>(copy) % 3);
      Sample after = before.Clone();
      after.identity.branch = {copy};
      REQUIRE_FALSE(runner.Run(node, after).has_value());
      reference::Context context;
      context.seed = graph.seed;
      context.codec = &BuiltInCodec();
      Sample again = before.Clone();
      again.identity.branch = {copy};
      const reference::Outcome expected =
          reference::Run(node, std::move(again), after.recipe, context);
      CHECK(expected.problems == std::vector<std::string>{});
      REQUIRE(expected.instances.size() == after.instances.size());
      for (std::size_t i = 0; i < after.instances.size(); ++i) {
        const auto& own = after.instances[i].keypoints;
        const auto& other = expected.instances[i].keypoints;
        REQUIRE(own.size() == other.size());
        for (std::size_t k = 0; k < own.size(); ++k) {
          CHECK(own[k].at.x == doctest::Approx(other[k].at.x).epsilon(1e-9));
          CHECK(own[k].at.y == doctest::Approx(other[k].at.y).epsilon(1e-9));
        }
      }
    }
  }
}

}  // namespace
}  // namespace pixloom::testing
