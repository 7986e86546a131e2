// SPDX-License-Identifier: Apache-2.0
// Histograms against OpenCV, draws against their distributions, and tables that compose.
#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "ops/kernels/tone_kernel.h"
#include "tests/support/draw_op.h"
#include "tests/support/run_chain.h"
#include "tests/support/statistics.h"

namespace pixloom::testing {
namespace {

// A slope with edges and noise, between two shares of full scale.
cv::Mat Scene(int width, int height, int type, double lo = 0, double hi = 1) {
  cv::Mat picture(height, width, type);
  const double top = picture.depth() == CV_8U ? 255 : picture.depth() == CV_16U ? 65535 : 1;
  std::uint32_t state = 77;
  cv::Mat wide(height, width, CV_MAKETYPE(CV_64F, picture.channels()));
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < width * picture.channels(); ++i) {
      state = state * 1664525U + 1013904223U;
      const double noise = (state >> 8) * 0x1p-24;
      const double edge = (i / 60 + y / 17) % 2;
      const double unit = 0.5 * i / (width * picture.channels()) + 0.3 * edge + 0.2 * noise;
      wide.ptr<double>(y)[i] = top * (lo + (hi - lo) * unit);
    }
  }
  wide.convertTo(picture, picture.depth());
  return picture;
}

cv::Mat Through(const std::string& chain, const cv::Mat& picture, std::uint32_t branch = 0) {
  return PixelsOf(ChainUnderTest(chain).Run(PictureSample(picture.clone()), branch)).clone();
}

const std::vector<cv::Size> kSizes{{1, 1},    {7, 1},     {1, 9},   {64, 64},
                                   {101, 99}, {160, 120}, {257, 63}};

TEST_CASE("equalize is cv::equalizeHist") {
  const ChainUnderTest chain("[equalize]");
  for (const cv::Size size : kSizes) {
    for (const auto& [lo, hi] : {std::pair{0.0, 1.0}, std::pair{0.4, 0.5}, std::pair{0.3, 0.3}}) {
      CAPTURE(size);
      const cv::Mat gray = Scene(size.width, size.height, CV_8UC1, lo, hi);
      cv::Mat expected;
      cv::equalizeHist(gray, expected);
      CHECK(SamePixels(PixelsOf(chain.Run(PictureSample(gray))), expected));
    }
  }
}

TEST_CASE("clahe is cv::CLAHE") {
  int worst = 0;
  for (const int type : {CV_8UC1, CV_16UC1}) {
    for (const cv::Size size : kSizes) {
      for (const double limit : {0.0, 0.01, 2.0, 40.0}) {
        for (const cv::Size grid : {cv::Size(8, 8), cv::Size(3, 5), cv::Size(1, 1)}) {
          const cv::Mat gray = Scene(size.width, size.height, type, 0.2, 0.7);
          cv::Mat expected;
          cv::createCLAHE(limit, grid)->apply(gray, expected);
          worst = std::max(
              worst, static_cast<int>(cv::norm(Clahe(gray, limit, grid), expected, cv::NORM_INF)));
        }
      }
    }
  }
  MESSAGE("worst difference from cv::CLAHE: " << worst << " levels");
  CHECK(worst <= 1);
}

TEST_CASE("clahe brings out what lies in the dark") {
  const cv::Mat dark = Scene(128, 96, CV_8UC3, 0.1, 0.2);
  cv::Scalar mean;
  cv::Scalar before;
  cv::Scalar after;
  cv::meanStdDev(LumaPlane(dark, {}), mean, before);
  cv::meanStdDev(LumaPlane(Through("[clahe: 4]", dark), {}), mean, after);
  CHECK(after[0] > 1.5 * before[0]);
}

TEST_CASE("what works on the luma keeps the distances between channels") {
  const cv::Mat picture = Scene(90, 70, CV_16UC3, 0.3, 0.5);
  for (const char* chain : {"[equalize: {by_channels: false}]", "[clahe]"}) {
    CAPTURE(chain);
    const cv::Mat out = Through(chain, picture);
    CHECK_FALSE(SamePixels(out, picture));
    int kept = 0;
    for (int i = 0; i < static_cast<int>(out.total()); ++i) {
      const auto& a = picture.at<cv::Vec3w>(i);
      const auto& b = out.at<cv::Vec3w>(i);
      const auto [low, high] = std::minmax({b[0], b[1], b[2]});
      if (low == 0 || high == 65535) continue;
      ++kept;
      CHECK(b[0] - b[1] == a[0] - a[1]);
      CHECK(b[1] - b[2] == a[1] - a[2]);
    }
    CHECK(kept > 4000);
  }
}

