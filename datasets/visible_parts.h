// SPDX-License-Identifier: Apache-2.0
// What of an object lies inside a picture: labels move unclipped, files show what is visible. Pure
// functions.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "pipeline/sample.h"

namespace pixloom {

using Box = std::array<double, 4>;  // x1, y1, x2, y2

// The objects of a sample of which something lies inside a picture of this size. An object with
// nothing but a class counts as visible.
std::vector<const Instance*> VisibleInstances(const Sample& sample, Size size);

// What is left of the outlines of an object inside the picture; holes stay holes.
std::vector<Polygon> VisiblePolygons(const Instance& instance, Size size);

// The tight box around what is visible: of the outlines where there are some, else of the quad.
// Nothing for an object without a quad, or when nothing is left of it.
std::optional<Box> VisibleBox(const Instance& instance, const std::vector<Polygon>& visible,
                              Size size);

// As labelled; 0 outside the picture.
int VisibilityIn(const Keypoint& keypoint, Size size);

// The smallest box around the points; nullopt without any.
std::optional<Box> BoxAround(const std::vector<Point>& points);

// Index + 1 of the last visible object at each pixel, 16 bits. Empty when no object has a mask.
Result<cv::Mat> InstanceMap(const std::vector<const Instance*>& visible, Size size);

}  // namespace pixloom
