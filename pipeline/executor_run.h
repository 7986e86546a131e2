// SPDX-License-Identifier: Apache-2.0
// One run of the executor: internal to pipeline/executor*.cc.
//
// Three kinds of flow-graph nodes share this object. The control node is serial and owns admission,
// windows and order; the writer is serial and owns the sinks' files; workers are unlimited and
// touch only the item they were given, its unit under the unit's mutex, and atomics.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <oneapi/tbb/flow_graph.h>

#include "pipeline/batcher.h"
#include "pipeline/chain.h"
#include "pipeline/executor.h"
#include "pipeline/executor_units.h"
#include "pipeline/plan.h"
#include "pipeline/quarantine.h"

namespace pixloom::executor {

using Clock = std::chrono::steady_clock;
namespace flow = tbb::flow;

inline std::int64_t Nanoseconds(Clock::duration d) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(d).count();
}

// Decoding time of the current thread since it was last taken; keeps it out of the chain's own.
inline thread_local std::int64_t decode_nanoseconds = 0;

class TimedCodec final : public Codec {
 public:
  explicit TimedCodec(const Codec& codec) : codec_(codec) {}
  Result<ImageHeader> ReadHeader(std::span<const std::uint8_t> bytes) const override {
    return codec_.ReadHeader(bytes);
  }
  Result<DecodedImage> Decode(std::span<const std::uint8_t> bytes, const ImageHeader& header,
                              const DecodeRequest& request) const override {
    const auto start = Clock::now();
    auto result = codec_.Decode(bytes, header, request);
    decode_nanoseconds += Nanoseconds(Clock::now() - start);
    return result;
  }
  Result<std::vector<std::uint8_t>> Encode(const cv::Mat& pixels,
                                           const EncodeRequest& request) const override {
    return codec_.Encode(pixels, request);
  }

 private:
  const Codec& codec_;
};

// Where the blocks of a model run: on the pool, or on a batcher's threads when they wait for a
// device or come together by time.
struct ModelLane {
  using Pooled = flow::function_node<ModelTaskPtr>;
  using Apart = flow::async_node<ModelTaskPtr, ModelTaskPtr>;
  BlockStats stats;
  std::unique_ptr<Pooled> pooled;
  std::unique_ptr<Apart> apart;
  std::unique_ptr<Pooled> finish;  // of `apart`
  std::unique_ptr<Batcher<ModelTaskPtr>> batcher;
  Apart::gateway_type* gateway = nullptr;
};

struct NodeState {
  std::atomic<std::uint64_t> in{0}, generated{0}, out{0}, filtered{0}, failed{0};
  std::atomic<std::int64_t> nanoseconds{0};
  std::mutex mutex;
  std::map<std::string, std::uint64_t> counts;            // under `mutex`: what steps counted
  std::vector<std::vector<std::pair<int, int>>> readers;  // per output: (node, input)
  std::unique_ptr<flow::function_node<ItemPtr>> worker;
  std::unique_ptr<ModelLane> lane;  // of a model
};

class Run {
 public:
  Run(Graph& graph, const Families& families, const Codec& codec, const RunOptions& options);
  RunReport Go();

 private:
  // ---- before and after -------------------------------------------------------------------------

  // Windows and models in the order samples meet them; a block of a later one waits for earlier
  // ones.
  void FindWindows();
  // Units that this run reads: all, its part of several, or those that one entry needs.
  void SelectUnits();
  // The units themselves, and those that share a block of a window with them.
  void SelectWithBlocks(std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges);
  // Entries that no unit of this run belongs to.
  void CountElsewhere();
  // The first unit of the run from `seq` on; total_ when there is none.
  std::uint64_t NextUnit(std::uint64_t seq) const;
  // The plan refuses a budget that could not keep every thread and one window busy.
  void SetBudget();
  // Everything that decides the results, for sinks that can go on.
  Fingerprint TakeFingerprint() const;
  void OpenSinks();
  void ChooseQuarantine();
  Expected WhatComes(int sink, std::optional<std::uint64_t> rows) const;
  // Leaves out what an earlier run has stored already.
  void SkipStored();
  void CloseSinks(bool complete);
  void FillReport();
  void Notice(std::string text);
  void MakePlan();
  // Entries that plan nodes left out because others stay for them.
  void ListReplaced();

  // ---- the flow graph ---------------------------------------------------------------------------

  void RunFlow();
  // No exception may cross a flow-graph node: the first one is kept and stops the run.
  template <class F>
  void Guard(F body) {
    try {
      body();
    } catch (const std::bad_alloc&) {
      Fail(std::make_exception_ptr(EnvironmentError(
          "out of memory; lower memory or --threads, then run the same command again")));
    } catch (...) {
      Fail(std::current_exception());
    }
  }
  void Fail(std::exception_ptr error);

  // ---- control: admission, windows, order -------------------------------------------------------

