// SPDX-License-Identifier: Apache-2.0
// What filters promise beyond their formulas: nothing at no strength, weights that sum to 1, what
// they refuse, what they draw.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "tests/support/draw_op.h"
#include "tests/support/image_reference.h"
#include "tests/support/statistics.h"

namespace pixloom::testing {
namespace {

cv::Mat Filtered(const std::string& op, const std::string& args, const cv::Mat& image,
                 std::uint64_t id = 1, ValueRange range = {}) {
  const auto bound = Bind(op, args);
  const Drawn drawn = Draw(*bound, Picture(image.cols, image.rows, image.channels()), id);
  cv::Mat out = image;
  for (const Step& step : drawn.steps) {
    const auto result = std::get<ImageStep>(step).run(out, {range, StreamKey{1, 2, 3}});
    REQUIRE(result.Ok());
    out = *result;
  }
  return out;
}

TEST_CASE("a filter of no strength leaves the picture as it is") {
  const std::vector<std::pair<std::string, std::string>> weakest{
      {"advanced_blur", "{kernel: 1}"},
      {"bilateral", "{diameter: 1}"},
      {"box_blur", "1"},
      {"close", "1"},
      {"convolve", "[1]"},
      {"convolve", "{kernel: [0, 0, 0, 0, 5, 0, 0, 0, 0], normalize: true}"},
      {"defocus", "{radius: 0, alias_blur: 0}"},
      {"dilate", "1"},
      {"emboss", "0"},
      {"erode", "1"},
      {"glass_blur", "{sigma: 0, max_delta: 0}"},
      {"glass_blur", "{sigma: 0, iterations: 0}"},
      {"median_blur", "1"},
      {"motion_blur", "1"},
      {"open", "1"},
      {"sharpen", "0"},
      {"sharpness", "1"},
      {"unsharp_mask", "{amount: 0}"},
      {"unsharp_mask", "{amount: 3, sigma: 0}"},
      {"unsharp_mask", "{amount: 3, threshold: 1}"},
      {"zoom_blur", "1"},
  };
  for (const auto& [op, args] : weakest) {
    CAPTURE(op);
    CAPTURE(args);
    for (const int depth : {CV_8U, CV_16U, CV_32F}) {
      const cv::Mat image = RandomImage(23, 18, depth, 3);
      CHECK(MaxDifference(Filtered(op, args, image), image) == 0);
    }
  }
}

TEST_CASE("linear filters have weights that sum to 1") {
  const std::vector<std::pair<std::string, std::string>> linear{
      {"advanced_blur", "{kernel: [3, 15], noise: [0.2, 2]}"},
      {"box_blur", "[3, 15]"},
      {"defocus", "{}"},
      {"emboss", "{alpha: [0, 1], strength: [0, 3]}"},
      {"motion_blur", "{kernel: [3, 21], angle: [0, 360], direction: [-1, 1]}"},
      {"ringing", "{kernel: [3, 21], cutoff: [0.05, 1]}"},
      {"sharpen", "[0, 1]"},
      {"sharpness", "[0, 5]"},
      {"zoom_blur", "1.3"},
  };
  cv::Mat point(81, 81, CV_32F, cv::Scalar(0));
  point.at<float>(40, 40) = 1;
  const cv::Mat flat(30, 31, CV_8UC3, cv::Scalar(0, 17, 255));
  for (const auto& [op, args] : linear) {
    for (std::uint64_t id = 0; id < 20; ++id) {
      CAPTURE(op);
      CAPTURE(id);
      CHECK(MaxDifference(Filtered(op, args, flat, id), flat) == 0);
      // Magnified, a point becomes more than a point.
      if (op == "zoom_blur") continue;
      CHECK(cv::sum(Filtered(op, args, point, id))[0] == doctest::Approx(1).epsilon(1e-5));
    }
  }
}

TEST_CASE("sharpening is the same on every CPU") {
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (const auto& [op, args] : {std::pair{"sharpness", "1.7"},
                                   {"unsharp_mask", "{amount: 2, threshold: 0.1}"},
                                   {"unsharp_mask", "{amount: 1, threshold: 0}"}}) {
      const cv::Mat out = Filtered(op, args, image);
      ForEachTarget([&](const char* target) {
        CAPTURE(target);
        CHECK(SamePixels(Filtered(op, args, image), out));
      });
    }
  });
}

TEST_CASE("motion blur goes along its angle, counter-clockwise") {
  cv::Mat point(21, 21, CV_32F, cv::Scalar(0));
  point.at<float>(10, 10) = 1;
  const auto at = [](const cv::Mat& image, int x, int y) {
    return image.at<float>(10 + y, 10 + x);
  };
  const cv::Mat flat = Filtered("motion_blur", "{kernel: 7, angle: 0}", point);
  for (int x = -3; x <= 3; ++x) CHECK(at(flat, x, 0) == doctest::Approx(1.0 / 7));
  const cv::Mat upright = Filtered("motion_blur", "{kernel: 7, angle: 90}", point);
  for (int y = -3; y <= 3; ++y) CHECK(at(upright, 0, y) == doctest::Approx(1.0 / 7));
  const cv::Mat rising = Filtered("motion_blur", "{kernel: 7, angle: 45}", point);
  CHECK(at(rising, 2, -2) > 0.1);
  CHECK(at(rising, 2, 2) == 0);
  // Neighbours ahead, to the right, come in: the point trails to the left.
  const cv::Mat ahead = Filtered("motion_blur", "{kernel: 7, angle: 0, direction: 1}", point);
  CHECK(at(ahead, -3, 0) > 0.2);
  CHECK(at(ahead, 1, 0) == 0);
  const cv::Mat behind = Filtered("motion_blur", "{kernel: 7, angle: 0, direction: -1}", point);
  CHECK(at(behind, 3, 0) > 0.2);
  CHECK(at(behind, -1, 0) == 0);
}

