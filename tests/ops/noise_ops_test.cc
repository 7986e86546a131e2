// SPDX-License-Identifier: Apache-2.0
// Noise operators: distributions, independence of neighbours, and that nothing but stream and
// position decides about a pixel's noise.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/support/draw_op.h"
#include "tests/support/statistics.h"

namespace pixloom {
namespace {

using namespace testing;

constexpr StreamKey kKey{0x5DEECE66Du, 0x1234567890ABCDEFu, 42};

cv::Mat Noisy(const std::string& verb, const std::string& yaml, const cv::Mat& in,
              StreamKey key = kKey, ValueRange range = {}) {
  const Drawn drawn = Draw(verb, yaml, Picture(in.cols, in.rows, in.channels(), DepthOf(in)));
  const auto out = std::get<ImageStep>(drawn.steps.at(0)).run(in, {range, key});
  REQUIRE(out.Ok());
  return *out;
}

cv::Mat Flat(double level, int side = 512, int channels = 3) {
  return cv::Mat(side, side, CV_32FC(channels), cv::Scalar::all(level));
}

// Channel `c` of a float picture, less a level.
std::vector<double> Values(const cv::Mat& image, int c, double level = 0) {
  std::vector<double> values;
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      values.push_back(image.ptr<float>(y)[x * image.channels() + c] - level);
    }
  }
  return values;
}

std::vector<double> Shifted(const std::vector<double>& values, std::size_t by) {
  std::vector<double> shifted(values.begin() + static_cast<std::ptrdiff_t>(by), values.end());
  shifted.insert(shifted.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(by));
  return shifted;
}

// Four standard errors of a correlation, which for independent values is about 1/sqrt(n).
bool Unrelated(const std::vector<double>& a, const std::vector<double>& b) {
  return std::abs(Correlation(a, b)) < 4 / std::sqrt(static_cast<double>(a.size()));
}

// Neighbours across, down and through the channels.
void CheckIndependence(const cv::Mat& image) {
  const auto first = Values(image, 0);
  for (const int by : {1, 2, 3, 4, image.cols, image.cols + 1}) {
    CAPTURE(by);
    CHECK(Unrelated(first, Shifted(first, static_cast<std::size_t>(by))));
  }
  for (int c = 1; c < image.channels(); ++c) CHECK(Unrelated(first, Values(image, c)));
}

void CheckMoments(const std::vector<double>& values, double mean, double deviation,
                  double kurtosis) {
  const Moments m = MomentsOf(values);
  const auto n = static_cast<double>(values.size());
  CAPTURE(m.mean);
  CAPTURE(m.deviation);
  CHECK(std::abs(m.mean - mean) < 4 * deviation / std::sqrt(n));
  CHECK(std::abs(m.deviation / deviation - 1) < 4 * std::sqrt((kurtosis - 1) / (4 * n)));
}

double NormalCdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

// Share of a Beta(2, 5) distribution below x: a polynomial.
double Beta25(double x) {
  double sum = 0;
  for (int j = 2; j <= 6; ++j) {
    sum += std::tgamma(7) / (std::tgamma(j + 1) * std::tgamma(7 - j)) * std::pow(x, j) *
           std::pow(1 - x, 6 - j);
  }
  return sum;
}

TEST_CASE("additive_noise has the distribution it is asked for") {
  struct Case {
    const char* yaml;
    double kurtosis;
    double (*cdf)(double);  // of mean 0 and deviation 1
  };
  const Case cases[] = {
      {"uniform", 1.8, [](double x) { return std::clamp((x / std::sqrt(3.0) + 1) / 2, 0.0, 1.0); }},
      {"normal", 3, NormalCdf},
      {"laplace", 6,
       [](double x) {
         const double tail = 0.5 * std::exp(-std::abs(x) * std::numbers::sqrt2);
         return x < 0 ? tail : 1 - tail;
       }},
      {"beta", 2.88,
       [](double x) { return Beta25(std::clamp(2.0 / 7 + x * std::sqrt(10.0 / 392), 0.0, 1.0)); }},
      {"beta, alpha: 0.5, beta: 0.5", 1.5,
       [](double x) {
         const double unit = std::clamp(0.5 + x * std::sqrt(0.125), 0.0, 1.0);
         return 2 / std::numbers::pi * std::asin(std::sqrt(unit));
       }},
  };
  for (const Case& c : cases) {
    const std::string yaml = c.yaml;
    CAPTURE(yaml);
    const cv::Mat out =
        Noisy("additive_noise", fmt::format("{{distribution: {}, std: 0.1, mean: 0.03}}", yaml),
              Flat(0.5));
    for (int channel = 0; channel < 3; ++channel) {
      std::vector<double> values = Values(out, channel, 0.5);
      CheckMoments(values, 0.03, 0.1, c.kurtosis);
      for (double& v : values) v = (v - 0.03) / 0.1;
      CHECK(Follows(values, c.cdf));
    }
    CheckIndependence(out);
    const cv::Mat shared =
        Noisy("additive_noise", fmt::format("{{distribution: {}, std: 0.1, mode: shared}}", yaml),
              Flat(0.5));
    CHECK(Values(shared, 0) == Values(shared, 2));
    CHECK(Follows(Values(shared, 1, 0.5), [&](double x) { return c.cdf(x / 0.1); }));
  }
}

