// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/colour_steps.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Saturation {
  Range factor{0.7, 1.3};

  static constexpr std::string_view kName = "saturation";
  static constexpr std::string_view kDoc =
      "Strengthen or fade colours; luma stays, and gray pictures as they are.";
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("factor", &Saturation::factor)
            .In(0, 10)
            .Unit("factor")
            .Primary()
            .Doc("Distances from each pixel's gray are multiplied by it; 1 changes nothing.")};
  }

  ColorMatrix Draw(Rng& rng, const Facts&) const {
    return SaturationMatrix(rng.Draw("factor", factor));
  }
};

}  // namespace

void RegisterSaturation(Registry& registry) { registry.AddOperator<Saturation>(); }

}  // namespace pixloom
