// SPDX-License-Identifier: Apache-2.0
// Plan: everything a run will do, in order, before anything is opened.
//
// A unit is one source entry, or one copy of it: of `copies` directly behind the source, or of a
// plan node that takes entries more than once. Units are numbered by `seq`. Sources follow each
// other in the order their readers concatenate them; below a `merge` they take turns. Plan nodes
// (sample, balance, ...) leave entries out, repeat and reorder them. Immutable after Make.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/graph.h"

namespace pixloom {

struct PlanOptions {
  // Keeps the first entries of the plan, after plan nodes have chosen.
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  // For surveys (pipeline/survey.h).
  int threads = 1;
  const Codec* codec = nullptr;
  const std::atomic<bool>* stop = nullptr;
  std::function<void(std::string)> notice;
};

class Plan {
 public:
  struct Unit {
    int source = 0;           // node index
    std::uint32_t entry = 0;  // index into the entries of the source
    std::uint32_t copy = 0;
    int repeater = -1;               // plan node that `copy` counts for
    bool first = true, last = true;  // of this entry's units
    bool SameEntry(const Unit& other) const {
      return source == other.source && entry == other.entry;
    }
  };

  // What became of units that plan nodes left out: they are never read, but they are counted.
  struct Counts {
    std::uint64_t in = 0, generated = 0, out = 0, filtered = 0;
  };

  struct Replacement {
    int node = 0;  // the plan node that left an entry out
    std::string source, key;
    std::string kept_source, kept_key;  // for this one
    std::string why;
  };

  // Lists every source of the graph and asks the plan nodes. Throws ConfigError when a source
  // cannot be listed or has no entries, two keys or sample ids are equal, or a plan node refuses.
  static Plan Make(const Graph& graph, const PlanOptions& options);

  // A survey was stopped: there are no units.
  bool Interrupted() const { return interrupted_; }

  std::uint64_t UnitCount() const { return order_.empty() ? 0 : starts_.back(); }
  std::uint64_t EntryCount() const { return entry_count_; }  // that have units
  // Of one source: entries that have units, and entries that plan nodes left out.
  std::uint64_t EntriesOf(int source) const { return lane_counts_.at(source).first; }
  std::uint64_t LeftOutOf(int source) const { return lane_counts_.at(source).second; }

  Unit At(std::uint64_t seq) const;
  const SourceEntry& Entry(const Unit& unit) const;
  std::uint64_t IdOf(const Unit& unit) const;
  // Everything that sources listed, whether it has units or not: in the order of the sources' own.
  void ForEachEntry(const std::function<void(int source, const SourceEntry&)>& visit) const;
  bool Knows(std::string_view key) const;  // a source lists such an entry

  const Counts& LeftOut(int node) const { return left_out_[static_cast<std::size_t>(node)]; }
  const std::vector<Replacement>& Replacements() const { return replacements_; }

  // The part of a split that a sample goes to.
  int PartOf(const Graph& graph, int split, std::uint64_t id) const;

 private:
  friend class PlanMaker;

  struct Lane {
    int source = 0;
    std::uint32_t copies = 1;  // of `copies` directly behind the source
    std::string name;
    std::vector<SourceEntry> entries;
  };
  struct Slot {
    std::uint32_t lane = 0;
    std::uint32_t entry = 0;
    std::uint32_t copy = 0;
    std::int32_t repeater = -1;
    bool first = true, last = true;
  };
  using Assignment = std::vector<std::pair<std::uint64_t, int>>;  // (id, part), sorted

  const Lane& LaneOf(int source) const;

  std::vector<Lane> lanes_;
  std::vector<Slot> order_;
  std::vector<std::uint64_t> starts_;  // first seq of each slot, and the end
  std::uint64_t entry_count_ = 0;
  std::map<int, std::pair<std::uint64_t, std::uint64_t>> lane_counts_;
  std::vector<Counts> left_out_;        // per node
  std::map<int, Assignment> assigned_;  // splits that are not by the hash of the key
  std::vector<Replacement> replacements_;
  bool interrupted_ = false;
};

}  // namespace pixloom
