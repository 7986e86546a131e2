// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Gamma {
  Range gamma{0.8, 1.2};

  static constexpr std::string_view kName = "gamma";
  static constexpr std::string_view kDoc =
      "Raise levels to a power: below 1 lightens, above darkens.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("gamma", &Gamma::gamma)
                          .In(0.01, 100)
                          .Unit("exponent")
                          .Primary()
                          .Doc("Exponent on unit scale.")};
  }

  Lut Draw(Rng& rng, const Facts&) const {
    const double exponent = rng.Draw("gamma", gamma);
    return {[exponent](int, double x) { return exact::Pow(std::max(x, 0.0), exponent); }};
  }
};

}  // namespace

void RegisterGamma(Registry& registry) { registry.AddOperator<Gamma>(); }

}  // namespace pixloom
