// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Brightness {
  Range factor{0.8, 1.2};

  static constexpr std::string_view kName = "brightness";
  static constexpr std::string_view kDoc = "Multiply all levels by one factor.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("factor", &Brightness::factor)
                          .In(0, 10)
                          .Unit("factor")
                          .Primary()
                          .Doc("0 is black, 1 changes nothing.")};
  }

  Lut Draw(Rng& rng, const Facts&) const {
    const double gain = rng.Draw("factor", factor);
    return {[gain](int, double x) { return gain * x; }};
  }
};

}  // namespace

void RegisterBrightness(Registry& registry) { registry.AddOperator<Brightness>(); }

}  // namespace pixloom
