// SPDX-License-Identifier: Apache-2.0
// Non-local means: every pixel becomes the mean of pixels nearby, weighted by how alike their
// patches are. The same bits on every CPU. Pure functions.
#pragma once

#include <vector>

#include <opencv2/core.hpp>

namespace pixloom {

struct NlMeansRule {
  double deviation = 0.05;  // of the noise, where `full` is 1; > 0
  double full = 1;          // full scale of the planes
  int patch = 5;            // sides of squares, odd
  int search = 13;
};

// One plane per channel, CV_32FC1; all channels share the weights. With D the mean squared
// difference of two patches over pixels and channels (a patch outside is mirrored, reflect101) and
// s the deviation, a pixel weighs exp(-max(D - 2 s^2, 0) / (0.8 s)^2). D is exact where planes hold
// whole levels of 8 bits and patch^2 * channels is at most 256.
std::vector<cv::Mat> NlMeans(const std::vector<cv::Mat>& planes, const NlMeansRule& rule);

}  // namespace pixloom
