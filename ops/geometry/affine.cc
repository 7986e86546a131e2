// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Below or above 1 with equal chance, where `scale` allows both. One draw, as for any range.
double DrawScale(Rng& rng, const Range& scale, bool balanced) {
  if (!balanced || !scale.choice.empty() || scale.lo >= 1 || scale.hi <= 1) {
    return rng.Draw("", scale);
  }
  const double unit = rng.Unit();
  return unit < 0.5 ? scale.lo + (1 - scale.lo) * (2 * unit) : 1 + (scale.hi - 1) * (2 * unit - 1);
}

struct Affine : Warped {
  Range scale{1};
  bool keep_ratio = false;
  bool balanced_scale = false;
  Range translate{0};
  Range translate_x{0};
  Range translate_y{0};
  Range rotate{0};
  Range shear_x{0};
  Range shear_y{0};
  bool fit_output = false;

  static constexpr std::string_view kName = "affine";
  static constexpr std::string_view kDoc =
      "Scale, turn, shear and shift about the centre of the picture, in this order; the canvas "
      "keeps its size unless asked otherwise.";
  static constexpr std::array<std::string_view, 1> kAliases{"Affine"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("scale", &Affine::scale)
                       .In(0.01, 100)
                       .Unit("factor")
                       .Doc("Magnification, drawn for each axis."),
                   Param("keep_ratio", &Affine::keep_ratio)
                       .Doc("Scale both axes by the factor of the first."),
                   Param("balanced_scale", &Affine::balanced_scale)
                       .Doc("Draw below or above 1 with equal chance where the range of the scale "
                            "reaches from below to above."),
                   Param("translate", &Affine::translate)
                       .In(-1, 1)
                       .Unit("sides")
                       .Alias("translate_percent")
                       .Doc("Shift, drawn for each axis that has no range of its own."),
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
                       .Alias("degrees", Symmetric)
                       .Doc("Angle, counter-clockwise positive."),
                   Param("shear_x", &Affine::shear_x)
                       .In(-80, 80)
                       .Unit("deg")
                       .Doc("Slant of vertical lines: lower rows move right."),
                   Param("shear_y", &Affine::shear_y)
                       .In(-80, 80)
                       .Unit("deg")
                       .Doc("Slant of horizontal lines: columns to the right move down."),
                   Param("fit_output", &Affine::fit_output)
                       .Doc("Fit the canvas to the whole picture; nothing is shifted then.")},
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
    const double scale_x = DrawScale(rng, scale, balanced_scale);
    // Taken in any case: fixed order of draws.
    const double free_scale_y = DrawScale(rng, scale, balanced_scale);
    const double scale_y = keep_ratio ? scale_x : free_scale_y;
    rng.Note("scale_x", scale_x);
    rng.Note("scale_y", scale_y);
    const auto shift = [this](const Range& own) { return own == Range(0) ? translate : own; };
    const double shift_x = rng.Draw("translate_x", shift(translate_x)) * facts.size.width;
    const double shift_y = rng.Draw("translate_y", shift(translate_y)) * facts.size.height;
    const double degrees = rng.Draw("rotate", rotate);
    const double slant_x = rng.Draw("shear_x", shear_x);
    const double slant_y = rng.Draw("shear_y", shear_y);
    const Matrix linear = Matrix::Shear(Tangent(slant_x), Tangent(slant_y)) *
                          Matrix::Rotate(Radians(-degrees)) * Matrix::Scale(scale_x, scale_y);
    if (fit_output) {
      const Size out = SizeAround(Spread(linear, facts.size));
      return {BetweenCentres(linear, facts.size, out), out, Rule(), interpolation};
    }
    const Matrix map = Matrix::Translate(shift_x, shift_y) * linear;
    return {AboutCentre(map, facts.size), facts.size, Rule(), interpolation};
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (fit_output) out.size.reset();
    return out;
  }
};

}  // namespace

void RegisterAffine(Registry& registry) { registry.AddOperator<Affine>(); }

}  // namespace pixloom
