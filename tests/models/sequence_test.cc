// SPDX-License-Identifier: Apache-2.0
// sequence over a cell whose algebra is known: h' = h / 2 + x.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "models/nodes.h"
#include "pipeline/error.h"
#include "pipeline/registry.h"
#include "tests/support/fake_networks.h"
#include "tests/support/test_nodes.h"

namespace pixloom {
namespace {

using namespace testing;

constexpr double kLimit = 1000;  // of the networks' range, and of the pictures'
constexpr double kStart = 8;

// Inputs h, x: the frame is not the first. Outputs y = h', the state h', and what is noted: the
// mean of h', and the first two values of x.
std::vector<std::vector<float>> Cell(const std::vector<std::vector<float>>& in) {
  std::vector<float> h = in[0];
  double sum = 0;
  for (std::size_t i = 0; i < h.size(); ++i) {
    h[i] = 0.5F * h[i] + in[1][i];
    sum += static_cast<double>(h[i]);
  }
  const auto mean = static_cast<float>(sum / static_cast<double>(h.size()));
  return {h, h, {mean}, {in[1][0], in[1][1]}};
}

Manifest CellManifest() {
  Manifest manifest;
  manifest.name = "decay";
  manifest.role = ModelRole::kSequence;
  manifest.picture.color = PictureInput::Color::kGray;
  manifest.picture.lo = manifest.output.lo = -kLimit;
  manifest.picture.hi = manifest.output.hi = kLimit;
  manifest.state = {{"h", "h_next", kStart}};
  manifest.features = {"level", "pair"};
  return manifest;
}

std::shared_ptr<FakeNetwork> CellNetwork(const Dims& frame, FakeFunction function = Cell) {
  return std::make_shared<FakeNetwork>(
      std::vector<Port>{{"h", frame}, {"x", frame}},
      std::vector<Port>{{"y", frame}, {"h_next", frame}, {"level", {1}}, {"pair", {2}}},
      std::move(function));
}

std::shared_ptr<Model> CellModel(int batch) {
  return FakeModel(CellManifest(), {{"cell", CellNetwork({1, -1, -1})}}, batch);
}

// Frame t of clip i at pixel k: a whole number, so that every value of the network is exact.
double Pixel(std::size_t clip, std::size_t t, std::size_t k) {
  return static_cast<double>(Mix64(clip * 10'007 + t * 101 + k) % 64);
}

ImageField ClipOf(std::size_t clip, std::size_t frames, int side) {
  ImageField field;
  field.range = {-kLimit, kLimit};
  for (std::size_t t = 0; t < frames; ++t) {
    cv::Mat pixels(side, side, CV_32FC1);
    for (int k = 0; k < side * side; ++k) {
      pixels.ptr<float>(k / side)[k % side] =
          static_cast<float>(Pixel(clip, t, static_cast<std::size_t>(k)));
    }
    field.frames.push_back({nullptr, pixels});
  }
  return field;
}

Sample ClipSample(std::size_t clip, std::size_t frames, int side = 3) {
  Sample sample;
  sample.identity.id = clip;
  sample.images.emplace_back("image", ClipOf(clip, frames, side));
  return sample;
}

// The state behind frame t, by its closed form.
double State(std::size_t clip, std::size_t t, std::size_t k) {
  double h = kStart * std::pow(0.5, static_cast<double>(t) + 1);
  for (std::size_t s = 0; s <= t; ++s) {
    h += Pixel(clip, s, k) * std::pow(0.5, static_cast<double>(t - s));
  }
  return h;
}

std::vector<std::optional<DataError>> Run(ModelOperator& node, std::vector<Sample>& samples,
                                          std::vector<std::string> fields = {}) {
  std::vector<ModelOperator::Item> items;
  for (Sample& sample : samples) items.push_back({&sample, fields, Rng(StreamKey{})});
  return node.Run(items, false);
}

void CheckClip(const Sample& sample, const ImageField& field, std::size_t clip,
               const std::string& prefix) {
  std::vector<double> levels;
  for (std::size_t t = 0; t < field.frames.size(); ++t) {
    const cv::Mat& pixels = field.frames[t].pixels;
    double sum = 0;
    for (int k = 0; k < pixels.rows * pixels.cols; ++k) {
      const double expected = State(clip, t, static_cast<std::size_t>(k));
      sum += expected;
      CHECK(std::abs(static_cast<double>(pixels.ptr<float>(k / pixels.cols)[k % pixels.cols]) -
                     expected) < 3e-4);
    }
    levels.push_back(sum / static_cast<double>(pixels.total()));
  }
  const auto level = nlohmann::json::parse(sample.text.at(prefix + "level"));
  const auto pair = nlohmann::json::parse(sample.text.at(prefix + "pair"));
  REQUIRE(level.size() == levels.size());
  REQUIRE(pair.size() == levels.size());
  double mean = 0;
  double second = 0;
  for (std::size_t t = 0; t < levels.size(); ++t) {
    REQUIRE(level[t].size() == 1);
    CHECK(level[t][0].get<double>() == doctest::Approx(levels[t]).epsilon(1e-5));
    CHECK(std::abs(pair[t][0].get<double>() - Pixel(clip, t, 0)) < 3e-4);
    CHECK(std::abs(pair[t][1].get<double>() - Pixel(clip, t, 1)) < 3e-4);
    mean += levels[t] / static_cast<double>(levels.size());
    second += Pixel(clip, t, 1) / static_cast<double>(levels.size());
  }
  CHECK(sample.scalars.at(prefix + "level_mean") == doctest::Approx(mean).epsilon(1e-5));
  CHECK(sample.scalars.at(prefix + "level_last") == doctest::Approx(levels.back()).epsilon(1e-5));
  CHECK(sample.scalars.at(prefix + "pair_1_mean") == doctest::Approx(second).epsilon(1e-5));
  CHECK(std::abs(sample.scalars.at(prefix + "pair_0_last") - Pixel(clip, levels.size() - 1, 0)) <
        3e-4);
}

TEST_CASE("each clip is played in order from the start, whatever the others' lengths") {
  const std::vector<std::size_t> lengths{4, 1, 7, 2, 2, 9, 3};
  for (const int batch : {1, 2, 3, 16}) {
    CAPTURE(batch);
    const std::shared_ptr<Model> model = CellModel(batch);
    std::vector<Sample> samples;
    for (std::size_t i = 0; i < lengths.size(); ++i) samples.push_back(ClipSample(i, lengths[i]));
    for (const auto& error : Run(*MakeSequence(model), samples)) REQUIRE_FALSE(error);
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      CHECK(samples[i].images[0].second.frames.size() == lengths[i]);
      CheckClip(samples[i], samples[i].images[0].second, i, "");
    }
    // Runs are full, and there are as few as the clips that are left allow.
    std::size_t runs = 0;
    for (std::size_t t = 0; t < 9; ++t) {
      std::size_t left = 0;
      for (const std::size_t length : lengths) left += length > t ? 1 : 0;
      runs += (left + static_cast<std::size_t>(batch) - 1) / static_cast<std::size_t>(batch);
    }
    const auto& network = dynamic_cast<const FakeNetwork&>(model->At("cell"));
    CHECK(network.Batches() == std::vector<std::int64_t>(runs, batch));
  }
}

TEST_CASE("a clip alone and among others comes out the same, bit by bit") {
  std::vector<Sample> together;
  for (std::size_t i = 0; i < 6; ++i) {
    together.push_back(ClipSample(i, 1 + i % 4, i == 4 ? 5 : 3));  // one of another size
  }
  Run(*MakeSequence(CellModel(4)), together);
  for (std::size_t i = 0; i < 6; ++i) {
    std::vector<Sample> alone;
    alone.push_back(ClipSample(i, 1 + i % 4, i == 4 ? 5 : 3));
    Run(*MakeSequence(CellModel(1)), alone);
    CHECK(ContentHash(alone[0]) == ContentHash(together[i]));
    CHECK(alone[0].text == together[i].text);
    CHECK(alone[0].scalars == together[i].scalars);
  }
}

TEST_CASE("fields are clips of their own") {
  const auto sample = [] {
    Sample made = ClipSample(1, 3);
    made.images.emplace_back("other", ClipOf(2, 5, 3));
    return made;
  };
  std::vector<Sample> both;
  both.push_back(sample());
  Run(*MakeSequence(CellModel(4)), both);
  CheckClip(both[0], *both[0].Image("image"), 1, "");
  CheckClip(both[0], *both[0].Image("other"), 2, "other.");
  std::vector<Sample> one;
  one.push_back(sample());
  const ImageField before = *one[0].Image("image");
  Run(*MakeSequence(CellModel(4), {"first"}), one, {"other"});
  CheckClip(one[0], *one[0].Image("other"), 2, "first_other.");
  CHECK(one[0].text.size() == 2);
  CHECK(one[0].Image("image")->frames[0].pixels.data == before.frames[0].pixels.data);
}

TEST_CASE("a clip that goes wrong stops; the others go on") {
  const FakeFunction function = [](const std::vector<std::vector<float>>& in) {
    auto out = Cell(in);
    if (in[1][0] > 500) out[1][0] = std::numeric_limits<float>::infinity();
    return out;
  };
  const auto network = CellNetwork({1, -1, -1}, function);
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < 3; ++i) samples.push_back(ClipSample(i, 6));
  samples[1].images[0].second.frames[2].pixels.ptr<float>(0)[0] = 600;
  samples.push_back(ClipSample(3, 2));
  samples[3].images[0].second.frames[1].pixels = cv::Mat::zeros(3, 3, CV_32FC2);
  const auto node = MakeSequence(FakeModel(CellManifest(), {{"cell", network}}, 1));
  const auto errors = Run(*node, samples);
  CHECK_FALSE(errors[0]);
  CHECK_FALSE(errors[2]);
  REQUIRE(errors[1]);
  CHECK(errors[1]->code == "MOD-NAN");
  CHECK(errors[1]->message.starts_with("frame 2: "));
  REQUIRE(errors[3]);
  CHECK(errors[3]->code == "MOD-SHAPE");
  CHECK(network->Batches().size() == 6 + 3 + 6);
  CheckClip(samples[2], samples[2].images[0].second, 2, "");
  CHECK(samples[1].text.empty());
}

TEST_CASE("a cell may take flat frames, and only tell features") {
  Manifest manifest = CellManifest();
  manifest.features = {"level", "pair", "many"};
  const auto network = std::make_shared<FakeNetwork>(
      std::vector<Port>{{"x", {12}}, {"h", {12}}},
      std::vector<Port>{{"h_next", {12}}, {"level", {1}}, {"pair", {2}}, {"many", {17}}},
      [](const std::vector<std::vector<float>>& in) {
        auto out = Cell({in[1], in[0]});
        return std::vector<std::vector<float>>{out[1], out[2], out[3], std::vector<float>(17, 2)};
      });
  manifest.picture.color = PictureInput::Color::kRgb;
  manifest.picture.lo = 0;
  manifest.picture.hi = 255;
  // A gray picture will do: nothing of it comes back.
  std::vector<Sample> samples;
  for (const int type : {CV_8UC3, CV_8UC1}) {
    Sample sample;
    const cv::Mat pixels(2, 2, type, cv::Scalar::all(16));
    sample.images.emplace_back("image", ImageField::Of(pixels));
    samples.push_back(std::move(sample));
  }
  const cv::Mat before = samples[0].images[0].second.frames[0].pixels;
  const auto node = MakeSequence(FakeModel(manifest, {{"cell", network}}, 2));
  for (const auto& error : Run(*node, samples)) {
    CAPTURE((error ? error->message : ""));
    REQUIRE_FALSE(error);
  }
  for (const Sample& sample : samples) {
    CHECK(sample.scalars.at("level_last") == doctest::Approx(kStart / 2 + 16).epsilon(1e-5));
    CHECK(sample.text.contains("many"));
    CHECK_FALSE(sample.scalars.contains("many_0_mean"));
  }
  CHECK(samples[0].images[0].second.frames[0].pixels.data == before.data);
  samples.resize(1);
  samples[0].images[0].second.frames[0].pixels = cv::Mat::zeros(3, 3, CV_8UC3);
  const auto errors = Run(*node, samples);
  REQUIRE(errors[0]);
  CHECK(errors[0]->code == "MOD-SHAPE");
}

TEST_CASE("cells that cannot be played are refused") {
  const auto code = [](const Manifest& manifest, const std::shared_ptr<Network>& cell) {
    try {
      MakeSequence(FakeModel(manifest, {{"cell", cell}}, 1));
    } catch (const ModelRejectedError& e) {
      return e.Code();
    }
    return std::string();
  };
  const auto cell = CellNetwork({1, -1, -1});
  CHECK(code(CellManifest(), cell).empty());
  Manifest manifest = CellManifest();
  manifest.role = ModelRole::kEnhancer;
  CHECK(code(manifest, cell) == "MOD-MANIFEST");
  manifest = CellManifest();
  manifest.state.clear();
  CHECK(code(manifest, cell) == "MOD-SHAPE");
  manifest = CellManifest();
  manifest.state[0].output = "c_next";
  CHECK(code(manifest, cell) == "MOD-SHAPE");
  manifest = CellManifest();
  manifest.features = {"nothing"};
  CHECK(code(manifest, cell) == "MOD-SHAPE");
  manifest = CellManifest();
  manifest.features.clear();
  manifest.state[0].output = "y";
  CHECK(code(manifest, cell) == "MOD-MANIFEST");
  manifest = CellManifest();
  manifest.output.scale = 2;
  CHECK(code(manifest, cell) == "MOD-MANIFEST");
}

// ---- In a graph ---------------------------------------------------------------------------------

struct TestSequence {
  std::int64_t batch = 4;
  static constexpr std::string_view kName = "test_sequence";
  static constexpr std::string_view kDoc = "sequence over the cell.";
  static constexpr auto Params() { return std::tuple{Param("batch", &TestSequence::batch)}; }
  std::shared_ptr<ModelOperator> Make(const Services&) const {
    Manifest manifest = CellManifest();
    manifest.picture.color = PictureInput::Color::kRgb;
    manifest.picture.lo = manifest.output.lo = 0;
    return MakeSequence(
        FakeModel(manifest, {{"cell", CellNetwork({3, -1, -1})}}, static_cast<int>(batch)));
  }
};

TEST_CASE("in a graph the bytes are the same for all threads and batches; stills are short clips") {
  static const Registry& registry = *[] {
    auto* r = new Registry;
    RegisterTestNodes(*r);
    r->AddModel<TestSequence>();
    return r;
  }();
  const auto run = [&](int threads, const std::string& batch, const std::set<std::string>& off) {
    LoadOptions load;
    load.registry = &registry;
    load.disabled_passes = off;
    Pipeline pipeline = Pipeline::Parse(
        "version: 1\nseed: 8\nnodes:\n  in: {test_numbers: {count: 17}}\n"
        "  look: [hflip, {test_sequence: {batch: " +
            batch +
            "}}, {rotate: [-9, 9]}]\n"
            "  out: {test_keep: {name: out}}\n",
        "test.yaml", load);
    Kept().clear();
    pipeline.Run({.threads = threads});
    std::vector<std::string> lines;
    for (const KeptSample& kept : Kept()) {
      lines.push_back(kept.key + " " + std::to_string(kept.hash) + " " + kept.recipe + " " +
                      kept.text.at("level") + kept.text.at("pair"));
    }
    return lines;
  };
  const auto expected = run(1, "1", {"route"});
  REQUIRE(expected.size() == 17);
  for (const std::string batch : {"1", "4", "32"}) {
    for (const int threads : {1, 2, 4}) CHECK(run(threads, batch, {}) == expected);
  }
}

}  // namespace
}  // namespace pixloom
