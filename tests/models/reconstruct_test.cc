// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "models/nodes.h"
#include "models/resample.h"
#include "tests/models/item_network.h"
#include "tests/models/sample_tools.h"

namespace pixloom::testing {
namespace {

std::shared_ptr<Model> Dense(FakeItem item, int side) {
  const std::int64_t count = std::int64_t{side} * side;
  auto model = FakeModel(ModelRole::kAutoencoder, std::move(item), {count}, {count});
  model->manifest.picture.color = PictureInput::Color::kGray;
  model->manifest.picture.size = Size{side, side};
  return model;
}

TEST_CASE("flat networks get pictures row by row, and say how far they are off") {
  auto model = Dense(
      [](const Dims& dims, std::span<const float> in) {
        CHECK(dims == Dims{28 * 28});
        std::vector<float> out(in.begin(), in.end());
        for (std::size_t i = 0; i < out.size(); ++i) out[i] += i % 28 < 14 ? 0.0F : 0.2F;
        return std::vector<FakeOutput>{{dims, out}};
      },
      28);
  cv::Mat pixels(28, 28, CV_8UC1);
  for (int y = 0; y < 28; ++y) {
    for (int x = 0; x < 28; ++x) pixels.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(5 * y);
  }
  std::vector<Sample> samples = SamplesOf({pixels});
  REQUIRE(ErrorsOf(*MakeReconstruct(model, {}), samples) == "");
  for (int y = 0; y < 28; ++y) {
    CHECK(PixelsOf(samples[0]).at<std::uint8_t>(y, 13) == 5 * y);
    CHECK(PixelsOf(samples[0]).at<std::uint8_t>(y, 14) == 5 * y + 51);
  }
  CHECK(samples[0].scalars.at("reconstruction_error") == doctest::Approx(0.02).epsilon(1e-5));
  CHECK(MainOf(*model).runs[0] == Dims{4, 784});
}

TEST_CASE("the error is that of the network's range, over all pictures of the sample") {
  // Both ranges, mean and deviation: the network sees (u * 2 - 1 - 0.1) / 0.5.
  auto model =
      FakeModel(ModelRole::kAutoencoder, Map([](float) { return 0.5F; }), {3, 8, 8}, {3, 8, 8});
  PictureInput& in = model->manifest.picture;
  in.size = Size{8, 8};
  in.lo = -1;
  in.mean = {0.1, 0.1, 0.1};
  in.deviation = {0.5, 0.5, 0.5};
  std::vector<Sample> samples = SamplesOf({cv::Mat(8, 8, CV_8UC3, cv::Scalar(0, 0, 0)),
                                           cv::Mat(8, 8, CV_8UC3, cv::Scalar(255, 0, 255))});
  samples[1].images.emplace_back("target",
                                 ImageField::Of(cv::Mat(8, 8, CV_8UC3, cv::Scalar(0, 0, 0))));
  const auto node = MakeReconstruct(model, {.strength = Range(0), .error = "off"});
  REQUIRE(ErrorsOf(*node, samples) == "");
  // 0.5 of 0..1 is 0 of -1..1: off by one everywhere.
  CHECK(samples[0].scalars.at("off") == doctest::Approx(1));
  CHECK(samples[1].scalars.at("off") == doctest::Approx(1));
  CHECK(PixelsOf(samples[0]).at<cv::Vec3b>(3, 3) == cv::Vec3b(0, 0, 0));
  REQUIRE(ErrorsOf(*MakeReconstruct(model, {.error = ""}), samples) == "");
  CHECK(PixelsOf(samples[0]).at<cv::Vec3b>(3, 3) == cv::Vec3b(128, 128, 128));
  CHECK(samples[0].scalars.size() == 1);
}

TEST_CASE("other sizes are refused, or resampled there and back; labels stay") {
  auto model = FakeModel(ModelRole::kAutoencoder, Identity(), {3, 16, 16}, {3, 16, 16});
  model->manifest.picture.size = Size{16, 16};
  cv::Mat ramp(40, 56, CV_8UC3);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 56; ++x) {
      ramp.at<cv::Vec3b>(y, x) =
          cv::Vec3b(static_cast<std::uint8_t>(4 * x), static_cast<std::uint8_t>(6 * y), 77);
    }
  }
  std::vector<Sample> samples = SamplesOf({ramp});
  samples[0].instances.emplace_back();
  samples[0].instances[0].quad = BoxQuad(1, 2, 30, 20);
  CHECK(ErrorsOf(*MakeReconstruct(model, {}), samples).find("`resize: true`") != std::string::npos);
  Meta meta;
  meta.size = Size{56, 40};
  CHECK(MakeReconstruct(model, {})->Refuses(meta).find("16x16 only") != std::string::npos);
  const auto node = MakeReconstruct(model, {.resize = true});
  CHECK(node->Refuses(meta) == "");
  CHECK(node->OutputMeta(meta).size == meta.size);
  REQUIRE(ErrorsOf(*node, samples) == "");
  const cv::Mat& made = PixelsOf(samples[0]);
  REQUIRE(made.size() == ramp.size());
  // A ramp survives, but for its ends.
  CHECK(cv::norm(made(cv::Rect(4, 4, 48, 32)), ramp(cv::Rect(4, 4, 48, 32)), cv::NORM_INF) <= 2);
  CHECK(*samples[0].instances[0].quad == BoxQuad(1, 2, 30, 20));
  CHECK(samples[0].scalars.at("reconstruction_error") == 0);
  CHECK(MainOf(*model).runs.back() == Dims{4, 3, 16, 16});
}

