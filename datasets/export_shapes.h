// SPDX-License-Identifier: Apache-2.0
// Outlines as masks and masks as outlines, for formats that have only one of them. Pure functions.
//
// A pixel belongs to an outline when its centre lies inside (even-odd), to 1/256 px. The outline of
// a mask runs along the edges of its pixels, so that filling it gives the mask again.
#pragma once

#include <vector>

#include "datasets/export_common.h"
#include "pipeline/geometry.h"
#include "pipeline/sample.h"

namespace pixloom {

bool HasHoles(const std::vector<Polygon>& polygons);

bool HasShape(const ExportObject& object);  // a mask or polygons

// The pixels an object covers: its mask, or else its polygons filled. REQUIRES: HasShape.
cv::Mat BitsOf(const ExportObject& object, Size size);

// The rings around the set pixels, outlines and holes alike.
std::vector<std::vector<Point>> RingsOf(const cv::Mat& mask);

// The rings of an object: of its polygons, or else of its mask, or else its box.
std::vector<std::vector<Point>> RingsOf(const ExportObject& object);

// One ring that goes along all of them, largest first, over bridges that it crosses there and back:
// a part stays a part and a hole a hole, for even-odd filling. Of more than `most` rings the
// smallest are left out; their number is added to `dropped`.
std::vector<Point> JoinRings(std::vector<std::vector<Point>> rings, std::size_t most,
                             std::size_t& dropped);

}  // namespace pixloom
