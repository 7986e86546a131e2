// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/noise_field.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Elastic : Warped {
  Range alpha{50};
  Range sigma{5};
  bool same_dxdy = false;

  static constexpr std::string_view kName = "elastic";
  static constexpr std::string_view kDoc =
      "Move every pixel by a smooth random field; strong fields fold the picture.";
  static constexpr std::array<std::string_view, 1> kAliases{"ElasticTransform"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("alpha", &Elastic::alpha)
                       .In(0, 10'000)
                       .Unit("px")
                       .Doc("Strength: the smoothed noise is multiplied by it."),
                   Param("sigma", &Elastic::sigma)
                       .In(0.1, 200)
                       .Unit("px")
                       .Doc("Smoothness: standard deviation of the Gaussian over the noise."),
                   Param("same_dxdy", &Elastic::same_dxdy)
                       .Doc("Move by one field across and down: along one diagonal.")},
        Warped::Table<Elastic>());
  }

  WarpField Draw(Rng& rng, const Facts& facts) const {
    const double strength = rng.Draw("alpha", alpha);
    const double smooth = rng.Draw("sigma", sigma);
    return {SmoothNoise(facts.size, smooth, strength, same_dxdy, rng.Key().Pixels()), Rule(),
            interpolation};
  }
};

}  // namespace

void RegisterElastic(Registry& registry) { registry.AddOperator<Elastic>(); }

}  // namespace pixloom
