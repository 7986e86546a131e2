// SPDX-License-Identifier: Apache-2.0
// The bilateral filter: a Gaussian of distance times one of difference in colour. float32 in a
// fixed order with its own exponential: the same bits on every CPU. Pure functions.
#pragma once

#include <opencv2/core.hpp>

namespace pixloom {

// Over the disk of this odd diameter, reflect101 at the edges. `sigma_colour` in levels, of the
// differences of all channels but alpha, added up. REQUIRES: both sigmas above 0.
cv::Mat BilateralFilter(const cv::Mat& image, int diameter, double sigma_colour,
                        double sigma_space);

}  // namespace pixloom
