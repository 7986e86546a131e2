// SPDX-License-Identifier: Apache-2.0
// Vectorised inner loops of separable filters. Chosen at run time for the CPU; every choice adds in
// the same order and gives the same bits. Pure functions.
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

}  // namespace pixloom
