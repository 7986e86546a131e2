// SPDX-License-Identifier: Apache-2.0
#include "ops/filter/morphology.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct DilateOp : Morphology {
  static constexpr std::string_view kName = "dilate";
  static constexpr std::string_view kDoc =
      "Replace each value by the greatest around it: bright parts grow, dark ones shrink.";
  static constexpr std::array<std::string_view, 2> kAliases{"Dilation", "Morphological"};
  static constexpr auto Params() { return Table<DilateOp>(); }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts&) const {
    return Make(rng, {MorphKind::kDilate});
  }
};

}  // namespace

void RegisterDilate(Registry& registry) { registry.AddOperator<DilateOp>(); }

}  // namespace pixloom
