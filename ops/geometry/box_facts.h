// SPDX-License-Identifier: Apache-2.0
// Boxes of the objects in a picture, for operators that draw windows around them. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "pipeline/operator.h"

namespace pixloom {

// Edge coordinates.
struct Box {
  double x1 = 0;
  double y1 = 0;
  double x2 = 0;
  double y2 = 0;

  double Width() const { return x2 - x1; }
  double Height() const { return y2 - y1; }
  double Area() const { return Width() * Height(); }
  // Each side moves inwards by half of `rate` of the box.
  Box Eroded(double rate) const;
};

struct ObjectBox {
  std::size_t object = 0;  // index into the instances
  Box box;
};

// Bounds of the object's quad, else of the outlines of its polygons. Empty when it has neither or
// when a coordinate is not finite.
std::optional<Box> BoxOf(const Instance& instance);

// The visible part of each object's box, in the order of the objects; objects without one are left
// out.
std::vector<ObjectBox> VisibleBoxes(const Facts& facts);

inline constexpr std::string_view kErosionDoc =
    "How much of the width and height around all boxes may be cut off; without boxes, how much of "
    "the picture's height.";

// A random window that holds the union of all visible boxes, eroded by `erosion` of its sides.
// Without boxes, or when nothing is left of them, a window of the picture's shape whose height is
// at least 1 - `erosion` of the picture's. Takes four draws.
cv::Rect BoxSafeWindow(Rng& rng, const Facts& facts, double erosion);

// A visible box with equal chance; nullptr when there is none. Takes one draw and notes the
// object's index as "object", -1 for none.
const ObjectBox* PickBox(Rng& rng, const std::vector<ObjectBox>& boxes);

}  // namespace pixloom
