// SPDX-License-Identifier: Apache-2.0
// Running a network over the pictures of samples: gathering equal ones, padding, putting back.
//
// A SharedModel is used by any number of threads, one at a time inside Run.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/contracts.h"

namespace pixloom {

struct SharedModel {
  explicit SharedModel(std::shared_ptr<Enhancer> e) : enhancer(std::move(e)) {}
  std::shared_ptr<Enhancer> enhancer;
  std::mutex busy;
};

// Replaces every picture of the named fields (none named: all) by what the network makes of it.
// Pictures of one size and type go together, in the order of the samples, in batches that are
// always full: the last one is padded by repeating its last picture. Samples must be decoded. One
// result per sample: what is wrong with it, or nothing.
std::vector<std::optional<DataError>> RunModel(SharedModel& model,
                                               const std::vector<std::string>& fields,
                                               std::span<Sample* const> samples);

}  // namespace pixloom
