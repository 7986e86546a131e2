// SPDX-License-Identifier: Apache-2.0
// How far pixels lie inside a set of pixels. Integers throughout: the same on every CPU. Pure
// functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"

namespace pixloom {

// CV_32S: squared distance between the centres of each set pixel of `bits` (CV_8U) and of the
// nearest one of the picture that is not set, at most NoBorder(); 0 outside of the set. The edge of
// the picture is no border of the set.
cv::Mat SquaredInnerDistance(const cv::Mat& bits);

// What it gives where all pixels of a picture are set: more than any distance in it (or than 46340
// pixels).
inline int NoBorder(Size picture) {
  const std::int64_t far = std::int64_t{picture.width} + picture.height;
  return static_cast<int>(
      std::min<std::int64_t>(far * far, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace pixloom
