// SPDX-License-Identifier: Apache-2.0
#include "ops/filter/morphology.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct CloseOp : Morphology {
  static constexpr std::string_view kName = "close";
  static constexpr std::string_view kDoc =
      "Dilate, then erode: dark parts that are smaller than the neighbourhood vanish.";
  static constexpr std::array<std::string_view, 1> kAliases{"Closing"};
  static constexpr auto Params() { return Table<CloseOp>(); }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts&) const {
    return Make(rng, {MorphKind::kDilate, MorphKind::kErode});
  }
};

}  // namespace

void RegisterClose(Registry& registry) { registry.AddOperator<CloseOp>(); }

}  // namespace pixloom
