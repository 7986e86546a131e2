// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <fmt/format.h>

#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class ShiftUnit { kFraction, kPixels };

}  // namespace

template <>
struct EnumNames<ShiftUnit> {
  static constexpr std::array kAll{std::pair{ShiftUnit::kFraction, "fraction"},
                                   std::pair{ShiftUnit::kPixels, "px"}};
};

namespace {

// Towards no shift; a whole number that carries rounding noise stays.
double CutToWhole(double shift) {
  const double size = std::floor(std::abs(shift) + kSideSlack);
  return shift < 0 ? -size : size;
}

struct Translate : Warped {
  Range x{-0.1, 0.1};
  Range y{-0.1, 0.1};
  ShiftUnit unit = ShiftUnit::kFraction;
  bool whole = false;

  static constexpr std::string_view kName = "translate";
  static constexpr std::string_view kDoc = "Shift the picture; the canvas stays.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomTranslate"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("x", &Translate::x)
                                         .In(-kMaxSide, kMaxSide)
                                         .Unit("widths or px")
                                         .Alias("translate_x")
                                         .Doc("Shift to the right."),
                                     Param("y", &Translate::y)
                                         .In(-kMaxSide, kMaxSide)
                                         .Unit("heights or px")
                                         .Alias("translate_y")
                                         .Doc("Shift downwards."),
                                     Param("unit", &Translate::unit)
                                         .Doc("Fractions of the side, or pixels, which are rounded "
                                              "to whole ones."),
                                     Param("whole", &Translate::whole)
                                         .Doc("Cut fractions of the side off to whole pixels, as "
                                              "the published policies do; nothing is resampled.")},
                          Warped::Table<Translate>());
  }

  std::string Check() const {
    if (unit == ShiftUnit::kFraction) {
      for (const Range* range : {&x, &y}) {
        if (range->Min() >= -1 && range->Max() <= 1) continue;
        return fmt::format("{}: a fraction lies inside [-1, 1]; for pixels add unit: px",
                           range == &x ? "x" : "y");
      }
    }
    return Outside::Check();
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    double shift_x = rng.Draw("x", x);
    double shift_y = rng.Draw("y", y);
    if (unit == ShiftUnit::kPixels) {
      shift_x = std::floor(shift_x + 0.5);
      shift_y = std::floor(shift_y + 0.5);
    } else {
      shift_x *= facts.size.width;
      shift_y *= facts.size.height;
    }
    if (whole) {
      shift_x = CutToWhole(shift_x);
      shift_y = CutToWhole(shift_y);
    }
    return {Matrix::Translate(shift_x, shift_y), facts.size, Rule(), interpolation};
  }
};

}  // namespace

void RegisterTranslate(Registry& registry) { registry.AddOperator<Translate>(); }

}  // namespace pixloom
