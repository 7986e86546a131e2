// SPDX-License-Identifier: Apache-2.0
// The nodes in graphs: the same bytes whatever runs them, and errors before anything runs.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <fmt/format.h>

#include "datasets/register.h"
#include "models/nodes.h"
#include "models/register.h"
#include "ops/register.h"
#include "tests/models/item_network.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {
namespace {

// Networks that need no file: their verbs call what enhance, reconstruct and score are made of.
struct FakeEnhance {
  std::string kind;
  Range strength{1};
  std::int64_t batch = 4, tile = 0;
  static constexpr std::string_view kName = "fake_enhance";
  static constexpr std::string_view kDoc = "Enhance without a file.";
  static constexpr auto Params() {
    using F = FakeEnhance;
    return std::tuple{Param("kind", &F::kind).Required().Primary(), Param("strength", &F::strength),
                      Param("batch", &F::batch), Param("tile", &F::tile)};
  }
  std::shared_ptr<ModelOperator> Make(const Services&) const {
    auto model =
        FakeModel(ModelRole::kEnhancer, kind == "twice"    ? Repeat(2)
                                        : kind == "blur"   ? Convolution(2)
                                        : kind == "invert" ? Map([](float v) { return 1 - v; })
                                                           : Identity());
    if (kind == "twice") model->manifest.output.scale = 2;
    if (kind == "sized") model->manifest.picture.size = Size{8, 8};
    model->manifest.tiling.overlap = 2;
    model->batch = static_cast<int>(batch);
    return MakeEnhance(
        model,
        {.strength = strength, .batch = static_cast<int>(batch), .tile = static_cast<int>(tile)});
  }
};

struct FakeReconstruct {
  static constexpr std::string_view kName = "fake_reconstruct";
  static constexpr std::string_view kDoc = "Reconstruct without a file.";
  static constexpr auto Params() { return std::tuple<>(); }
  std::shared_ptr<ModelOperator> Make(const Services&) const {
    auto model = FakeModel(ModelRole::kAutoencoder, Map([](float v) { return v * v; }), {3, 12, 12},
                           {3, 12, 12});
    model->manifest.picture.size = Size{12, 12};
    return MakeReconstruct(model, {.resize = true});
  }
};

struct FakeScore {
  static constexpr std::string_view kName = "fake_score";
  static constexpr std::string_view kDoc = "Score without a file: the first pixel's red.";
  static constexpr auto Params() { return std::tuple<>(); }
  std::shared_ptr<ModelOperator> Make(const Services&) const {
    auto model = FakeModel(ModelRole::kClassifier,
                           [](const Dims&, std::span<const float> in) {
                             return std::vector<FakeOutput>{{{2}, {in[0], 1 - in[0]}}};
                           },
                           {3, -1, -1}, {2});
    model->manifest.classes = {"red", "other"};
    return MakeScore(model, {});
  }
};

LoadOptions Options() {
  static const Registry& registry = *[] {
    auto* r = new Registry;
    RegisterOps(*r);
    RegisterDatasets(*r);
    RegisterModels(*r);
    r->BeginGroup("Tests");
    AddTestVerbs(*r);
    r->AddModel<FakeEnhance>();
    r->AddModel<FakeReconstruct>();
    r->AddModel<FakeScore>();
    return r;
  }();
  LoadOptions options;
  options.registry = &registry;
  return options;
}

std::string Graph(const std::string& steps, const std::string& canvas = "count: 11") {
  return fmt::format(
      "version: 1\nseed: 5\nnodes:\n  src: {{canvas: {{{}}}}}\n  net: {}\n  out: {{collect: "
      "out}}\n",
      canvas, steps);
}

// "" or what is different between two runs.
std::string Difference(const Outcome& a, const Outcome& b) {
  if (!a.errors.empty() || !b.errors.empty()) return a.errors + b.errors;
  if (a.samples.size() != b.samples.size()) return "number of samples";
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    if (const auto d = SampleDifference(a[i], b[i]); !d.empty()) return d;
    if (a[i].recipe.ToJson() != b[i].recipe.ToJson()) return "recipe";
    if (a[i].scalars != b[i].scalars) return "scalars";
  }
  return "";
}

TEST_CASE("the same bytes for any number of threads and any size of block") {
  const std::vector<std::string> steps{
      "{{fake_enhance: {{kind: blur, strength: [0.2, 1], batch: {}}}}}",
      "{{fake_enhance: {{kind: blur, tile: 16, batch: {}}}}}",
      "{{fake_enhance: {{kind: twice, batch: {}}}}}",
      "[hflip, {{fake_enhance: {{kind: invert, batch: {}}}, p: 0.5}}, fake_reconstruct, vflip]",
      "[{{rotate: [-20, 20]}}, {{some_of: {{steps: [{{fake_enhance: {{kind: blur, strength: [0, "
      "1], "
      "batch: {}}}}}, hflip, fake_reconstruct], n: [1, 2]}}}}]",
      "[{{one_of: [{{fake_enhance: {{kind: blur, batch: {}}}}}, {{fake_enhance: invert}}]}}]"};
  for (const std::string& step : steps) {
    INFO(step);
    const Outcome first = RunYaml(Graph(fmt::format(fmt::runtime(step), 4)), 1, Options());
    REQUIRE(first.errors == "");
    REQUIRE(first.samples.size() == 11);
    for (const int threads : {2, 4}) {
      CHECK(Difference(first, RunYaml(Graph(fmt::format(fmt::runtime(step), 4)), threads,
                                      Options())) == "");
    }
    for (const int batch : {1, 3, 16}) {
      CHECK(Difference(first,
                       RunYaml(Graph(fmt::format(fmt::runtime(step), batch)), 2, Options())) == "");
    }
  }
}

