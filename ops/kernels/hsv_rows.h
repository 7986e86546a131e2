// SPDX-License-Identifier: Apache-2.0
// Vectorised changes in HSV: what hsv_kernel.h defines, on rows of pixels of 3 or 4 channels (the
// fourth and rows of any other number stay) and without a branch. Chosen at run time for the CPU;
// every choice gives the same bits. Kernels are immutable.
#pragma once

#include <memory>

#include "pipeline/step.h"

namespace pixloom {

// Hue turned by `turns` of the colour wheel.
std::shared_ptr<const PixelKernel> TurnHueKernel(double turns);

// Besides, `saturation` is added where there is any and clamped to [0, 1], and `value` is added and
// clamped to full scale; on floats to 0 from below only.
std::shared_ptr<const PixelKernel> ShiftHsvKernel(double turns, double saturation, double value);

}  // namespace pixloom
