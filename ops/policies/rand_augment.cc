// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "ops/policies/space.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct RandAugment : Warped {
  std::int64_t n = 2;
  std::int64_t magnitude = 9;
  std::int64_t bins = 31;

  static constexpr std::string_view kName = "rand_augment";
  static constexpr std::string_view kDoc =
      "RandAugment: some of 14 operations, each as likely as the others, all of one strength.";
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("n", &RandAugment::n)
                       .In(1, 20)
                       .Unit("operations")
                       .Alias("num_ops")
                       .Doc("How many, one after the other; the same may come again."),
                   Param("magnitude", &RandAugment::magnitude)
                       .In(0, 999)
                       .Unit("bin")
                       .Doc("Strength, below `bins`; 0 is the weakest."),
                   Param("bins", &RandAugment::bins)
                       .In(2, 1000)
                       .Unit("bins")
                       .Alias("num_magnitude_bins")
                       .Doc("Into how many strengths the scales are cut.")},
        Warped::Table<RandAugment>());
  }

  std::string Check() const {
    if (magnitude >= bins) {
      return fmt::format("magnitude: {} is none of the {} bins; the last one is {}", magnitude,
                         bins, bins - 1);
    }
    return Outside::Check();
  }

  std::string Steps() const {
    const PolicySpace space(kRandScale, bins, WarpText(*this));
    return fmt::format("- repeat:\n    times: {}\n    steps:\n      - one_of:\n{}", n,
                       StepList(AllSteps(space, magnitude, 1), 10));
  }
};

}  // namespace

void RegisterRandAugment(Registry& registry) { registry.AddPolicy<RandAugment>(); }

}  // namespace pixloom
