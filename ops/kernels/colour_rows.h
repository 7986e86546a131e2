// SPDX-License-Identifier: Apache-2.0
// Vectorised colour loops on uint8 rows, in place. Chosen at run time for the CPU; every choice
// gives the same bits. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pixloom {

// values[i] = table[values[i]]; every fourth value stays where `keep_fourth`.
void ApplyTable(const std::uint8_t* table, std::uint8_t* values, std::size_t count,
                bool keep_fourth);

// Sum of GrayLevel (colour_stats.h) over pixels of 3 or 4 channels.
std::uint64_t SumGray(const std::uint8_t* row, std::size_t pixels, int channels);

// m: three rows of four; out = floor(((m0 r + m1 g) + m2 b) + (m3 + 1/2)) in float32, saturated.
// 3 or 4 channels, the fourth stays.
void ApplyMatrix(const float* m, std::uint8_t* row, std::size_t pixels, int channels);

}  // namespace pixloom
