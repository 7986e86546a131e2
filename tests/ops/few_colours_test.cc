// SPDX-License-Identifier: Apache-2.0
// Palettes, dithering, lamps, random orders: what their definitions say, on pictures of our own.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "tests/support/draw_op.h"
#include "tests/support/run_chain.h"
#include "tests/support/statistics.h"

namespace pixloom::testing {
namespace {

cv::Mat Random(int height, int width, int type, std::uint64_t seed) {
  cv::Mat pixels(height, width, type);
  Rng rng(StreamKey{seed, 7, 7});
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < width * pixels.channels(); ++i) {
      const double unit = rng.Unit();
      if (pixels.depth() == CV_8U)
        pixels.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(unit * 256);
      if (pixels.depth() == CV_16U)
        pixels.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(unit * 65536);
      // Whole steps of 1/65535, in which floats are dithered.
      if (pixels.depth() == CV_32F)
        pixels.ptr<float>(y)[i] = static_cast<float>(std::floor(unit * 65536) / 65535);
    }
  }
  return pixels;
}

double At(const cv::Mat& pixels, int y, int i) {
  if (pixels.depth() == CV_8U) return pixels.ptr<std::uint8_t>(y)[i];
  if (pixels.depth() == CV_16U) return pixels.ptr<std::uint16_t>(y)[i];
  return double{pixels.ptr<float>(y)[i]};
}

// ---- k-means ------------------------------------------------------------------------------------

using Colour = std::array<double, 3>;

double Distance(const Colour& a, const Colour& b) {
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

std::size_t Nearest(const std::vector<Colour>& palette, const Colour& colour) {
  std::size_t best = 0;
  for (std::size_t k = 1; k < palette.size(); ++k) {
    if (Distance(palette[k], colour) < Distance(palette[best], colour)) best = k;
  }
  return best;
}

// Lloyd's algorithm in float64 from the colours the operator says it starts from.
std::vector<Colour> LloydPalette(const cv::Mat& in, int count, int side, std::uint64_t seed) {
  std::vector<Colour> samples;
  const int columns = std::min(in.cols, side), rows = std::min(in.rows, side);
  for (int j = 0; j < rows; ++j) {
    for (int i = 0; i < columns; ++i) {
      const int x = static_cast<int>((i + 0.5) * in.cols / columns);
      const int y = static_cast<int>((j + 0.5) * in.rows / rows);
      const auto v = in.at<cv::Vec3b>(y, x);
      samples.push_back({v[0] / 255.0, v[1] / 255.0, v[2] / 255.0});
    }
  }
  std::vector<Colour> palette;
  const KeyedPermutation order(seed, samples.size());
  for (std::size_t i = 0; i < samples.size() && palette.size() < static_cast<std::size_t>(count);
       ++i) {
    const Colour& colour = samples[order(i)];
    if (std::find(palette.begin(), palette.end(), colour) == palette.end())
      palette.push_back(colour);
  }
  for (int move = 0; move < 10; ++move) {
    std::vector<Colour> sums(palette.size());
    std::vector<double> counts(palette.size());
    for (const Colour& colour : samples) {
      const std::size_t k = Nearest(palette, colour);
      for (std::size_t c = 0; c < 3; ++c) sums[k][c] += colour[c];
      counts[k] += 1;
    }
    for (std::size_t k = 0; k < palette.size(); ++k) {
      for (std::size_t c = 0; c < 3 && counts[k] > 0; ++c) palette[k][c] = sums[k][c] / counts[k];
    }
  }
  return palette;
}

TEST_CASE("k-means is Lloyd's") {
  for (const int side : {8, 40, 128}) {
    const cv::Mat in = Random(90, 70, CV_8UC3, static_cast<std::uint64_t>(side));
    const Sample out =
        ChainUnderTest(fmt::format("[color_quantize: {{colors: [3, 20], max_size: {}}}]", side))
            .Run(PictureSample(in));
    const int count = static_cast<int>(std::floor(DrawnIn(out, 0, "colors") + 0.5));
    const std::vector<Colour> palette =
        LloydPalette(in, count, side, static_cast<std::uint64_t>(DrawnIn(out, 0, "seed")));
    CHECK(palette.size() == static_cast<std::size_t>(count));
    int off = 0;
    for (int y = 0; y < in.rows; ++y) {
      for (int x = 0; x < in.cols; ++x) {
        const auto v = in.at<cv::Vec3b>(y, x);
        const Colour& colour =
            palette[Nearest(palette, {v[0] / 255.0, v[1] / 255.0, v[2] / 255.0})];
        const auto got = PixelsOf(out).at<cv::Vec3b>(y, x);
        bool same = true;
        for (int c = 0; c < 3; ++c) {
          same = same && std::abs(got[c] - colour[static_cast<std::size_t>(c)] * 255) <= 0.51;
        }
        off += same ? 0 : 1;
      }
    }
    // Ties of float32 distances may fall the other way.
    CHECK(off <= 6);
  }
}

TEST_CASE("a picture of few colours keeps them, alpha stays") {
  cv::Mat in = Random(31, 23, CV_8UC4, 5);
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      auto& v = in.at<cv::Vec4b>(y, x);
      for (int c = 0; c < 3; ++c) v[c] = v[c] < 128 ? 20 : 240;
    }
  }
  const ChainUnderTest chain("[color_quantize: {colors: 16}]");
  CHECK(SamePixels(PixelsOf(chain.Run(PictureSample(in))), in));
  const cv::Mat flat(4, 9, CV_16UC1, cv::Scalar(12345));
  CHECK(SamePixels(PixelsOf(chain.Run(PictureSample(flat))), flat));
}

