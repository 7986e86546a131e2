// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Upscale {
  Range factor{2};
  Resampling interpolation = Resampling::kLanczos;

  static constexpr std::string_view kName = "upscale";
  static constexpr std::string_view kDoc = "Magnify the picture.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("factor", &Upscale::factor)
                          .In(1, 8)
                          .Unit("factor")
                          .Primary()
                          .Doc("Magnification; sides are rounded to whole pixels."),
                      Param("interpolation", &Upscale::interpolation).Doc(kInterpolationDoc)};
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double by = rng.Draw("factor", factor);
    return StretchTo(facts.size, ScaledSize(facts.size, by), interpolation);
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (in.size) out.size = ScaledSize(*in.size, factor.Min());
    if (factor.Min() != factor.Max()) out.size.reset();
    return out;
  }
};

}  // namespace

void RegisterUpscale(Registry& registry) { registry.AddOperator<Upscale>(); }

}  // namespace pixloom
