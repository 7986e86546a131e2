// SPDX-License-Identifier: Apache-2.0
// The uint8 resizer: both passes in integers. Pure functions.
#pragma once

#include <opencv2/core.hpp>

#include "ops/kernels/resize_taps.h"
#include "pipeline/families.h"

namespace pixloom {

// Three or four channels of uint8, no fill, and taps that are neighbours.
bool CanResizeBytes(const ImageView& source, const Taps& columns, const Taps& rows);

// Along rows first, then along columns; within a hundredth of a level of exact sums, plus rounding.
// `saturate`: also between the passes. REQUIRES: CanResizeBytes.
cv::Mat ResizeBytes(const ImageView& source, const Taps& columns, const Taps& rows, bool saturate);

}  // namespace pixloom
