// SPDX-License-Identifier: Apache-2.0
// Total variation denoising by Chambolle's projections. The same bits on every CPU. Pure functions.
#pragma once

#include <vector>

#include <opencv2/core.hpp>

namespace pixloom {

// One plane per channel, CV_32FC1. Approaches the picture u that minimises
//   |u - planes|^2 / 2 + weight * sum of |gradient of u|
// by so many rounds; the gradient's length is taken over all channels at once, so that they keep
// their edges in the same places. `weight` > 0.
std::vector<cv::Mat> TvDenoise(const std::vector<cv::Mat>& planes, double weight, int rounds);

}  // namespace pixloom
