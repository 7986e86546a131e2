// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <fmt/format.h>

#include "ops/common.h"
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

struct Translate : Warped {
  Range x{-0.1, 0.1};
  Range y{-0.1, 0.1};
  ShiftUnit unit = ShiftUnit::kFraction;

  static constexpr std::string_view kName = "translate";
  static constexpr std::string_view kDoc = "Shift the picture; the canvas stays.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomTranslate"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
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
                                              "to whole ones.")},
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
    return {Matrix::Translate(shift_x, shift_y), facts.size, Rule(), interpolation};
  }
};

}  // namespace

void RegisterTranslate(Registry& registry) { registry.AddOperator<Translate>(); }

}  // namespace pixloom
