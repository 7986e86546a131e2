// SPDX-License-Identifier: Apache-2.0
// Distributions by inversion: a random word becomes a quantile. Immutable after construction.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace pixloom {

// The top bit of a word chooses the lower or upper half of the distribution, the next 23 the
// probability v = (2 m + 1) 2^-25 that lies beyond the value. Between 64 nodes per octave of v,
// straight lines: the quantile is right to some hundred-thousandths of a standard deviation, far
// out in the tails as well as in the middle.
class QuantileTable {
 public:
  // Standardised: mean 0, standard deviation 1.
  static QuantileTable Laplace();
  static QuantileTable Beta(double a, double b);  // shapes of at least 1/2

  float operator()(std::uint32_t word) const {
    const auto m = static_cast<std::int32_t>((word >> 8) & 0x7FFFFF);
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(2 * m + 1) * 0x1p-25F);
    const std::size_t cell = (bits >> kCellShift) - kFirstCell;
    const float t = static_cast<float>(static_cast<std::int32_t>(bits & kCellMask)) *
                    (1.0F / static_cast<float>(1 << kCellShift));
    const std::array<float, kNodes>& side = sides_[word >> 31];
    return side[cell] + (side[cell + 1] - side[cell]) * t;
  }

 private:
  static constexpr int kCellShift = 23 - 6;
  static constexpr std::uint32_t kCellMask = (1u << kCellShift) - 1;
  static constexpr std::uint32_t kFirstCell = std::bit_cast<std::uint32_t>(0x1p-25F) >> kCellShift;
  static constexpr std::size_t kNodes = 24 * 64 + 1;

  // `quantile(side, v)`: the value that a share v of the distribution lies below (side 0) or above
  // (side 1).
  template <class Quantile>
  static QuantileTable Of(Quantile quantile);

  std::array<std::array<float, kNodes>, 2> sides_{};
};

}  // namespace pixloom
