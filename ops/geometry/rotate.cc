// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// The largest upright rectangle inside a picture that is turned about its centre.
Extent LargestInside(const Matrix& turn, Size picture) {
  const double w = picture.width;
  const double h = picture.height;
  const double c = std::abs(turn.m[0]);
  const double s = std::abs(turn.m[1]);
  const double shorter = std::min(w, h);
  // Two corners on the long sides of the picture bound it, the short sides do not. This holds for a
  // square at 45 degrees, too, where the other formula divides by zero.
  if (shorter <= 2 * s * c * std::max(w, h) || std::abs(s - c) < 1e-10) {
    const double half = shorter / 2;
    return w >= h ? Extent{half / s, half / c} : Extent{half / c, half / s};
  }
  const double turned = c * c - s * s;
  return {(w * c - h * s) / turned, (h * c - w * s) / turned};
}

struct Rotate : Warped {
  Range angle{-90, 90};
  bool expand = false;
  bool crop_border = false;

  static constexpr std::string_view kName = "rotate";
  static constexpr std::string_view kDoc =
      "Turn about the centre of the picture; the canvas keeps its size unless asked otherwise.";
  static constexpr std::array<std::string_view, 2> kAliases{"Rotate", "RandomRotation"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("angle", &Rotate::angle)
                       .In(-360, 360)
                       .Unit("deg")
                       .Primary()
                       .Alias("limit", Symmetric)
                       .Alias("degrees", Symmetric)
                       .Doc("Angle, counter-clockwise positive."),
                   Param("expand", &Rotate::expand)
                       .Doc("Enlarge the canvas until it holds the whole picture."),
                   Param("crop_border", &Rotate::crop_border)
                       .Doc("Cut the canvas down to the largest part without border.")},
        Warped::Table<Rotate>());
  }

  std::string Check() const {
    if (expand && crop_border) {
      return "expand keeps all of the picture, crop_border none of the border; ask for one of them";
    }
    return Outside::Check();
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double degrees = rng.Draw("angle", angle);
    const Matrix turn = Matrix::Rotate(Radians(-degrees));
    AffineStep step{{}, facts.size, Rule(), interpolation};
    if (expand) step.out = SizeAround(Spread(turn, facts.size));
    if (crop_border) {
      const Extent inside = LargestInside(turn, facts.size);
      step.out = SizeWithin(inside);
      // Of a picture so thin that no whole pixel fits, the pixel in the middle shows some border.
      if (inside.width >= 1 - kSideSlack && inside.height >= 1 - kSideSlack) step.border.reset();
    }
    step.map = BetweenCentres(turn, facts.size, step.out);
    return step;
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (expand || crop_border) out.size.reset();
    return out;
  }
};

}  // namespace

void RegisterRotate(Registry& registry) { registry.AddOperator<Rotate>(); }

}  // namespace pixloom
