// SPDX-License-Identifier: Apache-2.0
#include "ops/filter/morphology.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ErodeOp : Morphology {
  static constexpr std::string_view kName = "erode";
  static constexpr std::string_view kDoc =
      "Replace each value by the least around it: dark parts grow, bright ones shrink.";
  static constexpr std::array<std::string_view, 1> kAliases{"Erosion"};
  static constexpr auto Params() { return Table<ErodeOp>(); }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts&) const {
    return Make(rng, {MorphKind::kErode});
  }
};

}  // namespace

void RegisterErode(Registry& registry) { registry.AddOperator<ErodeOp>(); }

}  // namespace pixloom
