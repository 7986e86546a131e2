// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "ops/common.h"
#include "ops/kernels/noise_words.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct MultiplicativeNoise {
  Range multiplier{0.9, 1.1};
  bool per_channel = false;
  bool elementwise = false;

  static constexpr std::string_view kName = "multiplicative_noise";
  static constexpr std::string_view kDoc =
      "Multiply the picture, its channels or every value with random factors.";
  static constexpr std::array<std::string_view, 1> kAliases{"MultiplicativeNoise"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("multiplier", &MultiplicativeNoise::multiplier)
            .In(0, 10)
            .Unit("factor")
            .Primary()
            .Doc("The factors, evenly spread over the interval."),
        Param("per_channel", &MultiplicativeNoise::per_channel)
            .Doc("Other factors for each channel; false keeps the colours."),
        Param("elementwise", &MultiplicativeNoise::elementwise)
            .Doc("Other factors for each pixel; false has one for the whole picture.")};
  }

  Steps<Lut, ImageStep> Draw(Rng& rng, const Facts& facts) const {
    const double shared = rng.Draw("multiplier", multiplier);
    if (!elementwise && !per_channel) return {Lut{[shared](int, double x) { return x * shared; }}};
    if (!elementwise) {
      const auto channels = static_cast<std::size_t>(facts.channels);
      std::vector<float> factors(channels + kNormalPadding);
      FillFactors(multiplier, rng.Key().Pixels(), 0, factors.data(), channels);
      return {Lut{[factors = std::move(factors)](int channel, double x) {
                    return x * factors[static_cast<std::size_t>(channel)];
                  },
                  true}};
    }
    return {ImageStep{[factor = multiplier, own = per_channel](
                          const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      const float black = BlackLevel(in, context.range);
      ChangeByNoise(
          out, own,
          [&](std::uint32_t block, float* to, std::size_t count) {
            FillFactors(factor, context.noise, block, to, count);
          },
          [black](float v, float f) { return (v - black) * f + black; });
      return out;
    }}};
  }

 private:
  static void FillFactors(const Range& range, StreamKey key, std::uint32_t block, float* out,
                          std::size_t count) {
    FillSignedUniforms(key, block, out, count);
    if (range.choice.empty()) {
      const auto half = static_cast<float>((range.hi - range.lo) / 2);
      const auto middle = static_cast<float>((range.hi + range.lo) / 2);
      for (std::size_t i = 0; i < count; ++i) out[i] = middle + half * out[i];
      return;
    }
    const auto n = static_cast<float>(range.choice.size());
    for (std::size_t i = 0; i < count; ++i) {
      const auto which = static_cast<std::size_t>((out[i] + 1) * (n / 2));
      out[i] = static_cast<float>(range.choice[std::min(which, range.choice.size() - 1)]);
    }
  }
};

}  // namespace

void RegisterMultiplicativeNoise(Registry& registry) {
  registry.AddOperator<MultiplicativeNoise>();
}

}  // namespace pixloom
