// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Crop : Outside {
  std::int64_t x_min = 0;
  std::int64_t y_min = 0;
  std::int64_t x_max = 0;
  std::int64_t y_max = 0;

  static constexpr std::string_view kName = "crop";
  static constexpr std::string_view kDoc =
      "Cut out a fixed window; parts of it outside the picture are filled.";
  static constexpr std::array<std::string_view, 1> kAliases{"Crop"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("x_min", &Crop::x_min)
                                         .In(-kMaxSide, kMaxSide)
                                         .Unit("px")
                                         .Required()
                                         .Doc("Left edge, first column of the window."),
                                     Param("y_min", &Crop::y_min)
                                         .In(-kMaxSide, kMaxSide)
                                         .Unit("px")
                                         .Required()
                                         .Doc("Top edge, first row of the window."),
                                     Param("x_max", &Crop::x_max)
                                         .In(-kMaxSide, kMaxSide)
                                         .Unit("px")
                                         .Required()
                                         .Doc("Right edge, one past the last column."),
                                     Param("y_max", &Crop::y_max)
                                         .In(-kMaxSide, kMaxSide)
                                         .Unit("px")
                                         .Required()
                                         .Doc("Bottom edge, one past the last row.")},
                          Outside::Table<Crop>());
  }
  std::string Check() const {
    if (x_max <= x_min) return fmt::format("x_max {} is not above x_min {}", x_max, x_min);
    if (y_max <= y_min) return fmt::format("y_max {} is not above y_min {}", y_max, y_min);
    return Outside::Check();
  }

  Size Window() const { return {static_cast<int>(x_max - x_min), static_cast<int>(y_max - y_min)}; }

  AffineStep Draw(Rng&, const Facts& facts) const {
    return CutWindow(static_cast<int>(x_min), static_cast<int>(y_min), Window(), facts.size,
                     Rule());
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    out.size = Window();
    return out;
  }
};

}  // namespace

void RegisterCrop(Registry& registry) { registry.AddOperator<Crop>(); }

}  // namespace pixloom
