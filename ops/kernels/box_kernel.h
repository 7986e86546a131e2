// SPDX-License-Identifier: Apache-2.0
// Means over squares. Integer images by running sums: exact, rounded half up, at a cost that does
// not depend on the side. Pure functions.
#pragma once

#include <opencv2/core.hpp>

namespace pixloom {

// reflect101 at the edges. `side` is odd, at most 255.
cv::Mat BoxMean(const cv::Mat& image, int side);

}  // namespace pixloom