TEST_CASE("a disk of defocus is round and even") {
  cv::Mat point(41, 41, CV_32F, cv::Scalar(0));
  point.at<float>(20, 20) = 1;
  const cv::Mat disk = Filtered("defocus", "{radius: 10, alias_blur: 0}", point);
  int inside = 0;
  for (int y = -20; y <= 20; ++y) {
    for (int x = -20; x <= 20; ++x) inside += disk.at<float>(20 + y, 20 + x) > 0 ? 1 : 0;
  }
  CHECK(inside == 317);  // lattice points of the disk
  CHECK(disk.at<float>(20, 30) == doctest::Approx(1.0 / 317));
  CHECK(disk.at<float>(20, 31) == 0);
}

TEST_CASE("glass blur moves pixels and keeps them") {
  cv::Mat ramp(40, 50, CV_16U);
  for (int i = 0; i < 2000; ++i) {
    ramp.ptr<std::uint16_t>(i / 50)[i % 50] = static_cast<std::uint16_t>(i);
  }
  const cv::Mat out = Filtered("glass_blur", "{sigma: 0, max_delta: 2, iterations: 1}", ramp);
  std::vector<int> seen(2000);
  double moved = 0;
  for (int i = 0; i < 2000; ++i) {
    const int from = out.ptr<std::uint16_t>(i / 50)[i % 50];
    ++seen[static_cast<std::size_t>(from)];
    if (from != i) ++moved;
  }
  CHECK(*std::min_element(seen.begin(), seen.end()) == 1);  // each once: they trade places
  CHECK(moved > 1800);
}

TEST_CASE("sides of kernels are odd, with equal chance") {
  const auto op = Bind("box_blur", "[2, 11.5]");
  std::map<double, int> counts;
  for (std::uint64_t id = 0; id < 3000; ++id) ++counts[Draw(*op, Picture(9, 9), id).At("kernel")];
  std::vector<int> hits;
  for (const auto& [side, n] : counts) {
    CHECK(std::fmod(side, 2) == 1);
    hits.push_back(n);
  }
  CHECK(counts.size() == 5);  // 3, 5, 7, 9, 11
  CHECK(LooksUniform(hits));

  const auto defocus = Bind("defocus", "{radius: [2.5, 8.2]}");
  counts.clear();
  for (std::uint64_t id = 0; id < 3000; ++id) {
    ++counts[Draw(*defocus, Picture(9, 9), id).At("radius")];
  }
  hits.clear();
  for (const auto& [radius, n] : counts) hits.push_back(n);
  CHECK(counts.size() == 6);  // 3 to 8
  CHECK(LooksUniform(hits));
}

std::string Refusal(const std::string& op, const std::string& args) {
  Diagnostics diagnostics;
  Bind(op, args, diagnostics);
  return diagnostics.HasErrors() ? diagnostics.All().front().text : "";
}

TEST_CASE("what cannot be a kernel is refused") {
  CHECK(Refusal("box_blur", "4").find("odd") != std::string::npos);
  CHECK(Refusal("median_blur", "{choice: [3, 6]}").find("6") != std::string::npos);
  CHECK(Refusal("motion_blur", "[4, 4.5]").find("odd") != std::string::npos);
  CHECK(Refusal("defocus", "2.5").find("whole") != std::string::npos);
  CHECK(Refusal("convolve", "[1, 2, 3, 4]").find("odd") != std::string::npos);
  CHECK(Refusal("convolve", "[1, 2, 3]").find("do not fill") != std::string::npos);
  CHECK(Refusal("convolve", "{kernel: [1, -2, 1], size: [1, 3], normalize: true}").find("sum") !=
        std::string::npos);
  CHECK(Refusal("convolve", "{kernel: [1, -2, 1], size: [1, 3]}").empty());
  CHECK(Refusal("convolve", "{kernel: [1, -2, 1], size: [0, 3]}").empty());
  CHECK(Refusal("convolve", "{kernel: [1, -2, 1, 4], size: [0, 3]}").find("do not fill") !=
        std::string::npos);
}

TEST_CASE("a convolution is a correlation of unit scale, its kernel not mirrored") {
  const cv::Mat ramp = (cv::Mat_<float>(1, 5) << 10, 11, 13, 16, 20);
  // Unit scale of [10, 20]: 0, .1, .3, .6, 1. The neighbour to the right less that to the left.
  const cv::Mat out =
      Filtered("convolve", "{kernel: [-1, 0, 1], size: [1, 3], bias: 0.5}", ramp, 1, {10, 20});
  CHECK(out.at<float>(0, 1) == doctest::Approx(10 + 10 * (0.5 + 0.3)));
  CHECK(out.at<float>(0, 3) == doctest::Approx(10 + 10 * (0.5 + 0.7)));
}

}  // namespace
}  // namespace pixloom::testing