TEST_CASE("pictures change as the network says, and the recipe tells the strength") {
  const Outcome plain = RunYaml(Graph("[hflip]"), 1, Options());
  const Outcome made =
      RunYaml(Graph("[hflip, {fake_enhance: {kind: invert, strength: 1}}]"), 1, Options());
  REQUIRE(made.errors == "");
  for (std::size_t i = 0; i < 11; ++i) {
    const cv::Mat& was = plain[i].images[0].second.frames[0].pixels;
    const cv::Mat& is = made[i].images[0].second.frames[0].pixels;
    cv::Mat sum;
    cv::add(was, is, sum);
    CHECK(cv::norm(sum, cv::Mat(was.size(), was.type(), cv::Scalar::all(255)), cv::NORM_INF) == 0);
    CHECK(made[i].recipe.ToJson().find("[\"strength\", 1]") != std::string::npos);
  }
}

TEST_CASE("filters and switches see what a network noted") {
  const Outcome all = RunYaml(Graph("[fake_score]"), 2, Options());
  REQUIRE(all.errors == "");
  std::vector<std::string> red;
  for (std::size_t i = 0; i < 11; ++i) {
    const double first = all[i].images[0].second.frames[0].pixels.at<cv::Vec3b>(0, 0)[0] / 255.0;
    CHECK(all[i].scalars.at("score_red") == doctest::Approx(first));
    CHECK(all[i].text.at("scored_as") == (first >= 0.5 ? "red" : "other"));
    if (first >= 0.5) red.push_back(all[i].key);
  }
  REQUIRE(red.size() > 1);
  REQUIRE(red.size() < 10);
  const std::string yaml =
      "version: 1\nseed: 5\nnodes:\n  src: {canvas: {count: 11}}\n  net: [fake_score]\n"
      "  good: {filter: \"scalar('score_red') >= 0.5\"}\n  out: {collect: out}\n";
  const Outcome kept = RunYaml(yaml, 2, Options());
  CHECK(kept.errors == "");
  CHECK(kept.Keys() == red);

  const Outcome switched = RunYaml(
      Graph("[fake_score, {switch: [{when: \"text('scored_as') == 'red'\", then: [{fake_enhance: "
            "invert}]}]}]"),
      2, Options());
  REQUIRE(switched.errors == "");
  for (std::size_t i = 0; i < 11; ++i) {
    const bool is_red = all[i].text.at("scored_as") == "red";
    CHECK((PixelDifference(all[i], switched[i]) == "") == !is_red);
  }
}

TEST_CASE("a reconstruction's error is there for a filter") {
  const Outcome all = RunYaml(Graph("[fake_reconstruct]"), 1, Options());
  REQUIRE(all.errors == "");
  for (std::size_t i = 0; i < 11; ++i) {
    CHECK(all[i].scalars.at("reconstruction_error") > 0.001);
    CHECK(all[i].images[0].second.frames[0].size() == Size{24, 20});
  }
}

TEST_CASE("what cannot work is said before anything runs") {
  const auto errors = [](const std::string& steps, const std::string& canvas = "count: 2") {
    std::string all;
    for (const std::string& line : ErrorsOf(Graph(steps, canvas), Options())) all += line + "\n";
    return all;
  };
  CHECK(errors("{fake_enhance: blur}") == "");
  CHECK(errors("{fake_enhance: blur}", "count: 2, channels: 1").find("put to_rgb before it") !=
        std::string::npos);
  CHECK(errors("{fake_enhance: sized}").find("takes 8x8 only; resize it before") !=
        std::string::npos);
  CHECK(errors("[{resize: [8, 8]}, {fake_enhance: sized}]") == "");
  CHECK(errors("[{normalize: {}}, {fake_enhance: blur}]") == "");
  CHECK(errors("[{layout: chw}, {fake_enhance: blur}]").find("planar") != std::string::npos);
  CHECK(errors("{fake_enhance: blur, fields: [nothing]}").find("no field 'nothing'") !=
        std::string::npos);
  // The next step sees the size that comes out.
  CHECK(errors("[{resize: [4, 4]}, {fake_enhance: twice}, {fake_enhance: sized}]") == "");
  const std::string inside =
      errors("[{with_channels: {channels: [0, 1, 2], steps: [{fake_enhance: twice}]}}]");
  CHECK(inside.find("size and type must stay") != std::string::npos);
}

TEST_CASE("a picture that cannot be known before is quarantined, and the others go on") {
  const Outcome outcome =
      RunYaml(Graph("[{random_scale: {scale: [0.5, 2]}}, {fake_enhance: sized}]",
                    "count: 5, declared: false"),
              2, Options());
  CHECK(outcome.samples.empty());
  REQUIRE(outcome.quarantine.size() == 5);
  CHECK(outcome.quarantine[0].find("MOD-SHAPE") != std::string::npos);
}

TEST_CASE("the verbs are registered, and a manifest that is not there is said") {
  for (const char* verb : {"enhance", "reconstruct", "score"}) {
    const auto errors = ErrorsOf(Graph(fmt::format("{{{}: nowhere.yaml}}", verb)), Options());
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].find("nowhere.yaml") != std::string::npos);
    CHECK(errors[0].find("MOD-") != std::string::npos);
  }
}

}  // namespace
}  // namespace pixloom::testing
