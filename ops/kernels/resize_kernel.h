// SPDX-License-Identifier: Apache-2.0
// Axis-aligned maps: resizes, with whatever crops, flips, transposes and pads were composed into
// them. Pure functions.
#pragma once

#include <opencv2/core.hpp>

#include "pipeline/families.h"

namespace pixloom {

// A plain linear, cubic or area resize is OpenCV's. Everything else goes through a separable
// resampler with the same weights, or Pillow's for the antialiased kinds
// (ops/kernels/resize_taps.h). Taps never leave the picture while the output shows nothing outside
// it; a resize that was padded by whole pixels with a constant is that resize, then that pad;
// otherwise the border rule says what taps outside see. REQUIRES: group.IsAxisAligned() and no
// window.
cv::Mat ResizeAxisAligned(const ImageView& source, const AffineGroup& group);

}  // namespace pixloom
