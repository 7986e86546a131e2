// SPDX-License-Identifier: Apache-2.0
// What happens before the first sample: the plan, which of it this run does, budget, sinks.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <nlohmann/json.hpp>

#include "pipeline/executor_run.h"
#include "pipeline/passes.h"
#include "pipeline/plan_results.h"
#include "pipeline/survey.h"

namespace pixloom::executor {

namespace {

constexpr std::uint64_t kDefaultMemory = std::uint64_t{2} << 30;
constexpr std::size_t kToldReplacements = 10;

// Of everything an entry brings along before it is decoded.
std::uint64_t HashOf(const Sample& sample) {
  std::uint64_t hash = 0;
  for (const auto& [name, field] : sample.images) {
    for (const Frame& frame : field.frames) {
      if (frame.encoded) {
        hash = XXH64(frame.encoded->bytes.data(), frame.encoded->bytes.size(), hash);
      } else {
        const cv::Mat pixels = frame.pixels.isContinuous() ? frame.pixels : frame.pixels.clone();
        hash = XXH64(pixels.data, pixels.total() * pixels.elemSize(), hash);
      }
    }
  }
  return hash == 0 ? 1 : hash;
}

}  // namespace

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
  std::string path = quarantine_.Path();
  if (path.ends_with(kBad)) path.resize(path.size() - kBad.size());
  path += path == quarantine_.Path() ? ".left_out.jsonl" : "left_out.jsonl";
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
    if (kind == Node::Kind::kModel) {
      const ModelOperator::Pace pace = graph_.nodes[n].steps[0].model->GetPace();
      blocks_ahead_ = std::max(blocks_ahead_, std::max(pace.block, 1) * (pace.in_flight + 3));
      if (ByTime()) continue;
    } else if (kind != Node::Kind::kWindow) {
      continue;
    }
    windows_.push_back(static_cast<int>(n));
    largest_window_ = std::max(largest_window_, static_cast<int>(BlockSize(static_cast<int>(n))));
  }
  std::stable_sort(windows_.begin(), windows_.end(), [&](int a, int b) {
    return depth[static_cast<std::size_t>(a)] < depth[static_cast<std::size_t>(b)];
  });
}

void Run::SelectUnits() {
  const auto share = [&](int part) {
    return total_ * static_cast<std::uint64_t>(part) / static_cast<std::uint64_t>(options_.parts);
  };
  first_unit_ = stored_ = share(options_.part - 1);
  end_unit_ = share(options_.part);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges{{first_unit_, end_unit_}};
  if (!options_.only.empty()) {
    ranges.clear();
    for (std::uint64_t seq = 0; seq < total_; ++seq) {
      if (plan_.Entry(plan_.At(seq)).key == options_.only) ranges.emplace_back(seq, seq + 1);
    }
    if (ranges.empty()) {
      Diagnostics diagnostics;
      diagnostics.Error(
          "CFG-REPLAY", {},
          plan_.Knows(options_.only)
              ? fmt::format("the plan leaves '{}' out, so no result is made of it", options_.only)
              : fmt::format("no source has an entry '{}'; keys stand in the sidecars",
                            options_.only));
      throw ConfigError(diagnostics);
    }
  }
  SelectWithBlocks(std::move(ranges));
}

void Run::SelectWithBlocks(std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges) {
  selected_.clear();
  for (auto [from, to] : ranges) {
    // What windows, one behind the other, mix into it.
    for (auto before = to - from + 1; from < to && before != to - from;) {
      before = to - from;
      for (const int w : windows_) {
        const std::uint64_t size = BlockSize(w);
        from = from / size * size;
        to = std::min((to + size - 1) / size * size, total_);
      }
    }
    if (from >= to) continue;
    if (!selected_.empty() && from <= selected_.back().second) {
      selected_.back().second = std::max(selected_.back().second, to);
    } else {
      selected_.emplace_back(from, to);
    }
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
  const int size =
      node.kind == Node::Kind::kWindow ? node.window->Size() : node.steps[0].model->GetPace().block;
  return static_cast<std::uint64_t>(std::max(size, 1));
}

void Run::SetBudget() {
  const bool given = options_.memory > 0 || graph_.memory.has_value();
  budget_ = options_.memory > 0 ? options_.memory : graph_.memory.value_or(kDefaultMemory);
  // Enough work in flight to keep the threads busy across uneven samples.
  max_in_flight_ = static_cast<std::uint64_t>(std::max(largest_window_, blocks_ahead_)) + 8 +
                   4 * static_cast<std::uint64_t>(threads_);
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

Fingerprint Run::TakeFingerprint() const {
  Fingerprint fingerprint;
  fingerprint.facts = options_.facts;
  fingerprint.facts.emplace_back("seed", std::to_string(graph_.seed));
  fingerprint.facts.emplace_back("epoch", std::to_string(options_.epoch));
  fingerprint.facts.emplace_back("units", std::to_string(total_));
  std::vector<std::pair<int, const SourceEntry*>> entries;
  plan_.ForEachEntry([&](int source, const SourceEntry& entry) {
    const std::string& name = graph_.nodes[static_cast<std::size_t>(source)].name;
    fingerprint.inputs.push_back({name, entry.key, entry.bytes, entry.changed, 0});
    entries.emplace_back(source, &entry);
  });
  if (!options_.hash_inputs) return fingerprint;
  ForEachEntry(entries.size(), threads_, options_.stop, [&](std::size_t i) {
    const auto [source, entry] = entries[i];
    const auto sample = graph_.nodes[static_cast<std::size_t>(source)].source->Read(*entry);
    fingerprint.inputs[i].hash = sample ? HashOf(*sample) : 1;
  });
  return fingerprint;
}

Expected Run::WhatComes(int sink, std::optional<std::uint64_t> rows) const {
  Expected expected;
  expected.rows = rows;
  const Node& node = graph_.nodes[static_cast<std::size_t>(sink)];
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Meta& meta = graph_.nodes[static_cast<std::size_t>(node.inputs[i].node)]
                           .meta[static_cast<std::size_t>(node.inputs[i].output)];
    expected.meta = i == 0 ? meta : EitherMeta(expected.meta, meta);
  }
  std::vector<int> above{sink};
  std::vector<bool> seen(graph_.nodes.size(), false);
  while (!above.empty()) {
    const int n = above.back();
    above.pop_back();
    if (seen[static_cast<std::size_t>(n)]) continue;
    seen[static_cast<std::size_t>(n)] = true;
    for (const Input& input : graph_.nodes[static_cast<std::size_t>(n)].inputs) {
      above.push_back(input.node);
    }
  }
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (!seen[n] || graph_.nodes[n].kind != Node::Kind::kSource) continue;
    constexpr int kTries = 16;  // entries that may be bad
    int tries = 0;
    std::shared_ptr<const LabelNames> names;
    plan_.ForEachEntry([&](int source, const SourceEntry& entry) {
      if (source != static_cast<int>(n) || tries >= kTries) return;
      const auto sample = graph_.nodes[n].source->Read(entry);
      tries = sample ? kTries : tries + 1;
      if (sample) names = sample->names;
    });
    expected.names.emplace_back(graph_.nodes[n].name, std::move(names));
  }
  return expected;
}

