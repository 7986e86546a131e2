// SPDX-License-Identifier: Apache-2.0
// What is drawn: rain, flakes, stones, crystals. The formulas of the other weather are compared
// with the reference interpreter.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <opencv2/imgproc.hpp>

#include "tests/support/draw_op.h"
#include "tests/support/statistics.h"

namespace pixloom {
namespace {

// Curves and image steps, one after the other.
cv::Mat RunSteps(const Drawn& drawn, const cv::Mat& in, std::uint64_t id = 2) {
  cv::Mat now = in;
  for (const Step& step : drawn.steps) {
    if (const auto* lut = std::get_if<Lut>(&step)) {
      cv::Mat table(1, 256, CV_8U);
      for (int v = 0; v < 256; ++v) {
        table.data[v] =
            cv::saturate_cast<std::uint8_t>(std::floor(255 * lut->curve(0, v / 255.0) + 0.5));
      }
      cv::Mat out;
      cv::LUT(now, table, out);
      now = out;
    } else if (const auto* pixel = std::get_if<PixelStep>(&step)) {
      cv::Mat out = now.clone();
      for (int y = 0; y < out.rows; ++y) {
        auto* row = out.ptr<std::uint8_t>(y);
        pixel->kernel->Row(row, row, out.cols, out.channels(), {});
      }
      now = out;
    } else {
      auto result = std::get<ImageStep>(step).run(now, {ValueRange{}, StreamKey{1, id, 3}});
      REQUIRE(result.Ok());
      now = *result;
    }
  }
  return now;
}

cv::Mat RunOp(const std::string& op, const std::string& yaml, const cv::Mat& in,
              std::uint64_t id = 2) {
  return RunSteps(Draw(*Bind(op, yaml), Picture(in.cols, in.rows, in.channels()), id), in, id);
}

cv::Mat Flat(int width, int height, int level, int channels = 3) {
  return {height, width, CV_8UC(channels), cv::Scalar::all(level)};
}

double ShareChanged(const cv::Mat& picture, int level) {
  cv::Mat gray;
  cv::extractChannel(picture, gray, 0);
  return 1 -
         static_cast<double>(cv::countNonZero(gray == level)) / static_cast<double>(gray.total());
}

bool Same(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF) == 0; }

TEST_CASE("rain: drops between the darkened picture and their colour, as dense as drawn") {
  for (const double density : {0.02, 0.1, 0.3, 0.6}) {
    double share = 0;
    constexpr int kRuns = 5;
    for (std::uint64_t id = 1; id <= kRuns; ++id) {
      const cv::Mat out =
          RunOp("rain",
                fmt::format("{{density: {}, width: 0.012, length: 0.1, blur: 0, opacity: 1,"
                            " brightness: 0.5, color: [0.8, 0.9, 1]}}",
                            density),
                Flat(1000, 700, 101), id);
      share += ShareChanged(out, 51) / kRuns;  // 50.5, half up
      std::vector<cv::Mat> planes;
      cv::split(out, planes);
      const double colour[] = {204, 230, 255};
      for (std::size_t c = 0; c < 3; ++c) {
        double low = 0;
        double high = 0;
        cv::minMaxLoc(planes[c], &low, &high);
        CHECK(low == 51);
        CHECK(high <= colour[c]);
        CHECK(high > 0.8 * colour[c]);
      }
    }
    // Soft edges add up to a pixel around drops that are five to twelve wide.
    CAPTURE(density);
    CAPTURE(share);
    CHECK(share > 0.95 * density);
    CHECK(share < 1.3 * density);
  }
}

TEST_CASE("rain: cover adds up to the density however thin the drops are") {
  for (const int side : {128, 512}) {
    double mean = 0;
    constexpr int kRuns = 8;
    for (std::uint64_t id = 1; id <= kRuns; ++id) {
      const cv::Mat out = RunOp("rain",
                                "{density: 0.1, width: 0.003, length: 0.06, blur: 1, opacity: 1,"
                                " brightness: 1, color: [1]}",
                                Flat(side, side, 0, 1), id);
      mean += cv::mean(out)[0] / 255 / kRuns;
    }
    CAPTURE(side);
    CAPTURE(mean);
    // Near drops, which cover more, have opacity 1, the farthest half: 0.8 in the mean.
    CHECK(mean > 0.07);
    CHECK(mean < 0.095);
  }
}

// Direction across which the picture changes most, in degrees from the horizontal, y down.
double DirectionOfChange(const cv::Mat& picture) {
  cv::Mat gray;
  picture.convertTo(gray, CV_64F);
  // Differences of neighbours misjudge slopes of lines as thin as pixels.
  cv::GaussianBlur(gray, gray, {0, 0}, 1.5);
  double xx = 0;
  double xy = 0;
  double yy = 0;
  for (int y = 1; y + 1 < gray.rows; ++y) {
    for (int x = 1; x + 1 < gray.cols; ++x) {
      const double dx = gray.at<double>(y, x + 1) - gray.at<double>(y, x - 1);
      const double dy = gray.at<double>(y + 1, x) - gray.at<double>(y - 1, x);
      xx += dx * dx, xy += dx * dy, yy += dy * dy;
    }
  }
  return 0.5 * std::atan2(2 * xy, xx - yy) * 180 / std::numbers::pi;
}

TEST_CASE("rain and snowfall: everything falls at the drawn angle") {
  for (const int side : {256, 1024}) {
    for (const int slant : {-60, -25, -8, 0, 8, 25, 60}) {
      CAPTURE(side);
      CAPTURE(slant);
      const cv::Mat rain =
          RunOp("rain", fmt::format("{{slant: {}, width: 0.008, blur: 1, brightness: 1}}", slant),
                Flat(side, side, 60, 1));
      // Falling to the right turns what lies across counter-clockwise.
      CHECK(std::abs(DirectionOfChange(rain) + slant) < 2);
      const cv::Mat snow =
          RunOp("snowfall", fmt::format("{{slant: {}, size: 0.02, streak: 6}}", slant),
                Flat(side, side, 60, 1));
      CHECK(std::abs(DirectionOfChange(snow) + slant) < 2);
    }
  }
}

TEST_CASE("snowfall: flakes lie anywhere with equal chance") {
  constexpr int kCells = 4;
  std::vector<int> counts(kCells * kCells);
  const cv::Mat out =
      RunOp("snowfall", "{density: 0.01, size: 0.005, streak: 0, blur: 0, opacity: 1}",
            Flat(1200, 900, 0, 1));
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centres;
  const int found = cv::connectedComponentsWithStats(out > 0, labels, stats, centres);
  for (int i = 1; i < found; ++i) {
    const int column = static_cast<int>(centres.at<double>(i, 0) / 1200 * kCells);
    const int row = static_cast<int>(centres.at<double>(i, 1) / 900 * kCells);
    ++counts[static_cast<std::size_t>(row * kCells + column)];
  }
  CHECK(found > 1000);
  CHECK(testing::LooksUniform(counts));
}

TEST_CASE("snowfall: as dense as drawn, never darker than the picture") {
  for (const double density : {0.05, 0.3}) {
    const cv::Mat out =
        RunOp("snowfall", fmt::format("{{density: {}, size: 0.04, blur: 0, color: [1]}}", density),
              Flat(1000, 1000, 90));
    double low = 0;
    double high = 0;
    cv::minMaxLoc(out.reshape(1), &low, &high);
    CHECK(low == 90);
    CHECK(high < 255);  // the default opacity
    const double share = ShareChanged(out, 90);
    CAPTURE(share);
    CHECK(share > 0.85 * density);
    CHECK(share < 1.25 * density);
  }
}

TEST_CASE("gravel: gray stones in and around the region") {
  const std::string args =
      "{patches: 3, patch_size: 0.1, density: 0.8, brightness: [0.3, 0.6], size: 0.02,"
      " x_min: 0.3, x_max: 0.7, y_min: 0.5, y_max: 0.8}";
  for (std::uint64_t id = 1; id <= 4; ++id) {
    const cv::Mat out = RunOp("gravel", args, Flat(800, 600, 255), id);
    std::vector<cv::Mat> planes;
    cv::split(out, planes);
    CHECK(Same(planes[0], planes[1]));
    CHECK(Same(planes[0], planes[2]));
    double low = 0;
    cv::minMaxLoc(planes[0], &low, nullptr);
    CHECK(low >= std::floor(0.3 * 0.65 * 255));
    std::vector<cv::Point> changed;
    cv::findNonZero(planes[0] < 255, changed);
    const cv::Rect box = cv::boundingRect(changed);
    // Half a patch and half a stone further out.
    CHECK(box.x >= 240 - 49);
    CHECK(box.br().x <= 560 + 49);
    CHECK(box.y >= 300 - 23);
    CHECK(box.br().y <= 480 + 23);
    // Three ellipses, 80 px by 27, may overlap.
    const double share = static_cast<double>(changed.size()) / (3 * 1676);
    CAPTURE(share);
    CHECK(share > 0.2);
    CHECK(share < 1);
  }
}

TEST_CASE("gravel: patches lie anywhere in the region with equal chance") {
  std::vector<int> counts(9);
  for (std::uint64_t id = 1; id <= 500; ++id) {
    const cv::Mat out = RunOp("gravel",
                              "{patches: 1, patch_size: 0.06, density: 0.8, brightness: 0,"
                              " size: 0.02, x_min: 0.1, x_max: 0.9, y_min: 0.2, y_max: 0.8}",
                              Flat(120, 120, 255, 1), id);
    const cv::Moments moments = cv::moments(255 - out);
    REQUIRE(moments.m00 > 0);
    const double u = (moments.m10 / moments.m00 / 120 - 0.1) / 0.8;
    const double v = (moments.m01 / moments.m00 / 120 - 0.2) / 0.6;
    const auto cell = [](double t) { return std::clamp(static_cast<int>(3 * t), 0, 2); };
    ++counts[static_cast<std::size_t>(3 * cell(v) + cell(u))];
  }
  CHECK(testing::LooksUniform(counts));
}

TEST_CASE("frost: dense at the borders, none in the middle, lighter only") {
  double border = 0;
  double middle = 0;
  for (std::uint64_t id = 1; id <= 4; ++id) {
    const cv::Mat out =
        RunOp("frost", "{reach: 0.5, intensity: 0.8, color: [1]}", Flat(640, 480, 40, 1), id);
    double low = 0;
    double high = 0;
    cv::minMaxLoc(out, &low, &high);
    CHECK(low == 40);
    CHECK(high <= 40 + 0.8 * 215 + 1);
    border += (cv::mean(out.rowRange(0, 40))[0] + cv::mean(out.colRange(600, 640))[0]) / 8;
    middle += cv::mean(out(cv::Rect(240, 180, 160, 120)))[0] / 4;
  }
  CHECK(border > 40 + 60);
  CHECK(middle < 40 + 8);
}

TEST_CASE("spatter: as much of the lens as drawn") {
  for (const double coverage : {0.05, 0.2, 0.6}) {
    double share = 0;
    constexpr int kRuns = 6;
    for (std::uint64_t id = 1; id <= kRuns; ++id) {
      const cv::Mat out =
          RunOp("spatter",
                fmt::format("{{liquid: mud, coverage: {}, size: 0.02, intensity: 1, mud_color: 0}}",
                            coverage),
                Flat(400, 300, 200, 1), id);
      share += 1 - cv::mean(out)[0] / 200;
    }
    share /= kRuns;
    CAPTURE(coverage);
    CAPTURE(share);
    CHECK(std::abs(share - coverage) < 0.02 + 0.1 * coverage);
  }
}

TEST_CASE("weather of nothing is no step at all") {
  const auto steps = [](const std::string& op, const std::string& yaml) {
    return Draw(op, yaml, Picture(40, 30)).steps.size();
  };
  CHECK(steps("rain", "{density: 0, brightness: 1}") == 0);
  CHECK(steps("rain", "{density: 0, brightness: 0.5}") == 1);
  CHECK(steps("rain", "{opacity: 0, brightness: 1}") == 0);
  CHECK(steps("snowfall", "0") == 0);
  CHECK(steps("gravel", "0") == 0);
  CHECK(steps("gravel", "{patches: 0}") == 0);
  CHECK(steps("shadow", "0") == 0);
  CHECK(steps("shadow", "{count: 0}") == 0);
  CHECK(steps("sun_flare", "0") == 0);
  CHECK(steps("frost", "0") == 0);
  CHECK(steps("clouds", "0") == 0);
  CHECK(steps("spatter", "{coverage: 0}") == 0);
  const cv::Mat flat = Flat(31, 17, 77);
  CHECK(Same(RunOp("fog", "0", flat), flat));
  CHECK(Same(RunOp("snow", "{snow_point: 0, softness: 0}", flat), flat));
}

// One draw on pictures of two sizes: the small one is what becomes of the large one.
TEST_CASE("weather looks alike at any size") {
  struct Case {
    const char* op;
    const char* yaml;
    double difference;  // mean, levels
  };
  const Case cases[] = {
      {"clouds", "", 0.6},
      {"fog", "", 0.6},
      {"shadow", "", 0.6},
      {"sun_flare", "", 0.6},
      {"spatter", "{size: 0.05}", 1.5},
      {"spatter", "{size: 0.05, liquid: mud}", 1.5},
      {"rain", "{width: 0.008}", 2},
      {"snowfall", "{size: 0.03}", 2},
      {"gravel", "{size: 0.03}", 0.5},
      {"frost", "", 4},
  };
  for (const Case& c : cases) {
    for (std::uint64_t id = 1; id <= 3; ++id) {
      const cv::Mat large = RunOp(c.op, c.yaml, Flat(960, 640, 110), id);
      const cv::Mat small = RunOp(c.op, c.yaml, Flat(240, 160, 110), id);
      cv::Mat shrunk;
      cv::resize(large, shrunk, small.size(), 0, 0, cv::INTER_AREA);
      const double changed = cv::norm(shrunk, Flat(240, 160, 110), cv::NORM_L1);
      const double apart = cv::norm(shrunk, small, cv::NORM_L1);
      CAPTURE(c.op);
      CAPTURE(apart / changed);
      CHECK(apart / static_cast<double>(small.total() * 3) < c.difference);
      CHECK(apart < 0.25 * changed);
    }
  }
}

TEST_CASE("weather that stands still is the same in every frame; what falls is not") {
  const cv::Mat flat = Flat(90, 60, 120);
  const auto frames_differ = [&](const char* op) {
    const Drawn drawn = Draw(op, "", Picture(90, 60));
    return !Same(RunSteps(drawn, flat, 5), RunSteps(drawn, flat, 6));
  };
  for (const char* op : {"clouds", "fog", "shadow", "sun_flare", "spatter", "gravel", "frost"}) {
    CAPTURE(op);
    CHECK(!frames_differ(op));
  }
  CHECK(frames_differ("rain"));
  CHECK(frames_differ("snowfall"));
}

TEST_CASE("a region upside down is refused") {
  for (const char* op : {"shadow", "gravel"}) {
    Diagnostics diagnostics;
    Bind(op, "{y_min: 0.9, y_max: 0.2}", diagnostics);
    CHECK(diagnostics.HasErrors());
  }
}

}  // namespace
}  // namespace pixloom
