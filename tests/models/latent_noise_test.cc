// SPDX-License-Identifier: Apache-2.0
// latent_noise over an encoder and a decoder whose algebra is known: the latent is the picture.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "models/nodes.h"
#include "pipeline/error.h"
#include "pipeline/registry.h"
#include "tests/support/fake_networks.h"
#include "tests/support/statistics.h"
#include "tests/support/test_nodes.h"

namespace pixloom {
namespace {

using namespace testing;

constexpr float kDeviation = 2;

// mu = the picture, deviation = kDeviation; and back.
Manifest IdentityManifest(int channels, double hi) {
  Manifest manifest;
  manifest.name = "identity";
  manifest.role = ModelRole::kVae;
  manifest.picture.color = channels == 1 ? PictureInput::Color::kGray : PictureInput::Color::kRgb;
  manifest.picture.hi = hi;
  manifest.output.hi = hi;
  manifest.latent = LatentSpace{{channels, -1, -1}, "z", "mu", "log_var"};
  return manifest;
}

std::vector<std::vector<float>> Encode(const std::vector<std::vector<float>>& in) {
  return {std::vector<float>(in[0].size(), 2 * std::log(kDeviation)), in[0]};
}

std::vector<std::vector<float>> Decode(const std::vector<std::vector<float>>& in) {
  return {in[0]};
}

std::shared_ptr<Model> IdentityModel(int batch, double hi = 1, int channels = 1,
                                     FakeFunction encode = Encode, FakeFunction decode = Decode) {
  const Dims any{channels, -1, -1};
  // The variance comes first: outputs are found by their names.
  return FakeModel(
      IdentityManifest(channels, hi),
      {{"encoder", std::make_shared<FakeNetwork>(std::vector<Port>{{"x", any}},
                                                 std::vector<Port>{{"log_var", any}, {"mu", any}},
                                                 std::move(encode))},
       {"decoder",
        std::make_shared<FakeNetwork>(std::vector<Port>{{"z", any}}, std::vector<Port>{{"y", any}},
                                      std::move(decode))}},
      batch);
}

cv::Mat Ramp(int rows, int cols, int type, double lo, double hi, std::uint64_t seed) {
  cv::Mat pixels(rows, cols, type);
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < cols * pixels.channels(); ++x) {
      const auto at = seed * 1'000'003 + static_cast<std::uint64_t>(y * 4099 + x);
      const double v = lo + (hi - lo) * static_cast<double>(Mix64(at) >> 11) * 0x1p-53;
      if (pixels.depth() == CV_8U) pixels.ptr(y)[x] = static_cast<std::uint8_t>(v);
      if (pixels.depth() == CV_16U) pixels.ptr<std::uint16_t>(y)[x] = static_cast<std::uint16_t>(v);
      if (pixels.depth() == CV_32F) pixels.ptr<float>(y)[x] = static_cast<float>(v);
    }
  }
  return pixels;
}

// Wide enough that nothing is clamped.
Sample FloatSample(std::uint64_t id, std::optional<int> label, int side = 4) {
  Sample sample;
  sample.identity.id = id;
  ImageField field = ImageField::Of(Ramp(side, side, CV_32FC1, 0, 1, id));
  field.range = {-1000, 1000};
  sample.images.emplace_back("image", std::move(field));
  sample.labels.label = label;
  return sample;
}

// A network's range that makes values equal to pixels of FloatSample.
std::shared_ptr<Model> FloatModel(int batch) {
  std::shared_ptr<Model> model = IdentityModel(batch);
  model->manifest.picture.lo = model->manifest.output.lo = -1000;
  model->manifest.picture.hi = model->manifest.output.hi = 1000;
  return model;
}

struct Block {
  std::vector<Sample> samples;
  std::vector<Rng::Record> draws;
  std::vector<std::vector<std::size_t>> parents;
  std::vector<std::optional<DataError>> errors;

  double Drawn(std::size_t i, const std::string& name) const {
    for (const auto& [n, value] : draws[i]) {
      if (n == name) return value;
    }
    FAIL("not drawn: ", name);
    return 0;
  }
  bool Drew(std::size_t i, const std::string& name) const {
    return std::any_of(draws[i].begin(), draws[i].end(),
                       [&](const auto& draw) { return draw.first == name; });
  }
};

