// SPDX-License-Identifier: Apache-2.0
// Finds 64-bit hashes near a given one without comparing it with all: of four bands of 16 bits, two
// hashes that differ in d bits have one that differs in at most d / 4 of them. Used by one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace pixloom {

class HammingIndex {
 public:
  // For searches up to `distance` bits. REQUIRES: 0 <= distance <= kMost.
  explicit HammingIndex(int distance);
  static constexpr int kMost = 16;

  struct Near {
    std::size_t item = 0;
    int distance = 0;
  };
  // The nearest item, and of several the one that was added first.
  std::optional<Near> Nearest(std::uint64_t hash) const;
  void Add(std::uint64_t hash, std::size_t item);

 private:
  static constexpr std::size_t kBands = 4;
  struct Entry {
    std::uint64_t hash;
    std::size_t item;
  };

  int distance_;
  std::vector<std::uint16_t> masks_;  // what a band may differ by
  std::unordered_map<std::uint64_t, std::size_t> exact_;
  std::vector<Entry> entries_;
  std::array<std::vector<std::vector<std::uint32_t>>, kBands> buckets_;
};

}  // namespace pixloom
