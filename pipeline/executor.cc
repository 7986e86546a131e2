// SPDX-License-Identifier: Apache-2.0
#include "pipeline/executor.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>
#include <thread>

#include <fmt/format.h>
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include "pipeline/chain.h"
#include "pipeline/executor_units.h"

namespace pixloom {

namespace {

using executor::Event;
using executor::Item;
using executor::ItemPtr;
using executor::Parked;
using executor::Unit;
using executor::UnitPtr;
using executor::Waiting;
using executor::WindowTask;
using Clock = std::chrono::steady_clock;
namespace flow = tbb::flow;

constexpr std::uint64_t kDefaultMemory = std::uint64_t{2} << 30;
constexpr std::uint64_t kAllBadAtStart = 100;  // entries; a wrong path shows early

std::int64_t Nanoseconds(Clock::duration d) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(d).count();
}

// Decoding time of the current thread since it was last taken; keeps it out of the chain's own.
thread_local std::int64_t decode_nanoseconds = 0;

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

struct NodeState {
  std::atomic<std::uint64_t> in{0}, generated{0}, out{0}, filtered{0}, failed{0};
  std::atomic<std::int64_t> nanoseconds{0};
  std::vector<std::vector<std::pair<int, int>>> readers;  // per output: (node, input)
  std::unique_ptr<flow::function_node<ItemPtr>> worker;
};

class Run {
 public:
  Run(Graph& graph, const Families& families, const Codec& codec, const RunOptions& options)
      : graph_(graph),
        options_(options),
        codec_(codec),
        chains_(families, codec_, graph.seed, options.epoch),
        states_(graph.nodes.size()) {
    threads_ = options.threads > 0 ? options.threads
                                   : static_cast<int>(std::thread::hardware_concurrency());
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

  RunReport Go() {
    plan_ = Plan::Make(graph_, options_.limit, [this](std::string text) {
      if (options_.notice) options_.notice(text);
      report_.notices.push_back(std::move(text));
    });
    total_ = plan_.UnitCount();
    SetBudget();
    started_ = Clock::now();
    OpenSinks();
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

 private:
  // ---- before and after -------------------------------------------------------------------------

  // Windows in the order samples meet them; a block of a later one waits for earlier ones.
  void FindWindows() {
    std::vector<int> depth(graph_.nodes.size(), 0);
    for (std::size_t round = 0; round < graph_.nodes.size(); ++round) {
      for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
        for (const Input& input : graph_.nodes[n].inputs) {
          depth[n] = std::max(depth[n], depth[static_cast<std::size_t>(input.node)] + 1);
        }
      }
    }
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].kind != Node::Kind::kWindow) continue;
      windows_.push_back(static_cast<int>(n));
      largest_window_ = std::max(largest_window_, graph_.nodes[n].window->Size());
    }
    std::stable_sort(windows_.begin(), windows_.end(), [&](int a, int b) {
      return depth[static_cast<std::size_t>(a)] < depth[static_cast<std::size_t>(b)];
    });
  }

  // The plan refuses a budget that could not keep every thread and one window busy.
  void SetBudget() {
    const bool given = options_.memory > 0 || graph_.memory.has_value();
    budget_ = options_.memory > 0 ? options_.memory : graph_.memory.value_or(kDefaultMemory);
    // Enough work in flight to keep the threads busy across uneven samples.
    max_in_flight_ =
        static_cast<std::uint64_t>(largest_window_) + 8 + 4 * static_cast<std::uint64_t>(threads_);
    std::uint64_t estimate = 0;
    for (std::uint64_t seq = 0; seq < std::min<std::uint64_t>(total_, 16); ++seq) {
      const Plan::Unit unit = plan_.At(seq);
      const auto sample = ReadEntry(unit);
      if (!sample) continue;
      estimate = EstimateCost(graph_, unit.source, *sample);
      break;
    }
    const auto needed =
        (static_cast<std::uint64_t>(largest_window_) + static_cast<std::uint64_t>(threads_)) *
        estimate;
    if (budget_ >= needed) return;
    if (given) {
      Diagnostics diagnostics;
      diagnostics.Error(
          "CFG-MEMORY", {},
          fmt::format("memory: {} MiB is below the {} MiB that {} thread{} and a window of {} need "
                      "({:.1f} MiB each); raise memory or lower --threads",
                      budget_ >> 20, (needed >> 20) + 1, threads_, threads_ == 1 ? "" : "s",
                      largest_window_, static_cast<double>(estimate) / 0x1p20));
      throw ConfigError(diagnostics);
    }
    budget_ = needed;
  }

  void OpenSinks() {
    RunInfo info;
    info.seed = graph_.seed;
    info.config_text = options_.config_text;
    info.overwrite = options_.overwrite;
    for (const Node& node : graph_.nodes) {
      if (node.kind == Node::Kind::kSource) info.source_names.push_back(node.name);
    }
    for (Node& node : graph_.nodes) {
      if (node.kind != Node::Kind::kSink) continue;
      node.sink->Open(info);
      report_.outputs.push_back(node.sink->Location());
    }
    namespace fs = std::filesystem;
    quarantine_path_ = options_.quarantine_file;
    if (quarantine_path_.empty() && !report_.outputs.empty()) {
      const fs::path first = report_.outputs[0];
      std::error_code ignored;
      quarantine_path_ = fs::is_directory(first, ignored) ? (first / "quarantine.jsonl").string()
                                                          : first.string() + ".quarantine.jsonl";
    }
    std::error_code ignored;
    fs::remove(quarantine_path_, ignored);
  }

  void CloseSinks(bool complete) {
    std::exception_ptr first;
    for (Node& node : graph_.nodes) {
      if (node.kind != Node::Kind::kSink) continue;
      try {
        node.sink->Close(complete);
      } catch (...) {
        if (!first) first = std::current_exception();
      }
    }
    if (first) std::rethrow_exception(first);
  }

  void FillReport() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const NodeState& s = states_[n];
      const Node& node = graph_.nodes[n];
      report_.nodes.push_back({node.name, node.verb, s.in, s.generated, s.out, s.filtered, s.failed,
                               static_cast<double>(s.nanoseconds) * 1e-9});
      if (node.kind == Node::Kind::kSource) {
        SourceCounts counts = sources_[static_cast<int>(n)];
        counts.name = node.name;
        counts.in = EntriesInPlan(static_cast<int>(n));
        counts.unfinished = counts.in - counts.written - counts.filtered - counts.failed;
        report_.sources.push_back(counts);
      }
      if (node.kind == Node::Kind::kSink) report_.written += s.out;
    }
    report_.seconds = static_cast<double>(Nanoseconds(Clock::now() - started_)) * 1e-9;
    report_.decode_seconds = static_cast<double>(decode_total_) * 1e-9;
    report_.threads = threads_;
    report_.memory = budget_;
    report_.peak_tokens = peak_used_;
    report_.interrupted = interrupted_;
    report_.warnings = decode_warnings_;
    if (report_.quarantined > 0) report_.quarantine_file = quarantine_path_;
  }

  std::uint64_t EntriesInPlan(int source) const {
    std::uint64_t count = 0;
    for (std::uint64_t seq = 0; seq < total_;) {
      const Plan::Unit unit = plan_.At(seq);
      if (unit.source == source) ++count;
      seq += unit.copies;
    }
    return count;
  }

  // ---- the flow graph ---------------------------------------------------------------------------

  void RunFlow() {
    flow::graph g;
    control_ =
        std::make_unique<flow::function_node<Event>>(g, flow::serial, [this](const Event& event) {
          Guard([&] { Control(event); });
          return flow::continue_msg();
        });
    writer_ = std::make_unique<flow::function_node<UnitPtr>>(
        g, flow::serial, [this](const UnitPtr& unit) {
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
    control_->try_put({Event::Kind::kPump, nullptr});
    g.wait_for_all();
    // Nodes refer to the graph and go first.
    for (NodeState& state : states_) state.worker.reset();
    window_worker_.reset();
    writer_.reset();
    control_.reset();
  }

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

  void Fail(std::exception_ptr error) {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::move(error);
    cancelled_ = true;
  }

  // ---- control: admission, windows, order -------------------------------------------------------

  void Control(const Event& event) {
    if (event.kind == Event::Kind::kSettled) {
      event.unit->settled = true;
      --active_;
    } else if (event.kind == Event::Kind::kWritten) {
      used_ -= event.unit->cost;
      in_flight_.erase(event.unit->seq);
      CountEntry(*event.unit);
      ReportProgress(false);
    }
    FireWindows();
    Retire();
    Pump();
  }

  bool MayAdmit() {
    if (next_seq_ >= total_) return false;
    if (cancelled_) return false;
    if (options_.stop != nullptr && *options_.stop) {
      interrupted_ = stopped_ = true;
      return false;
    }
    return !stopped_;
  }

  void Pump() {
    while (MayAdmit()) {
      const Plan::Unit what = plan_.At(next_seq_);
      if (!pending_) LoadEntry(what);
      const std::uint64_t cost = pending_->cost;
      const bool fits = used_ + cost <= budget_ && in_flight_.size() < max_in_flight_;
      // With nothing active only the next unit can move things on, whatever it costs.
      if (active_ > 0 && !fits) return;
      Admit(what, cost);
    }
    // A stop leaves blocks that will never be complete.
    if (active_ == 0 && (cancelled_ || stopped_)) DropWaiting();
  }

  Result<Sample> ReadEntry(const Plan::Unit& what) const {
    const Node& node = graph_.nodes[static_cast<std::size_t>(what.source)];
    const SourceEntry& entry = plan_.Entry(what);
    auto sample = node.source->Read(entry);
    if (!sample) {
      DataError error = sample.Error();
      error.node = node.name;
      return error;
    }
    sample->identity.id = SampleId(node.name, entry.key);
    sample->key = entry.key;
    sample->source = node.name;
    for (Instance& instance : sample->instances) {
      if (instance.original_area == 0 && instance.quad) {
        instance.original_area =
            std::abs(SignedArea({instance.quad->begin(), instance.quad->end()}));
      }
    }
    return sample;
  }

  // Reads the entry once for all its copies.
  void LoadEntry(const Plan::Unit& what) {
    const auto start = Clock::now();
    NodeState& state = states_[static_cast<std::size_t>(what.source)];
    pending_.emplace(Pending{ReadEntry(what), 0});
    if (pending_->sample) pending_->cost = EstimateCost(graph_, what.source, *pending_->sample);
    state.generated += 1;
    (pending_->sample ? state.out : state.failed) += 1;
    state.nanoseconds += Nanoseconds(Clock::now() - start);
  }

  void Admit(const Plan::Unit& what, std::uint64_t cost) {
    auto unit = std::make_shared<Unit>();
    unit->seq = next_seq_++;
    unit->what = what;
    unit->cost = cost;
    used_ += cost;
    peak_used_ = std::max(peak_used_, used_);
    in_flight_.emplace(unit->seq, unit);
    const bool last = what.copy + 1 == what.copies;
    if (!pending_->sample) {
      unit->live = 0;
      unit->settled = true;
      if (what.copy == 0) {
        const SourceEntry& entry = plan_.Entry(what);
        Sample nothing;
        nothing.identity.id = plan_.IdOf(what);
        nothing.key = entry.key;
        nothing.source = graph_.nodes[static_cast<std::size_t>(what.source)].name;
        RecordBad(*unit, nothing, what.source, pending_->sample.Error());
      }
      if (last) pending_.reset();
      Retire();
      return;
    }
    Sample sample = last ? std::move(*pending_->sample) : pending_->sample->Clone();
    if (last) pending_.reset();
    ++active_;
    sample.identity.seq = unit->seq;
    int node = what.source;
    if (const int copies = LiftedCopies(what.source); copies >= 0) {
      sample.identity.branch.push_back(what.copy);
      states_[static_cast<std::size_t>(copies)].in += 1;
      states_[static_cast<std::size_t>(copies)].out += 1;
      node = copies;
    }
    Send(node, 0, unit, std::move(sample));
    Release(unit);
  }

  int LiftedCopies(int source) const {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].lifted_into == source) return static_cast<int>(n);
    }
    return -1;
  }

  // Runs every block whose units are all settled.
  void FireWindows() {
    for (const int w : windows_) {
      const auto size =
          static_cast<std::uint64_t>(graph_.nodes[static_cast<std::size_t>(w)].window->Size());
      for (auto it = in_flight_.begin(); it != in_flight_.end();) {
        const std::uint64_t first = it->first / size * size;
        const std::uint64_t end = std::min(first + size, total_);
        if (BlockReady(w, first, end)) FireBlock(w, first, end);
        it = in_flight_.lower_bound(end);
      }
    }
  }

  bool BlockReady(int window, std::uint64_t first, std::uint64_t end) const {
    if (next_seq_ < end) return false;
    bool any = false;
    for (auto it = in_flight_.lower_bound(first); it != in_flight_.end() && it->first < end; ++it) {
      const Unit& unit = *it->second;
      if (!unit.settled) return false;
      for (const Waiting& waiting : unit.waiting) {
        if (waiting.window == window)
          any = true;
        else if (IsUpstream(waiting.window, window))
          return false;
      }
    }
    return any;
  }

  bool IsUpstream(int a, int b) const {
    const auto at = [&](int w) { return std::find(windows_.begin(), windows_.end(), w); };
    return at(a) < at(b);
  }

  void FireBlock(int window, std::uint64_t first, std::uint64_t end) {
    auto block = std::make_shared<std::vector<Sample>>();
    std::vector<UnitPtr> owners;
    for (auto it = in_flight_.lower_bound(first); it != in_flight_.end() && it->first < end; ++it) {
      const UnitPtr& unit = it->second;
      std::vector<Waiting> mine, others;
      for (Waiting& waiting : unit->waiting) {
        (waiting.window == window ? mine : others).push_back(std::move(waiting));
      }
      unit->waiting = std::move(others);
      if (mine.empty()) continue;
      std::sort(mine.begin(), mine.end(), [](const Waiting& a, const Waiting& b) {
        return a.input != b.input ? a.input < b.input
                                  : a.sample.identity.branch < b.sample.identity.branch;
      });
      unit->live = static_cast<int>(mine.size());
      unit->settled = false;
      ++active_;
      for (Waiting& waiting : mine) {
        block->push_back(std::move(waiting.sample));
        owners.push_back(unit);
      }
    }
    for (std::size_t i = 0; i < owners.size(); ++i) {
      window_worker_->try_put(
          std::make_shared<WindowTask>(WindowTask{owners[i], window, block, i}));
    }
  }

  // Hands settled units to the writer in plan order.
  void Retire() {
    while (next_retired_ < next_seq_) {
      const auto it = in_flight_.find(next_retired_);
      if (it == in_flight_.end() || !it->second->settled || !it->second->waiting.empty()) return;
      ++next_retired_;
      writer_->try_put(it->second);
    }
  }

  void DropWaiting() {
    for (auto& [seq, unit] : in_flight_) {
      if (unit->waiting.empty()) continue;
      unit->waiting.clear();
      unit->unfinished = true;
    }
    Retire();
  }

  // Entries are judged when their last copy is written; copies of one entry are neighbours.
  void CountEntry(const Unit& unit) {
    entry_failed_ = entry_failed_ || !unit.bad.empty();
    entry_unfinished_ = entry_unfinished_ || unit.unfinished;
    entry_written_ = entry_written_ || unit.wrote;
    if (unit.what.copy + 1 < unit.what.copies) return;
    SourceCounts& counts = sources_[unit.what.source];
    if (entry_failed_)
      ++counts.failed;
    else if (entry_unfinished_)
      ++counts.unfinished;
    else if (entry_written_)
      ++counts.written;
    else
      ++counts.filtered;
    if (entry_failed_) ++bad_entries_;
    ++judged_entries_;
    const bool fatal = unit.fatal || graph_.on_error.policy == OnError::Policy::kFail;
    if (entry_failed_) StopIfTooMany(fatal);
    entry_failed_ = entry_unfinished_ = entry_written_ = false;
  }

  void StopIfTooMany(bool fatal) {
    if (stopped_) return;
    const OnError& rule = graph_.on_error;
    const auto entries = static_cast<double>(plan_.EntryCount());
    const bool over = rule.max_bad_count
                          ? static_cast<std::int64_t>(bad_entries_) > *rule.max_bad_count
                          : static_cast<double>(bad_entries_) > rule.max_bad_fraction * entries;
    const bool all = bad_entries_ == judged_entries_ && judged_entries_ == kAllBadAtStart;
    if (!fatal && !over && !all) return;
    report_.too_many_bad = true;
    stopped_ = true;
    report_.stop_reason =
        fatal ? "a sample failed and on_error is fail"
        : all ? fmt::format("the first {} entries are all bad: wrong folder or format?",
                            kAllBadAtStart)
        : rule.max_bad_count
            ? fmt::format("{} bad entries, max_bad is {}", bad_entries_, *rule.max_bad_count)
            : fmt::format(
                  "{} of {} entries are bad, max_bad is {}%; raise on_error.max_bad to go on",
                  bad_entries_, plan_.EntryCount(), rule.max_bad_fraction * 100);
  }

  void ReportProgress(bool finished) {
    if (!options_.progress) return;
    const auto now = Clock::now();
    if (!finished && next_retired_ < total_ &&
        now - last_progress_ < std::chrono::milliseconds(100)) {
      return;
    }
    last_progress_ = now;
    options_.progress({next_retired_, total_, report_.quarantined,
                       static_cast<double>(Nanoseconds(now - started_)) * 1e-9, finished});
  }

  // ---- nodes ------------------------------------------------------------------------------------

  // Gives `sample` to every reader of an output; all but the last get a clone.
  void Send(int node, int output, const UnitPtr& unit, Sample sample) {
    const auto& readers =
        states_[static_cast<std::size_t>(node)].readers[static_cast<std::size_t>(output)];
    unit->live += static_cast<int>(readers.size());
    for (std::size_t r = 0; r < readers.size(); ++r) {
      const auto [reader, input] = readers[r];
      const bool last = r + 1 == readers.size();
      auto item =
          std::make_shared<Item>(Item{unit, last ? std::move(sample) : sample.Clone(), input});
      const Node& to = graph_.nodes[static_cast<std::size_t>(reader)];
      states_[static_cast<std::size_t>(reader)].in +=
          to.kind == Node::Kind::kCopies ? static_cast<std::uint64_t>(to.copies) : 1;
      states_[static_cast<std::size_t>(reader)].worker->try_put(item);
    }
  }

  // One sample of the unit has come to rest.
  void Release(const UnitPtr& unit) {
    if (unit->live.fetch_sub(1) == 1) control_->try_put({Event::Kind::kSettled, unit});
  }

  void Work(int n, const ItemPtr& item) {
    const UnitPtr unit = item->unit;
    Guard([&] {
      if (cancelled_) {
        const std::lock_guard lock(unit->mutex);
        unit->unfinished = true;
        return;
      }
      const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
      if (options_.before_node) options_.before_node(node.name, unit->seq);
      NodeState& state = states_[static_cast<std::size_t>(n)];
      const auto start = Clock::now();
      decode_nanoseconds = 0;
      std::optional<DataError> error;
      try {
        error = Apply(n, *item);
      } catch (const cv::Exception& e) {
        if (e.code == cv::Error::StsNoMem) throw std::bad_alloc();
        error = DataError{"OP-FAIL", fmt::format("OpenCV: {}", e.err), "", ""};
      }
      if (error) {
        state.failed +=
            node.kind == Node::Kind::kCopies ? static_cast<std::uint64_t>(node.copies) : 1;
        RecordBad(*unit, item->sample, n, std::move(*error));
      }
      const std::int64_t spent = Nanoseconds(Clock::now() - start);
      decode_total_ += decode_nanoseconds;
      state.nanoseconds += spent - decode_nanoseconds;
    });
    Release(unit);
  }

  std::optional<DataError> Apply(int n, Item& item) {
    const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
    NodeState& state = states_[static_cast<std::size_t>(n)];
    switch (node.kind) {
      case Node::Kind::kChain:
        if (auto error = chains_.Run(node, item.sample)) return error;
        state.out += 1;
        Send(n, 0, item.unit, std::move(item.sample));
        return std::nullopt;
      case Node::Kind::kMerge:
        state.out += 1;
        Send(n, 0, item.unit, std::move(item.sample));
        return std::nullopt;
      case Node::Kind::kCopies:
        for (int c = 0; c < node.copies; ++c) {
          Sample copy = item.sample.Clone();
          copy.identity.branch.push_back(static_cast<std::uint32_t>(c));
          state.out += 1;
          Send(n, 0, item.unit, std::move(copy));
        }
        return std::nullopt;
      case Node::Kind::kSplit:
        state.out += 1;
        Send(n, PartOf(node, item.sample), item.unit, std::move(item.sample));
        return std::nullopt;
      case Node::Kind::kWindow: {
        const std::lock_guard lock(item.unit->mutex);
        item.unit->waiting.push_back({n, item.input, std::move(item.sample)});
        return std::nullopt;
      }
      case Node::Kind::kSink: {
        if (auto error = DecodeAll(item.sample, codec_)) return error;
        const auto warnings = item.sample.scalars.find("decode_warnings");
        if (warnings != item.sample.scalars.end()) {
          decode_warnings_ += static_cast<std::uint64_t>(warnings->second);
        }
        Parked parked;
        parked.sink = n;
        parked.input = item.input;
        parked.branch = item.sample.identity.branch;
        // The sink takes the sample; what a quarantine record needs of it stays here.
        Sample who;
        who.identity = item.sample.identity;
        who.key = item.sample.key;
        who.source = item.sample.source;
        auto prepared = node.sink->Prepare(std::move(item.sample));
        item.sample = std::move(who);
        if (!prepared) return prepared.Error();
        parked.prepared = std::move(*prepared);
        const std::lock_guard lock(item.unit->mutex);
        item.unit->parked.push_back(std::move(parked));
        return std::nullopt;
      }
      case Node::Kind::kSource:
        break;
    }
    PIXLOOM_CHECK(false, "a source reads nothing");
  }

  // By hash of the source key, so that copies of one source stay together.
  static int PartOf(const Node& node, const Sample& sample) {
    const double at =
        static_cast<double>(Mix64(sample.identity.id ^ 0x73706C6974u) >> 11) * 0x1p-53;
    double edge = 0;
    for (std::size_t i = 0; i + 1 < node.parts.size(); ++i) {
      edge += node.parts[i].share;
      if (at < edge) return static_cast<int>(i);
    }
    return static_cast<int>(node.parts.size()) - 1;
  }

  void RunWindow(const WindowTask& task) {
    Guard([&] {
      const Node& node = graph_.nodes[static_cast<std::size_t>(task.window)];
      NodeState& state = states_[static_cast<std::size_t>(task.window)];
      if (cancelled_) {
        const std::lock_guard lock(task.unit->mutex);
        task.unit->unfinished = true;
        return;
      }
      if (options_.before_node) options_.before_node(node.name, task.unit->seq);
      const auto start = Clock::now();
      const Sample& anchor = (*task.block)[task.anchor];
      std::vector<const Sample*> members;
      for (const Sample& member : *task.block) members.push_back(&member);
      RecipeEntry entry{std::make_shared<const std::string>(node.name + "/" + node.verb), true, {}};
      Rng rng({DrawKey(graph_.seed, options_.epoch, anchor.identity.branch), anchor.identity.id,
               node.stream_id},
              &entry.draws);
      auto result = node.window->Run(members, task.anchor, rng);
      if (result) {
        result->recipe.entries.push_back(std::move(entry));
        state.out += 1;
        Send(task.window, 0, task.unit, std::move(*result));
      } else {
        state.failed += 1;
        RecordBad(*task.unit, anchor, task.window, result.Error());
      }
      state.nanoseconds += Nanoseconds(Clock::now() - start);
    });
    Release(task.unit);
  }

  void RecordBad(Unit& unit, const Sample& sample, int n, DataError error) {
    const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
    if (error.node.empty()) error.node = node.name;
    QuarantineRecord record;
    record.seq = unit.seq;
    record.id = sample.identity.id;
    record.branch = sample.identity.branch;
    record.source = sample.source;
    record.key = sample.key;
    record.error = std::move(error);
    const std::lock_guard lock(unit.mutex);
    unit.bad.push_back(std::move(record));
    unit.fatal = unit.fatal || node.on_error == OnError::Policy::kFail;
  }

  // ---- writer -----------------------------------------------------------------------------------

  void WriteUnit(Unit& unit) {
    if (cancelled_) {
      unit.unfinished = true;
      return;
    }
    std::sort(unit.parked.begin(), unit.parked.end());
    for (Parked& parked : unit.parked) {
      NodeState& state = states_[static_cast<std::size_t>(parked.sink)];
      const Node& node = graph_.nodes[static_cast<std::size_t>(parked.sink)];
      if (options_.before_node) options_.before_node("write:" + node.name, unit.seq);
      const auto start = Clock::now();
      node.sink->Write(std::move(parked.prepared));
      state.out += 1;
      state.nanoseconds += Nanoseconds(Clock::now() - start);
    }
    std::sort(unit.bad.begin(), unit.bad.end(),
              [](const QuarantineRecord& a, const QuarantineRecord& b) {
                return a.branch != b.branch ? a.branch < b.branch : a.error.node < b.error.node;
              });
    for (const QuarantineRecord& record : unit.bad) {
      if (!quarantine_.is_open()) quarantine_.open(quarantine_path_, std::ios::app);
      quarantine_ << record.ToJson() << '\n' << std::flush;
      if (!quarantine_) {
        throw EnvironmentError(
            fmt::format("cannot write {}: disk full or read-only?", quarantine_path_));
      }
      ++report_.quarantined;
    }
    unit.wrote = !unit.parked.empty();
    unit.parked.clear();
  }

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
  int threads_ = 1;
  Plan plan_;
  std::uint64_t total_ = 0;
  Clock::time_point started_;

  std::unique_ptr<flow::function_node<Event>> control_;
  std::unique_ptr<flow::function_node<UnitPtr>> writer_;
  std::unique_ptr<flow::function_node<std::shared_ptr<WindowTask>>> window_worker_;

  // Owned by the control node.
  std::uint64_t next_seq_ = 0;
  std::uint64_t next_retired_ = 0;
  std::uint64_t used_ = 0, peak_used_ = 0, budget_ = 0, max_in_flight_ = 0;
  int active_ = 0;  // units that are not settled
  std::map<std::uint64_t, UnitPtr> in_flight_;
  std::optional<Pending> pending_;  // read, waiting for its token
  std::map<int, SourceCounts> sources_;
  bool entry_failed_ = false, entry_unfinished_ = false, entry_written_ = false;
  std::uint64_t bad_entries_ = 0, judged_entries_ = 0;
  Clock::time_point last_progress_;
  bool interrupted_ = false;
  bool stopped_ = false;

  // Owned by the writer node.
  std::ofstream quarantine_;

  std::string quarantine_path_;
  std::atomic<std::int64_t> decode_total_{0};
  std::atomic<std::uint64_t> decode_warnings_{0};
  std::atomic<bool> cancelled_{false};
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  RunReport report_;
};

}  // namespace

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
  // Results per unit, and the largest picture on the way whose size is known.
  std::uint64_t results = 0, largest = decoded;
  const std::function<void(int, std::uint64_t)> walk = [&](int n, std::uint64_t count) {
    const Node& node = graph.nodes[static_cast<std::size_t>(n)];
    if (node.kind == Node::Kind::kCopies && node.lifted_into < 0) {
      count *= static_cast<std::uint64_t>(node.copies);
    }
    if (node.kind == Node::Kind::kSink) {
      results += count;
      return;
    }
    if (!node.meta.empty() && node.meta[0].size) {
      const Meta& meta = node.meta[0];
      const std::uint64_t depth = meta.depth == Depth::kF32 ? 4 : meta.depth == Depth::kU16 ? 2 : 1;
      const auto channels = static_cast<std::uint64_t>(meta.channels.value_or(3));
      largest = std::max(largest, static_cast<std::uint64_t>(meta.size->Area()) * depth * channels);
    }
    for (const auto& [reader, input] : graph.Readers(n)) walk(reader, count);
  };
  walk(source, 1);
  // Source and destination of the step that is running, and every result until it is written.
  return encoded + labels + 2 * largest + results * largest;
}

RunReport Executor::Run(const RunOptions& options) {
  return pixloom::Run(graph_, families_, codec_, options).Go();
}

}  // namespace pixloom
