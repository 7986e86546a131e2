// SPDX-License-Identifier: Apache-2.0
// A contact sheet: many pictures with their names and boxes on one. Pure functions.
#pragma once

#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"

namespace pixloom {

struct SheetObject {
  std::vector<Point> corners;  // in pixels of the picture
  int label = -1;              // decides the colour
  std::string name;            // "" shows none
};

struct SheetPicture {
  cv::Mat pixels;  // RGB, CV_8UC3; empty: it cannot be shown
  std::string title;
  std::vector<SheetObject> objects;
};

// RGB. Small pictures are enlarged by whole numbers, large ones reduced; all keep their shape.
cv::Mat DrawSheet(const std::vector<SheetPicture>& pictures);

// `bytes` as a picture to look at: RGB with 8 bits. Floats and 16 bits are stretched from their
// least value to their largest where they do not fill their range.
cv::Mat ViewOf(const cv::Mat& pixels);

}  // namespace pixloom
