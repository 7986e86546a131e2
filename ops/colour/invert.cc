// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Invert {
  static constexpr std::string_view kName = "invert";
  static constexpr std::string_view kDoc = "Exchange black and white, as on a negative.";
  static constexpr std::array<std::string_view, 3> kAliases{"Invert", "InvertImg", "RandomInvert"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() { return std::tuple{}; }

  Lut Draw(Rng&, const Facts&) const {
    return {[](int, double x) { return 1 - x; }};
  }
};

}  // namespace

void RegisterInvert(Registry& registry) { registry.AddOperator<Invert>(); }

}  // namespace pixloom
