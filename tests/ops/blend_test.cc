// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ops/kernels/dirichlet.h"
#include "tests/support/run_chain.h"
#include "tests/support/statistics.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {
namespace {

std::vector<double> SharesOf(const Sample& sample, std::string_view step) {
  std::vector<double> shares;
  for (const auto& [name, value] : Find(sample, step)->draws) shares.push_back(value);
  return shares;
}

cv::Mat Noise(int type) {
  cv::Mat pixels(23, 31, type);
  const StreamKey key{3, 4, 5};
  std::uint32_t block = 0;
  for (int y = 0; y < pixels.rows; ++y) {
    for (int i = 0; i < pixels.cols * pixels.channels(); ++i) {
      const std::uint32_t bits = key.Block(block++)[0];
      if (pixels.depth() == CV_8U) pixels.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(bits);
      if (pixels.depth() == CV_16U) {
        pixels.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(bits);
      }
      if (pixels.depth() == CV_32F)
        pixels.ptr<float>(y)[i] = static_cast<float>(bits >> 8) * 0x1p-24F;
    }
  }
  return pixels;
}

double At(const cv::Mat& m, int y, int i) {
  return m.depth() == CV_8U    ? m.ptr<std::uint8_t>(y)[i]
         : m.depth() == CV_16U ? m.ptr<std::uint16_t>(y)[i]
                               : static_cast<double>(m.ptr<float>(y)[i]);
}

TEST_CASE("blend adds up its branches in the shares of the recipe") {
  const ChainUnderTest blended("[blend: {alpha: 0.7, steps: [hflip, [vflip, invert], gamma: 2]}]");
  const ChainUnderTest bare(
      "[blend: {original: false, steps: [hflip, [vflip, invert], gamma: 2]}]");
  const std::vector<std::string> branches{"[hflip]", "[vflip, invert]", "[gamma: 2]"};
  for (const int type : {CV_8UC3, CV_8UC1, CV_16UC3, CV_32FC4, CV_8UC(4)}) {
    const Sample before = PictureSample(Noise(type));
    std::vector<cv::Mat> parts{PixelsOf(before)};
    for (const std::string& branch : branches) {
      parts.push_back(PixelsOf(ChainUnderTest(branch).Run(before.Clone())).clone());
    }
    for (const ChainUnderTest* chain : {&blended, &bare}) {
      for (std::uint32_t copy = 0; copy < 5; ++copy) {
        const Sample after = chain->Run(before.Clone(), copy);
        const std::vector<double> shares = SharesOf(after, "look/blend#1");
        REQUIRE(shares.size() == 4);
        CHECK(std::accumulate(shares.begin(), shares.end(), 0.0) == doctest::Approx(1));
        CHECK((shares[0] == 0) == (chain == &bare));
        double worst = 0;
        for (int y = 0; y < 23; ++y) {
          for (int i = 0; i < 31 * CV_MAT_CN(type); ++i) {
            double sum = 0;
            for (std::size_t p = 0; p < 4; ++p) sum += shares[p] * At(parts[p], y, i);
            worst = std::max(worst, std::abs(sum - At(PixelsOf(after), y, i)));
          }
        }
        CHECK(worst <= (CV_MAT_DEPTH(type) == CV_32F ? 1e-6 : 0.51));
        CHECK(SamePixels(PixelsOf(before), Noise(type)));  // branches worked on copies
      }
    }
  }
}

TEST_CASE("what no branch changes stays to the bit") {
  for (const int type : {CV_8UC3, CV_16UC1, CV_32FC3}) {
    const Sample before = PictureSample(Noise(type));
    const Sample after =
        ChainUnderTest("[blend: [identity, {gamma: 2, p: 0}, [hflip, hflip]]]").Run(before.Clone());
    CHECK(SamePixels(PixelsOf(before), PixelsOf(after)));
  }
}

TEST_CASE("labels stay those of the picture, and other fields where fields says so") {
  const ChainUnderTest all("[blend: [[rotate: 90], vflip]]");
  const Sample before = MakeInput("scene", 0);
  const Sample after = all.Run(before.Clone());
  CHECK(LabelDifference(before, after) == "");
  CHECK(PixelDifference(before, after) != "");

  const ChainUnderTest one("[{blend: [vflip, invert], fields: [image]}]");
  Sample pair = PictureSample(Noise(CV_8UC3));
  pair.images.emplace_back("target", ImageField::Of(Noise(CV_8UC3)));
  const Sample mixed = one.Run(pair.Clone());
  CHECK(SamePixels(mixed.Image("target")->frames[0].pixels, Noise(CV_8UC3)));
  CHECK_FALSE(SamePixels(PixelsOf(mixed), Noise(CV_8UC3)));
}

TEST_CASE("branches keep size and type") {
  const auto doc = [](const std::string& look, const std::string& canvas) {
    return fmt::format(
        "version: 1\nseed: 7\nnodes:\n  src: {{canvas: {{{}}}}}\n  look: {}\n  out: {{collect: "
        "out}}\n",
        canvas, look);
  };
  for (const char* look : {"[blend: [hflip, resize: 10]]", "[blend: [cast: float32, hflip]]"}) {
    const std::vector<std::string> errors = ErrorsOf(doc(look, "count: 1"));
    CAPTURE(look);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].find("size and type must stay") != std::string::npos);
  }
  // Known only when the picture is there.
  const Outcome late = RunYaml(doc("[blend: [transpose, hflip]]", "count: 2, declared: false"));
  CHECK(late.samples.empty());
  REQUIRE(late.quarantine.size() == 2);
  CHECK(late.quarantine[0].find("OP-SCOPE") != std::string::npos);
}

