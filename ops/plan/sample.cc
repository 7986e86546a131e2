// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <fmt/format.h>

#include "ops/plan/keyed.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

class SampleOperator final : public PlanOperator {
 public:
  SampleOperator(std::int64_t n, double share) : n_(n), share_(share) {}

  Result<std::vector<Choice>, std::string> Choose(std::span<const EntryFacts> entries,
                                                  const LabelNames*,
                                                  StreamKey stream) const override {
    auto wanted = static_cast<std::size_t>(n_);
    if (n_ == 0) {
      wanted =
          static_cast<std::size_t>(std::floor(share_ * static_cast<double>(entries.size()) + 0.5));
    }
    if (wanted > entries.size()) {
      return fmt::format(
          "n: {} is more than the {} entries there are; lower n, or use balance to "
          "take entries more than once",
          wanted, entries.size());
    }
    std::vector<bool> taken(entries.size(), false);
    const std::vector<std::size_t> order = AllInKeyedOrder(entries, stream);
    for (std::size_t i = 0; i < wanted; ++i) taken[order[i]] = true;
    std::vector<Choice> choice;
    choice.reserve(wanted);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (taken[i]) choice.push_back({i, 1});
    }
    return choice;
  }

 private:
  const std::int64_t n_;
  const double share_;
};

struct SampleEntries {
  std::int64_t n = 0;
  double share = 0;

  static constexpr std::string_view kName = "sample";
  static constexpr std::string_view kDoc =
      "Keep some of the entries, drawn without replacement, in the order they had.";
  static constexpr auto Params() {
    return std::tuple{
        Param("n", &SampleEntries::n).In(0, 1e12).Unit("entries").Primary().Doc("How many."),
        Param("share", &SampleEntries::share).In(0, 1).Doc("Which share of them, instead of n.")};
  }
  std::string Check() const {
    return (n > 0) == (share > 0) ? "give either n or share, above 0" : "";
  }
  std::shared_ptr<const PlanOperator> Make(const Services&) const {
    return std::make_shared<SampleOperator>(n, share);
  }
};

}  // namespace

void RegisterSample(Registry& registry) { registry.AddPlan<SampleEntries>(); }

}  // namespace pixloom
