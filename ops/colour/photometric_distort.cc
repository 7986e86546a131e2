// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/colour/colour_steps.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct PhotometricDistort {
  Range brightness{0.875, 1.125};
  Range contrast{0.5, 1.5};
  Range saturation{0.5, 1.5};
  Range hue{-0.05, 0.05};
  double chance = 0.5;

  static constexpr std::string_view kName = "photometric_distort";
  static constexpr std::string_view kDoc =
      "Change brightness, contrast, saturation, hue and the order of channels, each or not, as "
      "detectors of the SSD family are trained; gray pictures keep to the first two.";
  static constexpr std::array<std::string_view, 3> kAliases{
      "PhotoMetricDistort", "RandomPhotometricDistort", "PhotoMetricDistortion"};
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = PhotometricDistort;
    return std::tuple{
        Param("brightness", &Op::brightness)
            .In(0, 10)
            .Unit("factor")
            .Doc("Levels are multiplied by it; 1 changes nothing."),
        Param("contrast", &Op::contrast)
            .In(0, 10)
            .Unit("factor")
            .Doc("Distances from the mean gray are multiplied by it, before saturation and hue or "
                 "after them."),
        Param("saturation", &Op::saturation)
            .In(0, 10)
            .Unit("factor")
            .Doc("Distances from each pixel's gray are multiplied by it."),
        Param("hue", &Op::hue).In(-0.5, 0.5).Unit("turns").Doc("Turn of the colour wheel."),
        Param("chance", &Op::chance)
            .In(0, 1)
            .Unit("probability")
            .Doc("Of each of the five changes.")};
  }

  Steps<Lut, PixelStep, ColorMatrix> Draw(Rng& rng, const Facts& facts) const {
    const double brighter = rng.Draw("brightness", brightness);
    const double harder = rng.Draw("contrast", contrast);
    const double stronger = rng.Draw("saturation", saturation);
    const double turn = rng.Draw("hue", hue);
    const bool brighten = rng.Chance("with_brightness", chance);
    const bool harden = rng.Chance("with_contrast", chance);
    const bool early = rng.Chance("contrast_first", 0.5);
    const bool coloured = facts.channels >= 3;
    const bool strengthen = rng.Chance("with_saturation", chance) && coloured;
    const bool turned = rng.Chance("with_hue", chance) && coloured;
    const bool permuted = rng.Chance("with_permutation", chance) && coloured;
    const std::uint32_t permutation = rng.Below("permutation", 6);

    Steps<Lut, PixelStep, ColorMatrix> steps;
    if (brighten) steps.emplace_back(Lut{[brighter](int, double x) { return brighter * x; }});
    if (harden && early) steps.emplace_back(MeanContrastStep(harder));
    if (strengthen) steps.emplace_back(SaturationMatrix(stronger));
    if (turned) steps.emplace_back(TurnHueStep(turn));
    if (harden && !early) steps.emplace_back(MeanContrastStep(harder));
    if (permuted) steps.emplace_back(Permuted(permutation));
    return steps;
  }

 private:
  // Output channel i is input channel order[i] of the `index`-th order in the lexicographic list.
  static ColorMatrix Permuted(std::uint32_t index) {
    std::array<std::size_t, 3> order{0, 1, 2};
    while (index-- > 0) std::next_permutation(order.begin(), order.end());
    ColorMatrix matrix;
    matrix.m.fill(0);
    for (std::size_t row = 0; row < 3; ++row) matrix.m[4 * row + order[row]] = 1;
    return matrix;
  }
};

}  // namespace

void RegisterPhotometricDistort(Registry& registry) { registry.AddOperator<PhotometricDistort>(); }

}  // namespace pixloom
