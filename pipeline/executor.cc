// SPDX-License-Identifier: Apache-2.0
// Setting a run up, running its flow graph, and reporting.
#include "pipeline/executor.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include "pipeline/executor_run.h"
#include "pipeline/sample_cache.h"

namespace pixloom {

namespace executor {

Run::Run(Graph& graph, const Families& families, const Codec& codec, const RunOptions& options)
    : graph_(graph),
      options_(options),
      codec_(codec),
      chains_(families, codec_, graph.seed, options.epoch),
      states_(graph.nodes.size()) {
  threads_ =
      options.threads > 0 ? options.threads : static_cast<int>(std::thread::hardware_concurrency());
  threads_ = std::max(threads_, 1);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    states_[n].readers.resize(graph.nodes[n].outputs.size());
  }
  for (std::size_t r = 0; r < graph.nodes.size(); ++r) {
    for (std::size_t i = 0; i < graph.nodes[r].inputs.size(); ++i) {
      const Input& input = graph.nodes[r].inputs[i];
      states_[static_cast<std::size_t>(input.node)]
          .readers[static_cast<std::size_t>(input.output)]
          .emplace_back(static_cast<int>(r), static_cast<int>(i));
    }
  }
  FindWindows();
}

RunReport Run::Go() {
  MakePlan();
  if (plan_.Interrupted()) {
    report_.interrupted = true;
    return std::move(report_);
  }
  SelectUnits();
  SetBudget();
  started_ = Clock::now();
  for (const Node& node : graph_.nodes) {
    if (node.cache != nullptr) node.cache->Open();
  }
  OpenSinks();
  ListReplaced();
  {
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                    static_cast<std::size_t>(threads_));
    tbb::task_arena arena(threads_);
    arena.execute([this] { RunFlow(); });
  }
  ReportProgress(true);
  const bool complete = !failure_ && !stopped_;
  try {
    CloseSinks(complete);
  } catch (...) {
    if (!failure_) failure_ = std::current_exception();
  }
  if (failure_) std::rethrow_exception(failure_);
  FillReport();
  report_.CheckConservation();
  return std::move(report_);
}

void Run::Notice(std::string text) {
  if (options_.notice) options_.notice(text);
  report_.notices.push_back(std::move(text));
}

void Run::FillReport() {
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    NodeState& s = states_[n];
    const Node& node = graph_.nodes[n];
    const Plan::Counts& left_out = plan_.LeftOut(static_cast<int>(n));
    report_.nodes.push_back({node.name, node.verb, s.in + left_out.in,
                             s.generated + left_out.generated, s.out + left_out.out,
                             s.filtered + left_out.filtered, s.failed,
                             static_cast<double>(s.nanoseconds) * 1e-9, s.counts});
    if (s.lane != nullptr) {
      report_.nodes.back().blocks = s.lane->stats.Take(node.steps[0].model->GetUse());
    }
    if (node.kind == Node::Kind::kSource) {
      SourceCounts counts = sources_[static_cast<int>(n)];
      counts.name = node.name;
      const std::uint64_t left = plan_.LeftOutOf(static_cast<int>(n));
      counts.in = plan_.EntriesOf(static_cast<int>(n)) + left;
      counts.filtered += left;
      counts.unfinished =
          counts.in - counts.written - counts.filtered - counts.failed - counts.elsewhere;
      report_.sources.push_back(counts);
    }
    if (node.kind == Node::Kind::kSink) report_.written += s.out;
  }
  report_.seconds = static_cast<double>(Nanoseconds(Clock::now() - started_)) * 1e-9;
  report_.decode_seconds = static_cast<double>(decode_total_) * 1e-9;
  report_.threads = threads_;
  report_.memory = budget_;
  report_.peak_tokens = peak_used_;
  report_.quarantined = quarantined_;
  report_.interrupted = interrupted_;
  report_.warnings = decode_warnings_;
  if (report_.quarantined > 0) report_.quarantine_file = quarantine_.Path();
}

void Run::RunFlow() {
  flow::graph g;
  control_ =
      std::make_unique<flow::function_node<Event>>(g, flow::serial, [this](const Event& event) {
        Guard([&] { Control(event); });
        return flow::continue_msg();
      });
  writer_ =
      std::make_unique<flow::function_node<UnitPtr>>(g, flow::serial, [this](const UnitPtr& unit) {
        Guard([&] { WriteUnit(*unit); });
        control_->try_put({Event::Kind::kWritten, unit});
        return flow::continue_msg();
      });
  window_worker_ = std::make_unique<flow::function_node<std::shared_ptr<WindowTask>>>(
      g, flow::unlimited, [this](const std::shared_ptr<WindowTask>& task) {
        RunWindow(*task);
        return flow::continue_msg();
      });
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    states_[n].worker = std::make_unique<flow::function_node<ItemPtr>>(
        g, flow::unlimited, [this, n](const ItemPtr& item) {
          Work(static_cast<int>(n), item);
          return flow::continue_msg();
        });
  }
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (graph_.nodes[n].kind == Node::Kind::kModel) MakeLane(g, static_cast<int>(n));
  }
  control_->try_put({Event::Kind::kPump, nullptr});
  g.wait_for_all();
  // Nodes refer to the graph and go first.
  for (NodeState& state : states_) {
    state.worker.reset();
    if (state.lane == nullptr) continue;
    state.lane->batcher.reset();
    state.lane->pooled.reset();
    state.lane->apart.reset();
    state.lane->finish.reset();
  }
  window_worker_.reset();
  writer_.reset();
  control_.reset();
}

void Run::Fail(std::exception_ptr error) {
  const std::lock_guard lock(failure_mutex_);
  if (!failure_) failure_ = std::move(error);
  cancelled_ = true;
}

}  // namespace executor

std::uint64_t EstimateCost(const Graph& graph, int source, const Sample& sample) {
  std::uint64_t encoded = 0, decoded = 0;
  for (const auto& [name, field] : sample.images) {
    for (const Frame& frame : field.frames) {
      if (frame.encoded) encoded += frame.encoded->bytes.size();
      const std::uint64_t depth = frame.depth() == Depth::kU8    ? 1
                                  : frame.depth() == Depth::kU16 ? 2
                                                                 : 4;
      decoded += static_cast<std::uint64_t>(frame.size().Area()) * depth *
                 static_cast<std::uint64_t>(frame.channels());
    }
  }
  const std::uint64_t labels = sample.Bytes() > encoded ? sample.Bytes() - encoded : 0;
  const Node& node = graph.nodes[static_cast<std::size_t>(source)];
  const Size picture = sample.images[0].second.frames[0].size();
  const TokenModel model = node.tokens ? *node.tokens : *MakeTokenModel(graph, source, picture);
  const std::uint64_t largest = std::max(decoded, model.largest);
  // Source and destination of the step that is running, and every result until it is written.
  return encoded + labels + 2 * largest + model.results * largest + model.known_bytes;
}

RunReport Executor::Run(const RunOptions& options) {
  return executor::Run(graph_, families_, codec_, options).Go();
}

}  // namespace pixloom
