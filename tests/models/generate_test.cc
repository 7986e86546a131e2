// SPDX-License-Identifier: Apache-2.0
// generate in whole graphs, over a generator whose pictures show the latent that made them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "api/pixloom.h"
#include "models/nodes.h"
#include "pipeline/error.h"
#include "pipeline/registry.h"
#include "tests/support/fake_networks.h"
#include "tests/support/statistics.h"
#include "tests/support/test_nodes.h"

namespace pixloom {
namespace {

using namespace testing;

constexpr std::int64_t kLatent = 12;  // 3 channels of 2 x 2 pixels
constexpr double kLevels = 8;         // of the networks' range: -8..8
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Every latent that a generator was given, repeats of the last one included.
struct Recorder {
  std::mutex mutex;
  std::vector<std::vector<float>> latents;
};
Recorder& Seen() {
  static Recorder recorder;
  return recorder;
}

float ValueOf(int level) { return static_cast<float>(level * 2 * kLevels / 255 - kLevels); }

// The picture is the latent, but for its first value: 10, 30, 50 for the classes, 5 without.
std::vector<float> Picture(const std::vector<float>& z, int label) {
  {
    const std::lock_guard lock(Seen().mutex);
    Seen().latents.push_back(z);
  }
  std::vector<float> picture = z;
  picture[0] = ValueOf(label < 0 ? 5 : 10 + 20 * label);
  return picture;
}

int LabelOf(const std::vector<float>& one_hot) {
  float sum = 0;
  for (const float v : one_hot) sum += v;
  if (sum != 1) return -2;
  return static_cast<int>(std::find(one_hot.begin(), one_hot.end(), 1.0F) - one_hot.begin());
}

struct Variant {
  std::int64_t batch = 4;
  bool classes = true;
  bool judge = false;
  bool vae = false;
  bool fail = false;  // latents above 1.5 in the second place give no number
};

std::shared_ptr<Model> GeneratorModel(const Variant& variant) {
  Manifest manifest;
  manifest.name = "toy";
  manifest.role = variant.vae ? ModelRole::kVae : ModelRole::kGenerator;
  manifest.picture.lo = manifest.output.lo = -kLevels;
  manifest.picture.hi = manifest.output.hi = kLevels;
  manifest.latent = LatentSpace{{kLatent}, "z", "mu", ""};
  std::vector<Port> inputs{{"z", {kLatent}}};
  if (variant.classes) {
    manifest.condition = "class";
    manifest.classes = {"bag", "a=b", "shoe"};
    inputs.insert(inputs.begin(), Port{"class", {3}});
  }
  const auto make = [variant](const std::vector<std::vector<float>>& in) {
    std::vector<float> picture = Picture(in.back(), variant.classes ? LabelOf(in[0]) : -1);
    if (variant.fail && in.back()[1] > 1.5F) picture[3] = kNan;
    return std::vector<std::vector<float>>{picture};
  };
  std::map<std::string, std::shared_ptr<Network>> graphs;
  graphs[variant.vae ? "decoder" : "generator"] =
      std::make_shared<FakeNetwork>(inputs, std::vector<Port>{{"picture", {3, 2, 2}}}, make);
  if (variant.judge) {
    // The mean of the picture but for its first value, and as told of which class it is.
    std::vector<Port> judged{{"picture", {3, 2, 2}}};
    if (variant.classes) judged.push_back({"class", {3}});
    graphs["discriminator"] = std::make_shared<FakeNetwork>(
        judged, std::vector<Port>{{"score", {1}}}, [variant](const auto& in) {
          if (variant.classes && std::abs(in[0][0] - ValueOf(10 + 20 * LabelOf(in[1]))) > 1e-3F) {
            return std::vector<std::vector<float>>{{kNan}};
          }
          double sum = 0;
          for (std::size_t k = 1; k < in[0].size(); ++k) sum += static_cast<double>(in[0][k]);
          return std::vector<std::vector<float>>{
              {static_cast<float>(sum / static_cast<double>(kLatent - 1))}};
        });
  }
  return FakeModel(std::move(manifest), std::move(graphs), static_cast<int>(variant.batch));
}

struct TestGenerate : Variant {
  std::int64_t count = 10;
  std::vector<std::string> pick;
  double truncation = 0;
  std::vector<double> min_score;
  static constexpr std::string_view kName = "test_generate";
  static constexpr std::string_view kDoc = "generate over the toy.";
  static constexpr auto Params() {
    using G = TestGenerate;
    return std::tuple{Param("count", &G::count),
                      Param("pick", &G::pick),
                      Param("truncation", &G::truncation),
                      Param("min_score", &G::min_score),
                      Param<G, std::int64_t>("batch", &G::batch),
                      Param<G, bool>("classes", &G::classes),
                      Param<G, bool>("judge", &G::judge),
                      Param<G, bool>("vae", &G::vae),
                      Param<G, bool>("fail", &G::fail)};
  }
  std::unique_ptr<Source> Make(const Services&) const {
    GenerateOptions options{count, pick, truncation, {}};
    if (!min_score.empty()) options.min_score = min_score[0];
    return MakeGenerate(GeneratorModel(*this), options);
  }
};

Pipeline Parsed(const std::string& nodes) {
  static const Registry& registry = *[] {
    auto* r = new Registry;
    RegisterTestNodes(*r);
    r->AddSource<TestGenerate>();
    return r;
  }();
  LoadOptions load;
  load.registry = &registry;
  return Pipeline::Parse("version: 1\nseed: 12\non_error: {max_bad: 90%}\nnodes:\n" + nodes,
                         "test.yaml", load);
}

std::string LineOf(const std::string& sink, const Sample& sample) {
  return fmt::format("{} {} {} {} {} {}", sink, sample.key, BranchText(sample.identity.branch),
                     ContentHash(sample), sample.labels.label.value_or(-1), sample.recipe.ToJson());
}

struct Outcome {
  std::vector<std::string> lines;
  RunReport report;
};

Outcome RunOf(const std::string& nodes, RunOptions options = {}) {
  Kept().clear();
  if (options.quarantine_file.empty()) options.quarantine_file = "/dev/null";
  Outcome outcome;
  outcome.report = Parsed(nodes).Run(std::move(options));
  for (const KeptSample& kept : Kept()) outcome.lines.push_back(LineOf(kept.sink, kept.sample));
  return outcome;
}

constexpr const char* kOut = "  out: {test_keep: {name: out}}\n";

std::string Gen(const std::string& arguments) {
  return "  gen: {test_generate: " + arguments + "}\n";
}

const NodeCounts& CountsOf(const RunReport& report, const std::string& node) {
  const auto it = std::find_if(report.nodes.begin(), report.nodes.end(),
                               [&](const NodeCounts& n) { return n.name == node; });
  REQUIRE(it != report.nodes.end());
  return *it;
}

std::vector<std::string> KeptKeys() {
  std::vector<std::string> keys;
  for (const KeptSample& kept : Kept()) keys.push_back(kept.key);
  return keys;
}

const cv::Mat& PixelsOf(const Sample& sample) { return sample.images[0].second.frames[0].pixels; }

// Of a picture by key, without its place in the plan.
std::map<std::string, std::uint64_t> HashByKey() {
  std::map<std::string, std::uint64_t> hashes;
  for (const KeptSample& kept : Kept()) hashes[kept.key] = kept.hash;
  return hashes;
}

// ---- What comes ---------------------------------------------------------------------------------

TEST_CASE(
    "as many as asked for, the classes in turn, each with its label and a picture of its own") {
  const Outcome outcome = RunOf(Gen("{count: 8}") + kOut);
  CHECK(KeptKeys() == std::vector<std::string>{"bag/000000", "a=b/000000", "shoe/000000",
                                               "bag/000001", "a=b/000001", "shoe/000001",
                                               "bag/000002", "a=b/000002"});
  std::set<std::uint64_t> hashes;
  for (std::size_t i = 0; i < Kept().size(); ++i) {
    const Sample& sample = Kept()[i].sample;
    const int label = static_cast<int>(i % 3);
    CHECK(sample.labels.label == label);
    REQUIRE(sample.names);
    CHECK(sample.names->classes == std::vector<std::string>{"bag", "a=b", "shoe"});
    const cv::Mat& pixels = PixelsOf(sample);
    CHECK(pixels.type() == CV_8UC3);
    CHECK(pixels.size() == cv::Size(2, 2));
    CHECK(int{pixels.ptr(0)[0]} == 10 + 20 * label);
    hashes.insert(Kept()[i].hash);
    CHECK(Kept()[i].recipe.find("gen/test_generate") != std::string::npos);
  }
  CHECK(hashes.size() == 8);
  CHECK(CountsOf(outcome.report, "gen").generated == 8);
  CHECK(CountsOf(outcome.report, "gen.network").out == 8);
}

TEST_CASE("a network without classes; the prior of a VAE") {
  for (const std::string extra : {"", ", vae: true"}) {
    RunOf(Gen("{count: 3, classes: false" + extra + "}") + kOut);
    CHECK(KeptKeys() == std::vector<std::string>{"000000", "000001", "000002"});
    for (const KeptSample& kept : Kept()) {
      CHECK_FALSE(kept.sample.labels.label);
      CHECK(int{PixelsOf(kept.sample).ptr(0)[0]} == 5);
    }
  }
}

TEST_CASE("classes are chosen and shared out; a larger count only adds") {
  RunOf(Gen("{count: 4, pick: [shoe, bag]}") + kOut);
  CHECK(KeptKeys() ==
        std::vector<std::string>{"shoe/000000", "bag/000000", "shoe/000001", "bag/000001"});
  CHECK(Kept()[0].sample.labels.label == 2);
  const auto before = HashByKey();
  RunOf(Gen("{count: 9, pick: [shoe, bag]}") + kOut);
  for (const auto& [key, hash] : before) CHECK(HashByKey().at(key) == hash);

  RunOf(Gen("{count: 60, pick: {shoe: 30, a=b: 20, bag: 10}}") + kOut);
  std::map<int, int> counts;
  for (const KeptSample& kept : Kept()) ++counts[*kept.sample.labels.label];
  CHECK(counts == std::map<int, int>{{0, 10}, {1, 20}, {2, 30}});
  // Spread evenly: of every six, three are shoes.
  for (std::size_t first = 0; first < 60; first += 6) {
    int shoes = 0;
    for (std::size_t i = first; i < first + 6; ++i) shoes += Kept()[i].sample.labels.label == 2;
    CHECK(shoes == 3);
  }
  const auto problem = [](const std::string& arguments) -> std::string {
    try {
      RunOf(Gen(arguments) + kOut);
    } catch (const ConfigError& e) {
      return e.Found().All()[0].Text();
    }
    return "";
  };
  CHECK(problem("{pick: [shoes]}").find("knows no 'shoes'; did you mean 'shoe'?") !=
        std::string::npos);
  CHECK(problem("{pick: [shoe, shoe]}").find("'shoe' stands there twice") != std::string::npos);
  CHECK(problem("{pick: {shoe: -1}}").find("a number above 0") != std::string::npos);
  CHECK(problem("{pick: [shoe], classes: false}").find("not told classes") != std::string::npos);
}

TEST_CASE("the same for all threads and batches") {
  const auto nodes = [](const std::string& batch) {
    return Gen("{count: 23, judge: true, min_score: -0.2, batch: " + batch + "}") +
           "  look: [hflip, {rotate: [-20, 20]}]\n" + kOut;
  };
  const Outcome expected = RunOf(nodes("1"), {.threads = 1});
  CHECK(expected.lines.size() > 5);
  CHECK(expected.lines.size() < 23);
  for (const std::string batch : {"1", "4", "7", "64"}) {
    for (const int threads : {1, 2, 4}) {
      CHECK(RunOf(nodes(batch), {.threads = threads}).lines == expected.lines);
    }
  }
}

// ---- Latents ------------------------------------------------------------------------------------

double Cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

TEST_CASE("latents are normal, truncated where asked for, and of each picture its own") {
  for (const double limit : {0.0, 0.7}) {
    CAPTURE(limit);
    Seen().latents.clear();
    RunOf(Gen(fmt::format("{{count: 2000, batch: 8, truncation: {}}}", limit)) + kOut);
    REQUIRE(Seen().latents.size() == 2000);
    std::vector<double> values;
    std::set<std::vector<float>> different(Seen().latents.begin(), Seen().latents.end());
    CHECK(different.size() == 2000);
    for (const auto& latent : Seen().latents) {
      for (const float v : latent) values.push_back(static_cast<double>(v));
    }
    if (limit > 0) {
      for (const double v : values)
        REQUIRE(std::abs(v) <= static_cast<double>(static_cast<float>(limit)));
    }
    const double below = limit > 0 ? Cdf(-limit) : 0;
    CHECK(Follows(values, [&](double z) { return (Cdf(z) - below) / (1 - 2 * below); }));
  }
}

// ---- The discriminator --------------------------------------------------------------------------

TEST_CASE("the discriminator's score is noted, and filters when asked to") {
  RunOf(Gen("{count: 200, judge: true}") + kOut);
  REQUIRE(Kept().size() == 200);
  std::set<std::string> good;
  for (const KeptSample& kept : Kept()) {
    const cv::Mat& pixels = PixelsOf(kept.sample);
    double sum = 0;
    for (int c = 0; c < 3; ++c) {
      for (int k = c == 0 ? 1 : 0; k < 4; ++k) {
        sum += pixels.ptr(k / 2)[k % 2 * 3 + c] * 2 * kLevels / 255 - kLevels;
      }
    }
    const double score = kept.sample.scalars.at("discriminator");
    CHECK(score == doctest::Approx(sum / (kLatent - 1)).epsilon(1e-4));
    if (score >= 0.1) good.insert(kept.key);
  }
  CHECK(good.size() > 40);
  CHECK(good.size() < 160);
  for (const int threads : {1, 4}) {
    const Outcome outcome =
        RunOf(Gen("{count: 200, judge: true, min_score: 0.1}") + kOut, {.threads = threads});
    const std::vector<std::string> keys = KeptKeys();
    CHECK(std::set<std::string>(keys.begin(), keys.end()) == good);
    const NodeCounts& network = CountsOf(outcome.report, "gen.network");
    CHECK(network.in == 200);
    CHECK(network.out == good.size());
    CHECK(network.filtered == 200 - good.size());
    CHECK(network.counts.at("below min_score") == 200 - good.size());
    REQUIRE(outcome.report.sources.size() == 1);
    CHECK(outcome.report.sources[0].written == good.size());
    CHECK(outcome.report.sources[0].filtered == 200 - good.size());
  }
}

TEST_CASE("what is not finite is a bad sample, in quarantine and in the counts") {
  const Outcome outcome = RunOf(Gen("{count: 100, fail: true}") + kOut, {.threads = 2});
  CHECK(outcome.report.quarantined > 1);
  CHECK(outcome.report.quarantined < 20);
  CHECK(Kept().size() + outcome.report.quarantined == 100);
  CHECK(CountsOf(outcome.report, "gen.network").failed == outcome.report.quarantined);
  const auto kept = HashByKey();
  RunOf(Gen("{count: 100}") + kOut);
  for (const auto& [key, hash] : kept) CHECK(HashByKey().at(key) == hash);
}

TEST_CASE("models that are nothing for it are refused") {
  const auto code = [](const std::shared_ptr<Model>& model, std::optional<double> score = {}) {
    try {
      GenerateOptions options;
      options.min_score = score;
      MakeGenerate(model, options);
    } catch (const ModelRejectedError& e) {
      return e.Code();
    }
    return std::string();
  };
  CHECK(code(GeneratorModel({})).empty());
  CHECK(code(GeneratorModel({}), 0.5) == "MOD-MANIFEST");
  auto model = GeneratorModel({});
  model->manifest.role = ModelRole::kEnhancer;
  CHECK(code(model) == "MOD-MANIFEST");
  model = GeneratorModel({});
  model->manifest.latent.reset();
  CHECK(code(model) == "MOD-MANIFEST");
  model = GeneratorModel({});
  model->manifest.latent->input = "w";
  CHECK(code(model) == "MOD-SHAPE");
  model = GeneratorModel({});
  model->manifest.condition.reset();
  CHECK(code(model) == "MOD-SHAPE");
  model = GeneratorModel({});
  model->manifest.classes.clear();
  CHECK(code(model) == "MOD-MANIFEST");
  model = GeneratorModel({});
  model->manifest.picture.color = PictureInput::Color::kGray;
  CHECK(code(model) == "MOD-SHAPE");
}

// ---- In a graph ---------------------------------------------------------------------------------

TEST_CASE("copies are made of what the network gave") {
  RunOf(Gen("{count: 5}") + kOut);
  const auto plain = HashByKey();
  for (const std::string between : {"", "  few: {filter: key != none}\n"}) {
    for (const int threads : {1, 4}) {
      Seen().latents.clear();
      RunOf(Gen("{count: 5, batch: 1}") + between + "  more: {copies: 3}\n" + kOut,
            {.threads = threads});
      CHECK(Seen().latents.size() == 5);
      REQUIRE(Kept().size() == 15);
      for (std::size_t i = 0; i < 15; ++i) {
        CHECK(Kept()[i].branch == std::vector<std::uint32_t>{static_cast<std::uint32_t>(i % 3)});
        CHECK(Kept()[i].hash == plain.at(Kept()[i].key));
      }
    }
  }
}

TEST_CASE("a chain, a filter, a window, a cache, and views work on the picture that was made") {
  RunOf(Gen("{count: 9}") + kOut);
  const auto pictures = [] {
    std::map<std::string, cv::Mat> made;
    for (const KeptSample& kept : Kept()) made[kept.key] = PixelsOf(kept.sample).clone();
    return made;
  };
  const auto plain = pictures();
  RunOf(Gen("{count: 9}") + "  look: [hflip: {}]\n" + kOut);
  for (const auto& [key, pixels] : pictures()) {
    CHECK(std::memcmp(pixels.ptr(0), plain.at(key).ptr(0) + 3, 3) == 0);
  }
  for (const int threads : {1, 2}) {
    RunOf(Gen("{count: 9}") + "  bright: {filter: brightness > 0.3}\n" + kOut,
          {.threads = threads});
    CHECK(Kept().size() >= 8);  // black ones would all go
    RunOf(Gen("{count: 9}") + "  small: {cache: {steps: [resize: 4], memory: 9MiB}}\n" + kOut,
          {.threads = threads});
    std::set<std::uint64_t> hashes;
    for (const KeptSample& kept : Kept()) hashes.insert(kept.hash);
    CHECK(hashes.size() == 9);
    RunOf(Gen("{count: 9}") + "  mixed: {test_neighbour: {size: 3}}\n" + kOut,
          {.threads = threads});
    CHECK(Kept().size() == 9);
    RunOf(Gen("{count: 9}") + "  crops: {five_crop: [1, 1]}\n" + kOut, {.threads = threads});
    REQUIRE(Kept().size() == 45);
    const auto& first = Kept()[0];
    CHECK(std::memcmp(PixelsOf(first.sample).ptr(0), plain.at(first.key).ptr(0), 3) == 0);
  }
  const std::string mixed = Gen("{count: 9}") + "  mixed: {mixup: {block: 3}}\n" + kOut;
  const Outcome expected = RunOf(mixed, {.threads = 1});
  CHECK(RunOf(mixed, {.threads = 4}).lines == expected.lines);
}

TEST_CASE("merged with other sources, and with another of its kind") {
  RunOf(Gen("{count: 7}") + kOut);
  const auto alone = HashByKey();
  const std::string nodes = Gen("{count: 7}") +
                            "  plain: {test_numbers: {count: 4}}\n"
                            "  also: {test_generate: {count: 3, batch: 2}}\n"
                            "  all: {merge: {}, from: [gen, plain, also]}\n" +
                            kOut;
  const Outcome expected = RunOf(nodes, {.threads = 1});
  REQUIRE(Kept().size() == 14);
  const std::vector<std::string> sources{"gen",   "plain", "also", "gen",   "plain", "also", "gen",
                                         "plain", "also",  "gen",  "plain", "gen",   "gen",  "gen"};
  std::map<std::string, std::uint64_t> also;
  for (std::size_t i = 0; i < 14; ++i) {
    CHECK(Kept()[i].sample.source == sources[i]);
    if (sources[i] == "gen") CHECK(Kept()[i].hash == alone.at(Kept()[i].key));
    // The same keys elsewhere are other pictures.
    if (sources[i] == "also") CHECK(Kept()[i].hash != alone.at(Kept()[i].key));
  }
  for (const int threads : {2, 4})
    CHECK(RunOf(nodes, {.threads = threads}).lines == expected.lines);
  // One after the other.
  const std::string list = Gen("{count: 7}") +
                           "  plain: {test_numbers: {count: 4}}\n"
                           "  out: {test_keep: {name: out}, from: [gen, plain]}\n";
  RunOf(list);
  REQUIRE(Kept().size() == 11);
  CHECK(Kept()[6].sample.source == "gen");
  CHECK(Kept()[7].sample.source == "plain");
}

TEST_CASE("two readers of one source get one picture, made once") {
  Seen().latents.clear();
  RunOf(Gen("{count: 8}") +
            "  one: {test_keep: {name: one}}\n  look: {chain: [gamma: 2], from: gen}\n"
            "  two: {test_keep: {name: two}, from: gen}\n"
            "  three: {test_keep: {name: three}, from: look}\n",
        {.threads = 2});
  CHECK(Seen().latents.size() == 8);
  std::map<std::string, std::vector<std::uint64_t>> hashes;
  for (const KeptSample& kept : Kept()) {
    if (kept.sink != "three") hashes[kept.key].push_back(kept.hash);
  }
  REQUIRE(hashes.size() == 8);
  for (const auto& [key, both] : hashes) {
    REQUIRE(both.size() == 2);
    CHECK(both[0] == both[1]);
  }
}

TEST_CASE("split, also by class") {
  RunOf(Gen("{count: 30}") + kOut);
  const auto all = HashByKey();
  for (const std::string how : {"{a: 0.6, b: 0.4}", "{parts: {a: 0.6, b: 0.4}, stratify: true}"}) {
    CAPTURE(how);
    const std::string nodes = Gen("{count: 30}") + "  parts: {split: " + how + "}\n" +
                              "  a: {test_keep: {name: a}, from: parts.a}\n"
                              "  b: {test_keep: {name: b}, from: parts.b}\n";
    const Outcome expected = RunOf(nodes, {.threads = 1});
    CHECK(HashByKey() == all);
    std::map<std::pair<std::string, int>, int> counts;
    for (const KeptSample& kept : Kept()) ++counts[{kept.sink, *kept.sample.labels.label}];
    if (how.find("stratify") != std::string::npos) {
      for (int c = 0; c < 3; ++c) CHECK(counts[{"a", c}] == 6);
    }
    CHECK(RunOf(nodes, {.threads = 4}).lines == expected.lines);
  }
}

TEST_CASE("parts of several machines make up the whole") {
  const std::string nodes = Gen("{count: 23, batch: 4}") +
                            "  more: {copies: 2}\n"
                            "  look: {rotate: [-20, 20]}\n" +
                            kOut;
  const std::vector<std::string> whole = RunOf(nodes).lines;
  REQUIRE(whole.size() == 46);
  for (const int parts : {2, 3, 5}) {
    std::vector<std::string> together;
    for (int part = 1; part <= parts; ++part) {
      const Outcome outcome = RunOf(nodes, {.threads = 2, .part = part, .parts = parts});
      together.insert(together.end(), outcome.lines.begin(), outcome.lines.end());
    }
    CHECK(together == whole);
  }
}

TEST_CASE("the limit keeps the first") {
  const std::string nodes = Gen("{count: 23, batch: 4}") + kOut;
  std::vector<std::string> whole = RunOf(nodes).lines;
  whole.resize(6);
  CHECK(RunOf(nodes, {.limit = 6}).lines == whole);
}

TEST_CASE("one picture is made again as it was") {
  const std::string nodes = Gen("{count: 11, batch: 4, judge: true}") +
                            "  more: {copies: 2}\n"
                            "  look: [{rotate: [-20, 20]}, gaussian_noise]\n" +
                            kOut;
  RunOf(nodes);
  std::map<std::string, std::string> lines;
  for (const KeptSample& kept : Kept()) {
    lines[kept.key + " " + BranchText(kept.branch)] = LineOf("out", kept.sample);
  }
  Pipeline pipeline = Parsed(nodes);
  for (const std::string key : {"bag/000000", "shoe/000002", "a=b/000003"}) {
    const auto both = pipeline.Replay(key);
    REQUIRE(both.size() == 2);
    for (const auto& replayed : both) {
      const std::string which = key + " " + BranchText(replayed.sample.identity.branch);
      CHECK(LineOf(replayed.sink, replayed.sample) == lines.at(which));
    }
    const auto one = pipeline.Replay(key, "1");
    REQUIRE(one.size() == 1);
    CHECK(LineOf(one[0].sink, one[0].sample) == lines.at(key + " 1"));
  }
  CHECK_THROWS_AS(pipeline.Replay("cat/000000"), ConfigError);
}

TEST_CASE("nodes that choose entries cannot choose among pictures that are not there yet") {
  const auto refused = [](const std::string& nodes) {
    try {
      Parsed(nodes + kOut);
    } catch (const ConfigError& e) {
      return e.Found().All()[0].Text().find("has yet to make") != std::string::npos;
    }
    return false;
  };
  const std::string plain = "  plain: {test_numbers: {count: 4}}\n";
  CHECK(refused(Gen("{}") + "  few: {sample: 3}\n"));
  CHECK(
      refused(Gen("{}") + plain + "  all: {merge: {}, from: [plain, gen]}\n  few: {sample: 3}\n"));
  CHECK(refused(Gen("{}") + plain + "  few: {sample: 3, from: [plain, gen]}\n"));
  CHECK(refused(Gen("{}") + "  parts: {split: {a: 0.5, b: 0.5}}\n"
                            "  rest: {test_keep: {name: rest}, from: parts.b}\n"
                            "  few: {sample: 3, from: parts.a}\n"));
  // Among others they may.
  RunOf(Gen("{count: 5}") + plain + "  few: {sample: 2}\n  all: {merge: {}, from: [few, gen]}\n" +
        kOut);
  CHECK(Kept().size() == 7);
}

TEST_CASE("the report tells of the network, and the plan how many results to expect") {
  const std::string sink = "  out: {test_ledger: {name: generated}}\n";
  Ledgers().clear();
  Parsed(Gen("{count: 6}") + "  more: {copies: 2}\n" + sink).Run({.threads = 2});
  const Ledger& ledger = Ledgers()["generated"];
  CHECK(ledger.lines.size() == 12);
  CHECK(ledger.expected == 12U);
  CHECK(ledger.sources == std::vector<std::string>{"gen"});
  const Outcome outcome = RunOf(Gen("{count: 6, batch: 4}") + kOut);
  const NodeCounts& network = CountsOf(outcome.report, "gen.network");
  REQUIRE(network.blocks);
  CHECK(network.blocks->blocks == 2);
  CHECK(network.blocks->samples == 6);
  CHECK(network.blocks->use.padding == 2);
}

TEST_CASE("by time the pictures are the same") {
  const std::string nodes = Gen("{count: 31, batch: 4}") + "  look: {rotate: [-20, 20]}\n" + kOut;
  const Outcome expected = RunOf(nodes);
  for (const int threads : {1, 3}) {
    CHECK(RunOf(nodes, {.threads = threads, .blocks = RunOptions::Blocks::kByTime}).lines ==
          expected.lines);
  }
}

TEST_CASE("a run that is stopped goes on with the same pictures") {
  const auto nodes = [](const std::string& fail) {
    return Gen("{count: 23, batch: 4}") + "  look: {rotate: [-20, 20]}\n" +
           "  out: {test_ledger: {name: stopped" + fail + "}}\n";
  };
  Ledgers().clear();
  Parsed(nodes("")).Run({.threads = 2});
  const std::vector<std::string> whole = Ledgers()["stopped"].lines;
  REQUIRE(whole.size() == 23);
  Ledgers().clear();
  CHECK_THROWS_AS(Parsed(nodes(", fail_at: 9")).Run({.threads = 2}), EnvironmentError);
  CHECK(Ledgers()["stopped"].done == 9);
  Parsed(nodes("")).Run({.threads = 2});
  CHECK(Ledgers()["stopped"].lines == whole);
}

}  // namespace
}  // namespace pixloom
