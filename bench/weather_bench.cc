// SPDX-License-Identifier: Apache-2.0
// What weather costs, default parameters, in Gaussian blurs: 512x512x3 uint8, one thread. Both run
// alternately, so that a busy machine slows both; the figure is the ratio of medians.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <string>
#include <variant>
#include <vector>

#include "ops/families.h"
#include "ops/register.h"
#include "pipeline/buffer_pool.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

constexpr int kRounds = 5;  // of each draw
constexpr std::uint64_t kDraws = 9;

double Microseconds(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
      .count();
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The median over draws of the best round of each: what runs longer than a slice of time is
// interrupted more often on a busy machine.
double Typical(const std::vector<double>& times) {
  std::vector<double> best;
  for (auto draw = times.begin(); draw != times.end(); draw += kRounds) {
    best.push_back(*std::min_element(draw, draw + kRounds));
  }
  return Median(best);
}

cv::Mat RunSteps(const std::vector<Step>& steps, const Families& families, const cv::Mat& image) {
  cv::Mat now = image;
  for (const Step& step : steps) {
    if (const auto* general = std::get_if<ImageStep>(&step)) {
      now = *general->run(now, {ValueRange{}, StreamKey{1, 2, 3}});
      continue;
    }
    cv::Mat out = now.clone();
    if (const auto* lut = std::get_if<Lut>(&step)) {
      const ColourStep one[] = {*lut};
      families.Colour(out, one, {}, true);
    } else if (const auto* pixel = std::get_if<PixelStep>(&step)) {
      const ColourStep one[] = {*pixel};
      families.Colour(out, one, {}, true);
    }
    now = out;
  }
  return now;
}

void Run() {
  cv::setNumThreads(1);
  InstallBufferPool();
  cv::Mat image(512, 512, CV_8UC3);
  const StreamKey noise{4, 5, 6};
  for (std::uint32_t i = 0; i < image.total() * 3 / 4; ++i) {
    const PhiloxBlock words = noise.Block(i);
    for (std::size_t k = 0; k < 4; ++k) {
      image.data[4 * i + k] = static_cast<std::uint8_t>(words[k]);
    }
  }
  Registry registry;
  RegisterOps(registry);
  const auto families = MakeFamilies();
  Facts facts;
  facts.size = {512, 512};
  cv::Mat blurred;
  fmt::print("{:12} {:>9} {:>9}   {:>6}  {:>8} {:>8}\n", "us", "own", "Gaussian", "ratio",
             "best own", "best cv");
  for (const char* name : {"clouds", "fog", "frost", "gravel", "rain", "shadow", "snow", "snowfall",
                           "spatter", "sun_flare"}) {
    Diagnostics diagnostics;
    const auto op = registry.FindOperator(name)->bind({}, {}, name, diagnostics);
    std::vector<double> own;
    std::vector<double> gaussian;
    for (std::uint64_t id = 0; id < kDraws; ++id) {
      Rng rng({DrawKey(7, 0, {}), id, StreamId(name)});
      const std::vector<Step> steps = op->Draw(rng, facts);
      RunSteps(steps, *families, image);
      for (int i = 0; i < kRounds; ++i) {
        own.push_back(Microseconds([&] { RunSteps(steps, *families, image); }));
        gaussian.push_back(Microseconds([&] { cv::GaussianBlur(image, blurred, {5, 5}, 1); }));
      }
    }
    const double a = Median(own);
    const double b = Median(gaussian);
    fmt::print("{:12} {:9.1f} {:9.1f}   {:5.2f}x  {:8.1f} {:8.1f}\n", name, a, b, a / b,
               Typical(own), *std::min_element(gaussian.begin(), gaussian.end()));
  }
}

}  // namespace
}  // namespace pixloom

int main() {
  pixloom::Run();
  return 0;
}
