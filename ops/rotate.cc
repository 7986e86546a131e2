// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/register.h"

namespace pixloom {
namespace {

struct Rotate : Warped {
  Range angle{-90, 90};

  static constexpr std::string_view kName = "rotate";
  static constexpr std::string_view kDoc =
      "Turn about the centre of the picture; the canvas keeps its size.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("angle", &Rotate::angle)
                                         .In(-360, 360)
                                         .Unit("deg")
                                         .Primary()
                                         .Alias("limit", Symmetric)
                                         .Doc("Angle, counter-clockwise positive.")},
                          Warped::Table<Rotate>());
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double degrees = rng.Draw("angle", angle);
    return {AboutCentre(Matrix::Rotate(Radians(-degrees)), facts.size), facts.size, Rule(),
            interpolation};
  }
};

}  // namespace

void RegisterRotate(Registry& registry) { registry.AddOperator<Rotate>(); }

}  // namespace pixloom
