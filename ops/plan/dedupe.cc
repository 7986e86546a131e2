// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "ops/plan/hamming_index.h"
#include "pipeline/plan_explain.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

class DedupeOperator final : public ExplainingPlanOperator {
 public:
  explicit DedupeOperator(int distance) : distance_(distance) {}

  unsigned Facts() const override { return kHash; }

  // Against those that stay only, so that a chain of small changes does not pull in what is far
  // from the first.
  Result<std::vector<Choice>, std::string> ChooseAndExplain(
      std::span<const EntryFacts> entries, const LabelNames*, StreamKey,
      std::vector<Reason>& reasons) const override {
    HammingIndex index(distance_);
    std::vector<Choice> choice;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      // What could not be read has no hash; the run says so.
      if (entries[i].size.Area() > 0) {
        if (const auto near = index.Nearest(entries[i].hash)) {
          reasons.push_back({i, near->item, fmt::format("distance {}", near->distance)});
          continue;
        }
        index.Add(entries[i].hash, i);
      }
      choice.push_back({i, 1});
    }
    return choice;
  }

 private:
  const int distance_;
};

struct Dedupe {
  std::int64_t distance = 4;

  static constexpr std::string_view kName = "dedupe";
  static constexpr std::string_view kDoc =
      "Of pictures that look the same keep the first: compressed again, resized, saved in another "
      "format. What was left out, and for which, is reported.";
  static constexpr auto Params() {
    return std::tuple{Param("distance", &Dedupe::distance)
                          .In(0, HammingIndex::kMost)
                          .Unit("bits")
                          .Primary()
                          .Doc("Up to how many of 64 bits of their hashes (dHash) may differ.")};
  }
  std::shared_ptr<const PlanOperator> Make(const Services&) const {
    return std::make_shared<DedupeOperator>(static_cast<int>(distance));
  }
};

}  // namespace

void RegisterDedupe(Registry& registry) { registry.AddPlan<Dedupe>(); }

}  // namespace pixloom