Block RunBlock(ModelOperator& node, std::vector<Sample> samples,
               std::vector<std::string> fields = {}) {
  Block block;
  block.samples = std::move(samples);
  block.draws.resize(block.samples.size());
  std::vector<ModelOperator::Item> items;
  for (std::size_t i = 0; i < block.samples.size(); ++i) {
    const Identity& who = block.samples[i].identity;
    const StreamKey key{DrawKey(5, 0, who.branch), who.id, StreamId("look/latent_noise")};
    items.push_back({&block.samples[i], fields, Rng(key.Pixels(), &block.draws[i])});
  }
  block.errors = node.Run(items, false);
  for (const auto& item : items) block.parents.push_back(item.parents);
  return block;
}

std::vector<Sample> FloatSamples(std::size_t count, int classes, int side = 4) {
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < count; ++i) {
    samples.push_back(FloatSample(i + 1, static_cast<int>(i) % classes, side));
  }
  return samples;
}

const cv::Mat& PixelsOf(const Sample& sample) { return sample.images[0].second.frames[0].pixels; }

std::vector<double> ValuesOf(const cv::Mat& pixels) {
  std::vector<double> values;
  for (int y = 0; y < pixels.rows; ++y) {
    for (int x = 0; x < pixels.cols; ++x) {
      values.push_back(static_cast<double>(pixels.ptr<float>(y)[x]));
    }
  }
  return values;
}

std::vector<double> Difference(const Sample& a, const Sample& b) {
  std::vector<double> values = ValuesOf(PixelsOf(a));
  const std::vector<double> others = ValuesOf(PixelsOf(b));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] -= others[i];
  return values;
}

bool SameBytes(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return false;
  const std::size_t row = static_cast<std::size_t>(a.cols) * a.elemSize();
  for (int y = 0; y < a.rows; ++y) {
    if (std::memcmp(a.ptr(y), b.ptr(y), row) != 0) return false;
  }
  return true;
}

LatentNoiseOptions Strength(Range strength, LatentScale scale = LatentScale::kPosterior) {
  LatentNoiseOptions options;
  options.strength = strength;
  options.scale = scale;
  return options;
}

LatentNoiseOptions Towards(Range share, LatentPath path = LatentPath::kLinear) {
  LatentNoiseOptions options = Strength(0);
  options.interpolate = share;
  options.path = path;
  return options;
}

TEST_CASE("without noise the picture comes back, of its own type") {
  for (const int type : {CV_8UC1, CV_16UC1, CV_32FC1, CV_8UC3, CV_16UC3}) {
    CAPTURE(type);
    const double hi = CV_MAT_DEPTH(type) == CV_8U ? 256 : CV_MAT_DEPTH(type) == CV_16U ? 65536 : 1;
    const auto node = MakeLatentNoise(IdentityModel(2, 1, CV_MAT_CN(type)), Strength(0));
    std::vector<Sample> samples;
    std::vector<cv::Mat> before;
    for (const int side : {3, 6, 3, 5, 3}) {
      before.push_back(Ramp(side, side + 1, type, 0, hi, 9));
      Sample sample;
      sample.images.emplace_back("image", ImageField::Of(before.back()));
      samples.push_back(std::move(sample));
    }
    const Block block = RunBlock(*node, std::move(samples));
    for (std::size_t i = 0; i < before.size(); ++i) {
      REQUIRE_FALSE(block.errors[i]);
      const cv::Mat& pixels = PixelsOf(block.samples[i]);
      CHECK(SameBytes(pixels, before[i]));
      CHECK(pixels.data != before[i].data);  // who shared it keeps what it was
      CHECK(block.Drawn(i, "strength") == 0);
      CHECK_FALSE(block.Drew(i, "share"));
    }
  }
}

