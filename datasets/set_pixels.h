// SPDX-License-Identifier: Apache-2.0
// Pictures between the form samples have (rows of pixels, RGB; or planes) and the one a stored set
// asks for. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include <opencv2/core.hpp>

#include "datasets/set_row.h"
#include "pipeline/sample.h"

namespace pixloom {

struct PixelOrder {
  bool widen = false;   // gray becomes three equal channels
  bool planar = false;  // [C,H,W]
  bool bgr = false;     // where there are three channels or more
};

// Continuous; shares the buffer where nothing changes.
cv::Mat Arranged(const cv::Mat& pixels, const PixelOrder& order);

// [H,W,C] of rows of pixels, [C,H,W] of planes.
std::vector<std::uint64_t> ShapeOf(const cv::Mat& pixels);

Element ElementOfDepth(Depth depth);

}  // namespace pixloom
