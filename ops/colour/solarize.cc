// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Solarize {
  Range threshold{0.5};

  static constexpr std::string_view kName = "solarize";
  static constexpr std::string_view kDoc = "Invert the levels at or above a threshold.";
  static constexpr std::array<std::string_view, 2> kAliases{"Solarize", "RandomSolarize"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("threshold", &Solarize::threshold)
                          .In(0, 1)
                          .Unit("full scale")
                          .Primary()
                          .Alias("threshold_range")
                          .Doc("Lowest level that is inverted; 0 inverts the whole picture.")};
  }

  Lut Draw(Rng& rng, const Facts&) const {
    const double from = rng.Draw("threshold", threshold);
    return {[from](int, double x) { return x >= from ? 1 - x : x; }};
  }
};

}  // namespace

void RegisterSolarize(Registry& registry) { registry.AddOperator<Solarize>(); }

}  // namespace pixloom
