// SPDX-License-Identifier: Apache-2.0
// The vectorised parts of the sampler: turning positions into taps and weights, and blending uint8
// pixels whose taps are all inside. Chosen at run time for the CPU; integer and explicitly ordered
// arithmetic, so every choice gives the same bits. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pixloom {

// Output pixels are handled in blocks of this many.
inline constexpr int kSampleBlock = 64;

// Weights of uint8 taps are integers that sum to 1 << kWeightBits.
inline constexpr int kWeightBits = 14;

// Taps of a block: the top left one and how far the position is from its centre, in [0, 1).
struct TapBlock {
  alignas(64) double x[kSampleBlock];  // positions, as input
  alignas(64) double y[kSampleBlock];
  alignas(64) std::int32_t column[kSampleBlock];
  alignas(64) std::int32_t row[kSampleBlock];
  alignas(64) float dx[kSampleBlock];
  alignas(64) float dy[kSampleBlock];
  // Pairs of 16-bit weights (left in the low half), for the upper and the lower row.
  alignas(64) std::int32_t upper[kSampleBlock];
  alignas(64) std::int32_t lower[kSampleBlock];
  int count = 0;
  std::int32_t min_column = 0, max_column = 0, min_row = 0, max_row = 0;
};

// Fills everything but the positions; `weights`: the integer ones too. Entries past `count` are
// overwritten.
void FindTaps(TapBlock& taps, bool weights);

// Blends `count` pixels of 3 or 4 channels. Eight bytes at each upper left and lower left tap must
// be readable, and 4 bytes at the last output pixel writable.
void BlendInside(const std::uint8_t* base, std::ptrdiff_t stride, const TapBlock& taps,
                 int channels, std::uint8_t* out);

}  // namespace pixloom
