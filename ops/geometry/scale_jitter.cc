// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ScaleJitter {
  Size size;
  Range scale{0.1, 2};
  Resampling interpolation = Resampling::kLinear;

  static constexpr std::string_view kName = "scale_jitter";
  static constexpr std::string_view kDoc =
      "Resize to a random multiple of what fits a given size; the shape stays.";
  static constexpr std::array<std::string_view, 1> kAliases{"ScaleJitter"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("size", &ScaleJitter::size)
                          .In(1, kMaxSide)
                          .Unit("px")
                          .Required()
                          .Primary()
                          .Alias("target_size")
                          .Doc("Height and width that factor 1 fits the picture into."),
                      Param("scale", &ScaleJitter::scale)
                          .In(0.01, 100)
                          .Unit("factor")
                          .Alias("scale_range")
                          .Doc("Size of the result relative to the one that fits."),
                      Param("interpolation", &ScaleJitter::interpolation).Doc(kInterpolationDoc)};
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double fitting = std::min(static_cast<double>(size.width) / facts.size.width,
                                    static_cast<double>(size.height) / facts.size.height);
    const double factor = fitting * rng.Draw("scale", scale);
    return StretchTo(facts.size, ScaledSize(facts.size, factor), interpolation);
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    out.size.reset();
    return out;
  }
};

}  // namespace

void RegisterScaleJitter(Registry& registry) { registry.AddOperator<ScaleJitter>(); }

}  // namespace pixloom