TEST_CASE("pictures are padded to what the network takes, and cut back") {
  std::shared_ptr<Model> model = IdentityModel(2, 1, 3);
  model->manifest.picture.multiple_of = 4;
  const FakeFunction decode = [](const std::vector<std::vector<float>>& in) {
    CHECK(in[0].size() == 3 * 8 * 12);
    return Decode(in);
  };
  const Dims any{3, -1, -1};
  model->graphs["decoder"] = std::make_shared<FakeNetwork>(std::vector<Port>{{"z", any}},
                                                           std::vector<Port>{{"y", any}}, decode);
  const cv::Mat before = Ramp(5, 9, CV_8UC3, 0, 256, 3);
  std::vector<Sample> samples(1);
  samples[0].images.emplace_back("image", ImageField::Of(before));
  const auto node = MakeLatentNoise(model, Strength(0));
  CHECK(node->Refuses(Meta{Size{9, 5}, Depth::kU8, 3}).empty());
  const Block block = RunBlock(*node, std::move(samples));
  REQUIRE_FALSE(block.errors[0]);
  CHECK(SameBytes(PixelsOf(block.samples[0]), before));
}

TEST_CASE("noise is as strong as drawn, and as wide as the posterior or as the prior") {
  const std::vector<Sample> before = FloatSamples(6, 3);
  const auto run = [](const LatentNoiseOptions& options) {
    return RunBlock(*MakeLatentNoise(FloatModel(4), options), FloatSamples(6, 3));
  };
  const Block one = run(Strength(1, LatentScale::kUnit));
  const Block half = run(Strength(0.5, LatentScale::kUnit));
  const Block wide = run(Strength(1));
  const Block some = run(Strength({0.3, 1.0}));
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double strength = some.Drawn(i, "strength");
    CHECK(strength >= 0.3);
    CHECK(strength <= 1);
    const std::vector<double> n = Difference(one.samples[i], before[i]);
    const std::vector<double> h = Difference(half.samples[i], before[i]);
    const std::vector<double> w = Difference(wide.samples[i], before[i]);
    const std::vector<double> s = Difference(some.samples[i], before[i]);
    for (std::size_t k = 0; k < n.size(); ++k) {
      REQUIRE(std::abs(n[k]) > 1e-6);
      CHECK(std::abs(h[k] - 0.5 * n[k]) < 3e-4);
      CHECK(std::abs(w[k] - kDeviation * n[k]) < 3e-4);
      CHECK(std::abs(s[k] - strength * kDeviation * n[k]) < 3e-4);
    }
    CHECK(some.samples[i].labels.label == before[i].labels.label);
  }
}

