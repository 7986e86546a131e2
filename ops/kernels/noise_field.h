// SPDX-License-Identifier: Apache-2.0
// Smooth random displacement fields: uniform noise under a Gaussian. Pure functions.
#pragma once

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"
#include "pipeline/rng.h"

namespace pixloom {

// CV_32FC2: noise in [-1, 1), two words of `key` to a pixel, row by row; smoothed by a Gaussian of
// `sigma` pixels over 3.5 sigma to both sides, reflected at the edges (reflect101); times
// `strength`. `same`: the displacement down equals that across. The same bits on every CPU.
cv::Mat SmoothNoise(Size size, double sigma, double strength, bool same, StreamKey key);

}  // namespace pixloom
