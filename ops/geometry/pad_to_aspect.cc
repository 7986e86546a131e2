// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/geometry/canvas.h"
#include "ops/geometry/placement.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct PadToAspect : Placed {
  double ratio = 1;

  static constexpr std::string_view kName = "pad_to_aspect";
  static constexpr std::string_view kDoc = "Enlarge the canvas until it has a given shape.";
  static constexpr std::array<std::string_view, 1> kAliases{"PadToAspectRatio"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("ratio", &PadToAspect::ratio)
                                         .In(0.01, 100)
                                         .Unit("width/height")
                                         .Required()
                                         .Primary()
                                         .Alias("aspect_ratio")
                                         .Doc("Shape of the canvas.")},
                          Placed::Table<PadToAspect>());
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
  // One side grows, rounded half up.
  Size Canvas(Size picture) const {
    return {std::max(picture.width, RoundedSide(picture.height * ratio)),
            std::max(picture.height, RoundedSide(picture.width / ratio))};
  }
};

}  // namespace

void RegisterPadToAspect(Registry& registry) { registry.AddOperator<PadToAspect>(); }

}  // namespace pixloom