TEST_CASE("the noise is normal, and each picture has its own") {
  // 25 samples of 64 x 64 values: two fields, the first of two frames.
  std::vector<Sample> samples;
  std::vector<Sample> before;
  for (std::uint64_t id = 1; id <= 25; ++id) {
    Sample sample = FloatSample(id, 0, 64);
    sample.images[0].second.frames.push_back(sample.images[0].second.frames[0]);
    sample.images.emplace_back("target", sample.images[0].second);
    before.push_back(sample.Clone());
    samples.push_back(std::move(sample));
  }
  const Block block = RunBlock(*MakeLatentNoise(FloatModel(8), Strength(0.5)), std::move(samples));
  std::vector<std::vector<double>> streams(4);  // by picture of the sample
  for (std::size_t i = 0; i < before.size(); ++i) {
    std::size_t at = 0;
    for (std::size_t f = 0; f < 2; ++f) {
      for (std::size_t t = 0; t < 2; ++t) {
        const auto now = ValuesOf(block.samples[i].images[f].second.frames[t].pixels);
        const auto was = ValuesOf(before[i].images[f].second.frames[t].pixels);
        for (std::size_t k = 0; k < now.size(); ++k) streams[at].push_back(now[k] - was[k]);
        ++at;
      }
    }
  }
  const double limit = 3.29 / std::sqrt(102'400);
  for (std::size_t a = 0; a < 4; ++a) {
    REQUIRE(streams[a].size() == 102'400);
    const Moments moments = MomentsOf(streams[a]);  // 0.5 x 2
    CHECK(std::abs(moments.mean) < limit);
    CHECK(std::abs(moments.deviation - 1) < limit / std::sqrt(2.0));
    CHECK(Follows(streams[a], [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }));
    for (std::size_t b = a + 1; b < 4; ++b) {
      CHECK(std::abs(Correlation(streams[a], streams[b])) < limit);
    }
    // Of neighbours in the block.
    std::vector<double> next(streams[a].begin() + 4096, streams[a].end());
    std::vector<double> own(streams[a].begin(), streams[a].end() - 4096);
    CHECK(std::abs(Correlation(own, next)) < limit);
  }
}

TEST_CASE("nothing depends on how samples come together, unless they are mixed") {
  const auto run = [](int batch, std::size_t block) {
    const auto node = MakeLatentNoise(FloatModel(batch), Strength({0.3, 1}));
    std::vector<Sample> all = FloatSamples(11, 3);
    all[4] = FloatSample(5, 1, 6);  // of another size
    std::vector<Sample> results;
    for (std::size_t first = 0; first < all.size(); first += block) {
      std::vector<Sample> some;
      for (std::size_t i = first; i < std::min(first + block, all.size()); ++i) {
        some.push_back(std::move(all[i]));
      }
      Block done = RunBlock(*node, std::move(some));
      std::move(done.samples.begin(), done.samples.end(), std::back_inserter(results));
    }
    return results;
  };
  const std::vector<Sample> expected = run(1, 1);
  for (const int batch : {1, 2, 4, 16}) {
    for (const std::size_t block : {1, 3, 8, 11}) {
      const std::vector<Sample> results = run(batch, block);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(SameBytes(PixelsOf(results[i]), PixelsOf(expected[i])));
      }
    }
  }
}

TEST_CASE("pictures go towards another one of their class") {
  const std::vector<Sample> before = FloatSamples(9, 3);
  for (const double share : {0.0, 0.25, 1.0}) {
    CAPTURE(share);
    const Block block = RunBlock(*MakeLatentNoise(FloatModel(4), Towards({share, share + 1e-9})),
                                 FloatSamples(9, 3));
    for (std::size_t i = 0; i < 9; ++i) {
      REQUIRE_FALSE(block.errors[i]);
      const double drawn = block.Drawn(i, "share");
      REQUIRE(block.parents[i].size() == 1);
      const std::size_t partner = block.parents[i][0];
      CHECK(partner != i);
      CHECK(partner % 3 == i % 3);
      CHECK(block.Drawn(i, "partner") < 2);
      const auto own = ValuesOf(PixelsOf(before[i]));
      const auto other = ValuesOf(PixelsOf(before[partner]));
      const auto now = ValuesOf(PixelsOf(block.samples[i]));
      for (std::size_t k = 0; k < own.size(); ++k) {
        CHECK(std::abs(now[k] - ((1 - drawn) * own[k] + drawn * other[k])) < 3e-4);
      }
    }
  }
}

TEST_CASE("a share of nothing has no parents, and every partner comes as often") {
  Range some;
  some.choice = {0, 0.5};
  const Block block = RunBlock(*MakeLatentNoise(FloatModel(4), Towards(some)), FloatSamples(20, 1));
  std::size_t stay = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(block.Drew(i, "partner"));
    CHECK(block.parents[i].empty() == (block.Drawn(i, "share") == 0));
    stay += block.parents[i].empty() ? 1 : 0;
  }
  CHECK(stay > 2);
  CHECK(stay < 18);
  std::vector<int> counts(4, 0);
  for (std::uint64_t first = 0; first < 4000; first += 5) {
    std::vector<Sample> samples;
    for (std::uint64_t i = 0; i < 5; ++i) samples.push_back(FloatSample(first + i + 1, 2));
    const Block five =
        RunBlock(*MakeLatentNoise(FloatModel(8), Towards({0.1, 0.5})), std::move(samples));
    for (std::size_t i = 0; i < 5; ++i)
      ++counts[static_cast<std::size_t>(five.Drawn(i, "partner"))];
  }
  CHECK(LooksUniform(counts));
}

