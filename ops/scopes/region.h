// SPDX-License-Identifier: Apache-2.0
// Parts of a picture that objects or classes of a semantic mask cover, as shares of pixels. Values
// and pure functions.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/sample.h"

namespace pixloom {

// What of an object counts. kBest: its bits, else its polygons, else its box as it is turned.
enum class RegionShape { kBest, kMasks, kPolygons, kOriented, kBoxes };

// Raises `share` (CV_32FC1, the size of a field) to what the object covers of each pixel. Labels
// are in pixels of `picture`; the field may be of another size. False when the object has no such
// shape.
bool AddObject(const Instance& instance, RegionShape shape, Size picture, cv::Mat& share);
// The same for pixels of these classes; each pixel of the field takes that of the mask at its
// centre.
void AddClasses(const cv::Mat& mask, const std::set<int>& classes, cv::Mat& share);

// px^2 of the object's shape, also outside the picture; 0 when it has no such shape.
double AreaOf(const Instance& instance, RegionShape shape);

// Lets shares rise from 0 at the border of the region to what they are `width` pixels inside. The
// edge of the picture is no border.
void Feather(double width, cv::Mat& share);

// pixels = pixels + share * (part - pixels): at 0 the pixel stays, at 1 it is that of the part, bit
// by bit; in between integers are rounded half up.
void Composite(const cv::Mat& part, const cv::Mat& share, cv::Mat& pixels);

}  // namespace pixloom
