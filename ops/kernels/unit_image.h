// SPDX-License-Identifier: Apache-2.0
// Pictures as float32 in unit scale, for filters that think in shares of full scale. Pure
// functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"
#include "pipeline/sample.h"

namespace pixloom {

// Alpha, the fourth of four channels, is no colour.
inline int ColourCount(int channels) { return channels == 4 ? 3 : channels; }

// The same size and channels, CV_32F.
cv::Mat ToUnit(const cv::Mat& pixels, ValueRange range);
// Back to the type of `like`: integers are rounded half up and saturated.
cv::Mat FromUnit(const cv::Mat& unit, const cv::Mat& like, ValueRange range);

// One plane per colour, CV_32FC1; alpha is left out.
std::vector<cv::Mat> ColourPlanes(const cv::Mat& unit);
// Writes them back; what is no colour stays.
void PutColourPlanes(const std::vector<cv::Mat>& planes, cv::Mat& unit);

// CV_32FC1: BT.601 luma of three or four channels, unrounded; otherwise the mean of all.
cv::Mat UnitLuma(const cv::Mat& unit);
// CV_32FC1: the smallest and the largest colour of each pixel.
cv::Mat LeastColour(const cv::Mat& unit);
cv::Mat LargestColour(const cv::Mat& unit);

// Every value brought into [0, 1].
cv::Mat Clamped(const cv::Mat& unit);

// Radius in pixels of a square window whose side is this fraction of the picture's short side; at
// least 1.
inline int WindowRadius(double fraction, const cv::Mat& picture) {
  const double side = fraction * std::min(picture.cols, picture.rows);
  return std::max(1, static_cast<int>(std::floor(side / 2 + 0.5)));
}

}  // namespace pixloom
