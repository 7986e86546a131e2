// SPDX-License-Identifier: Apache-2.0
// The reference itself, against values worked out by hand.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <doctest/doctest.h>

#include "tests/reference/build.h"
#include "tests/reference/parts.h"

namespace pixloom::reference {
namespace {

using Kind = ChainStep::Kind;
using Row = std::vector<double>;

cv::Mat Noise(int rows, int cols, int channels, std::uint64_t seed = 1) {
  cv::Mat m(rows, cols, CV_8UC(channels));
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < cols * channels; ++x) {
      m.ptr<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(
          HashCombine(seed, static_cast<std::uint64_t>(y) * 1000 + static_cast<std::uint64_t>(x)));
    }
  }
  return m;
}

Row Values(const Outcome& outcome) {
  REQUIRE(outcome.problems.empty());
  return outcome.Image().values;
}

Row RunOne(const ChainStep& step, const cv::Mat& image, const RecipeEntry& entry) {
  return Values(Replay({step}, SampleOf(image), {entry}));
}

TEST_CASE("reference: flips and quarter turns are copies") {
  const cv::Mat image = Bytes(2, 2, {1, 2, 3, 4});
  CHECK(RunOne(OpStep("hflip"), image, Entry("hflip")) == Row{2, 1, 4, 3});
  CHECK(RunOne(OpStep("vflip"), image, Entry("vflip")) == Row{3, 4, 1, 2});
  // Counter-clockwise on screen: the upper right corner goes to the upper left.
  CHECK(RunOne(OpStep("rotate"), image, Entry("rotate", {{"angle", 90}})) == Row{2, 4, 1, 3});
  CHECK(RunOne(OpStep("rotate"), image, Entry("rotate", {{"angle", -90}})) == Row{3, 1, 4, 2});
}

TEST_CASE("reference: half a pixel to the right mixes neighbours") {
  const cv::Mat image = Bytes(1, 4, {10, 20, 30, 40});
  const RecipeEntry half = AffineDraws{.translate_x = 0.125}.Entry();
  CHECK(RunOne(AffineStepOf(), image, half) == Row{5, 15, 25, 35});
  CHECK(RunOne(AffineStepOf({{"fill", Num(50)}}), image, half) == Row{30, 15, 25, 35});
  CHECK(RunOne(AffineStepOf({{"border", Word("replicate")}}), image, half) == Row{10, 15, 25, 35});
  CHECK(RunOne(AffineStepOf({{"border", Word("reflect101")}}), image, half) == Row{15, 15, 25, 35});
  CHECK(RunOne(AffineStepOf({{"border", Word("wrap")}}), image, half) == Row{25, 15, 25, 35});
}

TEST_CASE("reference: resize") {
  const auto resize = [](int height, int width, const char* how) {
    return OpStep("resize", {{"size", Pair(height, width)}, {"interpolation", Word(how)}});
  };
  // Centres at 0.25, 0.75, 1.25, 1.75; the outer ones clamp.
  CHECK(RunOne(resize(1, 4, "linear"), Bytes(1, 2, {0, 100}), Entry("resize")) ==
        Row{0, 25, 75, 100});
  CHECK(RunOne(resize(4, 1, "linear"), Bytes(2, 1, {0, 100}), Entry("resize")) ==
        Row{0, 25, 75, 100});
  CHECK(RunOne(resize(1, 4, "nearest"), Bytes(1, 2, {1, 2}), Entry("resize")) == Row{1, 1, 2, 2});
  // No prefilter: the third of three is in the middle.
  CHECK(RunOne(resize(1, 1, "linear"), Bytes(1, 3, {9, 50, 70}), Entry("resize")) == Row{50});
  // Weights 3, 3, 1 of 7, the fourth tap is beyond the edge.
  CHECK(RunOne(resize(1, 2, "antialias"), Bytes(1, 4, {0, 0, 70, 70}), Entry("resize")) ==
        Row{10, 60});
  // Enlarging, the triangle is the bilinear one with its taps at the edge left out.
  CHECK(RunOne(resize(1, 4, "antialias"), Bytes(1, 2, {0, 100}), Entry("resize")) ==
        Row{0, 25, 75, 100});
}

