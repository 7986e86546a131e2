// SPDX-License-Identifier: Apache-2.0
// Drops and flakes in the air, near and far ones, all falling the same way. Pure functions.
#pragma once

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"
#include "pipeline/rng.h"

namespace pixloom {

struct Falling {
  double density = 0.1;  // share of the picture under them
  double slant = 0;      // radians from straight down, positive to the right
  double length = 0.05;  // of the nearest, along the fall, fractions of the longer side
  double width = 0.004;
  double farthest = 0.4;    // size of the smallest, as a share of the nearest
  bool mostly_far = false;  // sizes crowd at the small end
  double blur = 0;          // over which the edges fade, in widths
  double opacity = 1;       // of the nearest; the farthest have half
};

// CV_8UC1, 255 where they hide everything. Number i of them takes block i of the stream.
cv::Mat DrawFalling(Size picture, const Falling& falling, StreamKey key);

// How many are drawn: shares of overlapping ones count once, and some lie outside.
double CountOfFalling(Size picture, const Falling& falling);

}  // namespace pixloom