  void Control(const Event& event);
  bool MayAdmit();
  void Pump();
  Result<Sample> ReadEntry(const Plan::Unit& what) const;
  // Reads the entry once for all its copies.
  void LoadEntry(const Plan::Unit& what);
  void Admit(const Plan::Unit& what, std::uint64_t cost);
  void RecordUnreadable(Unit& unit, const DataError& error);
  int PlannedCopies(int source) const;
  // Runs every block whose units are all settled.
  void FireWindows();
  bool BlockReady(int window, std::uint64_t first, std::uint64_t end) const;
  bool IsUpstream(int a, int b) const;
  void FireBlock(int window, std::uint64_t first, std::uint64_t end);
  // Hands settled units to the writer in plan order.
  void Retire();
  void DropWaiting();
  // Whether what becomes of a unit is wanted here; others are only read for their neighbours.
  bool Wanted(std::uint64_t seq) const { return seq >= stored_ && seq < end_unit_; }
  // What a join still holds when nothing of its unit is on its way any more has lost its partner.
  void DropLonely(Unit& unit);
  // Entries are judged when their last unit is written.
  void CountEntry(const Unit& unit);
  void StopIfTooMany(bool fatal);
  void ReportProgress(bool finished);

  // ---- nodes ------------------------------------------------------------------------------------

  // Gives `sample` to every reader of an output; all but the last get a clone.
  void Send(int node, int output, const UnitPtr& unit, Sample sample);
  // One sample of the unit has come to rest.
  void Release(const UnitPtr& unit);
  void Work(int n, const ItemPtr& item);
  std::optional<DataError> Apply(int n, Item& item);
  std::optional<DataError> ApplyViews(int n, Item& item);
  std::optional<DataError> ApplyCache(int n, Item& item);
  void AddCounts(int n, const std::map<std::string, std::uint64_t>& counts);
  // Keeps the sample until those of the other ports are there; the last one sends the whole.
  std::optional<DataError> ApplyJoin(int n, Item& item);
  void RunWindow(const WindowTask& task);
  Result<Sample> Mix(const Node& node, const WindowTask& task) const;
  void MakeLane(flow::graph& g, int n);
  void SubmitBlock(int n, std::vector<UnitPtr> owners, std::vector<Sample> samples);
  // By time: what came together becomes one block.
  void RunTogether(int n, std::vector<ModelTaskPtr> tasks, std::string_view reason);
  void RunBlock(int n, ModelTask& task);
  void FinishBlock(int n, ModelTask& task);
  // By time: nothing is on its way but what waits in batchers.
  void FlushWhenQuiet();
  bool ByTime() const { return options_.blocks == RunOptions::Blocks::kByTime; }
  // Samples of the plan in a block of a window or a model.
  std::uint64_t BlockSize(int n) const;
  // The same; what OpenCV throws is an error of the sample.
  Result<Sample> MixSafely(const Node& node, const WindowTask& task) const;
  void RecordBad(Unit& unit, const Sample& sample, int n, DataError error);

  // ---- writer -----------------------------------------------------------------------------------

  void WriteUnit(Unit& unit);

  // An entry that was read and waits for its token.
  struct Pending {
    Result<Sample> sample;
    std::uint64_t cost = 0;
  };

  Graph& graph_;
  const RunOptions& options_;
  TimedCodec codec_;
  ChainRunner chains_;
  std::vector<NodeState> states_;
  std::vector<int> windows_;
  int largest_window_ = 0;
  int blocks_ahead_ = 0;  // units in flight that keep networks busy
  int threads_ = 1;
  Plan plan_;
  std::uint64_t total_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> selected_;  // [from, to) of seq, ascending
  std::uint64_t first_unit_ = 0, end_unit_ = 0;                    // of this part
  std::uint64_t stored_ = 0;  // every sink has the results of the units before
  Clock::time_point started_;
  std::unique_ptr<flow::function_node<Event>> control_;
  std::unique_ptr<flow::function_node<UnitPtr>> writer_;
  std::unique_ptr<flow::function_node<std::shared_ptr<WindowTask>>> window_worker_;

  // Owned by the control node.
  std::uint64_t next_seq_ = 0;
  std::uint64_t next_retired_ = 0;
  std::uint64_t used_ = 0, peak_used_ = 0, budget_ = 0, max_in_flight_ = 0;
  int active_ = 0;   // units that are not settled
  int writing_ = 0;  // units on their way through the writer
  std::map<std::uint64_t, UnitPtr> in_flight_;
  std::optional<Pending> pending_;
  std::map<int, SourceCounts> sources_;
  struct EntryState {
    bool failed = false, unfinished = false, written = false;
  };
  using EntryKey = std::pair<int, std::uint32_t>;  // source, entry
  std::map<EntryKey, EntryState> open_entries_;    // with units that are not written yet
  std::set<EntryKey> unreadable_;                  // their other units are not tried
  std::uint64_t bad_entries_ = 0, judged_entries_ = 0;
  Clock::time_point last_progress_;
  bool interrupted_ = false;
  bool stopped_ = false;

  // Owned by the writer node.
  QuarantineList quarantine_;
  std::vector<std::uint64_t> stored_in_;  // per node: units before are in this sink already
  bool halted_ = false;  // a unit was not finished: sinks that go on later get nothing more

  // Shared.
  std::atomic<std::int64_t> decode_total_{0};
  std::atomic<std::uint64_t> decode_warnings_{0};
  std::atomic<std::uint64_t> quarantined_{0};
  std::atomic<bool> cancelled_{false};
  std::atomic<int> moving_{0};  // samples on their way, those in batchers apart
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  RunReport report_;
};

}  // namespace pixloom::executor
