// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ShiftScaleRotate : Warped {
  Range shift{-0.0625, 0.0625};
  Range scale{0.9, 1.1};
  Range rotate{-45, 45};

  static constexpr std::string_view kName = "shift_scale_rotate";
  static constexpr std::string_view kDoc =
      "Scale both axes alike, turn about the centre and shift; the canvas keeps its size.";
  static constexpr std::array<std::string_view, 1> kAliases{"ShiftScaleRotate"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("shift", &ShiftScaleRotate::shift)
                                         .In(-1, 1)
                                         .Unit("sides")
                                         .Alias("shift_limit", Symmetric)
                                         .Doc("Shift to the right and downwards, drawn for each."),
                                     Param("scale", &ShiftScaleRotate::scale)
                                         .In(0.01, 100)
                                         .Unit("factor")
                                         .Alias("scale_limit", AroundOne)
                                         .Doc("Magnification."),
                                     Param("rotate", &ShiftScaleRotate::rotate)
                                         .In(-360, 360)
                                         .Unit("deg")
                                         .Alias("rotate_limit", Symmetric)
                                         .Doc("Angle, counter-clockwise positive.")},
                          Warped::Table<ShiftScaleRotate>());
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double shift_x = rng.Draw("shift_x", shift) * facts.size.width;
    const double shift_y = rng.Draw("shift_y", shift) * facts.size.height;
    const double factor = rng.Draw("scale", scale);
    const double degrees = rng.Draw("rotate", rotate);
    const Matrix map = Matrix::Translate(shift_x, shift_y) * Matrix::Rotate(Radians(-degrees)) *
                       Matrix::Scale(factor, factor);
    return {AboutCentre(map, facts.size), facts.size, Rule(), interpolation};
  }
};

}  // namespace

void RegisterShiftScaleRotate(Registry& registry) { registry.AddOperator<ShiftScaleRotate>(); }

}  // namespace pixloom
