// SPDX-License-Identifier: Apache-2.0
// What windows make of shares, labels of the picture, and samples that do not fit together.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "ops/kernels/mix_rows.h"
#include "ops/kernels/pixel_math.h"
#include "ops/mix/beta.h"
#include "tests/support/image_reference.h"
#include "tests/support/run_window.h"
#include "tests/support/statistics.h"

namespace pixloom {
namespace {

using namespace testing;

const char* const kWindows[] = {"mixup", "cutmix", "mosaic", "copy_paste"};

// The distribution function of Beta(a, a) by Simpson's rule over the lower half; the other half by
// symmetry. Below a = 1 the density has a pole at 0, but not in t = x^a.
double BetaBelow(double x, double a) {
  if (x > 0.5) return 1 - BetaBelow(1 - x, a);
  const auto integral = [a](double to) {
    const double end = a < 1 ? std::pow(to, a) : to;
    const int steps = 40'000;
    double sum = 0;
    for (int i = 0; i <= steps; ++i) {
      const double t = end * i / steps;
      const double weight = i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2;
      const double density =
          a < 1 ? std::pow(1 - std::pow(t, 1 / a), a - 1) : std::pow(t * (1 - t), a - 1);
      sum += weight * density;
    }
    return sum * end;
  };
  return 0.5 * integral(x) / integral(0.5);
}

TEST_CASE("quantiles of the beta distribution against an integral") {
  for (const double alpha : {0.05, 0.2, 0.4, 1.0, 1.7, 4.0, 30.0}) {
    double worst = 0;
    double before = -1;
    for (const double unit : {0.001, 0.03, 0.2, 0.37, 0.5, 0.61, 0.9, 0.9999}) {
      const double x = SymmetricBetaQuantile(unit, alpha);
      CHECK(x > before);
      before = x;
      CHECK(std::abs(x + SymmetricBetaQuantile(1 - unit, alpha) - 1) < 1e-12);
      // Near a pole at 1 the value itself is too coarse to be asked for its place.
      if (1 - x > 1e-9 && x > 1e-300) worst = std::max(worst, std::abs(BetaBelow(x, alpha) - unit));
    }
    CAPTURE(alpha);
    CAPTURE(worst);
    CHECK(worst < 1e-7);
  }
  for (const double unit : {0.0, 0.125, 0.3, 1.0}) {
    CHECK(std::abs(SymmetricBetaQuantile(unit, 1) - unit) < 1e-13);
    // Beta(1/2, 1/2) is the arcsine distribution.
    const double sine = std::sin(std::acos(-1.0) * unit / 2);
    CHECK(std::abs(SymmetricBetaQuantile(unit, 0.5) - sine * sine) < 1e-12);
  }
  CHECK(SymmetricBetaQuantile(1e-9, 0.01) == 0);
  CHECK(SymmetricBetaQuantile(0.25, 1000) > 0.4);
}

TEST_CASE("shares that are drawn follow Beta(alpha, alpha)") {
  const auto block =
      BlockOf(Pictured(cv::Mat::zeros(2, 2, CV_8U)), Pictured(cv::Mat::zeros(2, 2, CV_8U)));
  for (const auto& [window, alpha] :
       {std::pair{"mixup: {alpha: 1}", 1.0}, std::pair{"mixup: {alpha: 2.5}", 2.5}}) {
    const WindowUnderTest mix(window);
    std::vector<double> shares;
    for (std::uint64_t id = 0; id < 2000; ++id)
      shares.push_back(mix.Run(block, 0, id).Drawn("share"));
    CHECK(Follows(shares, [a = alpha](double x) {
      return a == 1 ? x : std::clamp(BetaBelow(x, a), 0.0, 1.0);
    }));
    // Another shape does not pass.
    CHECK(!Follows(shares, [a = alpha](double x) { return a == 1 ? x * x : x; }));
  }
  const WindowUnderTest fixed("cutmix: {share: [0.25, 0.5]}");
  std::vector<double> shares;
  for (std::uint64_t id = 0; id < 2000; ++id)
    shares.push_back(fixed.Run(block, 0, id).Drawn("lambda"));
  CHECK(Follows(shares, [](double x) { return std::clamp((x - 0.25) * 4, 0.0, 1.0); }));
}

TEST_CASE("partners have equal chance, and nobody comes again before all have come") {
  std::vector<Sample> block;
  for (int i = 0; i < 5; ++i) block.push_back(Pictured(cv::Mat::zeros(6, 6, CV_8U)));
  const WindowUnderTest mix("mixup: {}");
  std::vector<int> counts(5);
  for (std::uint64_t id = 0; id < 2000; ++id) {
    const auto answer = mix.Run(block, 2, id);
    const auto partner = static_cast<std::size_t>(answer.Drawn("partner"));
    CHECK(answer.mixed->parents == std::vector<std::size_t>{partner});
    ++counts[partner];
  }
  CHECK(counts[2] == 0);
  counts.erase(counts.begin() + 2);
  CHECK(LooksUniform(counts));
  const WindowUnderTest mosaic("mosaic: {grid: [3, 3]}");
  for (std::uint64_t id = 0; id < 50; ++id) {
    const auto partners = mosaic.Run(block, 2, id).All("partner");
    REQUIRE(partners.size() == 8);
    CHECK(std::set<double>(partners.begin(), partners.begin() + 4) == std::set<double>{0, 1, 3, 4});
    CHECK(std::set<double>(partners.begin() + 4, partners.end()) == std::set<double>{0, 1, 3, 4});
  }
}

// ---- labels of the picture ----------------------------------------------------------------------

Sample Classed(int label, int classes = 4, const std::string& key = "") {
  Sample sample = Pictured(cv::Mat(20, 20, CV_8UC3, cv::Scalar::all(40 * label + 20)), key);
  sample.labels.label = label;
  auto names = std::make_shared<LabelNames>();
  for (int i = 0; i < classes; ++i) names->classes.push_back("c" + std::to_string(i));
  sample.names = names;
  return sample;
}

double Total(const std::vector<float>& soft) {
  return std::accumulate(soft.begin(), soft.end(), 0.0);
}

TEST_CASE("class indices become soft labels that sum to one and weigh as the pixels do") {
  for (const char* name : {"mixup", "cutmix", "mosaic"}) {
    CAPTURE(name);
    const WindowUnderTest mix(std::string(name) + ": {}");
    std::vector<Sample> block;
    for (int i = 0; i < 4; ++i) block.push_back(Classed(i));
    for (std::uint64_t id = 0; id < 40; ++id) {
      const auto answer = mix.Run(block, 1, id);
      const SampleLabels& labels = answer.sample().labels;
      CHECK(!labels.label);
      REQUIRE(labels.soft.size() == 4);
      CHECK(std::abs(Total(labels.soft) - 1) < 1e-6);
      const cv::Mat& pixels = Pixels(answer.sample());
      for (int c = 0; c < 4; ++c) {
        // One colour per class: what its share of the pixels is.
        double share = 0;
        if (std::string(name) == "mixup") {
          const auto partner = static_cast<int>(answer.Drawn("partner"));
          const double mean = ValueAt(pixels, 3, 3, 0);
          share = c == partner ? answer.sample().labels.soft[static_cast<std::size_t>(c)] : 0;
          if (c == 1) share = answer.Drawn("share");
          const double expected =
              answer.Drawn("share") * 60 + (1 - answer.Drawn("share")) * (40 * partner + 20);
          CHECK(std::abs(mean - expected) <= 0.5);
        } else {
          cv::Mat there;
          cv::inRange(pixels, cv::Scalar::all(40 * c + 20), cv::Scalar::all(40 * c + 20), there);
          share = cv::countNonZero(there) / 400.0;
        }
        CHECK(std::abs(labels.soft[static_cast<std::size_t>(c)] - share) < 1e-6);
      }
    }
  }
  // Pasted objects leave the label of the picture alone.
  const auto pasted = WindowUnderTest("copy_paste: {}").Run(BlockOf(Classed(1), Classed(2)));
  CHECK(pasted.sample().labels.label == 1);
  CHECK(pasted.sample().labels.soft.empty());
}

TEST_CASE("vectors count as they are, and what cannot be counted is refused") {
  const WindowUnderTest mix("mixup: {share: 0.25}");
  Sample soft = Classed(0);
  soft.labels = {};
  soft.labels.soft = {0.5F, 0.25F, 0.25F, 0};
  Sample many = Classed(0);
  many.labels.multi_hot = {1, 0, 1, 0};
  CHECK(mix.Run(BlockOf(soft.Clone(), many.Clone())).sample().labels.soft ==
        std::vector<float>{0.875F, 0.0625F, 0.8125F, 0});
  CHECK(mix.Run(BlockOf(Classed(3), soft.Clone())).sample().labels.soft ==
        std::vector<float>{0.375F, 0.1875F, 0.1875F, 0.25F});
  CHECK(mix.Run(BlockOf(many.Clone(), Classed(3))).sample().labels.multi_hot.empty());

  const auto message = [](const WindowUnderTest::Answer& answer) {
    REQUIRE(!answer.mixed);
    CHECK(answer.mixed.Error().code == "OP-CLASS");
    CHECK(!answer.mixed.Error().remedy.empty());
    return answer.mixed.Error().message;
  };
  const auto unnamed = [](int label) {
    Sample sample = Classed(label);
    sample.names = nullptr;
    return sample;
  };
  CHECK(message(mix.Try(BlockOf(unnamed(1), unnamed(2)))) ==
        "how many classes there are is not known: the source names none");
  const WindowUnderTest told("mixup: {share: 0.25, num_classes: 6}");
  CHECK(told.Run(BlockOf(unnamed(1), unnamed(5))).sample().labels.soft ==
        std::vector<float>{0, 0.25F, 0, 0, 0, 0.75F});
  CHECK(message(told.Try(BlockOf(unnamed(1), unnamed(6)))) ==
        "'' has class 6, but there are 6 classes");
  CHECK(message(told.Try(BlockOf(unnamed(-1), unnamed(0)))) ==
        "'' has class -1, but there are 6 classes");
  CHECK(message(told.Try(BlockOf(soft.Clone(), Classed(1)))) ==
        "the label vector of '' has 4 values for 6 classes");
  Sample blank = Classed(0, 4, "blank");
  blank.labels = {};
  CHECK(message(mix.Try(BlockOf(Classed(1, 4, "a"), blank.Clone()))) ==
        "'a' has a label of the whole picture, 'blank' has none");
  const auto none = mix.Run(BlockOf(blank.Clone(), blank.Clone()));
  CHECK(none.sample().labels.soft.empty());
  CHECK(!none.sample().labels.label);
}

// ---- what fits together -------------------------------------------------------------------------

Sample WithObject(Sample sample) {
  Instance instance;
  instance.id = 7;
  instance.label = 0;
  instance.polygons = {{{{{2, 2}, {9, 2}, {9, 9}, {2, 9}}}}};
  sample.instances.push_back(instance);
  return sample;
}

TEST_CASE("samples that do not fit together are errors of the data, worded") {
  const auto gray = [](int type) {
    return WithObject(Pictured(cv::Mat::zeros(20, 20, type), "b"));
  };
  for (const char* name : kWindows) {
    CAPTURE(name);
    const WindowUnderTest mix(std::string(name) + ": {}");
    const auto refusal = [&](Sample a, Sample b) {
      const auto answer = mix.Try(BlockOf(WithObject(std::move(a)), std::move(b)));
      REQUIRE(!answer.mixed);
      CHECK(!answer.mixed.Error().remedy.empty());
      return answer.mixed.Error().code + " " + answer.mixed.Error().message;
    };
    CHECK(refusal(gray(CV_8U), gray(CV_8UC3)) ==
          "OP-TYPE 'image' is uint8 with 1 channel, that of its partner 'b' uint8 with 3 channels");
    CHECK(refusal(gray(CV_32F), gray(CV_16U)) ==
          "OP-TYPE 'image' is float32 with 1 channel, that of its partner 'b' uint16 with 1 "
          "channel");
    Sample ranged = gray(CV_32F);
    ranged.images[0].second.range = {-1, 1};
    CHECK(refusal(gray(CV_32F), ranged.Clone()) ==
          "OP-TYPE 'image' lies in [0, 1], that of its partner 'b' in [-1, 1]");
    Sample pair = gray(CV_8U);
    pair.images.emplace_back("target", ImageField::Of(cv::Mat::zeros(20, 20, CV_8U)));
    CHECK(refusal(pair.Clone(), gray(CV_8U)) == "OP-FIELDS its partner 'b' has no field 'target'");
    CHECK(mix.Try(BlockOf(WithObject(gray(CV_8U)), pair.Clone())).mixed.Ok());
    Sample clip = gray(CV_8U);
    clip.images[0].second.frames.push_back(clip.images[0].second.frames[0]);
    CHECK(refusal(gray(CV_8U), clip.Clone()) ==
          "OP-FRAMES 'image' has 1 frames, that of its partner 'b' 2");
    Sample masked = gray(CV_8U), other = gray(CV_8U);
    masked.masks["m"] = {cv::Mat::zeros(20, 20, CV_8U), 255};
    other.masks["m"] = {cv::Mat::zeros(20, 20, CV_16U), 255};
    CHECK(refusal(masked.Clone(), other.Clone()) ==
          "OP-TYPE mask 'm' and that of its partner 'b' differ in type");
    Sample named = WithObject(Classed(0, 3, "x")), also = WithObject(Classed(0, 5, "y"));
    CHECK(refusal(named.Clone(), also.Clone()) ==
          "OP-CLASS the class or keypoint names of 'x' () and 'y' () differ");
    // Two lists with the same words are one; a picture without any label has no say.
    CHECK(mix.Try(BlockOf(named.Clone(), WithObject(Classed(1, 3)))).mixed.Ok());
    Sample blank = Classed(0, 5);
    blank.labels = {};
    Sample objects = named.Clone();
    objects.labels = {};
    const auto mixed = mix.Run(BlockOf(blank.Clone(), objects.Clone()));
    CHECK(mixed.sample().names->classes.size() == 3);
  }
  const WindowUnderTest mosaic("mosaic: {grid: [4, 4]}");
  const auto tiny = mosaic.Try(BlockOf(Pictured(cv::Mat::zeros(3, 9, CV_8U)), gray(CV_8U)));
  REQUIRE(!tiny.mixed);
  CHECK(tiny.mixed.Error().message == "a picture of 9x3 has no room for 4 x 4 cells");
}

TEST_CASE("arguments that make no sense are refused when compiled") {
  const auto error = [](const std::string& window) {
    const auto errors = ErrorsOf("version: 1\nseed: 1\nnodes:\n  in: {canvas: 2}\n  mix: {" +
                                 window + "}\n  out: {collect: out}\n");
    REQUIRE(errors.size() == 1);
    return errors[0].substr(errors[0].find("mix ("));
  };
  CHECK(error("mixup: {share: [-0.5, 0.5]}") ==
        "mix (mixup): share: lies inside [0, 1], or is -1 to be drawn from Beta(alpha, alpha)");
  CHECK(error("mosaic: {size: [0, 10]}") == "mix (mosaic): size: both sides or none");
  CHECK(error("mosaic: {size: 4, grid: [5, 2]}") ==
        "mix (mosaic): size: [4, 4] has no room for 5 x 2 cells");
  CHECK(error("mosaic: {fill: [1, 2, 3, 4, 5]}") ==
        "mix (mosaic): fill: takes 1 to 4 levels, got 5");
  CHECK(error("mixup: {block: 1}").find("block") != std::string::npos);
  CHECK(error("copy_paste: [1.2, 1.8]").find("no whole number") != std::string::npos);
}

TEST_CASE("MixRow is exact at any length, on every instruction set") {
  for (const int depth : {CV_8U, CV_16U, CV_32F}) {
    const cv::Mat a = RandomImage(517, 1, depth, 1, 3);
    const cv::Mat b = RandomImage(517, 1, depth, 1, 4);
    for (const int parts : {1, 77, 16'384, 24'575, 32'767}) {
      ForEachTarget([&](const char*) {
        WithDepth(a, [&](auto zero) {
          using T = decltype(zero);
          for (const std::size_t count : {1u, 7u, 33u, 517u}) {
            std::vector<T> out(count);
            MixRow(a.ptr<T>(), b.ptr<T>(), parts, out.data(), count);
            const double share = parts / 32'768.0;
            for (std::size_t i = 0; i < count; ++i) {
              const double x = share * a.ptr<T>()[i] + (1 - share) * b.ptr<T>()[i];
              const T expected =
                  std::is_integral_v<T> ? static_cast<T>(std::floor(x + 0.5)) : static_cast<T>(x);
              if (out[i] != expected) FAIL("value " << i << " of " << count);
            }
          }
        });
      });
    }
  }
}

}  // namespace
}  // namespace pixloom