TEST_CASE("resampling averages when it shrinks, is bilinear when it grows, and keeps a level") {
  const std::vector<float> four{0, 4, 8, 4};
  std::vector<float> two(2);
  ResamplePlanes(four, {4, 1}, two, {2, 1});
  // Triangles of two pixels around 0.5 and 2.5: weights 1 3 3 1, with edges repeated.
  CHECK(two[0] == doctest::Approx((0 * 1 + 0 * 3 + 4 * 3 + 8 * 1) / 8.0));
  CHECK(two[1] == doctest::Approx((4 * 1 + 8 * 3 + 4 * 3 + 4 * 1) / 8.0));
  const std::vector<float> pair{10, 20};
  std::vector<float> grown(4);
  ResamplePlanes(pair, {1, 2}, grown, {1, 4});
  CHECK(grown[0] == doctest::Approx(10));
  CHECK(grown[1] == doctest::Approx(12.5));
  CHECK(grown[2] == doctest::Approx(17.5));
  CHECK(grown[3] == doctest::Approx(20));
  for (const auto& [from, to] : {std::pair{Size{7, 5}, Size{3, 11}},
                                 {Size{1, 1}, Size{9, 4}},
                                 {Size{100, 3}, Size{1, 1}},
                                 {Size{6, 6}, Size{6, 6}}}) {
    const std::vector<float> level(static_cast<std::size_t>(2 * from.Area()), 0.37F);
    std::vector<float> out(static_cast<std::size_t>(2 * to.Area()));
    ResamplePlanes(level, from, out, to);
    for (const float v : out) CHECK(v == doctest::Approx(0.37F));
  }
}

TEST_CASE("networks that are none of its kind are refused") {
  CHECK_THROWS_AS(MakeReconstruct(FakeModel(ModelRole::kEnhancer, Identity()), {}),
                  ModelRejectedError);
  auto larger = FakeModel(ModelRole::kAutoencoder, Identity());
  larger->manifest.output.scale = 2;
  CHECK_THROWS_WITH_AS(MakeReconstruct(larger, {}), doctest::Contains("use enhance"),
                       ModelRejectedError);
  auto wrong = Dense(Identity(), 28);
  wrong->manifest.picture.size = Size{27, 28};
  CHECK_THROWS_WITH_AS(MakeReconstruct(wrong, {}), doctest::Contains("784 values"),
                       ModelRejectedError);
}

}  // namespace
}  // namespace pixloom::testing
