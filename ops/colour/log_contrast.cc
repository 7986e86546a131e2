// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct LogContrast {
  Range gain{0.6, 1.4};

  static constexpr std::string_view kName = "log_contrast";
  static constexpr std::string_view kDoc =
      "Lighten the middle tones along a logarithm: gain * log2(1 + x).";
  static constexpr std::array<std::string_view, 1> kAliases{"LogContrast"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("gain", &LogContrast::gain)
                          .In(0, 10)
                          .Unit("factor")
                          .Primary()
                          .Doc("What full scale becomes; 1 keeps both ends.")};
  }

  Lut Draw(Rng& rng, const Facts&) const {
    const double scale = rng.Draw("gain", gain) / exact::Log(2);
    return {[scale](int, double x) { return scale * exact::Log(1 + std::max(x, 0.0)); }};
  }
};

}  // namespace

void RegisterLogContrast(Registry& registry) { registry.AddOperator<LogContrast>(); }

}  // namespace pixloom