TEST_CASE("reference: crops may leave the picture") {
  const auto crop = [](double x1, double y1, double x2, double y2, const char* border) {
    return OpStep("crop", {{"x_min", Num(x1)},
                           {"y_min", Num(y1)},
                           {"x_max", Num(x2)},
                           {"y_max", Num(y2)},
                           {"fill", Num(9)},
                           {"border", Word(border)}});
  };
  const cv::Mat image = Bytes(1, 3, {1, 2, 3});
  CHECK(RunOne(crop(1, 0, 3, 1, "constant"), image, Entry("crop")) == Row{2, 3});
  CHECK(RunOne(crop(-2, 0, 5, 1, "constant"), image, Entry("crop")) == Row{9, 9, 1, 2, 3, 9, 9});
  CHECK(RunOne(crop(-4, 0, 1, 1, "reflect"), image, Entry("crop")) == Row{3, 3, 2, 1, 1});
  CHECK(RunOne(crop(-4, 0, 1, 1, "reflect101"), image, Entry("crop")) == Row{1, 2, 3, 2, 1});
  CHECK(RunOne(crop(0, 0, 5, 1, "wrap"), image, Entry("crop")) == Row{1, 2, 3, 1, 2});
  CHECK(RunOne(crop(0, -1, 1, 2, "replicate"), image, Entry("crop")) == Row{1, 1, 1});
}

TEST_CASE("reference: border positions") {
  CHECK(BorderIndex(Border::kConstant, -1, 3) == -1);
  CHECK(BorderIndex(Border::kReplicate, 7, 3) == 2);
  CHECK(BorderIndex(Border::kReflect101, -5, 1) == 0);
  Row reflected;
  for (int i = -3; i < 9; ++i) reflected.push_back(BorderIndex(Border::kReflect, i, 3));
  CHECK(reflected == Row{2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2});
}

TEST_CASE("reference: composed maps resample once") {
  const cv::Mat image = Noise(9, 9, 3);
  ChainStep there = OpStep("rotate");
  const std::vector<RecipeEntry> turns{Entry("rotate", {{"angle", 30}}),
                                       Entry("rotate", {{"angle", -30}})};
  const Row same = FromMat(image, {}).values;
  CHECK(Values(Replay({there, there}, SampleOf(image), turns)) == same);

  ChainStep chain = Group(Kind::kSequence, "chain", {there, there});
  CHECK(Values(Replay({chain}, SampleOf(image), turns)) == same);
  chain.resample_each = true;
  CHECK(Values(Replay({chain}, SampleOf(image), turns)) != same);

  // Groups end at a node, at another border and at another way of resampling.
  Interpreter nodes(SampleOf(image), turns, {});
  nodes.RunChain({there});
  nodes.RunChain({there});
  CHECK(Values(nodes.Finish()) != same);
  const ChainStep mirrored = OpStep("rotate", {{"border", Word("reflect")}});
  CHECK(Values(Replay({there, mirrored}, SampleOf(image), turns)) != same);
  const ChainStep nearest = OpStep("rotate", {{"interpolation", Word("nearest")}});
  CHECK(Values(Replay({there, nearest}, SampleOf(image), turns)) != same);
}

TEST_CASE("reference: a crop is a window for the resize after it") {
  const cv::Mat image = Noise(11, 13, 1);
  const ChainStep crop =
      OpStep("crop", {{"x_min", Num(2)}, {"y_min", Num(3)}, {"x_max", Num(9)}, {"y_max", Num(8)}});
  const cv::Mat part = image(cv::Rect(2, 3, 7, 5)).clone();
  for (const char* how : {"linear", "antialias", "nearest"}) {
    for (int side : {4, 20}) {
      const ChainStep resize =
          OpStep("resize", {{"size", Num(side)}, {"interpolation", Word(how)}});
      const Row composed = Values(Replay({crop, OpStep("hflip"), resize}, SampleOf(image),
                                         {Entry("crop"), Entry("hflip"), Entry("resize")}));
      const Row apart = Values(
          Replay({OpStep("hflip"), resize}, SampleOf(part), {Entry("hflip"), Entry("resize")}));
      REQUIRE(composed.size() == apart.size());
      double worst = 0;
      for (std::size_t i = 0; i < composed.size(); ++i) {
        worst = std::max(worst, std::abs(composed[i] - apart[i]));
      }
      CHECK(worst == 0);
    }
  }
}

