// SPDX-License-Identifier: Apache-2.0
// Choosing by keyed order: every entry has a rank of its own, a function of the stream and its id,
// so that a new entry changes nothing about the order of the others. Pure functions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "pipeline/contracts.h"

namespace pixloom {

inline std::uint64_t KeyedRank(StreamKey stream, std::uint64_t id) {
  const PhiloxBlock block = StreamKey{stream.key, id, stream.stream}.Block(0);
  return (std::uint64_t{block[1]} << 32) | block[0];
}

// The members (indices of entries) by rank.
inline std::vector<std::size_t> InKeyedOrder(std::vector<std::size_t> members,
                                             std::span<const EntryFacts> entries,
                                             StreamKey stream) {
  std::vector<std::pair<std::uint64_t, std::size_t>> ranked;
  ranked.reserve(members.size());
  for (const std::size_t m : members) ranked.emplace_back(KeyedRank(stream, entries[m].id), m);
  std::sort(ranked.begin(), ranked.end());
  for (std::size_t i = 0; i < members.size(); ++i) members[i] = ranked[i].second;
  return members;
}

inline std::vector<std::size_t> AllInKeyedOrder(std::span<const EntryFacts> entries,
                                                StreamKey stream) {
  std::vector<std::size_t> all(entries.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return InKeyedOrder(std::move(all), entries, stream);
}

}  // namespace pixloom
