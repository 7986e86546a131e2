// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct RandomZoomOut : Outside {
  Range side_range{1, 4};

  static constexpr std::string_view kName = "random_zoom_out";
  static constexpr std::string_view kDoc =
      "Lay the picture at a random place on a larger canvas of its shape.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomZoomOut"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("side_range", &RandomZoomOut::side_range)
                                         .In(1, 16)
                                         .Unit("sides")
                                         .Primary()
                                         .Doc("Sides of the canvas in sides of the picture.")},
                          Outside::Table<RandomZoomOut>());
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double times = rng.Draw("side_range", side_range);
    // Rounding down is the peer's rule.
    const Size canvas{static_cast<int>(facts.size.width * times),
                      static_cast<int>(facts.size.height * times)};
    const int x = RandomStart(rng, canvas.width, facts.size.width);
    const int y = RandomStart(rng, canvas.height, facts.size.height);
    rng.Note("x", x);
    rng.Note("y", y);
    return CutWindow(-x, -y, canvas, facts.size, Rule());
  }

  Meta Out(const Meta& in) const { return OfSize(in, std::nullopt); }
};

}  // namespace

void RegisterRandomZoomOut(Registry& registry) { registry.AddOperator<RandomZoomOut>(); }

}  // namespace pixloom
