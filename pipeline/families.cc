// SPDX-License-Identifier: Apache-2.0
#include "pipeline/families.h"

#include <algorithm>
#include <cmath>

namespace pixloom {
namespace {

// Composing steps in double leaves rounding noise far below this; a real map is never this close to
// another one. Relative to the size of the picture.
constexpr double kTolerance = 1e-9;

bool Near(double value, double expected, double scale = 1) {
  return std::abs(value - expected) <= kTolerance * scale;
}

}  // namespace

ImageView ImageView::Whole(const cv::Mat& pixels) {
  return {pixels, {0, 0}, {pixels.cols, pixels.rows}};
}

bool AffineGroup::IsAxisAligned() const {
  if (!map.IsAffine()) return false;
  const auto& m = map.m;
  const bool upright = Near(m[1], 0) && Near(m[3], 0);
  const bool transposed = Near(m[0], 0) && Near(m[4], 0);
  return upright != transposed;
}

bool AffineGroup::IsExactCopy() const {
  if (!IsAxisAligned()) return false;
  const auto& m = map.m;
  const bool transposed = Near(m[0], 0);
  const double x = std::abs(transposed ? m[1] : m[0]);
  const double y = std::abs(transposed ? m[3] : m[4]);
  const double extent = std::max({in.width, in.height, out.width, out.height, 1});
  return Near(x, 1) && Near(y, 1) && Near(m[2], std::nearbyint(m[2]), extent) &&
         Near(m[5], std::nearbyint(m[5]), extent);
}

}  // namespace pixloom