TEST_CASE("reference: general maps prefilter when they shrink below one half") {
  cv::Mat board(16, 16, CV_8UC1);
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 16; ++x) {
      board.at<std::uint8_t>(y, x) = (x + y) % 2 == 0 ? 0 : 100;
    }
  }
  const auto centre = [&](double scale) {
    const Outcome o =
        Replay({AffineStepOf()}, SampleOf(board),
               {AffineDraws{.scale_x = scale, .scale_y = scale, .rotate = 45}.Entry()});
    REQUIRE(o.problems.empty());
    return o.Image().At(8, 8, 0);
  };
  CHECK(centre(0.25) == 50);
  CHECK(std::abs(centre(0.3) - 50) < 6);  // blocks of nine have four or five of a kind
  CHECK(LargestStretch(Multiply({{0.25, 0, 0, 0, 0.25, 0, 0, 0, 1}},
                                {{0.6, 0.8, 3, -0.8, 0.6, 1, 0, 0, 1}})) ==
        doctest::Approx(0.25).epsilon(1e-15));
}

TEST_CASE("reference: tables round half up and saturate") {
  const cv::Mat image = Bytes(1, 4, {0, 51, 102, 255});
  const auto bc = [&](double b, double c, const char* center) {
    return RunOne(
        OpStep("brightness_contrast",
               {{"brightness", Pair(-1, 1)}, {"contrast", Pair(-1, 1)}, {"center", Word(center)}}),
        image, Entry("brightness_contrast", {{"brightness", b}, {"contrast", c}}));
  };
  CHECK(bc(0.2, 0, "zero") == Row{51, 102, 153, 255});
  CHECK(bc(0, 1, "zero") == Row{0, 102, 204, 255});
  CHECK(bc(0, 1, "middle") == Row{0, 0, 77, 255});  // 102 -> 76.5
  CHECK(bc(0, -1, "mean") == Row{102, 102, 102, 102});
  CHECK(RunOne(OpStep("gamma", {{"gamma", Num(2)}}), image, Entry("gamma", {{"gamma", 2}})) ==
        Row{0, 10, 41, 255});
}

cv::Mat Pixel(int r, int g, int b) { return cv::Mat(1, 1, CV_8UC3, cv::Scalar(r, g, b)); }

Row Jitter(const cv::Mat& image, double b, double c, double s, double h, int order = 0) {
  return RunOne(OpStep("color_jitter", {{"brightness", Pair(0, 3)},
                                        {"contrast", Pair(0, 3)},
                                        {"saturation", Pair(0, 3)},
                                        {"hue", Pair(-0.5, 0.5)}}),
                image,
                Entry("color_jitter", {{"brightness", b},
                                       {"contrast", c},
                                       {"saturation", s},
                                       {"hue", h},
                                       {"order", 1.0 * order}}));
}

TEST_CASE("reference: luma and hue") {
  CHECK(Jitter(Pixel(255, 0, 0), 1, 1, 0, 0) == Row{76, 76, 76});     // 76.245
  CHECK(Jitter(Pixel(0, 255, 0), 1, 1, 0, 0) == Row{150, 150, 150});  // 149.685
  CHECK(Jitter(Pixel(0, 0, 255), 1, 1, 0, 0) == Row{29, 29, 29});     // 29.07
  CHECK(Jitter(Pixel(255, 0, 0), 1, 0, 1, 0) == Row{76, 76, 76});
  CHECK(Jitter(Pixel(255, 0, 0), 1, 1, 1, 1.0 / 3) == Row{0, 255, 0});
  CHECK(Jitter(Pixel(255, 0, 0), 1, 1, 1, -1.0 / 3) == Row{0, 0, 255});
  CHECK(Jitter(Pixel(0, 200, 200), 1, 1, 1, 0.5) == Row{200, 0, 0});
  CHECK(Jitter(Pixel(70, 70, 70), 1, 1, 1, 0.3) == Row{70, 70, 70});
  CHECK(Jitter(Pixel(12, 34, 56), 1, 1, 1, 0) == Row{12, 34, 56});
  // Brightness clamps before (0) or after (6) contrast halves the distance to the mean: 3! = 6.
  CHECK(Jitter(Pixel(200, 0, 0), 2, 0.5, 1, 0, 0) == Row{166, 38, 38});  // 255, mean 76
  CHECK(Jitter(Pixel(200, 0, 0), 2, 0.5, 1, 0, 6) == Row{255, 60, 60});  // mean 60: 130, 30
  // A picture of one channel has no saturation and no hue.
  CHECK(Jitter(Bytes(1, 1, {80}), 1, 1, 0, 0.5) == Row{80});
}

