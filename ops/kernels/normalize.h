// SPDX-License-Identifier: Apache-2.0
// Pictures as networks read them: float32 values, v * scale[c] + offset[c] in float32 with both
// operations rounded, of uint8, uint16 or float32 images with any number of channels. The same bits
// on every CPU. Pure functions.
#pragma once

#include <span>

#include <opencv2/core.hpp>

namespace pixloom {

// One plane of rows after the other: channels x height x width values from `planes` on. `mirror`
// reads each row from right to left. One scale and one offset per channel.
void NormalizeToPlanar(const cv::Mat& in, std::span<const float> scale,
                       std::span<const float> offset, bool mirror, float* planes);

// Channels stay together: `out` becomes a float32 image of the same size.
void NormalizeInterleaved(const cv::Mat& in, std::span<const float> scale,
                          std::span<const float> offset, cv::Mat& out);

}  // namespace pixloom
