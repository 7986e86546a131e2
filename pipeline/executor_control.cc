// SPDX-License-Identifier: Apache-2.0
// Admission by tokens, window blocks, plan order, and judging of source entries.
#include <algorithm>

#include <fmt/format.h>

#include "pipeline/executor_run.h"

namespace pixloom::executor {

namespace {
constexpr std::uint64_t kAllBadAtStart = 100;  // entries; a wrong path shows early
}

void Run::Control(const Event& event) {
  if (event.kind == Event::Kind::kSettled) {
    event.unit->settled = true;
    --active_;
  } else if (event.kind == Event::Kind::kWritten) {
    --writing_;
    used_ -= event.unit->cost;
    in_flight_.erase(event.unit->seq);
    CountEntry(*event.unit);
    ReportProgress(false);
  }
  FireWindows();
  Retire();
  Pump();
  if (ByTime()) FlushWhenQuiet();
}

bool Run::MayAdmit() {
  if (next_seq_ >= total_) return false;
  if (cancelled_) return false;
  if (options_.stop != nullptr && *options_.stop) {
    interrupted_ = stopped_ = true;
    return false;
  }
  return !stopped_;
}

void Run::Pump() {
  while (MayAdmit()) {
    const Plan::Unit what = plan_.At(next_seq_);
    if (!pending_) LoadEntry(what);
    const std::uint64_t cost = pending_->cost;
    const bool fits = used_ + cost <= budget_ && in_flight_.size() < max_in_flight_;
    // With nothing active and nothing to write, only the next unit can move things on, whatever it
    // costs.
    if (!fits && (active_ > 0 || writing_ > 0)) return;
    Admit(what, cost);
  }
  // A stop leaves blocks that will never be complete.
  if (active_ == 0 && (cancelled_ || stopped_)) DropWaiting();
}

Result<Sample> Run::ReadEntry(const Plan::Unit& what) const {
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
      instance.original_area = std::abs(SignedArea({instance.quad->begin(), instance.quad->end()}));
    }
  }
  return sample;
}

void Run::LoadEntry(const Plan::Unit& what) {
  const auto start = Clock::now();
  NodeState& state = states_[static_cast<std::size_t>(what.source)];
  if (unreadable_.count({what.source, what.entry}) > 0) {
    pending_.emplace(Pending{DataError{}, 0});
    return;
  }
  pending_.emplace(Pending{ReadEntry(what), 0});
  if (pending_->sample) pending_->cost = EstimateCost(graph_, what.source, *pending_->sample);
  if (what.first) {
    state.generated += 1;
    (pending_->sample ? state.out : state.failed) += 1;
  }
  state.nanoseconds += Nanoseconds(Clock::now() - start);
}

void Run::Admit(const Plan::Unit& what, std::uint64_t cost) {
  auto unit = std::make_shared<Unit>();
  unit->seq = next_seq_;
  next_seq_ = NextUnit(next_seq_ + 1);
  unit->what = what;
  unit->cost = cost;
  used_ += cost;
  peak_used_ = std::max(peak_used_, used_);
  in_flight_.emplace(unit->seq, unit);
  // What is read serves all units of the entry that follow each other.
  const bool again = next_seq_ < total_ && plan_.At(next_seq_).SameEntry(what);
  if (!pending_->sample) {
    unit->live = 0;
    unit->settled = true;
    RecordUnreadable(*unit, pending_->sample.Error());
    if (!again) pending_.reset();
    Retire();
    return;
  }
  Sample sample = again ? pending_->sample->Clone() : std::move(*pending_->sample);
  if (!again) pending_.reset();
  ++active_;
  sample.identity.seq = unit->seq;
  int node = what.source;
  if (const int copies = PlannedCopies(what.source); copies >= 0) {
    sample.identity.branch.push_back(what.copy);
    states_[static_cast<std::size_t>(copies)].in += 1;
    states_[static_cast<std::size_t>(copies)].out += 1;
    node = copies;
  } else if (!what.first) {
    // The first went all the way from the source; this one is made by the node that repeats it.
    node = what.repeater;
    sample.identity.branch.push_back(what.copy);
    states_[static_cast<std::size_t>(node)].generated += 1;
    states_[static_cast<std::size_t>(node)].out += 1;
  }
  Send(node, 0, unit, std::move(sample));
  Release(unit);
}

// An entry that cannot be read is recorded once, however many units it has.
void Run::RecordUnreadable(Unit& unit, const DataError& error) {
  const Plan::Unit& what = unit.what;
  if (!unreadable_.insert({what.source, what.entry}).second) return;
  // Nor again when a run goes on between its units.
  const std::string& source = graph_.nodes[static_cast<std::size_t>(what.source)].name;
  const std::string key = EscapeForLog(plan_.Entry(what).key);
  if (!what.first && quarantine_.KeptEntries().contains({source, key})) return;
  int node = what.source;
  if (!what.first && what.repeater >= 0) {  // it could be read before
    node = what.repeater;
    states_[static_cast<std::size_t>(node)].generated += 1;
    states_[static_cast<std::size_t>(node)].failed += 1;
  }
  const SourceEntry& entry = plan_.Entry(what);
  Sample nothing;
  nothing.identity.id = plan_.IdOf(what);
  nothing.key = entry.key;
  nothing.source = graph_.nodes[static_cast<std::size_t>(what.source)].name;
  RecordBad(unit, nothing, node, error);
}

