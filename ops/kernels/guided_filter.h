// SPDX-License-Identifier: Apache-2.0
// The guided filter of He, Sun and Tang: smooths a plane and keeps the edges of its guide. Constant
// time per pixel for any radius; windows end at the picture's edges. Pure functions.
#pragma once

#include <opencv2/core.hpp>

namespace pixloom {

// Planes are CV_32FC1. In a window of 2 * radius + 1 pixels the result is the linear function of
// the guide nearest to `plane`; `epsilon` > 0 is the variance of the guide that still counts as
// flat.
cv::Mat GuidedFilter(const cv::Mat& guide, const cv::Mat& plane, int radius, double epsilon);

// The plane guides itself.
cv::Mat GuidedFilter(const cv::Mat& plane, int radius, double epsilon);

}  // namespace pixloom
