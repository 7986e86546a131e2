// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/geometry/placement.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct PadIfNeeded : Placed {
  std::int64_t min_height = 0;
  std::int64_t min_width = 0;
  std::int64_t height_divisor = 0;
  std::int64_t width_divisor = 0;

  static constexpr std::string_view kName = "pad_if_needed";
  static constexpr std::string_view kDoc =
      "Enlarge the canvas to a least size, to a multiple of something, or both.";
  static constexpr std::array<std::string_view, 1> kAliases{"PadIfNeeded"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("min_height", &PadIfNeeded::min_height)
                                         .In(0, kMaxSide)
                                         .Unit("px")
                                         .Doc("Least height; 0 asks for none."),
                                     Param("min_width", &PadIfNeeded::min_width)
                                         .In(0, kMaxSide)
                                         .Unit("px")
                                         .Doc("Least width; 0 asks for none."),
                                     Param("height_divisor", &PadIfNeeded::height_divisor)
                                         .In(0, kMaxSide)
                                         .Unit("px")
                                         .Alias("pad_height_divisor")
                                         .Doc("What the height becomes a multiple of; 0: nothing."),
                                     Param("width_divisor", &PadIfNeeded::width_divisor)
                                         .In(0, kMaxSide)
                                         .Unit("px")
                                         .Alias("pad_width_divisor")
                                         .Doc("What the width becomes a multiple of; 0: nothing.")},
                          Placed::Table<PadIfNeeded>());
  }

  std::string Check() const {
    if (min_height == 0 && min_width == 0 && height_divisor == 0 && width_divisor == 0) {
      return "nothing to pad to; give min_height, min_width, height_divisor or width_divisor";
    }
    return Outside::Check();
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
  static int Side(int own, std::int64_t least, std::int64_t divisor) {
    const std::int64_t side = std::max<std::int64_t>(own, least);
    return static_cast<int>(divisor > 0 ? (side + divisor - 1) / divisor * divisor : side);
  }
  Size Canvas(Size picture) const {
    return {Side(picture.width, min_width, width_divisor),
            Side(picture.height, min_height, height_divisor)};
  }
};

}  // namespace

void RegisterPadIfNeeded(Registry& registry) { registry.AddOperator<PadIfNeeded>(); }

}  // namespace pixloom
