// SPDX-License-Identifier: Apache-2.0
// Compression and loss of detail.
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "api/pixloom.h"
#include "ops/kernels/superpixels.h"
#include "tests/support/draw_op.h"
#include "tests/support/statistics.h"

namespace pixloom {
namespace {

using namespace testing;

constexpr StreamKey kKey{0x5DEECE66Du, 0x1234567890ABCDEFu, 42};

cv::Mat Changed(const std::string& verb, const std::string& yaml, const cv::Mat& in,
                StreamKey key = kKey) {
  const auto op = Bind(verb, yaml, Services{&BuiltInCodec()});
  const Drawn drawn = Draw(*op, Picture(in.cols, in.rows, in.channels(), DepthOf(in)));
  if (drawn.steps.empty()) return in;
  const auto out = std::get<ImageStep>(drawn.steps.at(0)).run(in, {{}, key});
  REQUIRE(out.Ok());
  REQUIRE(out->size() == in.size());
  REQUIRE(out->type() == in.type());
  return *out;
}

// Coloured waves with edges.
cv::Mat Waves(int width, int height, int channels = 3) {
  cv::Mat image(height, width, CV_8UC(channels));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const double wave = std::sin(0.07 * x + c) + std::sin(0.05 * y * (c + 1)) +
                            (std::sin(0.03 * x + 0.04 * y) > 0 ? 0.8 : -0.8);
        image.ptr(y)[x * channels + c] = static_cast<std::uint8_t>(128 + 40 * wave);
      }
    }
  }
  return image;
}

double MeanDifference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total() * a.channels());
}

TEST_CASE("jpeg and webp lose more at lower quality") {
  const cv::Mat photo = Waves(160, 120);
  for (const std::string verb : {"jpeg", "webp"}) {
    CAPTURE(verb);
    double before = 0;
    for (const int quality : {100, 80, 50, 10, 1}) {
      const double lost = MeanDifference(Changed(verb, fmt::format("{}", quality), photo), photo);
      CAPTURE(quality);
      CHECK(lost > before);
      before = lost;
      if (quality == 100) CHECK(lost < 3);
    }
    CHECK(before < 40);
    const cv::Mat gray = Waves(50, 33, 1);
    CHECK(MeanDifference(Changed(verb, "90", gray), gray) < 4);
    CHECK(MeanDifference(Changed(verb, "90", photo(cv::Rect(3, 4, 1, 7))),
                         photo(cv::Rect(3, 4, 1, 7))) < 9);
  }
  const cv::Mat wide(1, 16'384, CV_8UC3, cv::Scalar::all(9));
  const Drawn drawn =
      Draw(*Bind("webp", "", Services{&BuiltInCodec()}), Picture(wide.cols, wide.rows));
  const auto refused = std::get<ImageStep>(drawn.steps.at(0)).run(wide, {{}, kKey});
  REQUIRE(!refused.Ok());
  CHECK(refused.Error().code.substr(0, 3) == "ENC");
}

TEST_CASE("pixelate and downscale keep what blocks have in common") {
  cv::Mat blocks(60, 90, CV_16UC1);
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 90; ++x) {
      blocks.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(1000 * (x / 5) + 77 * (y / 5));
    }
  }
  CHECK(cv::norm(Changed("pixelate", "5", blocks), blocks, cv::NORM_INF) == 0);
  CHECK(cv::norm(Changed("downscale", "0.2", blocks), blocks, cv::NORM_INF) == 0);
  CHECK(cv::norm(Changed("pixelate", "1", blocks), blocks, cv::NORM_INF) == 0);
  CHECK(cv::norm(Changed("downscale", "1", blocks), blocks, cv::NORM_INF) == 0);
  const cv::Mat whole = Changed("pixelate", "{block: 1, unit: fraction}", blocks);
  CHECK(whole.at<std::uint16_t>(0, 0) == whole.at<std::uint16_t>(59, 59));
  CHECK(whole.at<std::uint16_t>(0, 0) != whole.at<std::uint16_t>(0, 60));
  Diagnostics diagnostics;
  Bind("pixelate", "{block: [0.5, 3], unit: fraction}", diagnostics);
  CHECK(diagnostics.HasErrors());
}

