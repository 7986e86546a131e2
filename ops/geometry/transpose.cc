// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/symmetry.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Transpose {
  static constexpr std::string_view kName = "transpose";
  static constexpr std::string_view kDoc =
      "Mirror along the diagonal from the upper left: rows become columns.";
  static constexpr std::array<std::string_view, 1> kAliases{"Transpose"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() { return std::tuple{}; }

  AffineStep Draw(Rng&, const Facts& facts) const {
    return SymmetryStep(Symmetry::kTranspose, facts.size);
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (in.size) out.size = Size{in.size->height, in.size->width};
    return out;
  }
};

}  // namespace

void RegisterTranspose(Registry& registry) { registry.AddOperator<Transpose>(); }

}  // namespace pixloom
