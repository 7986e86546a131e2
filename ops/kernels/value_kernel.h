// SPDX-License-Identifier: Apache-2.0
// What a pixel kernel is when it changes every value by itself.
#pragma once

#include "pipeline/step.h"

namespace pixloom {

// A pixel kernel for which, once the statistics are known, a value depends on nothing but the value
// before, in every channel but alpha alike. Integer images pass through a table of what it makes of
// a row of one channel that holds every level.
class ValueKernel : public PixelKernel {};

}  // namespace pixloom
