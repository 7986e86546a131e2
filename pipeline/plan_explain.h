// SPDX-License-Identifier: Apache-2.0
// A plan operator that names, for an entry it leaves out, the one that stays in its place.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/contracts.h"

namespace pixloom {

class ExplainingPlanOperator : public PlanOperator {
 public:
  struct Reason {
    std::size_t entry = 0;  // left out
    std::size_t kept = 0;   // for this one
    std::string why;        // "distance 2"
  };

  virtual Result<std::vector<Choice>, std::string> ChooseAndExplain(
      std::span<const EntryFacts> entries, const LabelNames* names, StreamKey stream,
      std::vector<Reason>& reasons) const = 0;

  Result<std::vector<Choice>, std::string> Choose(std::span<const EntryFacts> entries,
                                                  const LabelNames* names,
                                                  StreamKey stream) const final {
    std::vector<Reason> reasons;
    return ChooseAndExplain(entries, names, stream, reasons);
  }
};

}  // namespace pixloom