TEST_CASE("multiplicative_noise: factors are even over the interval, or picked from the set") {
  const cv::Mat values =
      Noisy("multiplicative_noise",
            "{multiplier: [0.5, 1.5], elementwise: true, per_channel: true}", Flat(1));
  for (int c = 0; c < 3; ++c) {
    CheckMoments(Values(values, c), 1, 1 / std::sqrt(12.0), 1.8);
    CHECK(Follows(Values(values, c), [](double x) { return std::clamp(x - 0.5, 0.0, 1.0); }));
  }
  CheckIndependence(values);
  const cv::Mat pixels =
      Noisy("multiplicative_noise", "{multiplier: [0.5, 1.5], elementwise: true}", Flat(1));
  CHECK(Values(pixels, 0) == Values(pixels, 1));
  const cv::Mat picked = Noisy("multiplicative_noise",
                               "{multiplier: {choice: [0.5, 1, 2]}, elementwise: true}", Flat(1));
  std::vector<int> counts(3);
  for (const double v : Values(picked, 0)) ++counts[v == 0.5 ? 0 : v == 1 ? 1 : 2];
  CHECK(LooksUniform(counts));
}

TEST_CASE("speckle follows the level") {
  for (const double level : {0.0, 0.1, 0.8}) {
    const cv::Mat out = Noisy("speckle", "0.2", Flat(level));
    if (level == 0) {
      CHECK(cv::norm(out, cv::NORM_INF) == 0);
      continue;
    }
    std::vector<double> values = Values(out, 1, level);
    CheckMoments(values, 0, 0.2 * level, 3);
    for (double& v : values) v /= 0.2 * level;
    CHECK(Follows(values, NormalCdf));
    CheckIndependence(out);
  }
}

TEST_CASE("salt_and_pepper: every pixel on its own") {
  const cv::Mat gray(512, 512, CV_8UC3, cv::Scalar::all(100));
  const cv::Mat out = Noisy("salt_and_pepper", "{amount: 0.2, salt: 0.3}", gray);
  int salt = 0;
  int pepper = 0;
  std::vector<int> blocks(4096);  // of 8 x 8 pixels
  std::vector<double> hits;
  for (int y = 0; y < 512; ++y) {
    for (int x = 0; x < 512; ++x) {
      const auto pixel = out.at<cv::Vec3b>(y, x);
      REQUIRE((pixel[0] == pixel[1] && pixel[1] == pixel[2]));
      REQUIRE((pixel[0] == 0 || pixel[0] == 100 || pixel[0] == 255));
      salt += pixel[0] == 255 ? 1 : 0;
      pepper += pixel[0] == 0 ? 1 : 0;
      hits.push_back(pixel[0] == 100 ? 0 : 1);
      blocks[static_cast<std::size_t>(y / 8 * 64 + x / 8)] += pixel[0] == 100 ? 0 : 1;
    }
  }
  const double n = 512 * 512;
  CHECK(std::abs(salt - 0.06 * n) < 3.3 * std::sqrt(n * 0.06 * 0.94));
  CHECK(std::abs(pepper - 0.14 * n) < 3.3 * std::sqrt(n * 0.14 * 0.86));
  for (const std::size_t by : {1u, 2u, 4u, 512u}) CHECK(Unrelated(hits, Shifted(hits, by)));
  // Counts of blocks are binomial, neither fixed nor clumped.
  std::vector<int> seen(65);
  for (const int count : blocks) ++seen[static_cast<std::size_t>(count)];
  std::vector<double> chances;
  for (int k = 0; k <= 64; ++k) {
    chances.push_back(std::exp(std::lgamma(65.0) - std::lgamma(k + 1.0) - std::lgamma(65.0 - k) +
                               k * std::log(0.2) + (64 - k) * std::log(0.8)));
  }
  CHECK(LooksLike(seen, chances));
  const cv::Mat each = Noisy("salt_and_pepper", "{amount: 0.2, per_channel: true}", gray);
  std::vector<double> first;
  std::vector<double> second;
  for (int y = 0; y < 512; ++y) {
    for (int x = 0; x < 512; ++x) {
      first.push_back(each.at<cv::Vec3b>(y, x)[0] == 100 ? 0 : 1);
      second.push_back(each.at<cv::Vec3b>(y, x)[1] == 100 ? 0 : 1);
    }
  }
  CHECK(Unrelated(first, second));
  CHECK(std::abs(MomentsOf(first).mean - 0.2) < 3.3 * std::sqrt(0.16 / n));
  const cv::Mat alpha(64, 64, CV_8UC4, cv::Scalar(9, 9, 9, 77));
  const cv::Mat white = Noisy("salt_and_pepper", "{amount: 1, salt: 1}", alpha);
  CHECK(cv::norm(white, cv::Mat(64, 64, CV_8UC4, cv::Scalar(255, 255, 255, 77)), cv::NORM_INF) ==
        0);
}

