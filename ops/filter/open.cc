// SPDX-License-Identifier: Apache-2.0
#include "ops/filter/morphology.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct OpenOp : Morphology {
  static constexpr std::string_view kName = "open";
  static constexpr std::string_view kDoc =
      "Erode, then dilate: bright parts that are smaller than the neighbourhood vanish.";
  static constexpr std::array<std::string_view, 1> kAliases{"Opening"};
  static constexpr auto Params() { return Table<OpenOp>(); }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts&) const {
    return Make(rng, {MorphKind::kErode, MorphKind::kDilate});
  }
};

}  // namespace

void RegisterOpen(Registry& registry) { registry.AddOperator<OpenOp>(); }

}  // namespace pixloom