// ---- dithering ----------------------------------------------------------------------------------

// Floyd and Steinberg's textbook loop on whole numbers: errors times 16, carried in two rows.
cv::Mat Diffused(const cv::Mat& in, int count) {
  cv::Mat out = in.clone();
  const int most = in.depth() == CV_8U ? 255 : 65535;
  const double scale = in.depth() == CV_32F ? 65535 : 1;
  for (int c = 0; c < (in.channels() == 4 ? 3 : in.channels()); ++c) {
    std::map<std::pair<int, int>, int> owed;
    for (int y = 0; y < in.rows; ++y) {
      for (int x = 0; x < in.cols; ++x) {
        const int i = x * in.channels() + c;
        int v = static_cast<int>(std::lround(At(in, y, i) * scale)) + owed[{y, x}] / 16;
        v = std::clamp(v, 0, most);
        // The nearest level; the middle and what lies within half a step above goes down.
        int best = 0;
        for (int k = 1; k < count; ++k) {
          if (v * (count - 1.0) / most > k - 0.5 + 1.0 / most) best = k;
        }
        const int level = static_cast<int>(std::floor(best * double(most) / (count - 1) + 0.5));
        if (in.depth() == CV_8U) out.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(level);
        if (in.depth() == CV_16U) out.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(level);
        if (in.depth() == CV_32F) out.ptr<float>(y)[i] = static_cast<float>(best / (count - 1.0));
        const int error = v - level;
        owed[{y, x + 1}] += 7 * error;
        owed[{y + 1, x - 1}] += 3 * error;
        owed[{y + 1, x}] += 5 * error;
        owed[{y + 1, x + 1}] += error;
      }
    }
  }
  return out;
}

TEST_CASE("errors are diffused as Floyd and Steinberg say") {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC3, CV_32FC1}) {
    for (const int count : {2, 3, 7}) {
      for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 9), cv::Size(53, 37)}) {
        const cv::Mat in = Random(size.height, size.width, type, 3);
        CAPTURE(type);
        CAPTURE(count);
        CAPTURE(size);
        const Sample out = ChainUnderTest(fmt::format("[dithering: {{levels: {}}}]", count))
                               .Run(PictureSample(in));
        const cv::Mat expected = Diffused(in, count);
        CHECK(cv::norm(PixelsOf(out), expected, cv::NORM_INF) < 1e-6);
      }
    }
  }
}

