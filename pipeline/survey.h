// SPDX-License-Identifier: Apache-2.0
// A survey finds out what plan nodes want to know about the entries of a source: labels, size, and
// a perceptual hash when it is asked for. Every entry is read once, in parallel, and what was found
// is kept on disk (survey_cache.h) until the entry changes.
//
// An entry that cannot be read has no facts. That is no error here: it stays in the plan, and the
// run says what is wrong with it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/contracts.h"
#include "pipeline/graph.h"

namespace pixloom {

struct SurveyedEntry {
  bool known = false;        // it could be read
  bool hashed = false;       // `hash` was asked for
  std::optional<int> label;  // class of the picture
  std::vector<int> classes;  // of its objects; sorted, each once
  Size size;
  std::uint64_t hash = 0;
};

struct SurveyOptions {
  unsigned needs = 0;  // PlanOperator::Needs
  int threads = 1;
  const Codec* codec = nullptr;
  const std::atomic<bool>* stop = nullptr;  // true: give up; what was found is kept
  std::function<void(std::string)> notice;
};

struct Survey {
  std::vector<SurveyedEntry> entries;  // one per entry of the source, in its order
  std::shared_ptr<const LabelNames> names;
  bool interrupted = false;
};

// Throws EnvironmentError. REQUIRES: the source was listed; `source` is a kSource.
Survey SurveySource(const Node& source, const std::vector<SourceEntry>& entries,
                    const SurveyOptions& options);

// Calls body(0) ... body(count - 1) on `threads` threads, in any order, until `stop` is true.
// Passes on what one of them throws.
void ForEachEntry(std::size_t count, int threads, const std::atomic<bool>* stop,
                  const std::function<void(std::size_t)>& body);

}  // namespace pixloom
