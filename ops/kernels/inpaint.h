// SPDX-License-Identifier: Apache-2.0
// Fills holes from their rims with the smoothest surface that meets them: heat flow, carried from
// coarse to fine. No texture is made up. Pure functions.
#pragma once

#include <vector>

#include <opencv2/core.hpp>

#include "ops/kernels/fill.h"

namespace pixloom {

// Changes the first `filled` channels of the pixels in `runs`. Where everything is hole, `colour`
// (one value per channel, in levels). The same bits on every CPU.
void Inpaint(cv::Mat& image, const std::vector<Run>& runs, int filled,
             const std::vector<double>& colour);

}  // namespace pixloom
