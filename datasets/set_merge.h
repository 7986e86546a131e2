// SPDX-License-Identifier: Apache-2.0
// Stored sets joined into one, or cut anew into other shards, row by row.
//
// Parts that several machines made of one plan become the set that one run would have made, byte
// for byte. Every row is compared with its stored hash on the way. A merge that was stopped goes on
// when it is called again. One thread calls; rows are read by several.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datasets/set_writer.h"
#include "pipeline/set_report.h"

namespace pixloom {

struct MergeRequest {
  std::vector<std::string> inputs;  // finished sets; their order matters with `any` only
  SetOptions out;
  // Sets of different runs with the same columns, one behind the other as they are named.
  bool any = false;
  // The result is one part of several machines', cut anew: it need not be the whole plan.
  int part = 1, parts = 1;
  // What the result says about itself instead of what the inputs say.
  std::optional<Attributes> attributes{};
  bool overwrite = false;
  int threads = 0;  // 0: as many as the machine has
  const std::atomic<bool>* stop = nullptr;
  std::function<void(std::string)> notice = [](std::string) {};
  std::function<void(std::uint64_t rows, std::uint64_t of)> progress{};
};

// Throws ConfigError (inputs that do not belong together, or are no sets), DamagedSetError (a row
// is not what was written) and what SetWriter throws.
MergeReport MergeSets(const MergeRequest& request);

}  // namespace pixloom
