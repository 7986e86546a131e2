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
  // Cubic: pairs of 16-bit weights of taps -1 and 0, 1 and 2 of a row, which sum to
  // 1 << kWeightBits; and the weights of the four rows over that.
  alignas(64) std::int32_t left[kSampleBlock];
  alignas(64) std::int32_t right[kSampleBlock];
  alignas(64) float down[4][kSampleBlock];
  int count = 0;
  std::int32_t min_column = 0, max_column = 0, min_row = 0, max_row = 0;
};

// Positions of output pixels (x, y), (x + 1, y), ... under a row-major 3x3 map from output to
// source. Fills the whole block; every position is computed from its own coordinates.
void MapPositions(const double* map, bool affine, int x, int y, double* source_x, double* source_y);

// From all positions of the block (repeat the last one past `count`) to taps and rests; `weights`:
// the integer ones, too. Positions are clamped to kFarAway, NaN to its negative.
void FindTaps(TapBlock& taps, bool weights);

// The same for cubic taps, -1 to 2 about the one that is found.
void FindCubicTaps(TapBlock& taps, bool weights);

// From all positions of the block to the pixels that contain them.
void FindNearest(TapBlock& taps);

// Bytes that BlendInside may write past the last pixel.
inline constexpr int kBlendSlack = 16;

// Blends pixels [begin, end) of a block; 3 or 4 channels. `base` is where pixel (0, 0) of the full
// picture would be. Eight bytes at each upper left and lower left tap must be readable.
void BlendInside(const std::uint8_t* base, std::ptrdiff_t stride, const TapBlock& taps, int begin,
                 int end, int channels, std::uint8_t* out);

// The same on 16-bit pixels: sixteen bytes of each row are read, `stride` counts values.
// Results drop kMeanBits bits.
inline constexpr int kMeanBits = 7;
void BlendMeansInside(const std::uint16_t* base, std::ptrdiff_t stride, const TapBlock& taps,
                      int begin, int end, int channels, std::uint8_t* out);

// BlendInside over 4 x 4 taps: 16 bytes at each of the four leftmost taps must be readable.
void BlendCubicInside(const std::uint8_t* base, std::ptrdiff_t stride, const TapBlock& taps,
                      int begin, int end, int channels, std::uint8_t* out);

// Means of the `factor` x `factor` blocks of one row of blocks, in levels times 1 << kMeanBits:
// from sums over `factor` rows of pixels of 3 or 4 channels. Eight bytes of every pixel must be
// readable, and writable. `factor` at most 16.
void BlockMeans(const std::uint16_t* sums, int factor, int channels, std::uint16_t* out,
                std::size_t blocks);
// out[i] = rows[0][i] + rows[1][i] + ...; at least one row, at most 16.
void SumRows(const std::uint8_t* const* rows, int count, std::uint16_t* out, std::size_t values);

// Weights of taps -1, 0, 1 and 2 of a position `t` behind tap 0 (a = -0.75).
inline void CubicWeights(float t, float* weights) {
  const float s = 1 - t;
  weights[0] = (-0.75F * t) * (s * s);
  weights[1] = ((1.25F * t - 2.25F) * t) * t + 1;
  weights[3] = (-0.75F * s) * (t * t);
  weights[2] = ((1 - weights[0]) - weights[1]) - weights[3];
}

}  // namespace pixloom
