// SPDX-License-Identifier: Apache-2.0
// What happens to one sample in one node, and writing in order.
#include <algorithm>

#include <fmt/format.h>

#include "pipeline/executor_run.h"

namespace pixloom::executor {

void Run::Send(int node, int output, const UnitPtr& unit, Sample sample) {
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

void Run::Release(const UnitPtr& unit) {
  if (unit->live.fetch_sub(1) == 1) control_->try_put({Event::Kind::kSettled, unit});
}

void Run::Work(int n, const ItemPtr& item) {
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

std::optional<DataError> Run::Apply(int n, Item& item) {
  const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
  NodeState& state = states_[static_cast<std::size_t>(n)];
  switch (node.kind) {
    case Node::Kind::kChain:
      if (auto error = chains_.Run(node, item.sample)) return error;
      for (const auto& [what, count] : item.sample.counts) {
        const std::lock_guard lock(state.mutex);
        state.counts[what] += count;
      }
      item.sample.counts.clear();
      if (item.sample.filtered) {
        state.filtered += 1;
        return std::nullopt;
      }
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
    case Node::Kind::kViews:
      return ApplyViews(n, item);
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

std::optional<DataError> Run::ApplyViews(int n, Item& item) {
  const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
  NodeState& state = states_[static_cast<std::size_t>(n)];
  Sample& whole = item.sample;
  if (whole.images.empty() || whole.images[0].second.frames.empty()) {
    return DataError{"SMP-EMPTY", "sample has no picture", "", ""};
  }
  // Every view reads these pixels.
  if (auto error = DecodeAll(whole, codec_)) return error;
  const std::vector<View> views = node.views->Views(whole.images[0].second.frames[0].size());
  state.in += views.size() - 1;
  const auto stream = std::make_shared<const std::string>(node.name + "/" + node.verb);
  for (std::size_t v = 0; v < views.size(); ++v) {
    Sample view = whole.Clone();
    view.identity.branch.push_back(static_cast<std::uint32_t>(v));
    RecipeEntry entry{stream, true, {{"view", static_cast<double>(v)}}};
    for (const auto& [name, value] : views[v].facts) {
      entry.draws.emplace_back(name, value);
      view.scalars[node.verb + "_" + name] = value;
    }
    view.recipe.entries.push_back(std::move(entry));
    if (auto error = chains_.Apply(node, views[v].steps, view)) {
      state.failed += 1;
      RecordBad(*item.unit, view, n, std::move(*error));
      continue;
    }
    state.out += 1;
    Send(n, 0, item.unit, std::move(view));
  }
  return std::nullopt;
}

int Run::PartOf(const Node& node, const Sample& sample) {
  const double at = static_cast<double>(Mix64(sample.identity.id ^ 0x73706C6974u) >> 11) * 0x1p-53;
  double edge = 0;
  for (std::size_t i = 0; i + 1 < node.parts.size(); ++i) {
    edge += node.parts[i].share;
    if (at < edge) return static_cast<int>(i);
  }
  return static_cast<int>(node.parts.size()) - 1;
}

void Run::RunWindow(const WindowTask& task) {
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

void Run::RecordBad(Unit& unit, const Sample& sample, int n, DataError error) {
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

void Run::WriteUnit(Unit& unit) {
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
    if (!quarantine_.is_open()) quarantine_.open(quarantine_path_);
    quarantine_ << record.ToJson() << '\n' << std::flush;
    if (!quarantine_) {
      throw EnvironmentError(
          fmt::format("cannot write {}: disk full or read-only?", quarantine_path_));
    }
    ++quarantined_;
    if (options_.quarantined) options_.quarantined(record);
  }
  unit.wrote = !unit.parked.empty();
  unit.parked.clear();
}

}  // namespace pixloom::executor
