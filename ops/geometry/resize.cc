// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Resize {
  Size size;
  Resampling interpolation = Resampling::kLinear;

  static constexpr std::string_view kName = "resize";
  static constexpr std::string_view kDoc = "Stretch the picture to a fixed size.";
  static constexpr std::array<std::string_view, 1> kAliases{"Resize"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("size", &Resize::size)
                          .In(1, kMaxSide)
                          .Unit("px")
                          .Required()
                          .Primary()
                          .Doc("Height and width of the result."),
                      Param("interpolation", &Resize::interpolation).Doc(kInterpolationDoc)};
  }

  AffineStep Draw(Rng&, const Facts& facts) const {
    const double scale_x = static_cast<double>(size.width) / facts.size.width;
    const double scale_y = static_cast<double>(size.height) / facts.size.height;
    return {Matrix::Scale(scale_x, scale_y), size, std::nullopt, interpolation};
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    out.size = size;
    return out;
  }
};

}  // namespace

void RegisterResize(Registry& registry) { registry.AddOperator<Resize>(); }

}  // namespace pixloom
