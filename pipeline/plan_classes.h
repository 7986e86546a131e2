// SPDX-License-Identifier: Apache-2.0
// Classes of entries, and how they are shared out. Pure functions.
#pragma once

#include <cstdint>
#include <regex>
#include <span>
#include <string>
#include <vector>

#include "pipeline/contracts.h"
#include "pipeline/graph.h"

namespace pixloom {

constexpr int kNoClass = -1;

// The one class that stands for each entry: the picture's, or, where only objects have classes, the
// one of them that the fewest entries have (of several, the smaller number). kNoClass when nothing
// is known.
std::vector<int> ClassesOf(std::span<const EntryFacts> entries);

// "cat", or the number where there is no name.
std::string ClassName(int label, const LabelNames* names);

// Numbers of classes belong to a source. Where sources meet that count differently, classes of one
// name become one. `names` are those of each entry, null where it has none. Returns the common
// ones.
LabelNames UniteClasses(std::vector<EntryFacts>& entries,
                        const std::vector<const LabelNames*>& names);

// What a class gets of `total`, in whole numbers that add up to it; each is off by less than one.
std::vector<std::uint64_t> Apportion(std::uint64_t total, std::span<const double> shares);

// The part an entry goes to by itself: its hash against the shares, which add up to 1. A split
// behind another one takes another hash, or all that comes to it would go one way.
int PartByHash(const Graph& graph, int split, std::uint64_t id);

// What of an entry's key says which group it belongs to: the first group that the expression
// captures, or else what it matches; a key that it does not match is a group of its own.
class GroupPattern {
 public:
  // REQUIRES: a regular expression.
  explicit GroupPattern(const std::string& pattern) : pattern_(pattern) {}
  // "" or why the key cannot be searched.
  std::string Find(const std::string& key, std::uint64_t& group) const;

 private:
  const std::regex pattern_;
};

// One thing to share out, whole: an entry or a group of them.
struct SplitUnit {
  std::uint64_t id = 0;      // decides its place in order
  std::vector<int> classes;  // of its entries, sorted
};

// Shares out every class by itself. Units of one entry: exact to rounding. Larger ones: largest
// first, each to the part that lacks its classes most. Returns the part of each unit.
std::vector<int> Stratify(const std::vector<SplitPart>& parts, const std::vector<SplitUnit>& units);

}  // namespace pixloom