double PoissonChance(int k, double mean) {
  if (mean == 0) return k == 0 ? 1 : 0;
  return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1.0));
}

TEST_CASE("shot_noise: bytes are Poisson numbers, level by level") {
  for (const double photons : {3.0, 60.0, 2000.0}) {
    for (const int level : {0, 1, 20, 100, 180, 255}) {
      CAPTURE(photons);
      CAPTURE(level);
      const cv::Mat flat(256, 256, CV_8UC3, cv::Scalar::all(level));
      const cv::Mat out = Noisy("shot_noise", fmt::format("{}", photons), flat);
      std::vector<int> counts(256);
      for (int y = 0; y < out.rows; ++y) {
        for (int i = 0; i < 3 * out.cols; ++i) ++counts[out.ptr(y)[i]];
      }
      const double mean = photons * std::pow(level / 255.0, 2.2);
      std::vector<double> chances(256);
      for (int k = 0; k < mean + 20 * std::sqrt(mean) + 50; ++k) {
        const double shown = std::floor(255 * std::pow(k / photons, 1 / 2.2) + 0.5);
        chances[static_cast<std::size_t>(std::min(shown, 255.0))] += PoissonChance(k, mean);
      }
      CHECK(LooksLike(counts, chances));
    }
  }
}

TEST_CASE("shot_noise: other types count photons whose variance is their mean") {
  for (const double photons : {2.0, 50.0, 5000.0}) {
    for (const double level : {0.03, 0.4, 0.99}) {
      CAPTURE(photons);
      CAPTURE(level);
      const cv::Mat out = Noisy("shot_noise", fmt::format("{}", photons), Flat(level));
      const double mean = photons * std::pow(level, 2.2);
      std::vector<int> counts(static_cast<std::size_t>(mean + 20 * std::sqrt(mean) + 50));
      std::vector<double> numbers;
      for (const double v : Values(out, 0)) {
        numbers.push_back(photons * std::pow(v, 2.2));
        const double whole = std::floor(numbers.back() + 0.5);
        REQUIRE(std::abs(numbers.back() - whole) < 1e-5 * (1 + whole));
        ++counts.at(static_cast<std::size_t>(whole));
      }
      CheckMoments(numbers, mean, std::sqrt(mean), 3 + 1 / mean);
      std::vector<double> chances;
      for (std::size_t k = 0; k < counts.size(); ++k) {
        chances.push_back(PoissonChance(static_cast<int>(k), mean));
      }
      CHECK(LooksLike(counts, chances));
      CheckIndependence(out);
    }
  }
}

TEST_CASE("iso_noise: grey noise in lightness, turns of the hue") {
  const cv::Mat grey = Noisy("iso_noise", "{luminance: 0.05, hue: 30}", Flat(0.5));
  CHECK(Values(grey, 0) == Values(grey, 2));
  std::vector<double> values = Values(grey, 0, 0.5);
  CheckMoments(values, 0, 0.05, 3);
  for (double& v : values) v /= 0.05;
  CHECK(Follows(values, NormalCdf));
  cv::Mat first;
  cv::extractChannel(grey, first, 0);
  CheckIndependence(first);

  // An orange turns towards red and yellow: only green moves, by a 60th of a unit per degree.
  const cv::Mat orange(512, 512, CV_32FC3, cv::Scalar(1, 0.5, 0));
  std::vector<double> hues = Values(Noisy("iso_noise", "{luminance: 0, hue: 5}", orange), 1, 0.5);
  for (double& v : hues) v *= 60;
  CheckMoments(hues, 0, 5, 3);
  for (double& v : hues) v /= 5;
  CHECK(Follows(hues, NormalCdf));
  CHECK(Unrelated(hues, Values(Noisy("iso_noise", "{luminance: 0.1, hue: 0}", orange), 2)));
}