int Run::PlannedCopies(int source) const {
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (graph_.nodes[n].planned_by == source) return static_cast<int>(n);
  }
  return -1;
}

void Run::FireWindows() {
  for (const int w : windows_) {
    const std::uint64_t size = BlockSize(w);
    for (auto it = in_flight_.begin(); it != in_flight_.end();) {
      const std::uint64_t first = it->first / size * size;
      const std::uint64_t end = std::min(first + size, total_);
      if (BlockReady(w, first, end)) FireBlock(w, first, end);
      it = in_flight_.lower_bound(end);
    }
  }
}

bool Run::BlockReady(int window, std::uint64_t first, std::uint64_t end) const {
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

bool Run::IsUpstream(int a, int b) const {
  const auto at = [&](int w) { return std::find(windows_.begin(), windows_.end(), w); };
  return at(a) < at(b);
}

void Run::FireBlock(int window, std::uint64_t first, std::uint64_t end) {
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
  if (graph_.nodes[static_cast<std::size_t>(window)].kind == Node::Kind::kModel) {
    SubmitBlock(window, std::move(owners), std::move(*block));
    return;
  }
  for (std::size_t i = 0; i < owners.size(); ++i) {
    window_worker_->try_put(std::make_shared<WindowTask>(WindowTask{owners[i], window, block, i}));
  }
}

void Run::Retire() {
  while (next_retired_ < next_seq_) {
    const auto it = in_flight_.find(next_retired_);
    if (it == in_flight_.end() || !it->second->settled || !it->second->waiting.empty()) return;
    DropLonely(*it->second);
    next_retired_ = NextUnit(next_retired_ + 1);
    ++writing_;
    writer_->try_put(it->second);
  }
}

void Run::DropWaiting() {
  for (auto& [seq, unit] : in_flight_) {
    if (unit->waiting.empty()) continue;
    unit->waiting.clear();
    unit->unfinished = true;
  }
  Retire();
}

void Run::DropLonely(Unit& unit) {
  for (Joining& joining : unit.joining) {
    NodeState& state = states_[static_cast<std::size_t>(joining.join)];
    state.filtered += 1;
    const std::lock_guard lock(state.mutex);
    ++state.counts["without a partner"];
  }
  unit.joining.clear();
}

void Run::CountEntry(const Unit& unit) {
  const Plan::Unit& what = unit.what;
  if (!Wanted(unit.seq)) return;
  const auto [it, fresh] = open_entries_.emplace(EntryKey{what.source, what.entry}, EntryState{});
  EntryState& entry = it->second;
  entry.failed = entry.failed || !unit.bad.empty();
  entry.unfinished = entry.unfinished || unit.unfinished;
  entry.written = entry.written || unit.wrote;
  if (!what.last) return;
  const EntryState judged = entry;
  open_entries_.erase(it);
  SourceCounts& counts = sources_[what.source];
  if (judged.failed)
    ++counts.failed;
  else if (judged.unfinished)
    ++counts.unfinished;
  else if (judged.written)
    ++counts.written;
  else
    ++counts.filtered;
  if (judged.failed) ++bad_entries_;
  ++judged_entries_;
  const bool fatal = unit.fatal || graph_.on_error.policy == OnError::Policy::kFail;
  if (judged.failed) StopIfTooMany(fatal);
}

void Run::StopIfTooMany(bool fatal) {
  // Who asks for one entry again is not judged by its neighbours.
  if (stopped_ || !options_.only.empty()) return;
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
      : all
          ? fmt::format("the first {} entries are all bad: wrong folder or format?", kAllBadAtStart)
      : rule.max_bad_count
          ? fmt::format("{} bad entries, max_bad is {}", bad_entries_, *rule.max_bad_count)
          : fmt::format("{} of {} entries are bad, max_bad is {}%; raise on_error.max_bad to go on",
                        bad_entries_, plan_.EntryCount(), rule.max_bad_fraction * 100);
}

void Run::ReportProgress(bool finished) {
  if (!options_.progress) return;
  const auto now = Clock::now();
  if (!finished && next_retired_ < total_ &&
      now - last_progress_ < std::chrono::milliseconds(100)) {
    return;
  }
  last_progress_ = now;
  const std::uint64_t done = std::clamp(next_retired_, first_unit_, end_unit_) - first_unit_;
  options_.progress({done, end_unit_ - first_unit_, quarantined_.load(),
                     static_cast<double>(Nanoseconds(now - started_)) * 1e-9, finished});
}

}  // namespace pixloom::executor