TEST_CASE("reference: hue_saturation") {
  const auto shift = [](const cv::Mat& image, double h, double s, double v) {
    return RunOne(OpStep("hue_saturation", {{"hue", Pair(-180, 180)},
                                            {"saturation", Pair(-255, 255)},
                                            {"value", Pair(-255, 255)}}),
                  image, Entry("hue_saturation", {{"hue", h}, {"saturation", s}, {"value", v}}));
  };
  CHECK(shift(Pixel(255, 0, 0), 120, 0, 0) == Row{0, 255, 0});
  CHECK(shift(Pixel(100, 50, 50), 0, 255, 0) == Row{100, 0, 0});
  CHECK(shift(Pixel(100, 50, 50), 0, -255, 0) == Row{100, 100, 100});
  CHECK(shift(Pixel(90, 90, 90), 50, 255, 0) == Row{90, 90, 90});
  CHECK(shift(Pixel(90, 90, 90), 0, 0, 20) == Row{110, 110, 110});
  CHECK(shift(Pixel(250, 0, 0), 0, 0, 20) == Row{255, 0, 0});
}

TEST_CASE("reference: blur") {
  const auto blur = [](const cv::Mat& image, double sigma, int kernel) {
    return RunOne(OpStep("gaussian_blur", {{"sigma", Num(sigma)}, {"kernel", Num(kernel)}}), image,
                  Entry("gaussian_blur", {{"sigma", sigma}}));
  };
  // exp(-1/2) = 0.6065: taps 0.2741, 0.4519, 0.2741; 101-reflection doubles the inner neighbour.
  CHECK(blur(Bytes(1, 3, {0, 100, 0}), 1, 3) == Row{55, 45, 55});
  CHECK(blur(Bytes(2, 2, {7, 7, 7, 7}), 3, 0) == Row{7, 7, 7, 7});
  // 2 * int(3.5 * 0.2) + 1 = 1 tap.
  CHECK(blur(Bytes(1, 3, {0, 100, 0}), 0.2, 0) == Row{0, 100, 0});
}

TEST_CASE("reference: noise has its mean and deviation") {
  const cv::Mat image(64, 64, CV_32FC3, cv::Scalar(0.5, 0.5, 0.5));
  const ChainStep step = OpStep("gaussian_noise", {{"std", Num(0.1)}, {"mean", Num(0.25)}});
  const RecipeEntry entry = Entry("gaussian_noise", {{"std", 0.1}, {"mean", 0.25}});
  const Row values = RunOne(step, image, entry);
  double sum = 0;
  double squares = 0;
  for (double v : values) sum += v, squares += v * v;
  const double n = static_cast<double>(values.size());
  const double mean = sum / n;
  CHECK(mean == doctest::Approx(0.75).epsilon(0.005));
  CHECK(std::sqrt(squares / n - mean * mean) == doctest::Approx(0.1).epsilon(0.03));
  CHECK(values[0] != values[1]);
  CHECK(RunOne(step, image, entry) == values);
  Context other;
  other.seed = 1;
  CHECK(Values(Replay({step}, SampleOf(image), {entry}, other)) != values);

  // Alpha is no noise's business, but the channels before it keep their values.
  cv::Mat alpha(1, 2, CV_32FC4, cv::Scalar(0.5, 0.5, 0.5, 0.5));
  const Row four = RunOne(step, alpha, entry);
  CHECK(four[3] == 0.5);
  CHECK(four[0] == values[0]);
  CHECK(four[4] != 0.5);

  const ChainStep shared =
      OpStep("gaussian_noise",
             {{"std", Num(0.1)}, {"mean", Num(0.25)}, {"per_channel", Value::Bool(false)}});
  const Row gray = RunOne(shared, image, entry);
  CHECK(gray[0] == gray[1]);
  CHECK(gray[0] != gray[3]);
}

TEST_CASE("reference: elastic") {
  const cv::Mat image = Noise(12, 15, 1);
  const auto run = [&](double alpha) {
    return RunOne(OpStep("elastic", {{"alpha", Num(alpha)}, {"sigma", Num(2)}}), image,
                  Entry("elastic", {{"alpha", alpha}, {"sigma", 2}}));
  };
  CHECK(run(0) == FromMat(image, {}).values);
  CHECK(run(20) != run(0));
}

}  // namespace
}  // namespace pixloom::reference
