// SPDX-License-Identifier: Apache-2.0
// Units in flight: internal to the executor.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "pipeline/contracts.h"
#include "pipeline/plan.h"
#include "pipeline/report.h"
#include "pipeline/sample.h"

namespace pixloom::executor {

// A result that waits in a sink for its turn.
struct Parked {
  int sink = 0;
  int input = 0;
  std::vector<std::uint32_t> branch;
  std::unique_ptr<Sink::Prepared> prepared;

  // Order within a unit: sink, its input, branch. Identities that meet in a sink are unique (bind
  // sees to that), so this is a strict order.
  bool operator<(const Parked& other) const {
    return std::tie(sink, input, branch) < std::tie(other.sink, other.input, other.branch);
  }
};

// A sample that waits in a window for the rest of its block.
struct Waiting {
  int window = 0;
  int input = 0;
  Sample sample;
};

// Samples of one (id, branch) that wait in a join for those of its other ports.
struct Joining {
  int join = 0;
  std::vector<std::uint32_t> branch;
  std::vector<std::optional<Sample>> ports;
};

// One unit of the plan and everything that became of it. `live` counts samples that are on their
// way; at zero the unit is settled: all are parked, waiting, filtered or failed. Fields below
// `mutex` are written by nodes under it; the rest belongs to the control node.
struct Unit {
  std::uint64_t seq = 0;
  Plan::Unit what;
  std::uint64_t cost = 0;
  bool settled = false;
  bool unfinished = false;  // dropped by a stop
  bool wrote = false;       // at least one result went to a sink

  std::atomic<int> live{1};

  std::mutex mutex;
  std::vector<Parked> parked;
  std::vector<Waiting> waiting;
  std::vector<Joining> joining;
  std::vector<QuarantineRecord> bad;
  bool fatal = false;  // a bad sample met on_error: fail
};

using UnitPtr = std::shared_ptr<Unit>;

// A sample on an edge. The unit is kept alive by every message about it.
struct Item {
  UnitPtr unit;
  Sample sample;
  int input = 0;  // which input of the receiving node
};

using ItemPtr = std::shared_ptr<Item>;

// Everything the control node is told.
struct Event {
  enum class Kind { kPump, kSettled, kWritten };
  Kind kind = Kind::kPump;
  UnitPtr unit;
};

// One anchor of a window block that is complete.
struct WindowTask {
  UnitPtr unit;
  int window = 0;
  std::shared_ptr<const std::vector<Sample>> block;
  std::size_t anchor = 0;
};

// A block of a model, or the one sample that is to be part of one.
struct ModelTask {
  std::vector<UnitPtr> owners;  // of each sample
  std::vector<Sample> samples;
  std::vector<std::chrono::steady_clock::time_point> since;  // it waits
  std::string_view reason;                                   // why the block went
  std::vector<std::optional<DataError>> errors{};            // of each sample, when it was run
  bool done = false;                                         // false: the run was stopped before
};

using ModelTaskPtr = std::shared_ptr<ModelTask>;

// How the blocks of a model came together. Under its mutex.
struct BlockStats {
  std::mutex mutex;
  BlockCounts counts;
  std::vector<float> waits;  // ms, of the last samples

  void Add(const ModelTask& task);
  BlockCounts Take(ModelUse use);
};

}  // namespace pixloom::executor
