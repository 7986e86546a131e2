// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "ops/common.h"
#include "ops/register.h"

namespace pixloom {
namespace {

double Tan(double degrees) { return exact::Sin(Radians(degrees)) / exact::Cos(Radians(degrees)); }

struct Affine : Warped {
  Range scale{1};
  bool keep_ratio = false;
  Range translate_x{0};
  Range translate_y{0};
  Range rotate{0};
  Range shear_x{0};
  Range shear_y{0};

  static constexpr std::string_view kName = "affine";
  static constexpr std::string_view kDoc =
      "Scale, turn, shear and shift about the centre of the picture, in this order; the canvas "
      "keeps its size.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("scale", &Affine::scale)
                       .In(0.01, 100)
                       .Unit("factor")
                       .Doc("Magnification, drawn for each axis."),
                   Param("keep_ratio", &Affine::keep_ratio)
                       .Doc("Scale both axes by the factor of the first."),
                   Param("translate_x", &Affine::translate_x)
                       .In(-1, 1)
                       .Unit("widths")
                       .Doc("Shift to the right."),
                   Param("translate_y", &Affine::translate_y)
                       .In(-1, 1)
                       .Unit("heights")
                       .Doc("Shift downwards."),
                   Param("rotate", &Affine::rotate)
                       .In(-360, 360)
                       .Unit("deg")
                       .Doc("Angle, counter-clockwise positive."),
                   Param("shear_x", &Affine::shear_x)
                       .In(-80, 80)
                       .Unit("deg")
                       .Doc("Slant of vertical lines: lower rows move right."),
                   Param("shear_y", &Affine::shear_y)
                       .In(-80, 80)
                       .Unit("deg")
                       .Doc("Slant of horizontal lines: columns to the right move down.")},
        Warped::Table<Affine>());
  }

  // At 90 degrees together the two shears press the picture into a line.
  std::string Check() const {
    const double most = std::max(shear_x.Max() + shear_y.Max(), -(shear_x.Min() + shear_y.Min()));
    if (most > 85) {
      return fmt::format(
          "shear_x and shear_y together reach {} deg; keep their sum inside [-85, 85]",
          schema::Number(most));
    }
    return Outside::Check();
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double scale_x = rng.Draw("scale_x", scale);
    const double free_scale_y = rng.Draw("", scale);  // taken in any case: fixed order of draws
    const double scale_y = keep_ratio ? scale_x : free_scale_y;
    rng.Note("scale_y", scale_y);
    const double shift_x = rng.Draw("translate_x", translate_x) * facts.size.width;
    const double shift_y = rng.Draw("translate_y", translate_y) * facts.size.height;
    const double degrees = rng.Draw("rotate", rotate);
    const double slant_x = rng.Draw("shear_x", shear_x);
    const double slant_y = rng.Draw("shear_y", shear_y);
    const Matrix map = Matrix::Translate(shift_x, shift_y) *
                       Matrix::Shear(Tan(slant_x), Tan(slant_y)) *
                       Matrix::Rotate(Radians(-degrees)) * Matrix::Scale(scale_x, scale_y);
    return {AboutCentre(map, facts.size), facts.size, Rule(), interpolation};
  }
};

}  // namespace

void RegisterAffine(Registry& registry) { registry.AddOperator<Affine>(); }

}  // namespace pixloom
