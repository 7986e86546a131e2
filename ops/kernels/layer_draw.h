// SPDX-License-Identifier: Apache-2.0
// Soft-edged strokes, discs and polygons: what covers how much of each pixel. The same bits on
// every CPU. Pure functions; a SoftPolygon is immutable.
#pragma once

#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"

namespace pixloom {

// A line with round ends; a disc where both ends are one. Coordinates in px, pixel edges whole.
struct Stroke {
  Point from;
  Point to;
  double width = 1;
  double softness = 1;  // px over which an edge fades, at least 1: a pixel sees its whole area
  double opacity = 1;   // 0 to 1
};

// `layer` is CV_8UC1, 255 covers all; the greater of what is there and the stroke stays.
void DrawStroke(const Stroke& stroke, cv::Mat& layer);

// A polygon, inside by the even-odd rule. Across an edge cover rises from 0 to 1 over `softness` px
// (at least 1) by the smooth step 3t^2 - 2t^3 of the signed distance.
class SoftPolygon {
 public:
  SoftPolygon(std::vector<Point> corners, double softness);

  // Cover at the centres of the first `width` pixels of row y; false, and nothing written, where
  // the whole row is free.
  bool Row(int y, int width, float* cover) const;

 private:
  std::vector<Point> corners_;
  double half_;  // of the softness
  double top_;
  double bottom_;
};

}  // namespace pixloom