TEST_CASE("without a partner there is noise alone") {
  std::vector<Sample> samples = FloatSamples(2, 2);
  samples.push_back(FloatSample(7, std::nullopt));
  samples.push_back(FloatSample(8, std::nullopt));
  samples.push_back(FloatSample(9, 0, 6));  // its latent is of another size
  Sample named = FloatSample(10, 1);        // class 1 of another set
  named.names = std::make_shared<LabelNames>(LabelNames{{"cat", "dog"}, {}, {}, {}});
  samples.push_back(std::move(named));
  LatentNoiseOptions options = Strength({0.3, 1});
  std::vector<Sample> again;
  for (const Sample& sample : samples) again.push_back(sample.Clone());
  const Block plain = RunBlock(*MakeLatentNoise(FloatModel(4), options), std::move(again));
  options.interpolate = {0.5, 0.9};
  const Block block = RunBlock(*MakeLatentNoise(FloatModel(4), options), std::move(samples));
  for (std::size_t i = 0; i < block.samples.size(); ++i) {
    CAPTURE(i);
    CHECK(block.Drawn(i, "partners") == 0);
    CHECK_FALSE(block.Drew(i, "partner"));
    CHECK(block.parents[i].empty());
    CHECK(SameBytes(PixelsOf(block.samples[i]), PixelsOf(plain.samples[i])));
  }
}

TEST_CASE("the arc keeps the length of latents of one length") {
  std::vector<Sample> samples;
  for (std::uint64_t id = 1; id <= 2; ++id) {
    Sample sample = FloatSample(id, 0, 2);
    cv::Mat pixels = cv::Mat::zeros(2, 2, CV_32FC1);
    pixels.ptr<float>(0)[id - 1] = 10;
    sample.images[0].second.frames[0].pixels = pixels;
    samples.push_back(std::move(sample));
  }
  const Block block = RunBlock(
      *MakeLatentNoise(FloatModel(2), Towards({0.2, 0.8}, LatentPath::kSlerp)), std::move(samples));
  for (std::size_t i = 0; i < 2; ++i) {
    const double angle = block.Drawn(i, "share") * std::acos(-1.0) / 2;
    const auto now = ValuesOf(PixelsOf(block.samples[i]));
    CHECK(std::abs(now[i] - 10 * std::cos(angle)) < 3e-4);
    CHECK(std::abs(now[1 - i] - 10 * std::sin(angle)) < 3e-4);
    CHECK(std::abs(now[2]) < 3e-4);
  }
}

TEST_CASE("only the fields asked for change") {
  Sample sample = FloatSample(3, 0);
  sample.images.emplace_back("target", sample.images[0].second);
  std::vector<Sample> samples;
  samples.push_back(sample.Clone());
  const Block block =
      RunBlock(*MakeLatentNoise(FloatModel(2), Strength(1)), std::move(samples), {"target"});
  CHECK(SameBytes(PixelsOf(block.samples[0]), PixelsOf(sample)));
  CHECK_FALSE(SameBytes(block.samples[0].images[1].second.frames[0].pixels, PixelsOf(sample)));
}

TEST_CASE("what a network cannot do is an error of that sample alone") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const FakeFunction encode = [](const std::vector<std::vector<float>>& in) {
    auto out = Encode(in);
    if (in[0][0] > 500) out[1][0] = kNan;
    return out;
  };
  const FakeFunction decode = [](const std::vector<std::vector<float>>& in) {
    auto out = Decode(in);
    if (in[0][0] < -500) out[0][0] = kNan;
    return out;
  };
  std::shared_ptr<Model> model = IdentityModel(3, 1000, 1, encode, decode);
  model->manifest.picture.lo = model->manifest.output.lo = -1000;
  std::vector<Sample> samples = FloatSamples(7, 1);
  samples[2].images[0].second.frames[0].pixels.ptr<float>(0)[0] = 600;
  samples[4].images[0].second.frames[0].pixels.ptr<float>(0)[0] = -600;
  samples[5].images[0].second.frames[0].pixels = cv::Mat::zeros(3, 3, CV_32FC2);
  LatentNoiseOptions options = Strength(0.1);
  options.interpolate = {1e-9, 2e-9};
  const Block block = RunBlock(*MakeLatentNoise(model, options), std::move(samples));
  for (std::size_t i = 0; i < 7; ++i) {
    CAPTURE(i);
    if (i == 2 || i == 4) {
      REQUIRE(block.errors[i]);
      CHECK(block.errors[i]->code == "MOD-NAN");
    } else if (i == 5) {
      REQUIRE(block.errors[i]);
      CHECK(block.errors[i]->code == "MOD-SHAPE");
    } else {
      CHECK_FALSE(block.errors[i]);
      REQUIRE(block.parents[i].size() == 1);
      CHECK(block.parents[i][0] != 2);  // it has no latent
      CHECK(block.parents[i][0] != 5);
    }
  }
}

