// SPDX-License-Identifier: Apache-2.0
// PNG files whose pixels are indices into the colours of Pascal VOC. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pipeline/contracts.h"

namespace pixloom {

// 256 colours, red, green, blue: black, then colours that differ as early as they can.
std::array<std::uint8_t, 768> VocPalette();

// `indices` is CV_8UC1.
Result<std::vector<std::uint8_t>> EncodePalettePng(const cv::Mat& indices, const Codec& codec);

}  // namespace pixloom
