// SPDX-License-Identifier: Apache-2.0
// Colour spaces against OpenCV's, and there and back.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "tests/reference/interpreter.h"
#include "tests/support/run_chain.h"

namespace pixloom::testing {
namespace {

// Every 17th, then a third of a step off, of each channel: 16^3 + 15^3 colours, and all grays.
cv::Mat Colours() {
  std::vector<cv::Vec3b> colours;
  const auto add = [&](int r, int g, int b) {
    colours.emplace_back(static_cast<std::uint8_t>(r), static_cast<std::uint8_t>(g),
                         static_cast<std::uint8_t>(b));
  };
  for (const int first : {0, 6}) {
    for (int r = first; r < 256; r += 17) {
      for (int g = first; g < 256; g += 17) {
        for (int b = first; b < 256; b += 17) {
          add(r, g, b);
        }
      }
    }
  }
  for (int v = 0; v < 256; ++v) add(v, v, v);
  return cv::Mat(colours, true);
}

cv::Mat Run(const cv::Mat& in, const std::string& chain) {
  return PixelsOf(ChainUnderTest(chain).Run(PictureSample(in))).clone();
}

// Largest difference per channel; hues meet at the ends.
cv::Vec3d Worst(const cv::Mat& own, const cv::Mat& other, bool hue) {
  cv::Vec3d worst(0, 0, 0);
  for (int y = 0; y < own.rows; ++y) {
    for (int c = 0; c < 3; ++c) {
      double off = std::abs(1.0 * own.at<cv::Vec3b>(y, 0)[c] - other.at<cv::Vec3d>(y, 0)[c]);
      if (hue && c == 0) off = std::min(off, 255 - off);
      worst[c] = std::max(worst[c], off);
    }
  }
  return worst;
}

// cv::cvtColor of floats, its numbers spread over 0..255 as the operator's table says.
cv::Mat OpenCv(const cv::Mat& in, int code, const cv::Scalar& scale, const cv::Scalar& shift) {
  cv::Mat values;
  in.convertTo(values, CV_32F, 1 / 255.0);
  cv::cvtColor(values, values, code);
  values.convertTo(values, CV_64F);
  cv::multiply(values, scale, values);
  cv::add(values, shift, values);
  return values;
}

TEST_CASE("colour spaces are OpenCV's") {
  const cv::Mat in = Colours();
  struct Case {
    const char* name;
    int code;
    cv::Scalar scale, shift;
  };
  const double full = 255;
  const Case cases[] = {
      {"hsv", cv::COLOR_RGB2HSV_FULL, {full / 360, full, full}, {}},
      {"hls", cv::COLOR_RGB2HLS_FULL, {full / 360, full, full}, {}},
      {"lab", cv::COLOR_RGB2Lab, {full / 100, 1, 1}, {0, 128, 128}},
      {"luv",
       cv::COLOR_RGB2Luv,
       {full / 100, full / 354, full / 262},
       {0, 134 * full / 354, 140 * full / 262}},
      {"ycrcb", cv::COLOR_RGB2YCrCb, {full, full, full}, {0, 0.5, 0.5}},
  };
  for (const Case& space : cases) {
    const std::string name = space.name;
    CAPTURE(name);
    const cv::Mat own = Run(in, fmt::format("[color_space: {}]", space.name));
    const cv::Mat other = OpenCv(in, space.code, space.scale, space.shift);
    const bool hue = space.name[0] == 'h';
    const cv::Vec3d worst = Worst(own, other, hue);
    MESSAGE(std::string(space.name) << ": " << worst[0] << ", " << worst[1] << ", " << worst[2]);
    // Rounding alone is half a level; OpenCV's powers and its YCrCb constants take a little more.
    for (int c = 0; c < 3; ++c) CHECK(worst[c] <= 1);
  }
}

TEST_CASE("uint8 conversions of OpenCV are met within one level") {
  const cv::Mat in = Colours();
  const std::pair<const char*, int> cases[] = {{"lab", cv::COLOR_RGB2Lab},
                                               {"luv", cv::COLOR_RGB2Luv},
                                               {"ycrcb", cv::COLOR_RGB2YCrCb},
                                               {"bgr", cv::COLOR_RGB2BGR}};
  for (const auto& [name, code] : cases) {
    CAPTURE(std::string(name));
    cv::Mat other;
    cv::cvtColor(in, other, code);
    other.convertTo(other, CV_64F);
    const cv::Mat own = Run(in, fmt::format("[color_space: {}]", name));
    const cv::Vec3d worst = Worst(own, other, false);
    // Its tables for Lab and Luv are coarse: a few colours are two levels off.
    const bool coarse = std::string(name)[0] == 'l';
    cv::Mat distance;
    own.convertTo(distance, CV_64F);
    distance = cv::abs(distance - other);
    const int far = cv::countNonZero(distance.reshape(1) > 1);
    MESSAGE(std::string(name) << ": " << worst << ", " << far << " of " << 3 * own.rows);
    for (int c = 0; c < 3; ++c) CHECK(worst[c] <= (coarse ? 2 : 1));
    CHECK(far <= (coarse ? own.rows / 100 : 0));
  }
}

TEST_CASE("colours come back") {
  cv::Mat in;
  Colours().convertTo(in, CV_32F, 1 / 255.0);
  for (const char* space : {"bgr", "hsv", "hls", "lab", "luv", "ycrcb"}) {
    CAPTURE(std::string(space));
    const cv::Mat back =
        Run(in, fmt::format("[color_space: {0}, color_space: {{from: {0}, to: rgb}}]", space));
    CHECK(cv::norm(in, back, cv::NORM_INF) < 2e-4);
    const cv::Mat other_way =
        Run(in, fmt::format("[color_space: {0}, color_space: {{from: {0}, to: bgr}}, channel_swap]",
                            space));
    CHECK(cv::norm(in, other_way, cv::NORM_INF) < 2e-4);
  }
}

// Black, white and what is no colour at all stay finite.
TEST_CASE("nothing that is no colour gives what is no number") {
  const float values[][3] = {{0, 0, 0},    {1, 1, 1},     {-1, 2, -3},       {5, -0.5F, 0},
                             {0, 1, 0.5F}, {1e-7F, 0, 0}, {-1e-7F, 1e-7F, 0}};
  for (const char* from : {"rgb", "bgr", "gray", "hsv", "hls", "lab", "luv", "ycrcb"}) {
    for (const char* to : {"rgb", "hsv", "hls", "lab", "luv", "ycrcb"}) {
      cv::Mat in(1, 7, CV_32FC3);
      std::copy_n(&values[0][0], 21, in.ptr<float>());
      const cv::Mat out = Run(in, fmt::format("[color_space: {{from: {}, to: {}}}]", from, to));
      CAPTURE(std::string(from));
      CAPTURE(std::string(to));
      CHECK(cv::checkRange(out));
    }
  }
}

}  // namespace
}  // namespace pixloom::testing
