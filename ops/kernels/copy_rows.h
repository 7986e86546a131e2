// SPDX-License-Identifier: Apache-2.0
// Rows of pixels in reverse, vectorised for the CPU. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pixloom {

// Pixels of three bytes, the last one first. Reads and writes nothing else.
void ReverseRow3(const std::uint8_t* in, std::uint8_t* out, std::size_t pixels);

}  // namespace pixloom
