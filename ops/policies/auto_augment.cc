// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "ops/policies/auto_augment_tables.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class LearnedOn { kImagenet, kCifar10, kSvhn };

}  // namespace

template <>
struct EnumNames<LearnedOn> {
  static constexpr std::array kAll{std::pair{LearnedOn::kImagenet, "imagenet"},
                                   std::pair{LearnedOn::kCifar10, "cifar10"},
                                   std::pair{LearnedOn::kSvhn, "svhn"}};
};

namespace {

constexpr int kBins = 10;

const PolicyTable& TableOf(LearnedOn data) {
  return data == LearnedOn::kImagenet  ? kImagenetTable
         : data == LearnedOn::kCifar10 ? kCifar10Table
                                       : kSvhnTable;
}

std::string WithChance(const std::string& step, double chance) {
  if (chance >= 1) return step;
  const bool bare = step.find(':') == std::string::npos;
  return fmt::format("{{{}{}, p: {}}}", step, bare ? ": {}" : "", chance);
}

// A published chance of 0 is left out, since what never acts would stand in recipes for nothing.
std::string PairText(const PolicySpace& space, const SubPolicy& pair) {
  std::string text;
  for (const ChosenOp& chosen : pair) {
    if (chosen.chance <= 0) continue;
    text +=
        (text.empty() ? "" : ", ") + WithChance(space.Step(chosen.op, chosen.bin), chosen.chance);
  }
  return "[" + text + "]";
}

struct AutoAugment : Warped {
  LearnedOn policy = LearnedOn::kImagenet;

  static constexpr std::string_view kName = "auto_augment";
  static constexpr std::string_view kDoc =
      "AutoAugment: one of 25 pairs of operations that were learned on a data set.";
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{
            Param("policy", &AutoAugment::policy).Primary().Doc("The data set it was learned on.")},
        Warped::Table<AutoAugment>());
  }

  std::string Steps() const {
    const PolicySpace space(kRandScale, kBins, WarpText(*this));
    std::vector<std::string> pairs;
    for (const SubPolicy& pair : TableOf(policy)) {
      pairs.push_back(PairText(space, pair));
    }
    return "- one_of:\n" + StepList(pairs, 4);
  }
};

}  // namespace

void RegisterAutoAugment(Registry& registry) { registry.AddPolicy<AutoAugment>(); }

}  // namespace pixloom
