// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Anchor { kCenter, kTopLeft };

}  // namespace

template <>
struct EnumNames<Anchor> {
  static constexpr std::array kAll{std::pair{Anchor::kCenter, "center"},
                                   std::pair{Anchor::kTopLeft, "top_left"}};
};

namespace {

struct Shear : Warped {
  Range x{-30, 30};
  Range y{0};
  Anchor anchor = Anchor::kCenter;

  static constexpr std::string_view kName = "shear";
  static constexpr std::string_view kDoc = "Slant the picture; the canvas keeps its size.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomShear"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("x", &Shear::x)
                       .In(-80, 80)
                       .Unit("deg")
                       .Primary()
                       .Alias("shear", Symmetric)
                       .Alias("shear_x")
                       .Doc("Slant of vertical lines: lower rows move right."),
                   Param("y", &Shear::y)
                       .In(-80, 80)
                       .Unit("deg")
                       .Alias("shear_y")
                       .Doc("Slant of horizontal lines: columns to the right move down."),
                   Param("anchor", &Shear::anchor)
                       .Doc("What stays where it is: the centre, or the corner that Pillow and the "
                            "policies of TrivialAugment and RandAugment shear about.")},
        Warped::Table<Shear>());
  }

  // At 90 degrees together the two slants press the picture into a line.
  std::string Check() const {
    const double most = std::max(x.Max() + y.Max(), -(x.Min() + y.Min()));
    if (most > 85) {
      return fmt::format("x and y together reach {} deg; keep their sum inside [-85, 85]",
                         schema::Number(most));
    }
    return Outside::Check();
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double slant_x = rng.Draw("x", x);
    const double slant_y = rng.Draw("y", y);
    const Matrix map = Matrix::Shear(Tangent(slant_x), Tangent(slant_y));
    return {anchor == Anchor::kTopLeft ? map : AboutCentre(map, facts.size), facts.size, Rule(),
            interpolation};
  }
};

}  // namespace

void RegisterShear(Registry& registry) { registry.AddOperator<Shear>(); }

}  // namespace pixloom
