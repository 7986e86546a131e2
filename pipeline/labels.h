// SPDX-License-Identifier: Apache-2.0
// How labels follow geometry: points and outlines in double precision, step by step, whatever is
// composed for the pixels. Nothing is clipped or dropped here; bit masks move with the pixels.
//
// Rules:
// - A box is a quad whose corners are mapped; it becomes axis-aligned where somebody asks for a
// box.
//   Through a displacement field its edges bend, so the quad becomes the rectangle around them:
//   axis-aligned for a box, along its own direction for an oriented box.
// - Behind a displacement field edges of outlines are split into pieces of at most 4 px.
// - What a projective map takes behind the horizon is cut off; what is wholly behind it lies at
//   kNowhere.
// - Angles and sizes of keypoints follow the Jacobian of the map at the point.
// - The original area of an object grows and shrinks with the map, so that the visible share tells
//   what was cut away and not what was scaled.
// - Mirroring swaps left and right: keypoints and classes by the pairs of the source's names.
//
// Pure functions of their arguments.
#pragma once

#include <span>
#include <vector>

#include "pipeline/sample.h"
#include "pipeline/step.h"

namespace pixloom {

// Where points behind the horizon are put: outside of every picture.
inline const Point kNowhere{-1e9, -1e9};

// Displacement at a point between pixel centres, bilinear, clamped at the edges.
Point DisplacementAt(const cv::Mat& field, Point p);

// The output point whose source is `from`: p + DisplacementAt(field, p) = from to 1e-6 px where the
// field can be inverted, the nearest there is elsewhere.
Point InverseOfField(const cv::Mat& field, Point from);

// Objects of the sample; a mirroring map also swaps classes of the picture and its masks.
void MoveLabels(const Matrix& map, Sample& sample);
void MoveLabels(const WarpField& field, Sample& sample);

// Objects alone. `names` may be null.
void MoveInstances(const Matrix& map, std::span<Instance> instances, const LabelNames* names);

// Some part of the object lies inside a picture of this size: an area of an outline, a set bit, a
// labelled keypoint.
bool IsVisible(const Instance& instance, Size size);

// Where a repeating border shows the picture again: maps from the picture onto each of its other
// images that meets the rectangle {x1, y1, x2, y2} around it.
std::vector<Matrix> RepeatedImages(Border mode, Size picture, const std::array<double, 4>& seen);
// The part of the source's plane that a step looks at.
std::array<double, 4> SeenBy(const AffineStep& step);
std::array<double, 4> SeenBy(const WarpField& field);

// The smallest rectangle around the points whose sides run along `direction`; corners in the order
// of a quad whose first side has that direction.
Quad RectangleAround(std::span<const Point> points, Point direction);

}  // namespace pixloom
