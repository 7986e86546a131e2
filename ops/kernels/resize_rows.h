// SPDX-License-Identifier: Apache-2.0
// The vectorised loops of the uint8 resizer: across a row into 16-bit values with a few bits below
// the level, then down into bytes. Integers throughout: every CPU gives the same bits. Pure
// functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pixloom {

// Rows that FilterAcross takes at once: they share the weights.
inline constexpr int kRowsAcross = 4;

// Pixels are weighed four at a time.
inline constexpr int kTapsAtOnce = 4;

// Bytes that must be readable past the last tap of a row, and values that may be written past the
// last one of a result.
inline constexpr int kAcrossSlack = 16;

struct AcrossPlan {
  std::vector<std::int32_t> start;    // byte of the first tap of every output pixel
  std::vector<std::int16_t> weights;  // 16 per group: {w0 w1} x 4, {w2 w3} x 4
  int groups = 0;                     // of kTapsAtOnce taps, for every pixel
  int shift = 0;                      // of the sums
  int low = 0, high = 0;              // results are limited to these
};

// Pixels of 3 or 4 channels.
void FilterAcross(const std::uint8_t* const* rows, const AcrossPlan& plan, int channels,
                  std::int16_t* const* out);

// out = sum of rows times weights, rounded half up, over `pairs` pairs of rows; a pair of weights
// is the first one in the low half. `shift` at least 1.
void FilterDown(const std::int16_t* const* rows, const std::int32_t* weights, int pairs, int shift,
                std::uint8_t* out, std::size_t count);

}  // namespace pixloom
