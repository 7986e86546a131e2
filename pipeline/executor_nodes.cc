// SPDX-License-Identifier: Apache-2.0
// What happens to one sample in one node, and writing in order.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "pipeline/executor_run.h"
#include "pipeline/sample_cache.h"

namespace pixloom::executor {

namespace {

// What an operator got from OpenCV; no memory is no fault of the data.
DataError OpenCvError(const cv::Exception& e) {
  if (e.code == cv::Error::StsNoMem) throw std::bad_alloc();
  return {"OP-FAIL", fmt::format("OpenCV: {}", e.err), "", ""};
}

}  // namespace

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
    // A join counts what it puts together.
    if (to.kind != Node::Kind::kJoin) {
      states_[static_cast<std::size_t>(reader)].in +=
          to.kind == Node::Kind::kCopies ? static_cast<std::uint64_t>(to.copies) : 1;
    }
    ++moving_;
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
      error = OpenCvError(e);
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
  if (--moving_ == 0 && ByTime()) control_->try_put({Event::Kind::kPump, nullptr});
}

std::optional<DataError> Run::Apply(int n, Item& item) {
  const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
  NodeState& state = states_[static_cast<std::size_t>(n)];
  switch (node.kind) {
    case Node::Kind::kChain:
      if (auto error = chains_.Run(node, item.sample)) return error;
      AddCounts(n, std::exchange(item.sample.counts, {}));
      if (item.sample.filtered) {
        state.filtered += 1;
        return std::nullopt;
      }
      state.out += 1;
      Send(n, 0, item.unit, std::move(item.sample));
      return std::nullopt;
    case Node::Kind::kCache:
      return ApplyCache(n, item);
    case Node::Kind::kPlan:
      // The plan chose it; only its number among the copies of its entry is to be told.
      if (node.plan->Repeats()) item.sample.identity.branch.push_back(item.unit->what.copy);
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
      Send(n, plan_.PartOf(graph_, n, item.sample.identity.id), item.unit, std::move(item.sample));
      return std::nullopt;
    case Node::Kind::kJoin:
      return ApplyJoin(n, item);
    case Node::Kind::kFilter: {
      if (node.keep->NeedsPixels()) {
        if (auto error = DecodeAll(item.sample, codec_)) return error;
      }
      if (auto error = node.keep->Lacks(item.sample)) return error;
      RecipeEntry entry{std::make_shared<const std::string>(node.name + "/" + node.verb)};
      if (!node.keep->Holds(item.sample, &entry.draws)) {
        state.filtered += 1;
        return std::nullopt;
      }
      item.sample.recipe.entries.push_back(std::move(entry));
      state.out += 1;
      Send(n, 0, item.unit, std::move(item.sample));
      return std::nullopt;
    }
    case Node::Kind::kRoute: {
      const auto way = chains_.Route(node, item.sample);
      if (!way) return way.Error();
      state.out += 1;
      Send(n, *way, item.unit, std::move(item.sample));
      return std::nullopt;
    }
    case Node::Kind::kModel:
    case Node::Kind::kWindow: {
      // Once for all anchors that look at it.
      if (auto error = DecodeAll(item.sample, codec_)) return error;
      if (node.kind == Node::Kind::kModel && ByTime()) {
        item.unit->live += 1;
        std::vector<Sample> one;
        one.push_back(std::move(item.sample));
        SubmitBlock(n, {item.unit}, std::move(one));
        return std::nullopt;
      }
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

void Run::AddCounts(int n, const std::map<std::string, std::uint64_t>& counts) {
  if (counts.empty()) return;
  NodeState& state = states_[static_cast<std::size_t>(n)];
  const std::lock_guard lock(state.mutex);
  for (const auto& [what, count] : counts) state.counts[what] += count;
}

std::optional<DataError> Run::ApplyCache(int n, Item& item) {
  const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
  NodeState& state = states_[static_cast<std::size_t>(n)];
  Sample& sample = item.sample;
  // What happened to it before is its own; the entry knows what happens here.
  std::vector<RecipeEntry> recipe = std::exchange(sample.recipe.entries, {});
  SampleCache::Counts counts;
  std::optional<CacheKey> key;
  if (node.cache != nullptr) key = node.cache->KeyOf(sample);
  const bool hit = key && node.cache->Load(*key, sample, counts);
  if (!hit) {
    auto error = chains_.Run(node, sample);
    if (!error && !sample.filtered) error = DecodeAll(sample, codec_);
    if (error) {
      AddCounts(n, counts);
      return error;
    }
    if (key) node.cache->Store(*key, sample, counts);
  }
  AddCounts(n, counts);
  AddCounts(n, std::exchange(sample.counts, {}));
  if (sample.filtered) {
    state.filtered += 1;
    return std::nullopt;
  }
  std::move(sample.recipe.entries.begin(), sample.recipe.entries.end(), std::back_inserter(recipe));
  sample.recipe.entries = std::move(recipe);
  state.out += 1;
  Send(n, 0, item.unit, std::move(sample));
  return std::nullopt;
}

std::optional<DataError> Run::ApplyJoin(int n, Item& item) {
  const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
  NodeState& state = states_[static_cast<std::size_t>(n)];
  std::vector<std::optional<Sample>> ports;
  {
    const std::lock_guard count(state.mutex);
    ++state.counts["as " + node.inputs[static_cast<std::size_t>(item.input)].port];
  }
  {
    const std::lock_guard lock(item.unit->mutex);
    auto& joining = item.unit->joining;
    const auto& branch = item.sample.identity.branch;
    auto it = std::find_if(joining.begin(), joining.end(),
                           [&](const Joining& j) { return j.join == n && j.branch == branch; });
    if (it == joining.end()) {
      state.in += 1;
      joining.push_back({n, branch, std::vector<std::optional<Sample>>(node.inputs.size())});
      it = joining.end() - 1;
    }
    it->ports[static_cast<std::size_t>(item.input)] = std::move(item.sample);
    for (const auto& port : it->ports) {
      if (!port) return std::nullopt;
    }
    ports = std::move(it->ports);
    joining.erase(it);
  }
  Sample whole = std::move(*ports[0]);
  // What the ports have in common happened before they parted.
  const auto& main = whole.recipe.entries;
  std::vector<RecipeEntry> further;
  for (std::size_t p = 1; p < ports.size(); ++p) {
    Sample& part = *ports[p];
    auto& entries = part.recipe.entries;
    std::size_t common = 0;
    while (common < std::min(main.size(), entries.size()) &&
           *main[common].stream == *entries[common].stream) {
      ++common;
    }
    std::move(entries.begin() + static_cast<std::ptrdiff_t>(common), entries.end(),
              std::back_inserter(further));
    whole.images.emplace_back(node.inputs[p].port, std::move(part.images.front().second));
  }
  std::move(further.begin(), further.end(), std::back_inserter(whole.recipe.entries));
  state.out += 1;
  Send(n, 0, item.unit, std::move(whole));
  return std::nullopt;
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
    auto result = MixSafely(node, task);
    if (result) {
      AddCounts(task.window, std::exchange(result->counts, {}));
      state.out += 1;
      Send(task.window, 0, task.unit, std::move(*result));
    } else {
      state.failed += 1;
      RecordBad(*task.unit, (*task.block)[task.anchor], task.window, result.Error());
    }
    state.nanoseconds += Nanoseconds(Clock::now() - start);
  });
  Release(task.unit);
}

Result<Sample> Run::MixSafely(const Node& node, const WindowTask& task) const {
  try {
    return Mix(node, task);
  } catch (const cv::Exception& e) {
    return OpenCvError(e);
  }
}

Result<Sample> Run::Mix(const Node& node, const WindowTask& task) const {
  const Sample& anchor = (*task.block)[task.anchor];
  std::vector<const Sample*> members;
  for (const Sample& member : *task.block) members.push_back(&member);
  RecipeEntry entry{std::make_shared<const std::string>(node.name + "/" + node.verb)};
  Rng rng({DrawKey(graph_.seed, options_.epoch, anchor.identity.branch), anchor.identity.id,
           node.stream_id},
          &entry.draws);
  entry.applied = rng.Chance("", node.p) && members.size() > 1;
  if (!entry.applied) {
    Sample result = anchor.Clone();
    if (members.size() == 1) entry.draws.emplace_back("partners", 0);
    result.recipe.entries.push_back(std::move(entry));
    return result;
  }
  auto mixed = node.window->Run(members, task.anchor, rng);
  if (!mixed) return mixed.Error();
  for (const std::size_t m : mixed->parents) {
    const Sample& parent = *members[m];
    entry.parents.push_back(std::make_shared<const Parent>(
        Parent{parent.source, parent.key, parent.identity.branch, parent.recipe}));
  }
  mixed->sample.recipe.entries.push_back(std::move(entry));
  return std::move(mixed->sample);
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
  // What can go on later gets whole units only.
  halted_ = halted_ || (unit.unfinished && Wanted(unit.seq));
  std::sort(unit.parked.begin(), unit.parked.end());
  for (Parked& parked : unit.parked) {
    NodeState& state = states_[static_cast<std::size_t>(parked.sink)];
    const Node& node = graph_.nodes[static_cast<std::size_t>(parked.sink)];
    if (!Wanted(unit.seq) || unit.seq < stored_in_[static_cast<std::size_t>(parked.sink)]) {
      state.filtered += 1;
      AddCounts(parked.sink, {{"stored elsewhere", 1}});
      continue;
    }
    if (halted_ && node.sink->CanResume()) continue;
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
  if (Wanted(unit.seq)) {
    for (const QuarantineRecord& record : unit.bad) {
      quarantine_.Add(record);
      ++quarantined_;
      if (options_.quarantined) options_.quarantined(record);
    }
    for (std::size_t n = 0; n < graph_.nodes.size() && !halted_; ++n) {
      const Node& node = graph_.nodes[n];
      if (node.kind != Node::Kind::kSink || unit.seq < stored_in_[n]) continue;
      node.sink->Advance(unit.seq + 1, unit.bad.size());
    }
  }
  unit.wrote = !unit.parked.empty();
  unit.parked.clear();
}

}  // namespace pixloom::executor
