// SPDX-License-Identifier: Apache-2.0
// Vectorised colour loops on uint8 rows, in place. Chosen at run time for the CPU; every choice
// gives the same bits. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pixloom {

// values[i] = table[values[i]]
void ApplyTable(const std::uint8_t* table, std::uint8_t* values, std::size_t count);

// m: three rows of four; out = ((m0 r + m1 g) + m2 b) + m3 in float32, rounded half up, saturated.
// 3 or 4 channels, the fourth stays.
void ApplyMatrix(const float* m, std::uint8_t* row, std::size_t pixels, int channels);

}  // namespace pixloom
