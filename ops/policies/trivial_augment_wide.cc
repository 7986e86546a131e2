// SPDX-License-Identifier: Apache-2.0
#include "ops/policies/space.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct TrivialAugmentWide : Warped {
  std::int64_t bins = 31;

  static constexpr std::string_view kName = "trivial_augment_wide";
  static constexpr std::string_view kDoc =
      "TrivialAugment (wide): one of 14 operations of any strength.";
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("bins", &TrivialAugmentWide::bins)
                                         .In(2, 100)
                                         .Unit("bins")
                                         .Alias("num_magnitude_bins")
                                         .Doc("How many strengths there are to choose from.")},
                          Warped::Table<TrivialAugmentWide>());
  }

  std::string Steps() const {
    const PolicySpace space(kWideScale, bins, WarpText(*this));
    return "- one_of:\n" + StepList(AllSteps(space, 0, bins), 4);
  }
};

}  // namespace

void RegisterTrivialAugmentWide(Registry& registry) { registry.AddPolicy<TrivialAugmentWide>(); }

}  // namespace pixloom
