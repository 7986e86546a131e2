// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/colour_steps.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct BrightnessContrast {
  Range brightness{-0.2, 0.2};
  Range contrast{-0.2, 0.2};
  ContrastCenter center = ContrastCenter::kZero;

  static constexpr std::string_view kName = "brightness_contrast";
  static constexpr std::string_view kDoc = "Spread levels about a centre, then shift them.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("brightness", &BrightnessContrast::brightness)
                          .In(-1, 1)
                          .Unit("full scale")
                          .Alias("brightness_limit", Symmetric)
                          .Doc("Added to every level."),
                      Param("contrast", &BrightnessContrast::contrast)
                          .In(-1, 10)
                          .Unit("factor - 1")
                          .Alias("contrast_limit", Symmetric)
                          .Doc("Distances from the centre are multiplied by 1 + contrast."),
                      Param("center", &BrightnessContrast::center).Doc(kContrastCenterDoc)};
  }

  Steps<Lut, PixelStep> Draw(Rng& rng, const Facts&) const {
    const double shift = rng.Draw("brightness", brightness);
    const double gain = 1 + rng.Draw("contrast", contrast);
    if (center == ContrastCenter::kMean) {
      return {MakeGainStep(gain, [=](double mean) { return mean - gain * mean + shift; })};
    }
    const double c = center == ContrastCenter::kMiddle ? 0.5 : 0;
    return {Lut{[=](int, double x) { return gain * (x - c) + c + shift; }}};
  }
};

}  // namespace

void RegisterBrightnessContrast(Registry& registry) { registry.AddOperator<BrightnessContrast>(); }

}  // namespace pixloom
