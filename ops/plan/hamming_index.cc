// SPDX-License-Identifier: Apache-2.0
#include "ops/plan/hamming_index.h"

#include <bit>

#include "pipeline/error.h"

namespace pixloom {

namespace {
std::uint16_t Band(std::uint64_t hash, std::size_t band) {
  return static_cast<std::uint16_t>(hash >> (16 * band));
}
}  // namespace

HammingIndex::HammingIndex(int distance) : distance_(distance) {
  PIXLOOM_CHECK(distance >= 0 && distance <= kMost, "distance outside the index");
  for (unsigned mask = 0; mask < 65536; ++mask) {
    if (std::popcount(mask) <= distance / 4) masks_.push_back(static_cast<std::uint16_t>(mask));
  }
  for (auto& band : buckets_) band.resize(65536);
}

std::optional<HammingIndex::Near> HammingIndex::Nearest(std::uint64_t hash) const {
  if (const auto it = exact_.find(hash); it != exact_.end()) return Near{it->second, 0};
  std::optional<Near> best;
  std::uint32_t best_entry = 0;
  for (std::size_t b = 0; b < kBands; ++b) {
    for (const std::uint16_t mask : masks_) {
      for (const std::uint32_t e : buckets_[b][Band(hash, b) ^ mask]) {
        const int distance = std::popcount(entries_[e].hash ^ hash);
        if (distance > distance_) continue;
        const bool nearer =
            !best || distance < best->distance || (distance == best->distance && e < best_entry);
        if (!nearer) continue;
        best = Near{entries_[e].item, distance};
        best_entry = e;
      }
    }
  }
  return best;
}

void HammingIndex::Add(std::uint64_t hash, std::size_t item) {
  if (!exact_.emplace(hash, item).second) return;  // the first stands for all of them
  const auto e = static_cast<std::uint32_t>(entries_.size());
  entries_.push_back({hash, item});
  for (std::size_t b = 0; b < kBands; ++b) buckets_[b][Band(hash, b)].push_back(e);
}

}  // namespace pixloom