void Run::OpenSinks() {
  RunInfo info;
  info.seed = graph_.seed;
  info.config_text = options_.config_text;
  info.overwrite = options_.overwrite;
  info.first_unit = first_unit_;
  info.end_unit = end_unit_;
  info.units = total_;
  info.part = options_.part;
  info.parts = options_.parts;
  info.notice = [this](std::string text) { Notice(std::move(text)); };
  info.sync = [this] { quarantine_.Sync(); };
  std::vector<std::size_t> sinks;
  bool any_resumes = false;
  report_.can_resume = true;
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const Node& node = graph_.nodes[n];
    if (node.kind == Node::Kind::kSource) info.source_names.push_back(node.name);
    if (node.kind != Node::Kind::kSink) continue;
    sinks.push_back(n);
    any_resumes = any_resumes || node.sink->CanResume();
    report_.can_resume = report_.can_resume && node.sink->CanResume();
  }
  std::vector<std::optional<std::uint64_t>> rows(graph_.nodes.size());
  if (any_resumes) {
    info.fingerprint = TakeFingerprint();
    rows = ExpectedResults(graph_, plan_, first_unit_, end_unit_);
  }
  stored_in_.assign(graph_.nodes.size(), first_unit_);
  std::vector<std::size_t> opened;
  try {
    for (const std::size_t n : sinks) {
      Sink& sink = *graph_.nodes[n].sink;
      const bool resumes = sink.CanResume();
      stored_in_[n] =
          sink.Open(info, resumes ? WhatComes(static_cast<int>(n), rows[n]) : Expected{});
      opened.push_back(n);
      PIXLOOM_CHECK(stored_in_[n] >= first_unit_ && stored_in_[n] <= end_unit_,
                    "a sink holds units that are not in the plan");
    }
  } catch (...) {
    // Lets go of the others; what they have stays.
    for (const std::size_t n : opened) {
      try {
        graph_.nodes[n].sink->Close(false);
      } catch (const std::exception&) {
        // The first error is the one to tell.
      }
    }
    throw;
  }
  ChooseQuarantine();  // now that folders are there
  SkipStored();
}

void Run::SkipStored() {
  std::uint64_t stored = end_unit_;
  bool any = false;
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (graph_.nodes[n].kind != Node::Kind::kSink) continue;
    stored = std::min(stored, stored_in_[n]);
    any = true;
  }
  stored_ = any ? stored : first_unit_;
  quarantine_.Start(first_unit_, stored_);
  quarantined_ = quarantine_.Kept();
  bad_entries_ = quarantine_.KeptEntries().size();
  CountElsewhere();
  if (stored_ == first_unit_) return;
  Notice(stored_ == end_unit_
             ? fmt::format("all {} units of the plan are stored already", end_unit_ - first_unit_)
             : fmt::format("going on at unit {} of {}", stored_ - first_unit_,
                           end_unit_ - first_unit_));
  if (options_.only.empty()) SelectWithBlocks({{stored_, end_unit_}});
}

void Run::CountElsewhere() {
  if (stored_ == 0 && end_unit_ == total_) return;
  for (std::uint64_t seq = 0; seq < total_; ++seq) {
    const Plan::Unit unit = plan_.At(seq);
    if (!unit.last || Wanted(seq)) continue;
    ++sources_[unit.source].elsewhere;
    if (seq >= first_unit_ && seq < stored_) ++judged_entries_;
  }
}

void Run::ChooseQuarantine() {
  namespace fs = std::filesystem;
  std::string path = options_.quarantine_file;
  for (const Node& node : graph_.nodes) {
    if (node.kind != Node::Kind::kSink) continue;
    std::string place = node.sink->Location();
    if (place.empty()) continue;
    // A folder that appears when it is complete cannot hold the list meanwhile.
    std::error_code ignored;
    if (path.empty()) {
      path = node.sink->CanResume() || !fs::is_directory(place, ignored)
                 ? place + ".quarantine.jsonl"
                 : (fs::path(place) / "quarantine.jsonl").string();
    }
    report_.outputs.push_back(std::move(place));
  }
  quarantine_.SetPath(path.empty() ? "quarantine.jsonl" : path);
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

}  // namespace pixloom::executor
