// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct SigmoidContrast {
  Range gain{5, 6};
  Range cutoff{0.3, 0.6};

  static constexpr std::string_view kName = "sigmoid_contrast";
  static constexpr std::string_view kDoc =
      "Push levels away from a cutoff along an S-shaped curve: 1 / (1 + exp(gain * (cutoff - x))).";
  static constexpr std::array<std::string_view, 1> kAliases{"SigmoidContrast"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("gain", &SigmoidContrast::gain)
                          .In(0, 100)
                          .Unit("slope")
                          .Doc("Four times the slope at the cutoff."),
                      Param("cutoff", &SigmoidContrast::cutoff)
                          .In(0, 1)
                          .Unit("full scale")
                          .Doc("The level that becomes middle gray.")};
  }

  Lut Draw(Rng& rng, const Facts&) const {
    const double k = rng.Draw("gain", gain);
    const double middle = rng.Draw("cutoff", cutoff);
    return {[k, middle](int, double x) { return 1 / (1 + exact::Exp(k * (middle - x))); }};
  }
};

}  // namespace

void RegisterSigmoidContrast(Registry& registry) { registry.AddOperator<SigmoidContrast>(); }

}  // namespace pixloom
