// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/register.h"

namespace pixloom {
namespace {

// Start of a window of `window` pixels on an axis of `picture` pixels: anywhere inside, or centred
// when the window is the larger. Takes one draw either way.
int Place(Rng& rng, std::string_view name, int picture, int window) {
  const int room = picture - window;
  if (room >= 0) return static_cast<int>(rng.Below(name, static_cast<std::uint32_t>(room) + 1));
  rng.Unit();
  const int start = room >> 1;  // rounds down, also below zero
  rng.Note(name, start);
  return start;
}

struct RandomCrop : Outside {
  Size size;

  static constexpr std::string_view kName = "random_crop";
  static constexpr std::string_view kDoc =
      "Cut out a window of fixed size at a random place; a picture smaller than the window is "
      "centred in it.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("size", &RandomCrop::size)
                                         .In(1, kMaxSide)
                                         .Unit("px")
                                         .Required()
                                         .Primary()
                                         .Doc("Height and width of the window.")},
                          Outside::Table<RandomCrop>());
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const int x = Place(rng, "x", facts.size.width, size.width);
    const int y = Place(rng, "y", facts.size.height, size.height);
    return CutWindow(x, y, size, facts.size, Rule());
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    out.size = size;
    return out;
  }
};

}  // namespace

void RegisterRandomCrop(Registry& registry) { registry.AddOperator<RandomCrop>(); }

}  // namespace pixloom
