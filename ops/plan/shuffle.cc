// SPDX-License-Identifier: Apache-2.0
#include "ops/plan/keyed.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

class ShuffleOperator final : public PlanOperator {
 public:
  Result<std::vector<Choice>, std::string> Choose(std::span<const EntryFacts> entries,
                                                  const LabelNames*,
                                                  StreamKey stream) const override {
    std::vector<Choice> choice;
    choice.reserve(entries.size());
    for (const std::size_t i : AllInKeyedOrder(entries, stream)) choice.push_back({i, 1});
    return choice;
  }
};

struct Shuffle {
  static constexpr std::string_view kName = "shuffle";
  static constexpr std::string_view kDoc =
      "Put all entries in another order, so that windows and batches meet what is not beside it.";
  static constexpr auto Params() { return std::tuple{}; }
  std::shared_ptr<const PlanOperator> Make(const Services&) const {
    return std::make_shared<ShuffleOperator>();
  }
};

}  // namespace

void RegisterShuffle(Registry& registry) { registry.AddPlan<Shuffle>(); }

}  // namespace pixloom
