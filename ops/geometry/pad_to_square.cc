// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/geometry/placement.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct PadToSquare : Placed {
  static constexpr std::string_view kName = "pad_to_square";
  static constexpr std::string_view kDoc = "Enlarge the canvas until its sides are equal.";
  static constexpr std::array<std::string_view, 1> kAliases{"PadToSquare"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() { return Placed::Table<PadToSquare>(); }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    return LayOnCanvas(rng, facts.size, Canvas(facts.size));
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (in.size) out.size = Canvas(*in.size);
    return out;
  }

 private:
  static Size Canvas(Size picture) {
    const int side = std::max(picture.width, picture.height);
    return {side, side};
  }
};

}  // namespace

void RegisterPadToSquare(Registry& registry) { registry.AddOperator<PadToSquare>(); }

}  // namespace pixloom
