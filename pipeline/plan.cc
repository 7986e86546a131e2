// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plan.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "pipeline/error.h"

namespace pixloom {

namespace {

using Slots = std::vector<std::pair<int, std::uint32_t>>;  // (source node, entry)

// Entries that reach `node`, in the order it sees them.
Slots OrderAt(const Graph& graph, int node, const std::vector<std::size_t>& counts) {
  const Node& n = graph.nodes[static_cast<std::size_t>(node)];
  if (n.kind == Node::Kind::kSource) {
    Slots slots;
    for (std::size_t e = 0; e < counts[static_cast<std::size_t>(node)]; ++e) {
      slots.emplace_back(node, static_cast<std::uint32_t>(e));
    }
    return slots;
  }
  std::vector<Slots> parts;
  for (const Input& input : n.inputs) parts.push_back(OrderAt(graph, input.node, counts));
  Slots slots;
  if (n.kind == Node::Kind::kMerge) {
    std::size_t longest = 0;
    for (const Slots& part : parts) longest = std::max(longest, part.size());
    for (std::size_t i = 0; i < longest; ++i) {
      for (const Slots& part : parts) {
        if (i < part.size()) slots.push_back(part[i]);
      }
    }
  } else {
    for (const Slots& part : parts) slots.insert(slots.end(), part.begin(), part.end());
  }
  return slots;
}

}  // namespace

Plan Plan::Make(const Graph& graph, std::uint64_t limit,
                const std::function<void(std::string)>& notice) {
  Plan plan;
  Diagnostics diagnostics;
  std::vector<std::size_t> counts(graph.nodes.size(), 0);
  std::unordered_map<std::uint64_t, std::string> ids;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.kind != Node::Kind::kSource || node.idle) continue;
    auto entries = node.source->List(
        [&](std::string text) { notice(fmt::format("{}: {}", node.name, text)); });
    if (!entries) {
      diagnostics.Error("CFG-SOURCE", node.at, fmt::format("{}: {}", node.name, entries.Error()));
      continue;
    }
    if (entries->empty()) {
      diagnostics.Error("CFG-SOURCE", node.at,
                        fmt::format("{}: the source has no entries", node.name));
    }
    Lane lane{static_cast<int>(i), 1, node.name, std::move(*entries)};
    for (const SourceEntry& entry : lane.entries) {
      const auto [it, fresh] = ids.emplace(SampleId(node.name, entry.key), entry.key);
      if (!fresh) {
        diagnostics.Error("CFG-SOURCE", node.at,
                          fmt::format("{}: the keys '{}' and '{}' give one sample id", node.name,
                                      entry.key, it->second));
      }
    }
    for (const Node& other : graph.nodes) {
      if (other.kind == Node::Kind::kCopies && other.planned_by == static_cast<int>(i)) {
        lane.copies = static_cast<std::uint32_t>(other.copies);
      }
    }
    counts[i] = lane.entries.size();
    plan.lanes_.push_back(std::move(lane));
  }
  if (diagnostics.HasErrors()) throw ConfigError(diagnostics);

  std::unordered_map<int, std::uint32_t> lane_of;
  for (std::size_t l = 0; l < plan.lanes_.size(); ++l) {
    lane_of[plan.lanes_[l].source] = static_cast<std::uint32_t>(l);
  }
  std::vector<bool> placed(graph.nodes.size(), false);
  plan.starts_.push_back(0);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].kind != Node::Kind::kSink) continue;
    std::vector<bool> seen(graph.nodes.size(), false);
    std::unordered_map<std::uint64_t, bool> once;
    for (const auto& [source, entry] : OrderAt(graph, static_cast<int>(i), counts)) {
      seen[static_cast<std::size_t>(source)] = true;
      if (placed[static_cast<std::size_t>(source)] || plan.order_.size() >= limit) continue;
      // Two branches of one source meet in this sink: the entry is read once.
      const auto key = (static_cast<std::uint64_t>(source) << 32) | entry;
      if (!once.emplace(key, true).second) continue;
      plan.order_.push_back({lane_of[source], entry});
      plan.starts_.push_back(plan.starts_.back() + plan.lanes_[lane_of[source]].copies);
    }
    for (std::size_t s = 0; s < seen.size(); ++s) placed[s] = placed[s] || seen[s];
  }
  return plan;
}

Plan::Unit Plan::At(std::uint64_t seq) const {
  const auto it = std::upper_bound(starts_.begin(), starts_.end(), seq);
  const auto slot = static_cast<std::size_t>(it - starts_.begin()) - 1;
  PIXLOOM_CHECK(slot < order_.size(), "unit outside the plan");
  const Lane& lane = lanes_[order_[slot].lane];
  return {lane.source, order_[slot].entry, static_cast<std::uint32_t>(seq - starts_[slot]),
          lane.copies};
}

const Plan::Lane& Plan::LaneOf(int source) const {
  const auto it = std::find_if(lanes_.begin(), lanes_.end(),
                               [&](const Lane& lane) { return lane.source == source; });
  PIXLOOM_CHECK(it != lanes_.end(), "no such source in the plan");
  return *it;
}

const SourceEntry& Plan::Entry(const Unit& unit) const {
  return LaneOf(unit.source).entries[unit.entry];
}

std::uint64_t Plan::IdOf(const Unit& unit) const {
  const Lane& lane = LaneOf(unit.source);
  return SampleId(lane.name, lane.entries[unit.entry].key);
}

}  // namespace pixloom
