// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/noise_kernel.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// What the picture's full range is, in levels.
double Levels(const cv::Mat& pixels, ValueRange range) {
  if (pixels.depth() == CV_32F) return static_cast<double>(range.hi) - range.lo;
  return pixels.depth() == CV_8U ? kLevels<std::uint8_t> : kLevels<std::uint16_t>;
}

struct GaussianNoise {
  Range std{0.02, 0.1};
  Range mean{0};
  bool per_channel = true;

  static constexpr std::string_view kName = "gaussian_noise";
  static constexpr std::string_view kDoc = "Add normally distributed noise to every pixel.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("std", &GaussianNoise::std)
                          .In(0, 1)
                          .Unit("full scale")
                          .Primary()
                          .Alias("std_range")
                          .Doc("Standard deviation."),
                      Param("mean", &GaussianNoise::mean).In(-1, 1).Unit("full scale").Doc("Mean."),
                      Param("per_channel", &GaussianNoise::per_channel)
                          .Doc("Other noise in each channel; false makes it gray.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double deviation = rng.Draw("std", std);
    const double offset = rng.Draw("mean", mean);
    return {[deviation, offset, own = per_channel](const cv::Mat& in,
                                                   const FrameContext& context) -> Result<cv::Mat> {
      const double levels = Levels(in, context.range);
      cv::Mat out = in.clone();
      AddGaussianNoise(out, deviation * levels, offset * levels, own, context.noise);
      return out;
    }};
  }
};

}  // namespace

void RegisterGaussianNoise(Registry& registry) { registry.AddOperator<GaussianNoise>(); }

}  // namespace pixloom