TEST_CASE("a matrix of thresholds keeps the mean of every flat tone") {
  for (const int side : {2, 4, 8}) {
    const ChainUnderTest chain(fmt::format("[dithering: {{method: bayer, matrix: {}}}]", side));
    for (int level = 0; level < 256; ++level) {
      const cv::Mat in(side, side, CV_8UC1, cv::Scalar(level));
      const cv::Mat out = PixelsOf(chain.Run(PictureSample(in)));
      const double whites = cv::sum(out)[0] / 255;
      const double cells = side * side;
      CHECK(std::abs(whites - level / 255.0 * cells) <= 0.5 + 1e-9);
    }
  }
  // The matrix of side 4 as it is printed everywhere; a pixel is white above its threshold.
  constexpr int kMatrix[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
  for (int level = 0; level < 256; level += 5) {
    const cv::Mat in(9, 11, CV_8UC1, cv::Scalar(level));
    const cv::Mat out = PixelsOf(ChainUnderTest("[dithering: bayer]").Run(PictureSample(in)));
    for (int y = 0; y < in.rows; ++y) {
      for (int x = 0; x < in.cols; ++x) {
        const bool white = level / 255.0 + (kMatrix[y % 4][x % 4] + 0.5) / 16 >= 1;
        CHECK((out.at<std::uint8_t>(y, x) == 255) == white);
      }
    }
  }
}

// ---- lamps --------------------------------------------------------------------------------------

TEST_CASE("lamps have the colours of the published tables") {
  struct Lamp {
    const char* mode;
    double kelvin, r, g, b;
  };
  const Lamp lamps[] = {
      {"blackbody", 3000, 0.6743, 0.4029, 0.0013},
      {"blackbody", 6500, 0.4816, 0.4604, 0.4782},
      {"blackbody", 9750, (0.4135 + 0.4054) / 2, (0.4651 + 0.4653) / 2, (0.5990 + 0.6121) / 2},
      {"blackbody", 15000, 0.3503, 0.4653, 0.6933},
      {"cied", 4000, 0.5829, 0.4421, 0.2288},
      {"cied", 6500, 0.4654, 0.4667, 0.4654},
      {"cied", 4125, 0.5829 - 0.25 * 0.0319, 0.4421 + 0.25 * 0.0093, 0.2288 + 0.25 * 0.0660},
      {"cied", 15000, 0.3217, 0.4719, 0.6882}};
  const cv::Mat gray(2, 3, CV_32FC3, cv::Scalar::all(0.5));
  for (const Lamp& lamp : lamps) {
    CAPTURE(lamp.mode);
    CAPTURE(lamp.kelvin);
    const Sample out =
        ChainUnderTest(fmt::format("[planckian_jitter: {{temperature: {}, mode: {}}}]", lamp.kelvin,
                                   lamp.mode))
            .Run(PictureSample(gray));
    const auto v = PixelsOf(out).at<cv::Vec3f>(1, 1);
    CHECK(v[0] == doctest::Approx(0.5 * lamp.r / lamp.g).epsilon(1e-6));
    CHECK(v[1] == 0.5F);
    CHECK(v[2] == doctest::Approx(0.5 * lamp.b / lamp.g).epsilon(1e-6));
  }
  Diagnostics diagnostics;
  Bind("planckian_jitter", "{temperature: 3500, mode: cied}", diagnostics);
  CHECK(diagnostics.HasErrors());
}

// ---- what is drawn ------------------------------------------------------------------------------

TEST_CASE("orders, dropped channels and axes are drawn evenly") {
  const cv::Mat pixel(1, 1, CV_8UC3, cv::Scalar(1, 2, 3));
  const ChainUnderTest shuffle("[channel_shuffle]");
  const ChainUnderTest dropout("[channel_dropout: {count: [1, 2]}]");
  std::map<int, int> orders, dropped;
  std::vector<double> first, normals;
  Rng rng(StreamKey{5, 5, 5});
  const auto pca = Bind("fancy_pca", "1");
  for (std::uint32_t i = 0; i < 3000; ++i) {
    const auto v = PixelsOf(shuffle.Run(PictureSample(pixel), i)).at<cv::Vec3b>(0, 0);
    ++orders[v[0] * 100 + v[1] * 10 + v[2]];
    const auto w = PixelsOf(dropout.Run(PictureSample(pixel), i)).at<cv::Vec3b>(0, 0);
    const int kept = (w[0] != 0) + (w[1] != 0) + (w[2] != 0);
    CHECK((kept == 1 || kept == 2));
    ++dropped[kept * 1000 + w[0] * 100 + w[1] * 10 + w[2]];
    first.push_back(Draw(*pca, Picture(4, 4), i).At("second"));
    normals.push_back(rng.Normal("", 0, 1));
  }
  const auto counts = [](const std::map<int, int>& tally) {
    std::vector<int> all;
    for (const auto& [what, n] : tally) all.push_back(n);
    return all;
  };
  CHECK(orders.size() == 6);
  CHECK(LooksUniform(counts(orders)));
  CHECK(dropped.size() == 6);
  CHECK(LooksUniform(counts(dropped)));
  CHECK(LookAlike(first, normals));
  double mean = 0, square = 0;
  for (const double v : first) mean += v / 3000, square += v * v / 3000;
  CHECK(std::abs(mean) < 3.29 / std::sqrt(3000.0));
  CHECK(std::abs(square - 1) < 3.29 * std::sqrt(2 / 3000.0));
}

TEST_CASE("the cloudy pattern reaches both ends and its mean lies between") {
  const cv::Mat white(96, 128, CV_32FC1, cv::Scalar(1));
  const ChainUnderTest chain("[plasma_shadow: {intensity: 1}]");
  double low = 1, high = 0, sum = 0;
  for (std::uint32_t i = 0; i < 40; ++i) {
    double least = 0, most = 0;
    const Sample out = chain.Run(PictureSample(white), i);
    cv::minMaxLoc(PixelsOf(out), &least, &most);
    low = std::min(low, least), high = std::max(high, most);
    CHECK(least >= 0);
    CHECK(most <= 1);
    CHECK(most - least > 0.8);
    sum += cv::mean(PixelsOf(out))[0] / 40;
  }
  CHECK(low < 0.02);
  CHECK(high > 0.98);
  CHECK(std::abs(sum - 0.5) < 0.1);
}

TEST_CASE("one shadow lies over all frames and fields") {
  Sample sample = PictureSample(cv::Mat(40, 50, CV_8UC3, cv::Scalar::all(200)));
  sample.images.emplace_back("target", sample.images[0].second);
  const Sample out = ChainUnderTest("[plasma_shadow]").Run(std::move(sample));
  CHECK(SamePixels(out.images[0].second.frames[0].pixels, out.images[1].second.frames[0].pixels));
}

}  // namespace
}  // namespace pixloom::testing
