// SPDX-License-Identifier: Apache-2.0
// Scan conversion of exact outlines: one rule for masks and for the picture.
//
// Even-odd filling, evaluated at sample points in integer arithmetic: a point is inside when the
// number of edges at or to the left of it is odd. Masks sample pixel centres, pictures a 4x4 grid
// per pixel. Coordinates must be multiples of 1/256 px (see shapes_scene.h). Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"

namespace pixloom::shapes {

inline constexpr int kSubsamples = 4;  // per axis
inline constexpr int kFullCoverage = kSubsamples * kSubsamples;

// Sets the pixels of a CV_8U image whose centre is inside.
void FillPolygon(const Polygon& polygon, std::uint8_t value, cv::Mat& image);

// Covered samples (0..16) of every pixel of `region`, row by row. The polygon must lie inside it.
std::vector<std::uint8_t> Coverage(const Polygon& polygon, cv::Rect region);

// The same rule for a single point.
bool Contains(const Polygon& polygon, Point point);

}  // namespace pixloom::shapes
