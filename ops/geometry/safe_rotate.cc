// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct SafeRotate : Warped {
  Range angle{-90, 90};

  static constexpr std::string_view kName = "safe_rotate";
  static constexpr std::string_view kDoc =
      "Turn about the centre and shrink, both axes alike, until the whole picture fits the canvas.";
  static constexpr std::array<std::string_view, 1> kAliases{"SafeRotate"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("angle", &SafeRotate::angle)
                                         .In(-360, 360)
                                         .Unit("deg")
                                         .Primary()
                                         .Alias("limit", Symmetric)
                                         .Doc("Angle, counter-clockwise positive.")},
                          Warped::Table<SafeRotate>());
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double degrees = rng.Draw("angle", angle);
    const Matrix turn = Matrix::Rotate(Radians(-degrees));
    const Extent needed = Spread(turn, facts.size);
    const double scale = std::min(facts.size.width / needed.width,  //
                                  facts.size.height / needed.height);
    rng.Note("scale", scale);
    const Matrix map = turn * Matrix::Scale(scale, scale);
    return {AboutCentre(map, facts.size), facts.size, Rule(), interpolation};
  }
};

}  // namespace

void RegisterSafeRotate(Registry& registry) { registry.AddOperator<SafeRotate>(); }

}  // namespace pixloom
