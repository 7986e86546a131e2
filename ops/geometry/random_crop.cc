// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct RandomCrop : Outside {
  Size size;

  static constexpr std::string_view kName = "random_crop";
  static constexpr std::string_view kDoc =
      "Cut out a window of fixed size at a random place; a picture smaller than the window is "
      "centred in it and filled around.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomCrop"};
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
    const int x = RandomStart(rng, facts.size.width, size.width);
    const int y = RandomStart(rng, facts.size.height, size.height);
    rng.Note("x", x);
    rng.Note("y", y);
    return CutWindow(x, y, size, facts.size, Rule());
  }

  Meta Out(const Meta& in) const { return OfSize(in, size); }
};

}  // namespace

void RegisterRandomCrop(Registry& registry) { registry.AddOperator<RandomCrop>(); }

}  // namespace pixloom