TEST_CASE("shares follow the Dirichlet distribution") {
  const auto draw = [](double alpha, std::size_t n) {
    std::vector<double> first;
    for (std::uint64_t id = 0; id < 4000; ++id) {
      Rng rng({1, id, 2});
      const std::vector<double> shares = DrawDirichlet(rng, alpha, n);
      double sum = 0;
      for (const double share : shares) {
        CHECK(share >= 0);
        sum += share;
      }
      CHECK(sum == doctest::Approx(1).epsilon(1e-12));
      first.push_back(shares[id % n]);  // the order must not matter
    }
    return first;
  };
  // Each share alone follows Beta(alpha, (n - 1) alpha).
  CHECK(Follows(draw(1, 2), [](double x) { return x; }));
  CHECK(Follows(draw(1, 3), [](double x) { return 1 - std::pow(1 - x, 2); }));
  CHECK(Follows(draw(1, 8), [](double x) { return 1 - std::pow(1 - x, 7); }));
  CHECK(
      Follows(draw(0.5, 2), [](double x) { return 2 / std::acos(-1) * std::asin(std::sqrt(x)); }));
  CHECK(Follows(draw(0.5, 3), [](double x) { return std::sqrt(x); }));
  CHECK(Follows(draw(3, 2), [](double x) { return x * x * x * (10 - 15 * x + 6 * x * x); }));
  CHECK(Follows(draw(2, 3),
                [](double x) { return 1 - std::pow(1 - x, 5) - 5 * x * std::pow(1 - x, 4); }));
  // A test that can fail: neighbours are told apart.
  CHECK_FALSE(Follows(draw(1.2, 2), [](double x) { return x; }));
  const std::vector<double> extreme = draw(0.01, 2);
  CHECK(std::count_if(extreme.begin(), extreme.end(),
                      [](double x) { return x < 1e-6 || x > 1 - 1e-6; }) > 3000);
}

TEST_CASE("gamma variates have their distribution") {
  for (const double shape : {0.3, 1.0, 2.5, 40.0}) {
    std::vector<double> drawn;
    for (std::uint64_t id = 0; id < 20000; ++id) {
      Rng rng({9, id, 2});
      drawn.push_back(std::exp(DrawLogGamma(rng, shape)));
    }
    const Moments moments = MomentsOf(drawn);
    CAPTURE(shape);
    CHECK(std::abs(moments.mean - shape) < 4 * std::sqrt(shape / 20000));
    CHECK(moments.deviation == doctest::Approx(std::sqrt(shape)).epsilon(0.05));
    if (shape == 1) CHECK(Follows(drawn, [](double x) { return 1 - std::exp(-x); }));
  }
}

}  // namespace
}  // namespace pixloom::testing
