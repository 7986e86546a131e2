// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct SolarizeAdd {
  Range add{0, 0.43};
  Range threshold{0.5};

  static constexpr std::string_view kName = "solarize_add";
  static constexpr std::string_view kDoc = "Add a constant to the levels below a threshold.";
  static constexpr std::array<std::string_view, 1> kAliases{"SolarizeAdd"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("add", &SolarizeAdd::add)
                          .In(-1, 1)
                          .Unit("full scale")
                          .Primary()
                          .Doc("Added to dark levels; the policies of AutoAugment go up to 0.43."),
                      Param("threshold", &SolarizeAdd::threshold)
                          .In(0, 1)
                          .Unit("full scale")
                          .Doc("Lowest level that stays.")};
  }

  Lut Draw(Rng& rng, const Facts&) const {
    const double more = rng.Draw("add", add);
    const double from = rng.Draw("threshold", threshold);
    return {[more, from](int, double x) { return x < from ? x + more : x; }};
  }
};

}  // namespace

void RegisterSolarizeAdd(Registry& registry) { registry.AddOperator<SolarizeAdd>(); }

}  // namespace pixloom