TEST_CASE("a network that takes the class is told it, by name of the input") {
  Manifest manifest = IdentityManifest(1, 1000);
  manifest.picture.lo = manifest.output.lo = -1000;
  manifest.condition = "class";
  manifest.classes = {"a", "b", "c"};
  const Dims any{1, -1, -1};
  // The decoder takes the class first.
  const auto model =
      FakeModel(manifest,
                {{"encoder", std::make_shared<FakeNetwork>(
                                 std::vector<Port>{{"x", any}, {"class", {3}}},
                                 std::vector<Port>{{"log_var", any}, {"mu", any}},
                                 [](const auto& in) {
                                   auto out = Encode({in[0]});
                                   out[1][0] = 10 * in[1][0] + 20 * in[1][1] + 30 * in[1][2];
                                   return out;
                                 })},
                 {"decoder",
                  std::make_shared<FakeNetwork>(std::vector<Port>{{"class", {3}}, {"z", {1, 4, 4}}},
                                                std::vector<Port>{{"y", {1, 4, 4}}},
                                                [](const auto& in) {
                                                  auto out = Decode({in[1]});
                                                  out[0][1] =
                                                      in[0][0] + 2 * in[0][1] + 3 * in[0][2];
                                                  return out;
                                                })}},
                4);
  std::vector<Sample> samples = FloatSamples(5, 5);
  samples.push_back(FloatSample(9, std::nullopt));
  const Block block = RunBlock(*MakeLatentNoise(model, Strength(0)), std::move(samples));
  for (std::size_t i = 0; i < 6; ++i) {
    CAPTURE(i);
    if (i >= 3) {
      REQUIRE(block.errors[i]);
      CHECK(block.errors[i]->code == "MOD-CLASS");
      continue;
    }
    REQUIRE_FALSE(block.errors[i]);
    const auto values = ValuesOf(PixelsOf(block.samples[i]));
    CHECK(values[0] == doctest::Approx(10.0 * static_cast<double>(i + 1)).epsilon(1e-4));
    CHECK(values[1] == doctest::Approx(static_cast<double>(i + 1)).epsilon(1e-4));
  }
}

TEST_CASE("models that are nothing for it are refused") {
  const auto code = [](const std::shared_ptr<Model>& model) -> std::string {
    try {
      MakeLatentNoise(model, {});
    } catch (const ModelRejectedError& e) {
      return e.Code();
    }
    return "";
  };
  CHECK(code(IdentityModel(1)).empty());
  std::shared_ptr<Model> model = IdentityModel(1);
  model->manifest.role = ModelRole::kEnhancer;
  CHECK(code(model) == "MOD-MANIFEST");
  model = IdentityModel(1);
  model->graphs.erase("decoder");
  CHECK(code(model) == "MOD-MANIFEST");
  model = IdentityModel(1);
  model->manifest.latent->mean = "nu";
  CHECK(code(model) == "MOD-SHAPE");
  model = IdentityModel(1);
  model->manifest.latent->input = "w";
  CHECK(code(model) == "MOD-SHAPE");
  // Without a variance there is no posterior.
  model = IdentityModel(1);
  model->manifest.latent->log_variance = "";
  CHECK(MakeLatentNoise(model, {})->Refuses({}).find("set scale: unit") != std::string::npos);
  CHECK(MakeLatentNoise(model, Strength(1, LatentScale::kUnit))->Refuses({}).empty());
  CHECK(MakeLatentNoise(model, Strength(0))->Refuses({}).empty());
}

// ---- In a graph ---------------------------------------------------------------------------------

