// SPDX-License-Identifier: Apache-2.0
// Medians over squares, channel by channel: one of the values that are there, so the same bits on
// every CPU. Pure functions.
#pragma once

#include <opencv2/core.hpp>

namespace pixloom {

// Pixels outside repeat the edge. `side` is odd, at most 255.
cv::Mat MedianOf(const cv::Mat& image, int side);

}  // namespace pixloom