TEST_CASE("five curves at once are five curves one by one") {
  const std::vector<std::string> curves{"gamma: 0.6", "sigmoid_contrast: {gain: 5, cutoff: 0.4}",
                                        "solarize: 0.7", "tone_curve: 0.3", "log_contrast: 1.3"};
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3, CV_16UC4}) {
    CAPTURE(type);
    const cv::Mat picture = Scene(211, 181, type);
    cv::Mat all;
    cv::Mat step_by_step = picture.clone();
    std::string chain;
    for (const std::string& curve : curves) chain += (chain.empty() ? "" : ", ") + curve;
    const Sample at_once = ChainUnderTest("[" + chain + "]").Run(PictureSample(picture.clone()));
    for (std::size_t i = 0; i < curves.size(); ++i) {
      std::string alone = curves[i];
      if (i == 3) {
        // The only one that draws: its curve again, as a table by hand.
        const double low = std::clamp(DrawnIn(at_once, i, "low"), 0.0, 1.0);
        const double high = std::clamp(DrawnIn(at_once, i, "high"), 0.0, 1.0);
        const double top = step_by_step.depth() == CV_8U ? 255 : 65535;
        const auto at = [&](double level) {
          const double x = level / top;
          const double y = 1 - x;
          const double v = 3 * y * y * x * low + 3 * y * x * x * high + x * x * x;
          return std::floor(v * top + 0.5);
        };
        cv::Mat wide;
        step_by_step.convertTo(wide, CV_64F);
        for (int k = 0; k < static_cast<int>(wide.total()) * wide.channels(); ++k) {
          if (wide.channels() == 4 && k % 4 == 3) continue;
          wide.ptr<double>()[k] = at(wide.ptr<double>()[k]);
        }
        wide.convertTo(step_by_step, step_by_step.depth());
      } else {
        step_by_step = Through("[" + alone + "]", step_by_step);
      }
    }
    CHECK(SamePixels(PixelsOf(at_once), step_by_step));
    CHECK_FALSE(SamePixels(PixelsOf(at_once), picture));
  }
}

TEST_CASE("solarize and invert") {
  cv::Mat levels(1, 256, CV_8UC1);
  for (int i = 0; i < 256; ++i) levels.at<std::uint8_t>(i) = static_cast<std::uint8_t>(i);
  const cv::Mat solar = Through("[solarize: 0.5]", levels);
  const cv::Mat added = Through("[solarize_add: 0.2]", levels);
  for (int i = 0; i < 256; ++i) {
    CHECK(solar.at<std::uint8_t>(i) == (i < 128 ? i : 255 - i));
    CHECK(added.at<std::uint8_t>(i) == (i < 128 ? i + 51 : i));
  }
  const cv::Mat wide = Scene(40, 30, CV_16UC4);
  CHECK(SamePixels(Through("[invert, invert]", wide), wide));
  std::vector<cv::Mat> before;
  std::vector<cv::Mat> after;
  cv::split(wide, before);
  cv::split(Through("[invert]", wide), after);
  CHECK(SamePixels(after[3], before[3]));
  CHECK(cv::norm(after[0] + before[0], cv::Mat(30, 40, CV_16UC1, cv::Scalar(65535)),
                 cv::NORM_INF) == 0);
}

TEST_CASE("posterize gives the same before and after a conversion to float") {
  const cv::Mat bytes = Scene(120, 80, CV_8UC3);
  cv::Mat floats;
  bytes.convertTo(floats, CV_32F, 1.0 / 255);
  for (int bits = 1; bits <= 8; ++bits) {
    CAPTURE(bits);
    const std::string chain = fmt::format("[posterize: {}]", bits);
    cv::Mat back;
    Through(chain, floats).convertTo(back, CV_8U, 255);
    CHECK(SamePixels(back, Through(chain, bytes)));
  }
}

TEST_CASE("posterize draws whole numbers with equal chance") {
  const auto op = Bind("posterize", "{bits: [2, 6]}");
  std::vector<int> counts(5);
  for (std::uint64_t id = 0; id < 5000; ++id) {
    ++counts.at(static_cast<std::size_t>(Draw(*op, Picture(4, 4), id).At("bits")) - 2);
  }
  CHECK(LooksUniform(counts));
  const auto set = Bind("posterize", "{bits: {choice: [2, 7]}}");
  std::vector<int> seen(2);
  for (std::uint64_t id = 0; id < 2000; ++id) {
    const double bits = Draw(*set, Picture(4, 4), id).At("bits");
    REQUIRE((bits == 2 || bits == 7));
    ++seen[bits == 7];
  }
  CHECK(LooksUniform(seen));
}

TEST_CASE("tone_curve draws its control points from a normal distribution") {
  const auto op = Bind("tone_curve", "{scale: 0.1}");
  // Tenths of a normal distribution.
  const std::vector<double> ends{-1.2815516, -0.8416212, -0.5244005, -0.2533471, 0,
                                 0.2533471,  0.5244005,  0.8416212,  1.2815516};
  for (const auto& [name, middle] : {std::pair{"low", 0.25}, std::pair{"high_b", 0.75}}) {
    std::vector<int> counts(10);
    double sum = 0;
    double squares = 0;
    constexpr int kDraws = 20'000;
    for (std::uint64_t id = 0; id < kDraws; ++id) {
      const double z = (Draw(*op, Picture(4, 4), id).At(name) - middle) / 0.1;
      sum += z;
      squares += z * z;
      ++counts[static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), z) -
                                        ends.begin())];
    }
    CHECK(LooksUniform(counts));
    CHECK(std::abs(sum / kDraws) < 3.29 / std::sqrt(double{kDraws}));
    CHECK(std::abs(squares / kDraws - 1) < 3.29 * std::sqrt(2.0 / kDraws));
  }
}

