// SPDX-License-Identifier: Apache-2.0
// Running one sample through one chain: draw, lower, execute.
//
// ChainRunner is immutable after construction; Run may be called from any number of threads, each
// with its own sample.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "pipeline/contracts.h"
#include "pipeline/families.h"
#include "pipeline/graph.h"
#include "pipeline/sample.h"

namespace pixloom {

class ChainRunner {
 public:
  // `families` and `codec` must outlive the runner.
  ChainRunner(const Families& families, const Codec& codec, std::uint64_t seed,
              std::uint64_t epoch = 0)
      : families_(families), codec_(codec), seed_(seed), epoch_(epoch) {}

  // Applies the chain of `node` and appends to the sample's recipe. Returns what is wrong with the
  // sample, or nothing; the sample is unusable after an error.
  std::optional<DataError> Run(const Node& node, Sample& sample) const;

  // Which output of a kRoute node the sample takes: draws what its step draws and records it.
  Result<int> Route(const Node& node, Sample& sample) const;

  // Applies steps that were made elsewhere; nothing is drawn or recorded.
  std::optional<DataError> Apply(const Node& node, std::span<const AffineStep> steps,
                                 Sample& sample) const;

 private:
  friend class ChainRun;
  const Families& families_;
  const Codec& codec_;
  std::uint64_t seed_;
  std::uint64_t epoch_;
};

// Decodes every frame that is still encoded, whole and at full scale.
std::optional<DataError> DecodeAll(Sample& sample, const Codec& codec);

}  // namespace pixloom
