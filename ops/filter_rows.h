// SPDX-License-Identifier: Apache-2.0
// Vectorised inner loops of separable filters. Chosen at run time for the CPU; every choice adds in
// the same order and gives the same bits. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pixloom {

// out[i] = ((w0 rows[0][i] + w1 rows[1][i]) + ...), for `taps` rows.
void FilterDown(const std::uint8_t* const* rows, const float* weights, int taps, float* out,
                std::size_t count);
void FilterDown(const std::uint16_t* const* rows, const float* weights, int taps, float* out,
                std::size_t count);
void FilterDown(const float* const* rows, const float* weights, int taps, float* out,
                std::size_t count);

// out[i] = the same sum over in[i], in[i + stride], ..., rounded to the type.
void FilterAcross(const float* in, std::size_t stride, const float* weights, int taps,
                  std::uint8_t* out, std::size_t count);
void FilterAcross(const float* in, std::size_t stride, const float* weights, int taps,
                  std::uint16_t* out, std::size_t count);
void FilterAcross(const float* in, std::size_t stride, const float* weights, int taps, float* out,
                  std::size_t count);

}  // namespace pixloom