// Number of parts of equal labels that hang together.
int Parts(const cv::Mat& labels) {
  cv::Mat seen = cv::Mat::zeros(labels.size(), CV_8U);
  int parts = 0;
  for (int y = 0; y < labels.rows; ++y) {
    for (int x = 0; x < labels.cols; ++x) {
      if (seen.at<std::uint8_t>(y, x) != 0) continue;
      ++parts;
      std::vector<cv::Point> open{{x, y}};
      seen.at<std::uint8_t>(y, x) = 1;
      while (!open.empty()) {
        const cv::Point p = open.back();
        open.pop_back();
        for (const cv::Point d :
             {cv::Point(1, 0), cv::Point(-1, 0), cv::Point(0, 1), cv::Point(0, -1)}) {
          const cv::Point q = p + d;
          if (!cv::Rect({0, 0}, labels.size()).contains(q)) continue;
          if (seen.at<std::uint8_t>(q) != 0) continue;
          if (labels.at<int>(q) != labels.at<int>(p)) continue;
          seen.at<std::uint8_t>(q) = 1;
          open.push_back(q);
        }
      }
    }
  }
  return parts;
}

TEST_CASE("superpixels are connected, about as many as asked for, and follow edges") {
  const cv::Mat photo = Waves(120, 90);
  for (const int wanted : {1, 7, 60, 300}) {
    CAPTURE(wanted);
    SuperpixelRequest request;
    request.segments = wanted;
    const Superpixels found = FindSuperpixels(photo, {}, request);
    CHECK(Parts(found.labels) == found.count);
    std::set<int> used(found.labels.begin<int>(), found.labels.end<int>());
    CHECK(static_cast<int>(used.size()) == found.count);
    CHECK(*used.begin() == 0);
    CHECK(*used.rbegin() == found.count - 1);
    CHECK(found.count >= (wanted + 1) / 2);
    CHECK(found.count <= 2 * wanted + 2);
  }
  // Four colours: no segment has two of them, at full size either.
  for (const int side : {64, 500}) {
    CAPTURE(side);
    cv::Mat flags(side, side, CV_8UC3, cv::Scalar(200, 30, 30));
    flags(cv::Rect(0, 0, side * 2 / 5, side * 3 / 7)).setTo(cv::Scalar(20, 180, 40));
    flags(cv::Rect(side * 2 / 5, side * 3 / 7, side - side * 2 / 5, side - side * 3 / 7))
        .setTo(cv::Scalar(240, 240, 250));
    const cv::Mat painted = Changed("superpixels", "{p_replace: 1, n_segments: 80}", flags);
    CHECK(MeanDifference(painted, flags) < (side == 64 ? 0.01 : 0.5));
  }
}

TEST_CASE("superpixels paint means, of the share of segments asked for") {
  const cv::Mat photo = Waves(300, 200);
  const cv::Mat all = Changed("superpixels", "{p_replace: 1, n_segments: 150}", photo);
  const cv::Scalar before = cv::mean(photo);
  const cv::Scalar after = cv::mean(all);
  for (int c = 0; c < 3; ++c) CHECK(std::abs(before[c] - after[c]) < 0.1);
  CHECK(cv::norm(Changed("superpixels", "0", photo), photo, cv::NORM_INF) == 0);

  const Superpixels segments = FindSuperpixels(photo, {}, {150, 192, 0.1});
  int painted = 0;
  int total = 0;
  for (std::uint32_t stream = 0; stream < 20; ++stream) {
    const cv::Mat out = Changed("superpixels", "{p_replace: 0.3, n_segments: 150}", photo,
                                {kKey.key, kKey.id, stream});
    std::vector<int> same(static_cast<std::size_t>(segments.count));
    std::vector<int> as_all(same.size());
    std::vector<int> pixels(same.size());
    for (int y = 0; y < photo.rows; ++y) {
      for (int x = 0; x < photo.cols; ++x) {
        const auto s = static_cast<std::size_t>(segments.labels.at<int>(y, x));
        const auto value = out.at<cv::Vec3b>(y, x);
        ++pixels[s];
        same[s] += value == photo.at<cv::Vec3b>(y, x) ? 1 : 0;
        as_all[s] += value == all.at<cv::Vec3b>(y, x) ? 1 : 0;
      }
    }
    for (std::size_t s = 0; s < same.size(); ++s) {
      CHECK((same[s] == pixels[s] || as_all[s] == pixels[s]));  // all of a segment or nothing
      painted += as_all[s] == pixels[s] && same[s] < pixels[s] ? 1 : 0;
      ++total;
    }
  }
  CHECK(std::abs(painted - 0.3 * total) < 3.3 * std::sqrt(0.21 * total) + 0.02 * total);
}

TEST_CASE("superpixels of odd pictures") {
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 9}, {700, 2}, {33, 1}}) {
    for (const int type : {CV_8UC1, CV_16UC4, CV_32FC3, CV_32FC(7)}) {
      cv::Mat in = cv::Mat::zeros(height, width, type);
      if (in.depth() == CV_32F) in.ptr<float>(0)[0] = 1e30F;
      const cv::Mat out = Changed("superpixels", "{p_replace: 1, n_segments: 5000}", in);
      CHECK(out.total() == in.total());
    }
  }
}

}  // namespace
}  // namespace pixloom
