// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/colour_steps.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct RandomGrayscale {
  double chance = 0.1;

  static constexpr std::string_view kName = "random_grayscale";
  static constexpr std::string_view kDoc = "Take out all colour of some pictures.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomGrayscale"};
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("chance", &RandomGrayscale::chance)
                          .In(0, 1)
                          .Unit("probability")
                          .Primary()
                          .Doc("How many pictures become gray, by BT.601 luma; p comes on top.")};
  }

  Steps<ColorMatrix> Draw(Rng& rng, const Facts&) const {
    if (!rng.Chance("gray", chance)) return {};
    return {SaturationMatrix(0)};
  }
};

}  // namespace

void RegisterRandomGrayscale(Registry& registry) { registry.AddOperator<RandomGrayscale>(); }

}  // namespace pixloom
