// SPDX-License-Identifier: Apache-2.0
// Setting a run up, running its flow graph, and reporting.
#include "pipeline/executor.h"

#include <algorithm>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <nlohmann/json.hpp>

#include "pipeline/executor_run.h"
#include "pipeline/model.h"
#include "pipeline/sample_cache.h"

namespace pixloom {

namespace executor {

namespace {
constexpr std::uint64_t kDefaultMemory = std::uint64_t{2} << 30;
constexpr std::size_t kToldReplacements = 10;
}  // namespace

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

void Run::MakePlan() {
  PlanOptions options;
  options.limit = options_.limit;
  options.threads = threads_;
  options.codec = &codec_;
  options.stop = options_.stop;
  options.notice = [this](std::string text) { Notice(std::move(text)); };
  plan_ = Plan::Make(graph_, options);
  total_ = plan_.UnitCount();
}

// Few are told, all of them are in a file beside that of the bad samples.
void Run::ListReplaced() {
  const auto& list = plan_.Replacements();
  if (list.empty() || !options_.only.empty()) return;
  const auto name = [](const std::string& source, const std::string& key) {
    return fmt::format("{}/{}", source, EscapeForLog(key));
  };
  for (std::size_t i = 0; i < std::min(list.size(), kToldReplacements); ++i) {
    const Plan::Replacement& one = list[i];
    Notice(fmt::format("{}: {} is left out for {} ({})",
                       graph_.nodes[static_cast<std::size_t>(one.node)].name,
                       name(one.source, one.key), name(one.kept_source, one.kept_key), one.why));
  }
  if (list.size() <= kToldReplacements) return;
  constexpr std::string_view kBad = "quarantine.jsonl";
  std::string path = quarantine_path_;
  if (path.ends_with(kBad)) path.resize(path.size() - kBad.size());
  path += path == quarantine_path_ ? ".left_out.jsonl" : "left_out.jsonl";
  std::ofstream file(path);
  for (const Plan::Replacement& one : list) {
    nlohmann::ordered_json line;
    line["node"] = graph_.nodes[static_cast<std::size_t>(one.node)].name;
    line["source"] = one.source;
    line["key"] = EscapeForLog(one.key);
    line["kept_source"] = one.kept_source;
    line["kept"] = EscapeForLog(one.kept_key);
    line["why"] = one.why;
    file << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
  }
  file.flush();
  if (!file) {
    throw EnvironmentError(fmt::format("cannot write {}: disk full or read-only?", path));
  }
  Notice(
      fmt::format("{} entries are left out for others in all; {} lists them", list.size(), path));
}

void Run::FindWindows() {
  std::vector<int> depth(graph_.nodes.size(), 0);
  for (std::size_t round = 0; round < graph_.nodes.size(); ++round) {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (const Input& input : graph_.nodes[n].inputs) {
        depth[n] = std::max(depth[n], depth[static_cast<std::size_t>(input.node)] + 1);
      }
    }
  }
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const Node::Kind kind = graph_.nodes[n].kind;
    if (kind != Node::Kind::kWindow && kind != Node::Kind::kModel) continue;
    windows_.push_back(static_cast<int>(n));
    largest_window_ = std::max(largest_window_, static_cast<int>(BlockSize(static_cast<int>(n))));
  }
  std::stable_sort(windows_.begin(), windows_.end(), [&](int a, int b) {
    return depth[static_cast<std::size_t>(a)] < depth[static_cast<std::size_t>(b)];
  });
}

void Run::SelectUnits() {
  selected_ = {{0, total_}};
  if (!options_.only.empty()) {
    selected_.clear();
    for (std::uint64_t seq = 0; seq < total_; ++seq) {
      if (plan_.Entry(plan_.At(seq)).key == options_.only) selected_.emplace_back(seq, seq + 1);
    }
    if (selected_.empty()) {
      Diagnostics diagnostics;
      diagnostics.Error(
          "CFG-REPLAY", {},
          plan_.Knows(options_.only)
              ? fmt::format("the plan leaves '{}' out, so no result is made of it", options_.only)
              : fmt::format("no source has an entry '{}'; keys stand in the sidecars",
                            options_.only));
      throw ConfigError(diagnostics);
    }
    // What windows, one behind the other, mix into it.
    for (auto& [from, to] : selected_) {
      for (auto before = to - from + 1; before != to - from;) {
        before = to - from;
        for (const int w : windows_) {
          const std::uint64_t size = BlockSize(w);
          from = from / size * size;
          to = std::min((to + size - 1) / size * size, total_);
        }
      }
    }
    std::vector<std::pair<std::uint64_t, std::uint64_t>> merged;
    for (const auto& range : selected_) {
      if (!merged.empty() && range.first <= merged.back().second) {
        merged.back().second = std::max(merged.back().second, range.second);
      } else {
        merged.push_back(range);
      }
    }
    selected_ = std::move(merged);
  }
  next_seq_ = next_retired_ = NextUnit(0);
}

