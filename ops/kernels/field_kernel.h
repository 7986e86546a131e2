// SPDX-License-Identifier: Apache-2.0
// Displacement fields: elastic, grid, optical, thin plate. Pure functions.
#pragma once

#include <opencv2/core.hpp>

#include "pipeline/step.h"

namespace pixloom {

cv::Mat RemapField(const cv::Mat& source, const WarpField& field);

}  // namespace pixloom
