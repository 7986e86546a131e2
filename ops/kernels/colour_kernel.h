// SPDX-License-Identifier: Apache-2.0
// Colour steps on one image, in place. Pure functions.
#pragma once

#include <span>

#include <opencv2/core.hpp>

#include "pipeline/families.h"

namespace pixloom {

// See Families::Colour. Makes `pixels` unique first.
void ApplyColour(cv::Mat& pixels, std::span<const ColourStep> steps, ValueRange range, bool fused);

}  // namespace pixloom
