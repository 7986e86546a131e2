// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/colour_stats.h"
#include "ops/weather/plasma.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Unit scale.
float MeanGray(const cv::Mat& in, ValueRange range) {
  return WithDepth(in, [&](auto zero) {
    using T = decltype(zero);
    StatsMeter<T> meter(StatsKind::kGrayMean, in.channels(), range);
    for (int y = 0; y < in.rows; ++y) meter.Add(in.ptr<T>(y), in.cols);
    return static_cast<float>(meter.Finish().gray_mean);
  });
}

struct PlasmaContrast : Cloudy {
  Range contrast{-0.3, 0.3};

  static constexpr std::string_view kName = "plasma_contrast";
  static constexpr std::string_view kDoc = "Change contrast unevenly, by a cloudy pattern.";
  static constexpr std::array<std::string_view, 2> kAliases{"PlasmaContrast",
                                                            "RandomPlasmaContrast"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("contrast", &PlasmaContrast::contrast)
                                         .In(-1, 10)
                                         .Unit("factor - 1")
                                         .Primary()
                                         .Alias("contrast_range")
                                         .Doc("Where the pattern is strongest, distances from the "
                                              "mean gray are multiplied by 1 + "
                                              "contrast.")},
                          Cloudy::Table<PlasmaContrast>());
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const auto strength = static_cast<float>(rng.Draw("contrast", contrast));
    const double rough = rng.Draw("roughness", roughness);
    return {[strength, rough, count = octaves, key = rng.Key().Pixels()](
                const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      const float mean = MeanGray(in, context.range);
      const auto light = [strength, mean](const float* pattern, float* gain, float* offset,
                                          int columns) {
        for (int x = 0; x < columns; ++x) {
          const float change = strength * pattern[x];
          gain[x] = 1 + change;
          offset[x] = -mean * change;
        }
      };
      return Cloudy::Apply(in, context.range, count, rough, key, light);
    }};
  }
};

}  // namespace

void RegisterPlasmaContrast(Registry& registry) { registry.AddOperator<PlasmaContrast>(); }

}  // namespace pixloom
