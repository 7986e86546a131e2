// SPDX-License-Identifier: Apache-2.0
// Fingerprint: everything that decides the results of a run. Two runs with equal fingerprints make
// the same bytes, so one may go on where the other stopped.
//
// Plain values; made before a run (api/), compared and stored by sinks that can go on.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/error.h"

namespace pixloom {

struct Fingerprint {
  struct Input {
    std::string source;  // node
    std::string key;
    std::uint64_t bytes = 0;
    std::int64_t changed = 0;  // a difference is only a warning
    std::uint64_t hash = 0;    // of its bytes; 0: not taken
    bool operator==(const Input&) const = default;
  };

  // Name and value, in a fixed order: versions, seed, the configuration, models.
  std::vector<std::pair<std::string, std::string>> facts;
  // Every entry that sources listed, in their order.
  std::vector<Input> inputs;

  // 16 hex digits over facts and inputs (without `changed` and `hash`).
  std::string Digest() const;

  std::string FactsToJson() const;
  std::string InputsToText() const;  // one line per input; keys escaped, so that none forges a line
  // Reads what these wrote; the error says what is wrong.
  static Result<Fingerprint, std::string> Read(const std::string& facts_json,
                                               const std::string& inputs_text);
};

struct FingerprintDifferences {
  std::vector<std::string> refusals;  // each one line: what, before, now; at most `most` per kind
  std::vector<std::string> warnings;
};

FingerprintDifferences Compare(const Fingerprint& before, const Fingerprint& now,
                               std::size_t most = 10);

}  // namespace pixloom