TEST_CASE("no tone curve falls, and all keep black and white") {
  const auto op = Bind("tone_curve", "{scale: 1}");
  for (std::uint64_t id = 0; id < 300; ++id) {
    const Drawn drawn = Draw(*op, Picture(4, 4), id);
    const auto& curve = std::get<Lut>(drawn.steps.at(0)).curve;
    CHECK(curve(0, 0) == 0);
    CHECK(curve(0, 1) == 1);
    for (int i = -100; i < 200; ++i)
      CHECK(curve(0, i / 100.0) <= curve(0, (i + 1) / 100.0) + 1e-15);
  }
}

TEST_CASE("photometric_distort draws each change and every order of channels equally often") {
  const auto op = Bind("photometric_distort", "");
  constexpr int kDraws = 6000;
  std::map<std::string, int> with;
  std::vector<int> orders(6);
  for (std::uint64_t id = 0; id < kDraws; ++id) {
    const Drawn drawn = Draw(*op, Picture(4, 4), id);
    std::size_t expected = 0;
    for (const char* part : {"brightness", "contrast", "saturation", "hue", "permutation"}) {
      const bool on = drawn.At(std::string("with_") + part) != 0;
      with[part] += on;
      expected += on;
    }
    with["first"] += drawn.At("contrast_first") != 0;
    CHECK(drawn.steps.size() == expected);
    ++orders.at(static_cast<std::size_t>(drawn.At("permutation")));
  }
  CHECK(LooksUniform(orders));
  REQUIRE(with.size() == 6);
  for (const auto& [name, count] : with) {
    CAPTURE(name);
    CHECK(LooksUniform({count, kDraws - count}));
  }
  CHECK(Draw("photometric_distort", "{chance: 0}", Picture(4, 4)).steps.empty());
  CHECK(Draw("photometric_distort", "{chance: 1}", Picture(4, 4)).steps.size() == 5);
  CHECK(Draw("photometric_distort", "{chance: 1}", Picture(4, 4, 1)).steps.size() == 2);
}

TEST_CASE("a gray field beside a picture keeps its values where colours change") {
  const cv::Mat gray = Scene(30, 20, CV_8UC1);
  for (const char* chain : {"[saturation: 0]", "[hue: 0.3]", "[rgb_shift: {red: 0.3}]",
                            "[colorize]", "[color_jitter: {brightness: 1, contrast: 1}]"}) {
    CAPTURE(chain);
    Sample sample = PictureSample(Scene(30, 20, CV_8UC3));
    sample.images.emplace_back("depth", ImageField::Of(gray.clone()));
    const Sample out = ChainUnderTest(chain).Run(std::move(sample));
    CHECK(SamePixels(out.images.at(1).second.frames.at(0).pixels, gray));
    CHECK_FALSE(SamePixels(PixelsOf(out), Scene(30, 20, CV_8UC3)));
  }
}

TEST_CASE("auto_contrast reaches both ends") {
  for (const int type : {CV_8UC3, CV_16UC3, CV_32FC3}) {
    for (const bool own : {true, false}) {
      const cv::Mat out =
          Through(fmt::format("[auto_contrast: {{cutoff: 2, by_channels: {}}}]", own),
                  Scene(120, 80, type, 0.4, 0.6));
      double lo = 0;
      double hi = 0;
      cv::minMaxLoc(out.reshape(1), &lo, &hi);
      CHECK(lo == 0);
      CHECK(hi == (type == CV_8UC3 ? 255 : type == CV_16UC3 ? 65535 : 1));
    }
  }
  const cv::Mat flat(9, 9, CV_8UC3, cv::Scalar(9, 90, 200));
  CHECK(SamePixels(Through("[auto_contrast]", flat), flat));
}

TEST_CASE("colorize paints its three colours") {
  const cv::Mat grays = (cv::Mat_<cv::Vec3b>(1, 3) << cv::Vec3b(0, 0, 0), cv::Vec3b(102, 102, 102),
                         cv::Vec3b(255, 255, 255));
  const cv::Mat out = Through(
      "[colorize: {black: [0, 0, 1], mid: [0, 1, 0], white: [1, 0, 0], mid_at: 0.4}]", grays);
  CHECK(out.at<cv::Vec3b>(0) == cv::Vec3b(0, 0, 255));
  CHECK(out.at<cv::Vec3b>(1) == cv::Vec3b(0, 255, 0));
  CHECK(out.at<cv::Vec3b>(2) == cv::Vec3b(255, 0, 0));
  Diagnostics diagnostics;
  Bind("colorize", "{mid: [0.5, 0.2]}", diagnostics);
  CHECK(diagnostics.HasErrors());
}

}  // namespace
}  // namespace pixloom::testing
