// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/symmetry.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct D4 {
  static constexpr std::string_view kName = "d4";
  static constexpr std::string_view kDoc =
      "Lay the picture on itself in one of eight ways with equal chance; `element` counts e, r90, "
      "r180, r270, v, hvt, h, t.";
  static constexpr std::array<std::string_view, 2> kAliases{"D4", "SquareSymmetry"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() { return std::tuple{}; }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const auto element = rng.Below("element", kSymmetries);
    return SymmetryStep(static_cast<Symmetry>(element), facts.size);
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (in.size && in.size->width != in.size->height) out.size.reset();
    return out;
  }
};

}  // namespace

void RegisterD4(Registry& registry) { registry.AddOperator<D4>(); }

}  // namespace pixloom
