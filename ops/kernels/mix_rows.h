// SPDX-License-Identifier: Apache-2.0
// Vectorised inner loops of mixing two pictures. Chosen at run time for the CPU; every choice gives
// the same bits. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pixloom {

// Shares are whole parts of this many, so that integers are mixed exactly and rounded once.
inline constexpr int kMixParts = 32'768;

// out = (parts * a + (kMixParts - parts) * b) / kMixParts, value by value; integers are rounded
// half up, floats go through float64. REQUIRES: 0 < parts < kMixParts.
void MixRow(const std::uint8_t* a, const std::uint8_t* b, int parts, std::uint8_t* out,
            std::size_t count);
void MixRow(const std::uint16_t* a, const std::uint16_t* b, int parts, std::uint16_t* out,
            std::size_t count);
void MixRow(const float* a, const float* b, int parts, float* out, std::size_t count);

}  // namespace pixloom