std::uint64_t Run::NextUnit(std::uint64_t seq) const {
  for (const auto& [from, to] : selected_) {
    if (seq < to) return std::max(seq, from);
  }
  return total_;
}

std::uint64_t Run::BlockSize(int n) const {
  const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
  const int size = node.kind == Node::Kind::kWindow ? node.window->Size()
                                                    : node.steps[0].model->enhancer->BatchSize();
  return static_cast<std::uint64_t>(std::max(size, 1));
}

void Run::SetBudget() {
  const bool given = options_.memory > 0 || graph_.memory.has_value();
  budget_ = options_.memory > 0 ? options_.memory : graph_.memory.value_or(kDefaultMemory);
  // Enough work in flight to keep the threads busy across uneven samples.
  max_in_flight_ =
      static_cast<std::uint64_t>(largest_window_) + 8 + 4 * static_cast<std::uint64_t>(threads_);
  std::uint64_t estimate = 0;
  for (std::uint64_t seq = NextUnit(0), tries = 0; seq < total_ && tries < 16; ++tries) {
    const Plan::Unit unit = plan_.At(seq);
    seq = NextUnit(seq + 1);
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
    const std::string window =
        largest_window_ > 0 ? fmt::format(" and a window of {}", largest_window_) : "";
    diagnostics.Error(
        "CFG-MEMORY", {},
        fmt::format("memory: {} kB is below the {} kB that {} thread{}{} need at {} kB each; raise "
                    "memory or lower --threads",
                    budget_ / 1000, needed / 1000 + 1, threads_, threads_ == 1 ? "" : "s", window,
                    estimate / 1000));
    throw ConfigError(diagnostics);
  }
  budget_ = needed;
}

void Run::OpenSinks() {
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
    if (std::string place = node.sink->Location(); !place.empty()) {
      report_.outputs.push_back(std::move(place));
    }
  }
  namespace fs = std::filesystem;
  std::error_code ignored;
  quarantine_path_ = options_.quarantine_file;
  if (!quarantine_path_.empty()) return;
  if (report_.outputs.empty()) {
    quarantine_path_ = "quarantine.jsonl";
    return;
  }
  const fs::path first = report_.outputs[0];
  quarantine_path_ = fs::is_directory(first, ignored) ? (first / "quarantine.jsonl").string()
                                                      : first.string() + ".quarantine.jsonl";
  fs::remove(quarantine_path_, ignored);  // a list of the run before
}

void Run::CloseSinks(bool complete) {
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

void Run::FillReport() {
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const NodeState& s = states_[n];
    const Node& node = graph_.nodes[n];
    const Plan::Counts& left_out = plan_.LeftOut(static_cast<int>(n));
    report_.nodes.push_back({node.name, node.verb, s.in + left_out.in,
                             s.generated + left_out.generated, s.out + left_out.out,
                             s.filtered + left_out.filtered, s.failed,
                             static_cast<double>(s.nanoseconds) * 1e-9, s.counts});
    if (node.kind == Node::Kind::kSource) {
      SourceCounts counts = sources_[static_cast<int>(n)];
      counts.name = node.name;
      const std::uint64_t left = plan_.LeftOutOf(static_cast<int>(n));
      counts.in = plan_.EntriesOf(static_cast<int>(n)) + left;
      counts.filtered += left;
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
  report_.quarantined = quarantined_;
  report_.interrupted = interrupted_;
  report_.warnings = decode_warnings_;
  if (report_.quarantined > 0) report_.quarantine_file = quarantine_path_;
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
  for (const int n : windows_) {
    if (graph_.nodes[static_cast<std::size_t>(n)].kind != Node::Kind::kModel) continue;
    states_[static_cast<std::size_t>(n)].batches =
        std::make_unique<flow::function_node<std::shared_ptr<ModelTask>>>(
            g, flow::serial, [this, n](const std::shared_ptr<ModelTask>& task) {
              RunBatch(n, *task);
              return flow::continue_msg();
            });
  }
  control_->try_put({Event::Kind::kPump, nullptr});
  g.wait_for_all();
  // Nodes refer to the graph and go first.
  for (NodeState& state : states_) {
    state.batches.reset();
    state.worker.reset();
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
