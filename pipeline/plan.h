// SPDX-License-Identifier: Apache-2.0
// Plan: everything a run will do, in order, before anything is opened.
//
// A unit is one source entry, or one copy of it when the source hands out copies. Units are
// numbered by `seq`. Sources follow each other in the order their readers concatenate them; below a
// `merge` they take turns. Immutable after Make.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/graph.h"

namespace pixloom {

class Plan {
 public:
  struct Unit {
    int source = 0;           // node index
    std::uint32_t entry = 0;  // index into Entries(source)
    std::uint32_t copy = 0;
    std::uint32_t copies = 1;  // how many units this entry makes
  };

  // Lists every source of the graph. Throws ConfigError when one cannot be listed, has no entries,
  // or two of its keys or sample ids are equal. `limit` keeps the first entries of the plan.
  static Plan Make(const Graph& graph, std::uint64_t limit,
                   const std::function<void(std::string)>& notice);

  std::uint64_t UnitCount() const { return order_.size() ? starts_.back() : 0; }
  std::uint64_t EntryCount() const { return order_.size(); }
  Unit At(std::uint64_t seq) const;
  const SourceEntry& Entry(const Unit& unit) const;
  std::uint64_t IdOf(const Unit& unit) const;

 private:
  struct Lane {
    int source = 0;
    std::uint32_t copies = 1;
    std::string name;
    std::vector<SourceEntry> entries;
  };
  struct Slot {
    std::uint32_t lane;
    std::uint32_t entry;
  };

  const Lane& LaneOf(int source) const;

  std::vector<Lane> lanes_;
  std::vector<Slot> order_;
  std::vector<std::uint64_t> starts_;  // first seq of each slot, and the end
};

}  // namespace pixloom
