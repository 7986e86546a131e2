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

// The same, rounded half up and saturated.
void WeighRows(const float* const* rows, const float* weights, int taps, std::uint8_t* out,
               std::size_t count);
void WeighRows(const float* const* rows, const float* weights, int taps, std::uint16_t* out,
               std::size_t count);

}  // namespace pixloom
