// SPDX-License-Identifier: Apache-2.0
// Operators that change the type or the layout of pixels. Their levels are compared with float64 in
// reference_agreement_test.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "pipeline/error.h"
#include "tests/support/run_chain.h"

namespace pixloom::testing {
namespace {

cv::Mat Ramp(int rows, int columns, int type) {
  cv::Mat pixels(rows, columns, type);
  std::uint32_t state = 7;
  for (int y = 0; y < rows; ++y) {
    for (int i = 0; i < columns * pixels.channels(); ++i) {
      state = state * 1664525u + 1013904223u;
      if (pixels.depth() == CV_8U) pixels.ptr<std::uint8_t>(y)[i] = state >> 24;
      if (pixels.depth() == CV_16U) pixels.ptr<std::uint16_t>(y)[i] = state >> 16;
      if (pixels.depth() == CV_32F) {
        pixels.ptr<float>(y)[i] = static_cast<float>(state >> 8) * 0x1p-24F;
      }
    }
  }
  return pixels;
}

const ImageField& FieldOf(const Sample& sample) { return sample.images.at(0).second; }

TEST_CASE("integers come back from float") {
  for (const int type : {CV_8UC3, CV_16UC3, CV_8UC1, CV_16UC(5)}) {
    const cv::Mat in = Ramp(37, 41, type);
    const char* back = CV_MAT_DEPTH(type) == CV_8U ? "uint8" : "uint16";
    for (const char* to : {"cast: float32", "to_float: {}"}) {
      const Sample out =
          ChainUnderTest(fmt::format("[{}, from_float: {}]", to, back)).Run(PictureSample(in));
      CHECK(SamePixels(PixelsOf(out), in));
    }
  }
  // Every level of one byte survives two, and comes back.
  cv::Mat bytes(1, 256, CV_8UC1);
  std::iota(bytes.ptr<std::uint8_t>(), bytes.ptr<std::uint8_t>() + 256, std::uint8_t{0});
  const Sample wide = ChainUnderTest("[cast: uint16]").Run(PictureSample(bytes));
  for (int i = 0; i < 256; ++i) CHECK(PixelsOf(wide).at<std::uint16_t>(0, i) == 257 * i);
  CHECK(SamePixels(
      PixelsOf(ChainUnderTest("[cast: uint16, cast: uint8]").Run(PictureSample(bytes))), bytes));
}

TEST_CASE("uint16 to uint8 rounds to the nearest of 256 levels") {
  cv::Mat all(256, 256, CV_16UC1);
  std::iota(all.ptr<std::uint16_t>(), all.ptr<std::uint16_t>() + 65536, std::uint16_t{0});
  const Sample out = ChainUnderTest("[cast: uint8]").Run(PictureSample(all));
  int wrong = 0;
  for (int v = 0; v < 65536; ++v) {
    const int expected = (v + 128) / 257;  // a half cannot occur: 257 is odd
    wrong += PixelsOf(out).ptr<std::uint8_t>()[v] == expected ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("the declared range follows the type") {
  const Sample in = PictureSample(Ramp(5, 5, CV_16UC3));
  const auto range = [&](const char* chain) {
    return FieldOf(ChainUnderTest(chain).Run(in.Clone())).range;
  };
  CHECK(range("[cast: float32]") == ValueRange{0, 1});
  CHECK(range("[cast: {to: float32, scale: false}]") == ValueRange{0, 65535});
  CHECK(range("[to_float: 65535]") == ValueRange{0, 1});
  CHECK(range("[to_float: 6553.5]") == ValueRange{0, 10});
  CHECK(range("[normalize: {mean: 0.5, std: 0.5}]") == ValueRange{-1, 1});
  CHECK(range("[normalize: {by: min_max}]") == ValueRange{0, 1});
  // Steps behind it reckon with it.
  const Sample half = ChainUnderTest(
                          "[cast: {to: float32, scale: false}, brightness_contrast: "
                          "{brightness: 0.5, contrast: 0}]")
                          .Run(PictureSample(cv::Mat(3, 3, CV_16UC1, cv::Scalar(0))));
  CHECK(PixelsOf(half).at<float>(1, 1) == doctest::Approx(32767.5));
}

TEST_CASE("normalize by the picture gives mean 0 and deviation 1") {
  for (const int type : {CV_8UC3, CV_16UC1, CV_32FC4, CV_8UC(7)}) {
    for (const bool each : {false, true}) {
      const Sample out =
          ChainUnderTest(each ? "[normalize: {by: image_per_channel}]" : "[normalize: {by: image}]")
              .Run(PictureSample(Ramp(64, 50, type)));
      const cv::Mat pixels = PixelsOf(out);
      REQUIRE(pixels.depth() == CV_32F);
      cv::Mat values = each ? pixels : pixels.reshape(1);
      std::vector<double> mean;
      std::vector<double> deviation;
      cv::meanStdDev(values, mean, deviation);
      for (std::size_t c = 0; c < mean.size(); ++c) {
        CHECK(std::abs(mean[c]) < 1e-5);
        CHECK(std::abs(deviation[c] - 1) < 1e-5);
      }
    }
  }
  const Sample flat = ChainUnderTest("[normalize: {by: image}]")
                          .Run(PictureSample(cv::Mat(4, 4, CV_8UC3, cv::Scalar(9, 9, 9))));
  CHECK(cv::norm(PixelsOf(flat), cv::NORM_INF) == 0);
}

TEST_CASE("planes hold the same values") {
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC4, CV_32FC(6)}) {
    const cv::Mat in = Ramp(19, 23, type);
    const Sample out = ChainUnderTest("[layout: chw]").Run(PictureSample(in));
    const Frame& frame = FieldOf(out).frames.at(0);
    REQUIRE(frame.Planar());
    CHECK(frame.size() == Size{23, 19});
    CHECK(frame.channels() == in.channels());
    CHECK(frame.depth() == DepthOf(in));
    std::vector<cv::Mat> channels;
    cv::split(in, channels);
    for (int c = 0; c < in.channels(); ++c) {
      const cv::Mat plane(19, 23, CV_MAKETYPE(in.depth(), 1),
                          frame.pixels.data + c * frame.pixels.step[0]);
      CHECK(SamePixels(plane, channels[static_cast<std::size_t>(c)]));
    }
    const Sample same = ChainUnderTest("[layout: hwc]").Run(PictureSample(in));
    CHECK(SamePixels(PixelsOf(same), in));
  }
}

TEST_CASE("crop_mirror_normalize is the steps it is named after") {
  const ChainUnderTest fused(
      "[crop_mirror_normalize: {size: [32, 40], place: random, mirror: 0.5}]");
  int mirrored = 0;
  for (std::uint32_t branch = 0; branch < 40; ++branch) {
    const cv::Mat in = Ramp(50, 60, branch % 2 == 0 ? CV_8UC3 : CV_16UC1);
    const Sample out = fused.Run(PictureSample(in), branch);
    const int x = static_cast<int>(DrawnIn(out, 0, "x"));
    const int y = static_cast<int>(DrawnIn(out, 0, "y"));
    const bool mirror = DrawnIn(out, 0, "mirrored") > 0;
    mirrored += mirror ? 1 : 0;
    const Sample apart =
        ChainUnderTest(fmt::format("[crop: {{x_min: {}, y_min: {}, x_max: {}, y_max: {}}}, {} "
                                   "normalize: {{}}, layout: chw]",
                                   x, y, x + 40, y + 32, mirror ? "hflip," : ""))
            .Run(PictureSample(in));
    const cv::Mat& a = PixelsOf(out);
    const cv::Mat& b = PixelsOf(apart);
    REQUIRE(a.dims == 3);
    REQUIRE(b.dims == 3);
    REQUIRE(a.total() == b.total());
    CHECK(std::equal(a.ptr<float>(), a.ptr<float>() + a.total(), b.ptr<float>()));
  }
  CHECK(mirrored > 8);
  CHECK(mirrored < 32);
}

TEST_CASE("a clip changes its type frame by frame") {
  Sample clip = PictureSample(Ramp(50, 60, CV_8UC3));
  clip.images[0].second.frames.push_back({nullptr, Ramp(50, 60, CV_8UC3)});
  const Sample out =
      ChainUnderTest(
          "[{crop_mirror_normalize: {size: 32, place: random, mean: 0.5, std: 0.5, layout: "
          "hwc}, scope: frame}]")
          .Run(clip.Clone());
  CHECK(FieldOf(out).range == ValueRange{-1, 1});
  // Steps behind it know type and range.
  const Sample back =
      ChainUnderTest(
          "[{crop_mirror_normalize: {size: [50, 60], mean: 0.5, std: 0.5, layout: hwc}, "
          "scope: frame}, from_float: uint8]")
          .Run(clip.Clone());
  REQUIRE(FieldOf(back).frames.size() == 2);
  for (const Frame& frame : FieldOf(back).frames) {
    CHECK(SamePixels(frame.pixels, Ramp(50, 60, CV_8UC3)));
  }
}

TEST_CASE("nothing follows planes, and files do not hold them") {
  const auto refusal = [](const std::string& chain) -> std::string {
    try {
      ChainUnderTest test(chain);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  };
  CHECK(refusal("[layout: chw, hflip]").find("change the layout last") != std::string::npos);
  CHECK(refusal("[{sometimes: [layout: chw], p: 0.5}, gamma]").find("planar") != std::string::npos);
  CHECK(refusal("[from_float: uint8]").empty());  // of pictures of any type
  CHECK(refusal("[cast: uint8, from_float: uint8]").find("float32") != std::string::npos);
  CHECK(refusal("[hflip, layout: chw]").empty());
  CHECK(refusal("[{layout: chw, fields: [target]}]").empty());
  CHECK(refusal("[{layout: chw, fields: [target]}, hflip]").find("planar") != std::string::npos);
}

}  // namespace
}  // namespace pixloom::testing
