// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "models/nodes.h"
#include "tests/models/item_network.h"
#include "tests/models/sample_tools.h"

namespace pixloom::testing {
namespace {

// Scores are the means of the channels, times `factor`.
FakeItem Means(float factor) {
  return [factor](const Dims& dims, std::span<const float> in) {
    const auto plane = static_cast<std::size_t>(dims[1] * dims[2]);
    std::vector<float> out;
    for (std::size_t c = 0; c < static_cast<std::size_t>(dims[0]); ++c) {
      double sum = 0;
      for (std::size_t i = 0; i < plane; ++i) sum += static_cast<double>(in[c * plane + i]);
      out.push_back(factor * static_cast<float>(sum / static_cast<double>(plane)));
    }
    return std::vector<FakeOutput>{{{dims[0]}, out}};
  };
}

std::shared_ptr<Model> Classifier(float factor) {
  auto model = FakeModel(ModelRole::kClassifier, Means(factor), {3, -1, -1}, {3});
  model->manifest.classes = {"cat", "dog", "bird"};
  return model;
}

cv::Mat Flat(int rows, int cols, double r, double g, double b) {
  return cv::Mat(rows, cols, CV_8UC3, cv::Scalar(r, g, b));
}

TEST_CASE("a classifier's scores become scalars and a text; the picture stays") {
  auto model = Classifier(5);
  std::vector<Sample> samples = SamplesOf({Flat(8, 6, 51, 255, 102), Flat(8, 6, 255, 0, 0)});
  REQUIRE(ErrorsOf(*MakeScore(model, {}), samples) == "");
  const double sum = std::exp(1) + std::exp(5) + std::exp(2);
  CHECK(samples[0].scalars.at("score_class") == 1);
  CHECK(samples[0].scalars.at("score") == doctest::Approx(std::exp(5) / sum));
  CHECK(samples[0].scalars.at("score_cat") == doctest::Approx(std::exp(1) / sum));
  CHECK(samples[0].scalars.at("score_bird") == doctest::Approx(std::exp(2) / sum));
  CHECK(samples[0].text.at("scored_as") == "dog");
  CHECK(samples[1].text.at("scored_as") == "cat");
  CHECK(SamePixels(PixelsOf(samples[0]), Flat(8, 6, 51, 255, 102)));
  CHECK(samples[0].scalars.size() == 5);
}

TEST_CASE("softmax where it is needed, or as it is said") {
  // 0.2 + 0.3 + 0.5 are shares already.
  const cv::Mat shares = Flat(4, 4, 51, 76.5, 127.5);
  const auto score = [&](float factor, Softmax softmax, const char* name) {
    cv::Mat pixels(4, 4, CV_32FC3, cv::Scalar(0.2, 0.3, 0.5));
    std::vector<Sample> samples = SamplesOf({pixels});
    CHECK(ErrorsOf(*MakeScore(Classifier(factor), {.softmax = softmax}), samples) == "");
    return samples[0].scalars.at(name);
  };
  CHECK(score(1, Softmax::kAuto, "score") == doctest::Approx(0.5));
  CHECK(score(1, Softmax::kNo, "score_cat") == doctest::Approx(0.2));
  CHECK(score(7, Softmax::kNo, "score_cat") == doctest::Approx(1.4));
  const double sum = std::exp(0.2) + std::exp(0.3) + std::exp(0.5);
  CHECK(score(1, Softmax::kYes, "score") == doctest::Approx(std::exp(0.5) / sum));
  CHECK(score(10, Softmax::kAuto, "score") ==
        doctest::Approx(std::exp(5) / (std::exp(2) + std::exp(3) + std::exp(5))));
}

TEST_CASE("numbers that the manifest names are kept as they are, under a name") {
  auto model = FakeModel(ModelRole::kClassifier, [](const Dims&, std::span<const float> in) {
    return std::vector<FakeOutput>{{{1}, {in[0] * 100}}, {{2}, {7, 8}}};
  });
  model->graphs["main"] = std::make_shared<ItemNetwork>(
      std::vector<Port>{{"x", {3, -1, -1}}}, std::vector<Port>{{"quality", {1}}, {"pose", {2}}},
      [](const Dims&, std::span<const float> in) {
        return std::vector<FakeOutput>{{{1}, {in[0] * 100}}, {{2}, {7, 8}}};
      });
  model->manifest.features = {"quality", "pose"};
  std::vector<Sample> samples = SamplesOf({Flat(4, 4, 51, 0, 0)});
  REQUIRE(ErrorsOf(*MakeScore(model, {.name = "net"}), samples) == "");
  CHECK(samples[0].scalars.at("net_quality") == doctest::Approx(20));
  CHECK(samples[0].scalars.at("net_pose_0") == 7);
  CHECK(samples[0].scalars.at("net_pose_1") == 8);
  CHECK(samples[0].scalars.size() == 3);
  CHECK(samples[0].text.empty());

  model->manifest.features = {"sharpness"};
  CHECK_THROWS_WITH_AS(MakeScore(model, {}), doctest::Contains("sharpness"), ModelRejectedError);
}

TEST_CASE("scores of classes may be named among the features, with others beside them") {
  auto model = Classifier(1);
  model->graphs["main"] = std::make_shared<ItemNetwork>(
      std::vector<Port>{{"x", {3, -1, -1}}}, std::vector<Port>{{"scores", {3}}, {"blur", {1}}},
      [](const Dims&, std::span<const float>) {
        return std::vector<FakeOutput>{{{3}, {0.2F, 0.2F, 0.6F}}, {{1}, {9}}};
      });
  model->manifest.features = {"scores", "blur"};
  std::vector<Sample> samples = SamplesOf({Flat(4, 4, 51, 0, 0)});
  REQUIRE(ErrorsOf(*MakeScore(model, {}), samples) == "");
  CHECK(samples[0].text.at("scored_as") == "bird");
  CHECK(samples[0].scalars.at("blur") == 9);
  CHECK(samples[0].scalars.size() == 6);
}

TEST_CASE("one number without a name is the score") {
  auto model = FakeModel(ModelRole::kClassifier,
                         [](const Dims&, std::span<const float> in) {
                           return std::vector<FakeOutput>{{{1}, {-in[0]}}};
                         },
                         {3, -1, -1}, {1});
  std::vector<Sample> samples = SamplesOf({Flat(4, 4, 51, 0, 0)});
  REQUIRE(ErrorsOf(*MakeScore(model, {}), samples) == "");
  CHECK(samples[0].scalars.at("score") == doctest::Approx(-0.2));
  CHECK(samples[0].scalars.size() == 1);
}

TEST_CASE("pictures of all sizes and colours are judged; frames of a clip count alike") {
  auto model = Classifier(1);
  model->manifest.picture.size = Size{16, 16};
  std::vector<Sample> samples =
      SamplesOf({Flat(40, 30, 255, 0, 0), cv::Mat(9, 9, CV_8UC1, cv::Scalar(255)),
                 cv::Mat(1, 1, CV_8UC4, cv::Scalar(0, 0, 255, 9))});
  samples[0].images[0].second.frames.push_back({nullptr, Flat(40, 30, 0, 255, 0)});
  samples[0].images.emplace_back("other", ImageField::Of(Flat(5, 5, 0, 0, 255)));
  REQUIRE(ErrorsOf(*MakeScore(model, {.softmax = Softmax::kNo}), samples) == "");
  CHECK(samples[0].scalars.at("score_cat") == doctest::Approx(0.5));
  CHECK(samples[0].scalars.at("score_dog") == doctest::Approx(0.5));
  CHECK(samples[0].scalars.at("score_bird") == doctest::Approx(0));
  CHECK(samples[1].scalars.at("score_dog") == doctest::Approx(1));
  CHECK(samples[2].text.at("scored_as") == "bird");
  for (const Dims& dims : MainOf(*model).runs) CHECK(dims == Dims{4, 3, 16, 16});

  const std::vector<std::string> fields{"other"};
  std::vector<Sample> again;
  again.push_back(samples[0].Clone());
  REQUIRE(ErrorsOf(*MakeScore(model, {}), again, false, nullptr, fields) == "");
  CHECK(again[0].text.at("scored_as") == "bird");

  const auto strict = MakeScore(model, {.resize = false});
  CHECK(ErrorsOf(*strict, samples).find("16x16 only") != std::string::npos);
}

TEST_CASE("scores must be those of the classes") {
  auto model = Classifier(1);
  model->manifest.classes = {"cat", "dog"};
  CHECK_THROWS_WITH_AS(MakeScore(model, {}), doctest::Contains("3 scores for 2 classes"),
                       ModelRejectedError);
  auto open = FakeModel(ModelRole::kClassifier, Means(1), {3, -1, -1}, {-1});
  open->manifest.classes = {"cat", "dog"};
  std::vector<Sample> samples = SamplesOf({Flat(4, 4, 1, 2, 3)});
  CHECK(ErrorsOf(*MakeScore(open, {}), samples) ==
        "MOD-SHAPE the network made 3 scores for 2 classes");
  CHECK_THROWS_AS(MakeScore(FakeModel(ModelRole::kEnhancer, Identity()), {}), ModelRejectedError);
}

}  // namespace
}  // namespace pixloom::testing
