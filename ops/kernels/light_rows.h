// SPDX-License-Identifier: Apache-2.0
// The vectorised inner loops of fields of light. Chosen at run time for the CPU; every choice
// rounds and adds in the same order and gives the same bits. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pixloom {

struct LightValues {
  const float* gain;    // one per pixel
  const float* offset;  // one per pixel
  const float* scale;   // of the offset, one per channel up to the third
  float low;            // the level that gains leave alone
};

// out = (in - low) * gain + offset * scale + low; a fourth channel of four is copied.
void RelightRow(const std::uint8_t* in, const LightValues& light, int channels, std::uint8_t* out,
                std::size_t pixels);
void RelightRow(const std::uint16_t* in, const LightValues& light, int channels, std::uint16_t* out,
                std::size_t pixels);
void RelightRow(const float* in, const LightValues& light, int channels, float* out,
                std::size_t pixels);

// values[i] = sqrt(values[i]), correctly rounded.
void RootRow(float* values, std::size_t count);

}  // namespace pixloom
