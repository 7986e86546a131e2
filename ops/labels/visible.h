// SPDX-License-Identifier: Apache-2.0
// What of an object lies inside a part of the picture, and cutting it to that. Pure functions.
#pragma once

#include <array>
#include <string>

#include <opencv2/core.hpp>

#include "pipeline/sample.h"

namespace pixloom {

// Its polygons, without polygons its bits, without either its quad: an outline is tighter than
// bits, bits than a quad whose corners went through a turn.
struct Visible {
  bool valid = true;     // every coordinate is a number
  bool outline = false;  // it has something with an area
  bool whole = true;     // polygons and quad lie inside, all of them
  double area = 0;
  double full_area = 0;  // of the outline, also outside
  std::array<double, 4> box{0, 0, 0, 0};
  bool point = false;  // some labelled keypoint inside
};

Visible LookAt(const Instance& instance, const cv::Rect& view);

// Thresholds count as reached when they are missed by rounding only.
struct VisibleRule {
  double min_area = 0;        // px^2 inside
  double min_visibility = 0;  // share of the original area
  double min_size = 0;        // px of width and height inside
};

// "" or why the object goes: it is invalid, wholly outside, or below a threshold.
std::string ReasonToDrop(const Instance& instance, const Visible& seen, const VisibleRule& rule);

// Polygons and boxes end at the edges of the view. An oriented box stays whole, or closes in on
// what is left of it in its own direction.
void CutOutlines(Instance& instance, const Visible& seen, const cv::Rect& view, bool cut_oriented);
// Keypoints outside become unlabelled.
void HideKeypoints(Instance& instance, const cv::Rect& view);

}  // namespace pixloom
