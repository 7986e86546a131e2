// SPDX-License-Identifier: Apache-2.0
// How much of each pixel an outline covers, exactly: the areas of all pixels add up to the area of
// the outline. Values and pure functions.
#pragma once

#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"

namespace pixloom {

// Shares below this come from rounding, or from outlines that only touch a pixel.
inline constexpr double kLeastCoverage = 1e-9;

// Shares of the pixels of a window, row by row. The window is as small as the outline allows.
struct Coverage {
  cv::Rect window;
  std::vector<double> share;

  const double* Row(int y) const {
    return share.data() +
           static_cast<std::size_t>(y - window.y) * static_cast<std::size_t>(window.width);
  }
};

// Of the part of the polygon inside a picture of this size; its first ring is the outline, further
// rings are holes. An empty window when nothing of it is inside or a coordinate is no number.
Coverage CoverageOf(const Polygon& polygon, Size picture);

}  // namespace pixloom
