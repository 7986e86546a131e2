// SPDX-License-Identifier: Apache-2.0
// The mean of a picture seen at several magnifications. float32 in a fixed order: the same bits on
// every CPU. Pure functions.
#pragma once

#include <span>

#include <opencv2/core.hpp>

namespace pixloom {

// Each factor, at least 1, enlarges the picture about its centre (bilinear) and keeps its size.
cv::Mat MeanOfZooms(const cv::Mat& image, std::span<const double> factors);

}  // namespace pixloom
