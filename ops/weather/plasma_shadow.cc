// SPDX-License-Identifier: Apache-2.0
#include "ops/weather/plasma.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct PlasmaShadow : Cloudy {
  Range intensity{0.3, 0.7};

  static constexpr std::string_view kName = "plasma_shadow";
  static constexpr std::string_view kDoc = "Lay a cloudy shadow over the picture.";
  static constexpr std::array<std::string_view, 2> kAliases{"PlasmaShadow", "RandomPlasmaShadow"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("intensity", &PlasmaShadow::intensity)
                                         .In(0, 1)
                                         .Unit("fraction")
                                         .Primary()
                                         .Alias("shadow_intensity_range")
                                         .Doc("Light that is lost where the shadow is deepest.")},
                          Cloudy::Table<PlasmaShadow>());
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const auto strength = static_cast<float>(rng.Draw("intensity", intensity));
    const double rough = rng.Draw("roughness", roughness);
    return {[strength, rough, count = octaves, key = rng.Key().Pixels()](
                const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      const auto light = [strength](const float* pattern, float* gain, float*, int columns) {
        for (int x = 0; x < columns; ++x) gain[x] = 1 - strength * pattern[x];
      };
      return Cloudy::Apply(in, context.range, count, rough, key, light);
    }};
  }
};

}  // namespace

void RegisterPlasmaShadow(Registry& registry) { registry.AddOperator<PlasmaShadow>(); }

}  // namespace pixloom
