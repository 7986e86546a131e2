// SPDX-License-Identifier: Apache-2.0
// Filters given by a list of taps, on CV_32F pictures of any number of channels, and their
// transposes. float32 sums in the order of the taps: the same bits on every CPU. Pure functions.
#pragma once

#include <span>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/step.h"

namespace pixloom {

struct Tap {
  int dx = 0;
  int dy = 0;
  float weight = 0;
};

// Taps that sum to 1. A disc's edge pixels count by how far they lie inside; a line of `length`
// pixels turns counter-clockwise and is one pixel wide.
std::vector<Tap> DiskTaps(double radius);
std::vector<Tap> LineTaps(double length, double radians);

// out(p) = sum of weight * in(p + d). The border is one that needs no fill.
cv::Mat FilterTaps(const cv::Mat& image, std::span<const Tap> taps, Border border);

// The transpose of FilterTaps as a matrix, border included.
cv::Mat FilterTapsTransposed(const cv::Mat& image, std::span<const Tap> taps, Border border);

}  // namespace pixloom
