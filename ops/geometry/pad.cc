// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Pad : Outside {
  std::int64_t all = 0;
  std::int64_t left = -1;
  std::int64_t top = -1;
  std::int64_t right = -1;
  std::int64_t bottom = -1;

  static constexpr std::string_view kName = "pad";
  static constexpr std::string_view kDoc = "Enlarge the canvas by a number of pixels on each side.";
  static constexpr std::array<std::string_view, 1> kAliases{"Pad"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("all", &Pad::all)
                                         .In(0, kMaxSide)
                                         .Unit("px")
                                         .Primary()
                                         .Alias("padding")
                                         .Doc("On every side that is not given on its own."),
                                     Param("left", &Pad::left)
                                         .In(-1, kMaxSide)
                                         .Unit("px")
                                         .Doc("On the left; -1 as `all` says."),
                                     Param("top", &Pad::top)
                                         .In(-1, kMaxSide)
                                         .Unit("px")
                                         .Doc("At the top; -1 as `all` says."),
                                     Param("right", &Pad::right)
                                         .In(-1, kMaxSide)
                                         .Unit("px")
                                         .Doc("On the right; -1 as `all` says."),
                                     Param("bottom", &Pad::bottom)
                                         .In(-1, kMaxSide)
                                         .Unit("px")
                                         .Doc("At the bottom; -1 as `all` says.")},
                          Outside::Table<Pad>());
  }

  AffineStep Draw(Rng&, const Facts& facts) const {
    return CutWindow(-On(left), -On(top), Canvas(facts.size), facts.size, Rule());
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (in.size) out.size = Canvas(*in.size);
    return out;
  }

 private:
  int On(std::int64_t side) const { return static_cast<int>(side < 0 ? all : side); }
  Size Canvas(Size picture) const {
    return {picture.width + On(left) + On(right), picture.height + On(top) + On(bottom)};
  }
};

}  // namespace

void RegisterPad(Registry& registry) { registry.AddOperator<Pad>(); }

}  // namespace pixloom
