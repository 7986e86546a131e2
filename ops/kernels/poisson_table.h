// SPDX-License-Identifier: Apache-2.0
// Poisson numbers by inversion: word w becomes the smallest k with P(X <= k) > w / 2^32, which is
// the distribution to within the 32 bits of a word, for small means and large. Immutable after
// construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pixloom {

class PoissonTable {
 public:
  // Numbers of mean `mean` (0 to 1e6), or with `classes` the class of each: classes[k] ascends, and
  // beyond its end the last one holds.
  explicit PoissonTable(double mean, std::span<const std::uint8_t> classes = {});

  int operator()(std::uint32_t word) const {
    std::size_t i = guide_[word >> 24];
    while (word > last_[i]) ++i;
    return first_ + static_cast<int>(i);
  }

 private:
  int first_ = 0;
  std::vector<std::uint32_t> last_;         // the last word of first_ + i
  std::array<std::uint16_t, 256> guide_{};  // where to start looking, by a word's top byte
};

// The number that word w becomes, for means that need no table: up to about 40.
int PoissonNumber(double mean, std::uint32_t word);

}  // namespace pixloom
