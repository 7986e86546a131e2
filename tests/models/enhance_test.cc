// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "models/nodes.h"
#include "pipeline/rle.h"
#include "tests/models/item_network.h"
#include "tests/models/sample_tools.h"

namespace pixloom::testing {
namespace {

std::shared_ptr<Model> Enhancer(FakeItem item, Dims in = {3, -1, -1}, Dims out = {3, -1, -1}) {
  return FakeModel(ModelRole::kEnhancer, std::move(item), std::move(in), std::move(out));
}

TEST_CASE("an identity gives back the bytes, whatever the size, the type and the rules") {
  for (const int type : {CV_8UC3, CV_16UC3, CV_8UC4, CV_16UC4}) {
    for (int h = 1; h <= 9; ++h) {
      for (const int w : {1, 2, 5, 7, 17}) {
        for (const int unit : {1, 4, 8}) {
          auto model = Enhancer(Identity());
          model->manifest.picture.multiple_of = unit;
          model->manifest.picture.least = unit == 4 ? 16 : 1;
          model->manifest.picture.lo = model->manifest.output.lo = -1;
          model->manifest.picture.color = PictureInput::Color::kBgr;
          const cv::Mat pixels = NoisePicture(h, w, type, 3);
          std::vector<Sample> samples = SamplesOf({pixels});
          REQUIRE(ErrorsOf(*MakeEnhance(model, {}), samples) == "");
          REQUIRE(SamePixels(PixelsOf(samples[0]), pixels));
          const Dims& dims = MainOf(*model).runs[0];
          REQUIRE(dims[2] % unit == 0);
          REQUIRE(dims[2] >= std::max<std::int64_t>(h, unit == 4 ? 16 : 1));
        }
      }
    }
  }
}

TEST_CASE("gray networks take gray, luma networks both, and colours are kept") {
  auto gray = Enhancer(Map([](float v) { return v + 10 / 255.0F; }), {1, -1, -1}, {1, -1, -1});
  std::vector<Sample> samples = SamplesOf({NoisePicture(7, 5, CV_8UC1, 1)});
  const cv::Mat before = PixelsOf(samples[0]).clone();
  REQUIRE(ErrorsOf(*MakeEnhance(gray, {}), samples) == "");
  cv::Mat wanted = before + 10;
  CHECK(SamePixels(PixelsOf(samples[0]), wanted));

  samples = SamplesOf({NoisePicture(7, 5, CV_8UC3, 1)});
  CHECK(ErrorsOf(*MakeEnhance(gray, {}), samples).find("to_gray") != std::string::npos);

  auto luma = Enhancer(Map([](float v) { return v + 10 / 255.0F; }), {1, -1, -1}, {1, -1, -1});
  luma->manifest.picture.color = PictureInput::Color::kY;
  const cv::Mat colours = NoisePicture(7, 5, CV_8UC3, 1);
  samples = SamplesOf({colours});
  REQUIRE(ErrorsOf(*MakeEnhance(luma, {}), samples) == "");
  wanted = colours + cv::Scalar(10, 10, 10);
  CHECK(cv::norm(PixelsOf(samples[0]), wanted, cv::NORM_INF) == 0);
}

TEST_CASE("tiles give what the whole picture gives") {
  for (const int type : {CV_32FC3, CV_8UC3}) {
    for (const int radius : {1, 3}) {
      auto model = Enhancer(Convolution(radius));
      model->manifest.tiling.overlap = radius;
      for (const auto& [h, w] : {std::pair{150, 201}, {64, 300}, {65, 65}, {40, 40}}) {
        const cv::Mat pixels = NoisePicture(h, w, type, 4);
        std::vector<Sample> whole = SamplesOf({pixels}), tiled = SamplesOf({pixels});
        REQUIRE(ErrorsOf(*MakeEnhance(model, {}), whole) == "");
        REQUIRE(ErrorsOf(*MakeEnhance(model, {.tile = 64}), tiled) == "");
        const Dims& last = MainOf(*model).runs.back();
        CHECK(std::max(last[2], last[3]) == std::min(64, std::max(h, w)));
        const double most = cv::norm(PixelsOf(whole[0]), PixelsOf(tiled[0]), cv::NORM_INF);
        CHECK(most <= (type == CV_32FC3 ? 1e-5 : 1));
      }
    }
  }
}

TEST_CASE("large pictures are cut up by themselves, unless the manifest is against it") {
  auto model = Enhancer(Identity());
  const cv::Mat large = NoisePicture(1100, 1000, CV_8UC3, 2);
  std::vector<Sample> samples = SamplesOf({large});
  REQUIRE(ErrorsOf(*MakeEnhance(model, {}), samples) == "");
  CHECK(MainOf(*model).runs[0] == Dims{1, 3, 512, 512});
  CHECK(SamePixels(PixelsOf(samples[0]), large));

  for (const auto mode : {Tiling::Mode::kDiscouraged, Tiling::Mode::kNever}) {
    auto whole = Enhancer(Identity());
    whole->manifest.tiling.mode = mode;
    REQUIRE(ErrorsOf(*MakeEnhance(whole, {}), samples) == "");
    CHECK(MainOf(*whole).runs[0] == Dims{1, 3, 1100, 1000});
    if (mode == Tiling::Mode::kNever) {
      CHECK_THROWS_WITH_AS(MakeEnhance(whole, {.tile = 256}), doctest::Contains("leave tile out"),
                           ModelRejectedError);
    } else {
      REQUIRE(ErrorsOf(*MakeEnhance(whole, {.tile = 256}), samples) == "");
      CHECK(MainOf(*whole).runs.back() == Dims{1, 3, 256, 256});
    }
  }
}

TEST_CASE("who else is in the block does not matter") {
  std::vector<cv::Mat> pictures;
  for (int i = 0; i < 9; ++i) {
    const int type = i % 4 == 3 ? CV_16UC3 : CV_8UC3;
    pictures.push_back(
        NoisePicture(30 + 40 * (i % 3), 90 + (i % 2), type, static_cast<std::uint64_t>(i)));
  }
  const auto run = [&](const std::vector<std::vector<std::size_t>>& blocks, int batch) {
    auto model = Enhancer(Convolution(1));
    model->batch = batch;
    const auto enhance =
        MakeEnhance(model, {.strength = Range(0.2, 1), .batch = batch, .tile = 64, .overlap = 1});
    std::vector<cv::Mat> made(pictures.size());
    for (const auto& block : blocks) {
      std::vector<cv::Mat> some;
      for (const std::size_t i : block) some.push_back(pictures[i]);
      std::vector<Sample> samples = SamplesOf(some);
      for (std::size_t k = 0; k < block.size(); ++k) samples[k].identity.id = block[k];
      REQUIRE(ErrorsOf(*enhance, samples) == "");
      for (std::size_t k = 0; k < block.size(); ++k) made[block[k]] = PixelsOf(samples[k]);
    }
    for (const Dims& dims : MainOf(*model).runs) REQUIRE(dims[0] == batch);
    return made;
  };
  const auto alone = run({{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}}, 4);
  const auto same = [&](const std::vector<cv::Mat>& made) {
    for (std::size_t i = 0; i < made.size(); ++i) {
      if (!SamePixels(alone[i], made[i])) return false;
    }
    return true;
  };
  CHECK(same(run({{0, 1, 2, 3, 4, 5, 6, 7, 8}}, 4)));
  CHECK(same(run({{8, 7, 6}, {5, 4, 3, 2}, {1, 0}}, 4)));
  CHECK(same(run({{0, 3, 6, 1, 4, 7, 2, 5, 8}}, 7)));
  CHECK(same(run({{0, 1, 2, 3, 4}, {5, 6, 7, 8}}, 1)));
}

TEST_CASE("strength is drawn once for each sample, has a name, and blends") {
  auto model = Enhancer(Map([](float) { return 1.0F; }));
  const auto enhance = MakeEnhance(model, {.strength = Range(0, 1)});
  std::vector<Sample> samples = SamplesOf(
      {cv::Mat(4, 4, CV_8UC3, cv::Scalar::all(55)), cv::Mat(4, 4, CV_8UC3, cv::Scalar::all(55))});
  samples[1].images.emplace_back("target",
                                 ImageField::Of(cv::Mat(2, 2, CV_8UC3, cv::Scalar::all(155))));
  std::vector<Rng::Record> draws;
  REQUIRE(ErrorsOf(*enhance, samples, false, &draws) == "");
  for (std::size_t i = 0; i < 2; ++i) {
    REQUIRE(draws[i].size() == 1);
    CHECK(draws[i][0].first == "strength");
    const double wanted = 55 + 200 * draws[i][0].second;
    CHECK(std::abs(PixelsOf(samples[i]).at<cv::Vec3b>(1, 2)[1] - wanted) <= 0.5001);
  }
  CHECK(draws[0][0].second != draws[1][0].second);
  const cv::Mat& target = samples[1].images[1].second.frames[0].pixels;
  CHECK(std::abs(target.at<cv::Vec3b>(1, 1)[2] - (155 + 100 * draws[1][0].second)) <= 0.5001);
}

TEST_CASE("labels follow when the picture is enlarged") {
  auto model = Enhancer(Repeat(2));
  model->manifest.output.scale = 2;
  const auto enhance = MakeEnhance(model, {.tile = 16, .overlap = 2});
  const cv::Mat pixels = NoisePicture(23, 41, CV_8UC4, 6);
  std::vector<Sample> samples = SamplesOf({pixels});
  Sample& sample = samples[0];
  Instance one, two;
  one.quad = BoxQuad(3, 4, 10.5, 20);
  one.polygons = {{{{{1, 2}, {30, 2}, {15, 20.25}}}}};
  one.keypoints = {{{7.5, 8.5}, 2, 0.5, 1.5}};
  one.original_area = 120;
  one.mask = cv::Mat(23, 41, CV_8U, cv::Scalar(0));
  one.mask.at<std::uint8_t>(22, 40) = one.mask.at<std::uint8_t>(3, 5) = 255;
  cv::Mat runs(23, 41, CV_8U, cv::Scalar(0));
  runs.at<std::uint8_t>(10, 11) = 255;
  two.rle = Rle{};
  two.SetBits(runs);
  sample.instances.push_back(one);
  sample.instances.push_back(two);
  cv::Mat classes(23, 41, CV_16U);
  for (int y = 0; y < 23; ++y) {
    for (int x = 0; x < 41; ++x) {
      classes.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(y * 41 + x);
    }
  }
  sample.masks["classes"].pixels = classes.clone();
  REQUIRE(ErrorsOf(*enhance, samples) == "");

  const cv::Mat& made = PixelsOf(sample);
  REQUIRE(made.size() == cv::Size(82, 46));
  bool right = true;
  for (int y = 0; y < 46; ++y) {
    for (int x = 0; x < 82; ++x) {
      right = right && made.at<cv::Vec4b>(y, x) == pixels.at<cv::Vec4b>(y / 2, x / 2) &&
              sample.masks["classes"].pixels.at<std::uint16_t>(y, x) ==
                  classes.at<std::uint16_t>(y / 2, x / 2) &&
              sample.instances[0].mask.at<std::uint8_t>(y, x) ==
                  one.mask.at<std::uint8_t>(y / 2, x / 2);
    }
  }
  CHECK(right);
  const Instance& moved = sample.instances[0];
  CHECK(Bounds(*moved.quad) == std::array<double, 4>{6, 8, 21, 40});
  CHECK(moved.polygons[0].rings[0][2] == Point(30, 40.5));
  CHECK(moved.keypoints[0].at == Point(15, 17));
  CHECK(moved.keypoints[0].scale == 3);
  CHECK(moved.keypoints[0].angle == doctest::Approx(0.5));
  CHECK(moved.original_area == 480);
  const cv::Mat bits = sample.instances[1].Bits();
  CHECK(cv::countNonZero(bits) == 4);
  CHECK(bits.at<std::uint8_t>(21, 23) == 255);

  Meta meta;
  meta.size = Size{41, 23};
  CHECK(enhance->OutputMeta(meta).size == Size{82, 46});
}

TEST_CASE("all pictures of a sample are enlarged, or none") {
  auto model = Enhancer(Repeat(3));
  model->manifest.output.scale = 3;
  const auto enhance = MakeEnhance(model, {});
  std::vector<Sample> samples = SamplesOf({NoisePicture(4, 5, CV_8UC3, 1)});
  samples[0].images.emplace_back("target", ImageField::Of(NoisePicture(4, 5, CV_8UC3, 2)));
  samples[0].images[1].second.frames.push_back({nullptr, NoisePicture(4, 5, CV_8UC3, 3)});
  const std::vector<std::string> fields{"image"};
  std::vector<Sample> other;
  other.push_back(samples[0].Clone());
  CHECK(ErrorsOf(*enhance, other, false, nullptr, fields).find("not 'target'") !=
        std::string::npos);
  REQUIRE(ErrorsOf(*enhance, samples) == "");
  for (const Frame& frame : samples[0].images[1].second.frames) {
    CHECK(frame.size() == Size{15, 12});
  }
}

TEST_CASE("when memory runs out: smaller batches, then smaller tiles, and never again too large") {
  auto model = Enhancer(Convolution(1));
  model->manifest.tiling.overlap = 1;
  MainOf(*model).most_values = 3 * 130 * 130;
  MainOf(*model).device = "cuda:0";
  const cv::Mat pixels = NoisePicture(300, 400, CV_32FC3, 1);
  const auto enhance = MakeEnhance(model, {});

  std::vector<Sample> samples = SamplesOf({pixels, pixels});
  CHECK_THROWS_WITH_AS(ErrorsOf(*enhance, samples, false), doctest::Contains("set batch: "),
                       EnvironmentError);
  CHECK(SamePixels(PixelsOf(samples[0]), pixels));
  REQUIRE(ErrorsOf(*enhance, samples, true) == "");
  const std::size_t tried = MainOf(*model).runs.size();
  CHECK(MainOf(*model).runs.back() == Dims{1, 3, 100, 100});

  auto plenty = Enhancer(Convolution(1));
  std::vector<Sample> wanted = SamplesOf({pixels});
  REQUIRE(ErrorsOf(*MakeEnhance(plenty, {}), wanted) == "");
  for (const Sample& sample : samples) {
    CHECK(cv::norm(PixelsOf(wanted[0]), PixelsOf(sample), cv::NORM_INF) < 1e-5);
  }
  samples = SamplesOf({pixels});
  REQUIRE(ErrorsOf(*enhance, samples, true) == "");
  for (std::size_t i = tried; i < MainOf(*model).runs.size(); ++i) {
    CHECK(MainOf(*model).runs[i] == Dims{1, 3, 100, 100});
  }

  MainOf(*model).most_values = 3 * 50 * 50;
  CHECK_THROWS_WITH_AS(ErrorsOf(*enhance, samples, true), doctest::Contains("64x64"),
                       EnvironmentError);
}

TEST_CASE("it gives up where the overlap, the grid or the manifest allow no smaller tile") {
  const cv::Mat pixels = NoisePicture(300, 400, CV_8UC3, 1);
  const auto fails = [&](const std::shared_ptr<Model>& model, int batch) {
    MainOf(*model).most_values = 500;
    std::vector<Sample> samples = SamplesOf({pixels});
    try {
      (void)RunOn(*MakeEnhance(model, {.batch = batch}), samples, true);
    } catch (const EnvironmentError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  auto grid = Enhancer(Identity());
  grid->manifest.picture.multiple_of = 64;
  CHECK(fails(grid, 0).find("192x192 px are the smallest") != std::string::npos);
  auto wide = Enhancer(Identity());
  wide->manifest.tiling.overlap = 50;
  CHECK(fails(wide, 0).find("150x150 px are the smallest") != std::string::npos);
  auto whole = Enhancer(Identity());
  whole->manifest.tiling.mode = Tiling::Mode::kNever;
  CHECK(fails(whole, 0).find("400x300 px are the smallest") != std::string::npos);
  auto fixed = Enhancer(Identity());
  fixed->manifest.fixed_batch = true;
  CHECK(fails(fixed, 0).find("out of memory") != std::string::npos);
  for (const Dims& run : MainOf(*fixed).runs) CHECK(run[0] == 4);
}

TEST_CASE("explicit sizes that do not fit stop an offline run with the size to set") {
  auto model = Enhancer(Identity());
  MainOf(*model).most_values = 3 * 300 * 300;
  std::vector<Sample> samples = SamplesOf({NoisePicture(512, 512, CV_8UC3, 1)});
  CHECK_THROWS_WITH_AS(ErrorsOf(*MakeEnhance(model, {.batch = 4}), samples),
                       doctest::Contains("tile: 256"), EnvironmentError);
}

TEST_CASE("a value that is not a number is the fault of its picture alone") {
  // Becomes NaN where a pixel is exactly white.
  const FakeItem item =
      Map([](float v) { return v == 1 ? std::numeric_limits<float>::quiet_NaN() : v; });
  for (const int tile : {0, 32}) {
    auto model = Enhancer(item);
    std::vector<Sample> samples;
    for (int i = 0; i < 5; ++i) {
      cv::Mat pixels(100, 90, CV_8UC3, cv::Scalar::all(20 + i));
      if (i == 1) pixels.at<cv::Vec3b>(50, 45)[1] = 255;
      if (i == 3) pixels.at<cv::Vec3b>(0, 0)[1] = 255;
      samples.push_back(std::move(SamplesOf({pixels})[0]));
    }
    const auto errors = RunOn(*MakeEnhance(model, {.tile = tile, .overlap = 3}), samples);
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(errors[i].has_value() == (i % 2 == 1));
      if (errors[i])
        CHECK(errors[i]->code == "MOD-NAN");
      else
        CHECK(
            SamePixels(PixelsOf(samples[i]),
                       cv::Mat(100, 90, CV_8UC3, cv::Scalar::all(20.0 + static_cast<double>(i)))));
    }
  }
}

TEST_CASE("what the network makes must be what the manifest says") {
  auto model = Enhancer(Repeat(2));
  std::vector<Sample> samples = SamplesOf({NoisePicture(6, 4, CV_8UC3, 1)});
  const auto errors = RunOn(*MakeEnhance(model, {}), samples);
  REQUIRE(errors[0]);
  CHECK(errors[0]->code == "MOD-SHAPE");
  CHECK(errors[0]->message == "the network made 3x12x8 of 3x6x4; with scale 1 it should be 3x6x4");
}

TEST_CASE("networks of one size") {
  auto model = Enhancer(Identity(), {3, 64, 48}, {3, 64, 48});
  model->manifest.picture.size = Size{48, 64};
  model->manifest.tiling.overlap = 4;
  const auto enhance = MakeEnhance(model, {});
  Meta meta;
  meta.size = Size{48, 64};
  CHECK(enhance->Refuses(meta) == "");
  meta.size = Size{49, 64};
  CHECK(enhance->Refuses(meta) ==
        "a picture of 49x64, but the network takes 48x64 only; resize it before, or set "
        "`tile: 48` to go through it piece by piece");
  std::vector<Sample> samples = SamplesOf({NoisePicture(64, 48, CV_8UC3, 1)});
  CHECK(ErrorsOf(*enhance, samples) == "");
  samples = SamplesOf({NoisePicture(64, 50, CV_8UC3, 1)});
  CHECK(ErrorsOf(*enhance, samples).find("takes 48x64 only") != std::string::npos);

  const auto pieces = MakeEnhance(model, {.tile = 48});
  CHECK(pieces->Refuses(meta) == "");
  for (const auto& [h, w] : {std::pair{200, 130}, {5, 4}, {64, 49}}) {
    const cv::Mat pixels = NoisePicture(h, w, CV_8UC3, 1);
    samples = SamplesOf({pixels});
    CHECK(ErrorsOf(*pieces, samples) == "");
    CHECK(SamePixels(PixelsOf(samples[0]), pixels));
    CHECK(MainOf(*model).runs.back() == Dims{4, 3, 64, 48});
  }
}

TEST_CASE("how many go together: on devices, on the processor, and as asked for") {
  auto model = Enhancer(Identity());
  model->batch = 16;
  const auto last = [&](const EnhanceOptions& options) {
    std::vector<Sample> samples = SamplesOf({NoisePicture(600, 600, CV_8UC3, 1)});
    REQUIRE(ErrorsOf(*MakeEnhance(model, options), samples) == "");
    return MainOf(*model).runs.back()[0];
  };
  CHECK(last({}) == 1);
  CHECK(MakeEnhance(model, {})->GetPace().block == 1);
  CHECK(last({.batch = 16}) == 16);
  CHECK(MakeEnhance(model, {.batch = 16})->GetPace().block == 16);
  MainOf(*model).device = "cuda:0";
  CHECK(last({}) == 11);
  CHECK(MakeEnhance(model, {})->GetPace().block == 16);
  CHECK(MakeEnhance(model, {.in_flight = 3})->GetPace().in_flight == 3);
  MainOf(*model).device = "cpu";
  model->manifest.fixed_batch = true;
  CHECK(last({}) == 16);
}

TEST_CASE("networks that are none of its kind are refused") {
  const auto code = [](const std::shared_ptr<Model>& model) -> std::string {
    try {
      MakeEnhance(model, {});
    } catch (const ModelRejectedError& e) {
      return e.Code();
    }
    return "";
  };
  CHECK(code(Enhancer(Identity())) == "");
  CHECK(code(FakeModel(ModelRole::kClassifier, Identity())) == "MOD-MANIFEST");
  CHECK(code(Enhancer(Identity(), {4, -1, -1})) == "MOD-SHAPE");
  CHECK(code(Enhancer(Identity(), {3, -1, -1}, {1, -1, -1})) == "MOD-SHAPE");
  CHECK(code(Enhancer(Identity(), {784}, {784})) == "MOD-SHAPE");
  auto residual = Enhancer(Identity());
  residual->manifest.output.kind = PictureOutput::Kind::kResidual;
  CHECK(code(residual) == "");
  residual->manifest.output.scale = 2;
  CHECK(code(residual) == "MOD-MANIFEST");
}

TEST_CASE("a residual is taken away from what was there") {
  auto model = Enhancer(Map([](float v) { return v / 2; }));
  model->manifest.output.kind = PictureOutput::Kind::kResidual;
  std::vector<Sample> samples = SamplesOf({cv::Mat(3, 3, CV_8UC3, cv::Scalar::all(100))});
  REQUIRE(ErrorsOf(*MakeEnhance(model, {}), samples) == "");
  CHECK(PixelsOf(samples[0]).at<cv::Vec3b>(1, 1) == cv::Vec3b(50, 50, 50));
}

}  // namespace
}  // namespace pixloom::testing
