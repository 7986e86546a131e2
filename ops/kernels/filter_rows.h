// SPDX-License-Identifier: Apache-2.0
// Vectorised inner loops of filters and of sharpening. Chosen at run time for the CPU; every choice
// adds in the same order and gives the same bits. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pixloom {

// out[i] = in[i]
void ToFloat(const std::uint8_t* in, float* out, std::size_t count);
void ToFloat(const std::uint16_t* in, float* out, std::size_t count);

// out[i] = (w0 rows[0][i] + w1 rows[1][i]) + ... over `taps` rows, at least one.
void WeighRows(const float* const* rows, const float* weights, int taps, float* out,
               std::size_t count);
void WeighRows(const std::uint8_t* const* rows, const float* weights, int taps, float* out,
               std::size_t count);
void WeighRows(const std::uint16_t* const* rows, const float* weights, int taps, float* out,
               std::size_t count);

// The same for weights that read alike from both ends; `taps` is odd. Rows of one weight are added
// first, which saves half of the products: w[c] rows[c], then w[k] (rows[k] + rows[taps - 1 - k])
// from the middle outwards.
void WeighMirroredRows(const float* const* rows, const float* weights, int taps, float* out,
                       std::size_t count);

// Four results at once, each one row below the one before: out[j][i] is the sum of rows[j] to
// rows[j + taps - 1]. They share what they load.
inline constexpr int kRowsTogether = 4;
void WeighRowsTogether(const float* const* rows, const float* weights, int taps, float* const* out,
                       std::size_t count);

// WeighRows, rounded half up and saturated.
void WeighRows(const float* const* rows, const float* weights, int taps, std::uint8_t* out,
               std::size_t count);
void WeighRows(const float* const* rows, const float* weights, int taps, std::uint16_t* out,
               std::size_t count);

// out[i] = smooth + factor * (row[i] - smooth), where smooth is the mean of the nine values around,
// `step` apart, of which the middle counts five times; rounded half up on integers. Reads `step`
// values before and behind.
void BlendWithSmooth(const std::uint8_t* above, const std::uint8_t* row, const std::uint8_t* below,
                     std::size_t step, float factor, std::uint8_t* out, std::size_t count);
void BlendWithSmooth(const std::uint16_t* above, const std::uint16_t* row,
                     const std::uint16_t* below, std::size_t step, float factor, std::uint16_t* out,
                     std::size_t count);
void BlendWithSmooth(const float* above, const float* row, const float* below, std::size_t step,
                     float factor, float* out, std::size_t count);

// out[i] = row[i] + amount * share * d with d = row[i] - soft[i]; share is 0 where |d| is below
// `threshold`, 1 from twice of it on, and grows evenly between. A threshold of 0: 1 everywhere.
void AddDifference(const std::uint8_t* row, const float* soft, float amount, float threshold,
                   std::uint8_t* out, std::size_t count);
void AddDifference(const std::uint16_t* row, const float* soft, float amount, float threshold,
                   std::uint16_t* out, std::size_t count);
void AddDifference(const float* row, const float* soft, float amount, float threshold, float* out,
                   std::size_t count);

}  // namespace pixloom