class LabelledSource final : public Source {
 public:
  Result<std::vector<SourceEntry>, std::string> List(
      const std::function<void(std::string)>&) override {
    std::vector<SourceEntry> entries;
    for (int i = 0; i < 21; ++i) entries.push_back({std::to_string(i)});
    return entries;
  }
  Result<Sample> Read(const SourceEntry& entry) const override {
    const int i = std::stoi(entry.key);
    Sample sample;
    sample.images.emplace_back(
        "image", ImageField::Of(Ramp(8, 8, CV_8UC3, 0, 256, static_cast<std::uint64_t>(i))));
    sample.labels.label = i % 3;
    return sample;
  }
  Meta OutputMeta() const override { return {}; }
};

struct TestLabelled {
  std::int64_t unused = 0;
  static constexpr std::string_view kName = "test_labelled";
  static constexpr std::string_view kDoc = "Small pictures of three classes.";
  static constexpr auto Params() { return std::tuple{Param("unused", &TestLabelled::unused)}; }
  std::unique_ptr<Source> Make(const Services&) const { return std::make_unique<LabelledSource>(); }
};

struct TestLatent : LatentNoiseOptions {
  std::int64_t batch = 4;
  static constexpr std::string_view kName = "test_latent";
  static constexpr std::string_view kDoc = "latent_noise over the identity.";
  static constexpr auto Params() {
    using T = TestLatent;
    return std::tuple{Param("batch", &T::batch), Param<T, Range>("strength", &T::strength),
                      Param<T, Range>("interpolate", &T::interpolate)};
  }
  std::shared_ptr<ModelOperator> Make(const Services&) const {
    LatentNoiseOptions options = *this;
    options.scale = LatentScale::kUnit;
    return MakeLatentNoise(IdentityModel(static_cast<int>(batch), 1, 3), options);
  }
};

std::vector<std::string> RunGraph(const std::string& step, const RunOptions& options,
                                  const std::set<std::string>& disabled = {}) {
  static const Registry& registry = *[] {
    auto* r = new Registry;
    RegisterTestNodes(*r);
    r->AddSource<TestLabelled>();
    r->AddModel<TestLatent>();
    return r;
  }();
  LoadOptions load;
  load.registry = &registry;
  load.disabled_passes = disabled;
  Pipeline pipeline = Pipeline::Parse(
      "version: 1\nseed: 8\nnodes:\n  in: {test_labelled: {}}\n  two: {copies: 2}\n"
      "  look: " +
          step + "\n  out: {test_keep: {name: out}}\n",
      "test.yaml", load);
  Kept().clear();
  pipeline.Run(options);
  std::vector<std::string> lines;
  for (const KeptSample& kept : Kept()) {
    lines.push_back(kept.key + " " + BranchText(kept.branch) + " " + std::to_string(kept.hash) +
                    " " + kept.recipe);
  }
  return lines;
}

TEST_CASE("in a graph the bytes are the same for all threads and batches") {
  const std::string chain = "[hflip, {test_latent: {batch: %}}, {rotate: [-9, 9]}]";
  const auto with = [&](const std::string& batch) {
    std::string text = chain;
    return text.replace(text.find('%'), 1, batch);
  };
  const auto expected = RunGraph(with("1"), {.threads = 1}, {"route"});
  REQUIRE(expected.size() == 42);
  CHECK(std::set<std::string>(expected.begin(), expected.end()).size() == 42);
  for (const std::string batch : {"1", "4", "7", "64"}) {
    for (const int threads : {1, 2, 4}) {
      CHECK(RunGraph(with(batch), {.threads = threads}) == expected);
    }
  }
  // Who is mixed with whom depends on the block, and on nothing else.
  const std::string mixed = "[{test_latent: {batch: 8, interpolate: [0.2, 0.5]}}]";
  const auto once = RunGraph(mixed, {.threads = 1});
  for (const int threads : {2, 4}) CHECK(RunGraph(mixed, {.threads = threads}) == once);
  CHECK(std::any_of(once.begin(), once.end(), [](const std::string& line) {
    return line.find("\"parents\"") != std::string::npos;
  }));
}

}  // namespace
}  // namespace pixloom
