// SPDX-License-Identifier: Apache-2.0
// Axis-aligned maps: resizes, with whatever crops, flips, transposes and pads were composed into
// them. Pure functions.
#pragma once

#include <opencv2/core.hpp>

#include "pipeline/families.h"

namespace pixloom {

// A plain linear resize equals cv::resize(INTER_LINEAR). Everything else goes through a separable
// resampler: the triangle filter, widened by the shrink factor when antialiasing as Pillow does.
// When no step looks outside, taps stay inside the picture and their weights are normalised;
// otherwise the border rule says what taps outside see.
// REQUIRES: group.IsAxisAligned() and no window.
cv::Mat ResizeAxisAligned(const ImageView& source, const AffineGroup& group);

}  // namespace pixloom
