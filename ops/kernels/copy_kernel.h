// SPDX-License-Identifier: Apache-2.0
// Copies of pixels without arithmetic: flips, transposes, quarter turns, crops, pads, and nearest
// resizes. Any depth, any number of channels. Pure functions.
#pragma once

#include <array>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/families.h"

namespace pixloom {

// Output pixel (x, y) shows source pixel (columns[x], rows[y]) of the full picture; when
// `transposed` columns[x] is a source row and rows[y] a source column. An index below 0 shows the
// fill.
struct CopyPlan {
  std::vector<int> columns;
  std::vector<int> rows;
  bool transposed = false;
};

cv::Mat CopyPixels(const ImageView& source, const CopyPlan& plan,
                   const std::array<double, 4>& fill = {});

// REQUIRES: group.IsExactCopy() and no window.
cv::Mat ExactCopy(const ImageView& source, const AffineGroup& group);

// Mirrors first, then transposes.
cv::Mat FlipTranspose(const cv::Mat& source, bool mirror_x, bool mirror_y, bool transpose);

}  // namespace pixloom
