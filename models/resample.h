// SPDX-License-Identifier: Apache-2.0
// Planes of floats to another size: a triangle filter as wide as what becomes one value, so that
// shrinking averages and growing is bilinear (pixel centres at halves, edges repeated). Sums go in
// one order everywhere.
//
// Pure; any thread.
#pragma once

#include <span>

#include "pipeline/geometry.h"

namespace pixloom {

// Every plane of `from.Area()` values into one of `to.Area()`.
void ResamplePlanes(std::span<const float> in, Size from, std::span<float> out, Size to);

}  // namespace pixloom
