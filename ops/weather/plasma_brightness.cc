// SPDX-License-Identifier: Apache-2.0
#include "ops/weather/plasma.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct PlasmaBrightness : Cloudy {
  Range brightness{-0.3, 0.3};

  static constexpr std::string_view kName = "plasma_brightness";
  static constexpr std::string_view kDoc = "Brighten the picture unevenly, by a cloudy pattern.";
  static constexpr std::array<std::string_view, 2> kAliases{"PlasmaBrightness",
                                                            "RandomPlasmaBrightness"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("brightness", &PlasmaBrightness::brightness)
                                         .In(-1, 1)
                                         .Unit("full scale")
                                         .Primary()
                                         .Alias("brightness_range")
                                         .Doc("Added to levels where the pattern is strongest.")},
                          Cloudy::Table<PlasmaBrightness>());
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const auto strength = static_cast<float>(rng.Draw("brightness", brightness));
    const double rough = rng.Draw("roughness", roughness);
    return {[strength, rough, count = octaves, key = rng.Key().Pixels()](
                const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      const auto light = [strength](const float* pattern, float*, float* offset, int columns) {
        for (int x = 0; x < columns; ++x) offset[x] = strength * pattern[x];
      };
      return Cloudy::Apply(in, context.range, count, rough, key, light);
    }};
  }
};

}  // namespace

void RegisterPlasmaBrightness(Registry& registry) { registry.AddOperator<PlasmaBrightness>(); }

}  // namespace pixloom
