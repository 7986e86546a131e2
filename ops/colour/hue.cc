// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/colour_steps.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Hue {
  Range turns{-0.1, 0.1};

  static constexpr std::string_view kName = "hue";
  static constexpr std::string_view kDoc = "Turn the colour wheel; grays stay gray.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomHue"};
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("turns", &Hue::turns)
                          .In(-0.5, 0.5)
                          .Unit("turns")
                          .Primary()
                          .Doc("A third of a turn takes red to green; 0 changes nothing.")};
  }

  PixelStep Draw(Rng& rng, const Facts&) const { return TurnHueStep(rng.Draw("turns", turns)); }
};

}  // namespace

void RegisterHue(Registry& registry) { registry.AddOperator<Hue>(); }

}  // namespace pixloom
