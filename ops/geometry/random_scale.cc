// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct RandomScale {
  Range scale{0.9, 1.1};
  bool per_axis = false;
  Resampling interpolation = Resampling::kLinear;

  static constexpr std::string_view kName = "random_scale";
  static constexpr std::string_view kDoc = "Resize by a random factor.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomScale"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("scale", &RandomScale::scale)
                          .In(0.01, 100)
                          .Unit("factor")
                          .Primary()
                          .Alias("scale_limit", AroundOne)
                          .Doc("Magnification."),
                      Param("per_axis", &RandomScale::per_axis)
                          .Doc("Draw a factor for each axis, which changes the shape."),
                      Param("interpolation", &RandomScale::interpolation).Doc(kInterpolationDoc)};
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double scale_x = rng.Draw("scale_x", scale);
    const double free_scale_y = rng.Draw("", scale);  // taken in any case: fixed order of draws
    const double scale_y = per_axis ? free_scale_y : scale_x;
    rng.Note("scale_y", scale_y);
    const Size out{RoundedSide(facts.size.width * scale_x),
                   RoundedSide(facts.size.height * scale_y)};
    return StretchTo(facts.size, out, interpolation);
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (in.size) out.size = ScaledSize(*in.size, scale.Min());
    if (scale.Min() != scale.Max()) out.size.reset();
    return out;
  }
};

}  // namespace

void RegisterRandomScale(Registry& registry) { registry.AddOperator<RandomScale>(); }

}  // namespace pixloom
