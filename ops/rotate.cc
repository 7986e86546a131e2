// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/register.h"

namespace pixloom {
namespace {

struct Rotate {
  Range angle{-90, 90};
  Resampling interpolation = Resampling::kLinear;
  Border border = Border::kConstant;
  std::vector<double> fill{0};

  static constexpr std::string_view kName = "rotate";
  static constexpr std::string_view kDoc =
      "Turn about the centre of the picture; the canvas keeps its size.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("angle", &Rotate::angle)
            .In(-360, 360)
            .Unit("deg")
            .Primary()
            .Alias("limit", Symmetric)
            .Doc("Angle, counter-clockwise positive."),
        Param("interpolation", &Rotate::interpolation).Doc(kInterpolationDoc),
        Param("border", &Rotate::border).Doc(kBorderDoc),
        Param("fill", &Rotate::fill).In(kMinLevel, kMaxLevel).Unit("levels").Doc(kFillDoc)};
  }
  std::string Check() const { return CheckFill(fill); }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double degrees = rng.Draw("angle", angle);
    return {AboutCentre(Matrix::Rotate(Radians(-degrees)), facts.size), facts.size,
            MakeBorder(border, fill), interpolation};
  }
};

}  // namespace

void RegisterRotate(Registry& registry) { registry.AddOperator<Rotate>(); }

}  // namespace pixloom
