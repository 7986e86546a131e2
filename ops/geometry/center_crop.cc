// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct CenterCrop : Outside {
  Size size;

  static constexpr std::string_view kName = "center_crop";
  static constexpr std::string_view kDoc =
      "Cut out the middle of the picture; a picture smaller than the window is centred in it and "
      "filled around.";
  static constexpr std::array<std::string_view, 1> kAliases{"CenterCrop"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("size", &CenterCrop::size)
                                         .In(1, kMaxSide)
                                         .Unit("px")
                                         .Required()
                                         .Primary()
                                         .Doc("Height and width of the window.")},
                          Outside::Table<CenterCrop>());
  }

  AffineStep Draw(Rng&, const Facts& facts) const {
    return CutWindow(CentredStart(facts.size.width, size.width),
                     CentredStart(facts.size.height, size.height), size, facts.size, Rule());
  }

  Meta Out(const Meta& in) const { return OfSize(in, size); }
};

}  // namespace

void RegisterCenterCrop(Registry& registry) { registry.AddOperator<CenterCrop>(); }

}  // namespace pixloom
