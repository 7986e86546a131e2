// SPDX-License-Identifier: Apache-2.0
// General affine and projective maps, sampled at positions in double precision
// (ops/kernels/sampler.h); a map that shrinks below one half averages the source over whole blocks
// of pixels first. Pure functions.
#pragma once

#include <opencv2/core.hpp>

#include "pipeline/families.h"

namespace pixloom {

// REQUIRES: no window.
cv::Mat Warp(const ImageView& source, const AffineGroup& group);

// Side of the square of source pixels that one sample of `group` averages: floor(1/s), where s is
// the largest singular value of the linear part (projective: of the Jacobian at the output centre),
// if s is below one half; otherwise 1.
int PrefilterFactor(const AffineGroup& group);

}  // namespace pixloom
