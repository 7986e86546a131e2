// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/colour_steps.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Contrast {
  Range factor{0.8, 1.2};
  ContrastCenter center = ContrastCenter::kMean;

  static constexpr std::string_view kName = "contrast";
  static constexpr std::string_view kDoc = "Spread levels about a centre, or draw them together.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("factor", &Contrast::factor)
            .In(0, 10)
            .Unit("factor")
            .Primary()
            .Doc("Distances from the centre are multiplied by it; 1 changes nothing."),
        Param("center", &Contrast::center).Doc(kContrastCenterDoc)};
  }

  Steps<Lut, PixelStep> Draw(Rng& rng, const Facts&) const {
    const double gain = rng.Draw("factor", factor);
    if (center == ContrastCenter::kMean) return {MeanContrastStep(gain)};
    const double c = center == ContrastCenter::kMiddle ? 0.5 : 0;
    return {Lut{[=](int, double x) { return gain * (x - c) + c; }}};
  }
};

}  // namespace

void RegisterContrast(Registry& registry) { registry.AddOperator<Contrast>(); }

}  // namespace pixloom
