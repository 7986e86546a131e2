// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/colour/colour_steps.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ColorJitter {
  Range brightness{0.8, 1.2};
  Range contrast{0.8, 1.2};
  Range saturation{0.8, 1.2};
  Range hue{-0.5, 0.5};

  static constexpr std::string_view kName = "color_jitter";
  static constexpr std::string_view kDoc =
      "Change brightness, contrast, saturation and hue in random order; gray pictures keep to the "
      "first two.";
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("brightness", &ColorJitter::brightness)
            .In(0, 10)
            .Unit("factor")
            .Doc("Levels are multiplied by it; 1 changes nothing."),
        Param("contrast", &ColorJitter::contrast)
            .In(0, 10)
            .Unit("factor")
            .Doc("Distances from the mean gray are multiplied by it; 1 changes nothing."),
        Param("saturation", &ColorJitter::saturation)
            .In(0, 10)
            .Unit("factor")
            .Doc("Distances from each pixel's gray are multiplied by it; 1 changes nothing."),
        Param("hue", &ColorJitter::hue)
            .In(-0.5, 0.5)
            .Unit("turns")
            .Doc("Turn of the colour wheel; 0 changes nothing.")};
  }

  Steps<Lut, PixelStep, ColorMatrix> Draw(Rng& rng, const Facts& facts) const {
    const double brighter = rng.Draw("brightness", brightness);
    const double harder = rng.Draw("contrast", contrast);
    const double stronger = rng.Draw("saturation", saturation);
    const double turn = rng.Draw("hue", hue);
    const std::array<int, 4> order = Permutation(rng.Below("order", 24));
    const bool coloured = facts.channels >= 3;
    Steps<Lut, PixelStep, ColorMatrix> steps;
    for (const int what : order) {
      if (what == 0 && brighter != 1) {
        steps.emplace_back(Lut{[brighter](int, double x) { return brighter * x; }});
      } else if (what == 1 && harder != 1) {
        steps.emplace_back(MeanContrastStep(harder));
      } else if (what == 2 && stronger != 1 && coloured) {
        steps.emplace_back(SaturationMatrix(stronger));
      } else if (what == 3 && turn != 0 && coloured) {
        steps.emplace_back(TurnHueStep(turn));
      }
    }
    return steps;
  }

 private:
  // The `index`-th permutation of 0..3 in lexicographic order.
  static std::array<int, 4> Permutation(std::uint32_t index) {
    std::array<int, 4> order{0, 1, 2, 3};
    while (index-- > 0) std::next_permutation(order.begin(), order.end());
    return order;
  }
};

}  // namespace

void RegisterColorJitter(Registry& registry) { registry.AddOperator<ColorJitter>(); }

}  // namespace pixloom
