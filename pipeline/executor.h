// SPDX-License-Identifier: Apache-2.0
// Executor runs a compiled Graph over its sources into its sinks. The only place that knows
// threads.
//
// Each unit of the plan needs a token before it is read; tokens are granted in plan order, as far
// as the memory budget reaches, and come back when everything that became of the unit is written.
// Nothing downstream waits for memory. A unit larger than the budget runs alone; when nothing else
// can move, the next unit is admitted whatever it costs, so that no budget can lock up a window.
//
// Run() may be called from one thread at a time; different Executors are independent. The graph,
// families and codec must outlive the executor. Results do not depend on the number of threads.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/contracts.h"
#include "pipeline/families.h"
#include "pipeline/graph.h"
#include "pipeline/report.h"

namespace pixloom {

struct RunOptions {
  int threads = 0;           // 0: as many as the machine has
  std::uint64_t memory = 0;  // bytes; 0: the graph's budget, or 2 GiB
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();  // source entries
  // Only what this entry becomes is wanted: the run reads its units and those that share a block of
  // a window with them, at their places in the plan. Results of others are to be ignored.
  std::string only{};
  std::uint64_t epoch = 0;
  bool overwrite = false;
  // Blocks of networks by place in the plan: the same results in every run. By time: whoever waits
  // goes, for a training loop that must not wait; then the last bit may differ between runs.
  enum class Blocks { kByPlan, kByTime };
  Blocks blocks = Blocks::kByPlan;
  std::chrono::microseconds block_delay{2000};  // kByTime: nobody waits longer for company
  // One of several machines' share of the plan; their results are merged afterwards.
  int part = 1, parts = 1;
  std::string config_text{};  // as it ran; sinks may store it
  // What decides the results beside the inputs (pipeline/fingerprint.h).
  std::vector<std::pair<std::string, std::string>> facts{};
  bool hash_inputs = false;       // the fingerprint holds the hash of every input
  std::string quarantine_file{};  // "": beside the first output

  std::function<void(const Progress&)> progress{};             // from one thread at a time
  std::function<void(const QuarantineRecord&)> quarantined{};  // from one thread, in plan order
  std::function<void(const std::string&)> notice{};            // what was skipped while listing
  const std::atomic<bool>* stop = nullptr;                     // true: finish what is in flight
  // Tests disturb timing here: called before each node works on a sample.
  std::function<void(std::string_view node, std::uint64_t seq)> before_node{};
};

class Executor {
 public:
  Executor(Graph& graph, const Families& families, const Codec& codec)
      : graph_(graph), families_(families), codec_(codec) {}

  // Throws ConfigError (a source cannot be listed, the budget is too small), OutputBusyError,
  // EnvironmentError or InternalError. Data errors are counted and recorded, never thrown.
  RunReport Run(const RunOptions& options);

 private:
  Graph& graph_;
  const Families& families_;
  const Codec& codec_;
};

// Memory one unit may hold on its way, in bytes, from what is known when it has been read.
std::uint64_t EstimateCost(const Graph& graph, int source, const Sample& sample);

}  // namespace pixloom