TEST_CASE("film_grain: strongest in the mid-tones, as wide as asked for") {
  for (const double tone : {0.0, 0.1, 0.5, 0.8, 1.0}) {
    for (const double size : {1.0, 4.0}) {
      CAPTURE(tone);
      CAPTURE(size);
      const double deviation = 0.1 * 4 * tone * (1 - tone);
      const cv::Mat out =
          Noisy("film_grain", fmt::format("{{intensity: 0.1, size: {}}}", size), Flat(tone));
      const auto grain = Values(out, 0, tone);
      if (deviation < 1e-9) {
        CHECK(MomentsOf(grain).deviation < 1e-7);
        continue;
      }
      CHECK(Values(out, 0) == Values(out, 2));
      // Of pixels so far apart that they share no noise.
      std::vector<double> apart;
      const int step = 2 * static_cast<int>(3.5 * size / 2.3548) + 1;
      for (int y = 0; y < 512; y += step) {
        for (int x = 0; x < 512; x += step) {
          apart.push_back(grain[static_cast<std::size_t>(512 * y + x)] / deviation);
        }
      }
      CheckMoments(apart, 0, 1, 3);
      CHECK(Follows(apart, NormalCdf));
      // Two pixels share what two bells share.
      const double sigma = size / 2.3548;
      if (size > 2) {
        for (const std::size_t by : {1u, 2u, 4u}) {
          const double related = std::exp(-static_cast<double>(by * by) / (4 * sigma * sigma));
          CHECK(Correlation(grain, Shifted(grain, by)) == doctest::Approx(related).epsilon(0.05));
        }
      }
    }
  }
  const cv::Mat colour = Noisy("film_grain", "{size: 1, per_channel: true}", Flat(0.5));
  const auto red = Values(colour, 0);
  CHECK(std::abs(Correlation(red, Values(colour, 1))) < 0.02);
}

const std::vector<std::pair<std::string, std::string>>& NoiseOps() {
  static const std::vector<std::pair<std::string, std::string>> ops{
      {"additive_noise", "laplace"},
      {"additive_noise", "{distribution: uniform, mode: shared}"},
      {"film_grain", "{size: 2}"},
      {"gaussian_noise", "0.1"},
      {"iso_noise", ""},
      {"multiplicative_noise", "{elementwise: true, multiplier: [0, 2]}"},
      {"salt_and_pepper", "0.3"},
      {"shot_noise", "30"},
      {"speckle", "0.3"},
  };
  return ops;
}

TEST_CASE("noise depends on stream and position, on no thread and no order of frames") {
  constexpr std::size_t kFrames = 24;
  const auto key = [](std::size_t frame) {
    return StreamKey{kKey.key + frame, kKey.id, kKey.stream};
  };
  for (const int type : {CV_8UC3, CV_16UC3, CV_32FC3}) {
    cv::Mat picture(61, 83, type);
    for (int y = 0; y < picture.rows; ++y) {
      for (int x = 0; x < picture.cols; ++x) {
        picture.row(y).col(x) =
            cv::Scalar(40 + x, 60 + y, 200 - x) * (type == CV_8UC3    ? 1.0
                                                   : type == CV_16UC3 ? 257.0
                                                                      : 1 / 255.0);
      }
    }
    for (const auto& [verb, yaml] : NoiseOps()) {
      CAPTURE(verb);
      CAPTURE(type);
      const Drawn drawn = Draw(verb, yaml, Picture(83, 61, 3, DepthOf(picture)));
      const auto& step = std::get<ImageStep>(drawn.steps.at(0));
      std::vector<cv::Mat> one;
      for (std::size_t i = 0; i < kFrames; ++i) one.push_back(*step.run(picture, {{}, key(i)}));
      std::vector<cv::Mat> many(kFrames);
      std::vector<std::thread> threads;
      for (std::size_t t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
          // Backwards, every eighth frame.
          for (std::size_t i = kFrames; i-- > 0;) {
            if (i % 8 == t) many[i] = *step.run(picture, {{}, key(i)});
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      for (std::size_t i = 0; i < kFrames; ++i) {
        REQUIRE(cv::norm(one[i], many[i], cv::NORM_INF) == 0);
        if (i > 0) CHECK(cv::norm(one[i], one[0], cv::NORM_INF) > 0);
      }
      // Another pixel's colour changes no pixel's noise, nor does the layout of rows.
      cv::Mat wide(70, 100, type, cv::Scalar::all(0));
      picture.copyTo(wide(cv::Rect(9, 5, 83, 61)));
      const cv::Mat gaps = wide(cv::Rect(9, 5, 83, 61));
      cv::Mat other = *step.run(gaps, {{}, key(0)});
      CHECK(cv::norm(one[0], other, cv::NORM_INF) == 0);
      cv::Mat dotted = picture.clone();
      dotted.row(30).setTo(cv::Scalar::all(0));
      other = *step.run(dotted, {{}, key(0)});
      one[0].row(30).copyTo(other.row(30));
      CHECK(cv::norm(one[0], other, cv::NORM_INF) == 0);
    }
  }
}

}  // namespace
}  // namespace pixloom
