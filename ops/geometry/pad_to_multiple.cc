// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/placement.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct PadToMultiple : Placed {
  Size of;

  static constexpr std::string_view kName = "pad_to_multiple";
  static constexpr std::string_view kDoc =
      "Enlarge the canvas until its sides are multiples of a number.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("of", &PadToMultiple::of)
                                         .In(1, kMaxSide)
                                         .Unit("px")
                                         .Required()
                                         .Primary()
                                         .Doc("What height and width become multiples of.")},
                          Placed::Table<PadToMultiple>());
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    return LayOnCanvas(rng, facts.size, Canvas(facts.size));
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (in.size) out.size = Canvas(*in.size);
    return out;
  }

 private:
  static int Side(int own, int of) { return (own + of - 1) / of * of; }
  Size Canvas(Size picture) const {
    return {Side(picture.width, of.width), Side(picture.height, of.height)};
  }
};

}  // namespace

void RegisterPadToMultiple(Registry& registry) { registry.AddOperator<PadToMultiple>(); }

}  // namespace pixloom
