// SPDX-License-Identifier: Apache-2.0
// Vectorised inner loops of layers over a picture. Chosen at run time for the CPU; every choice
// rounds in the same order and gives the same bits. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pixloom {

// out = in + share * (target - in), value by value; integers are rounded half up and saturated.
void BlendRow(const std::uint8_t* in, const float* share, const float* target, std::uint8_t* out,
              std::size_t count);
void BlendRow(const std::uint16_t* in, const float* share, const float* target, std::uint16_t* out,
              std::size_t count);
void BlendRow(const float* in, const float* share, const float* target, float* out,
              std::size_t count);

// Repeats a value per pixel for each of its channels; the fourth of four, alpha, gets 0.
void SpreadOverChannels(const float* per_pixel, int channels, float* per_value, std::size_t pixels);

}  // namespace pixloom
