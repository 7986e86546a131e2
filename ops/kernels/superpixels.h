// SPDX-License-Identifier: Apache-2.0
// SLIC superpixels. Pure functions.
#pragma once

#include <opencv2/core.hpp>

#include "pipeline/sample.h"

namespace pixloom {

struct SuperpixelRequest {
  int segments = 100;        // about as many
  int max_size = 128;        // segments are sought in a copy whose longer side has this many pixels
  double compactness = 0.1;  // colour difference that weighs as much as a segment's side: part of
                             // the range
};

struct Superpixels {
  cv::Mat labels;  // CV_32S, 0..count-1, of the picture's size
  int count = 0;
};

// Each segment is one connected part of the small copy, and none but the first is much smaller than
// a quarter of the average. At full size pixels beside a boundary choose the nearer segment once
// more, so that boundaries follow the picture. Colour differences are those of luma and both
// chromas; of pictures without colour, of all channels. The same bits on every CPU.
Superpixels FindSuperpixels(const cv::Mat& picture, ValueRange range,
                            const SuperpixelRequest& request);

}  // namespace pixloom
