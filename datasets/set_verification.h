// SPDX-License-Identifier: Apache-2.0
// Whether a stored set still is what was written: every file, every row.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "pipeline/contracts.h"
#include "pipeline/set_report.h"

namespace pixloom {

struct VerifyOptions {
  int threads = 0;  // 0: as many as the machine has
  const std::atomic<bool>* stop = nullptr;
  std::function<void(std::uint64_t rows, std::uint64_t of)> progress{};
};

// Compares each row with its stored hash, the hashes with those of files and set, files with
// index.json; follows offsets; reads the headers of encoded pictures; looks for classes without a
// name. Throws ConfigError when there is no set; whatever is wrong with one is in the report.
VerifyReport VerifySet(const std::string& path, const Codec& codec,
                       const VerifyOptions& options = {});

}  // namespace pixloom
