// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plan.h"

#include <algorithm>

#include "pipeline/error.h"
#include "pipeline/plan_classes.h"

namespace pixloom {

Plan::Unit Plan::At(std::uint64_t seq) const {
  const auto it = std::upper_bound(starts_.begin(), starts_.end(), seq);
  const auto index = static_cast<std::size_t>(it - starts_.begin()) - 1;
  PIXLOOM_CHECK(index < order_.size(), "unit outside the plan");
  const Slot& slot = order_[index];
  const Lane& lane = lanes_[slot.lane];
  if (lane.copies > 1) {
    const auto copy = static_cast<std::uint32_t>(seq - starts_[index]);
    return {lane.source, slot.entry, copy, -1, copy == 0, copy + 1 == lane.copies};
  }
  return {lane.source, slot.entry, slot.copy, slot.repeater, slot.first, slot.last};
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

void Plan::ForEachEntry(const std::function<void(int, const SourceEntry&)>& visit) const {
  for (const Lane& lane : lanes_) {
    for (const SourceEntry& entry : lane.entries) visit(lane.source, entry);
  }
}

bool Plan::Knows(std::string_view key) const {
  for (const Lane& lane : lanes_) {
    for (const SourceEntry& entry : lane.entries) {
      if (entry.key == key) return true;
    }
  }
  return false;
}

std::uint64_t Plan::IdOf(const Unit& unit) const {
  const Lane& lane = LaneOf(unit.source);
  return SampleId(lane.name, lane.entries[unit.entry].key);
}

int Plan::PartOf(const Graph& graph, int split, std::uint64_t id) const {
  const auto table = assigned_.find(split);
  if (table == assigned_.end()) {
    return PartByHash(graph, split, id);
  }
  const Assignment& parts = table->second;
  const auto it = std::lower_bound(parts.begin(), parts.end(), std::pair(id, 0));
  PIXLOOM_CHECK(it != parts.end() && it->first == id, "a sample that the plan does not know");
  return it->second;
}

}  // namespace pixloom
