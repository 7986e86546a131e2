// SPDX-License-Identifier: Apache-2.0
// Samples a picture at arbitrary positions: the inner loop of every warp. Positions are computed in
// double, in edge coordinates of the full picture; what lies outside follows the border rule.
// Results are the same on every CPU and for every region of the picture that holds the taps.
//
// A PositionMap is immutable and may be shared between threads.
#pragma once

#include <opencv2/core.hpp>

#include "pipeline/families.h"

namespace pixloom {

// Everything but nearest and the kinds that blend 4 x 4 pixels.
inline bool BlendsTwoByTwo(Resampling resampling) {
  return resampling == Resampling::kLinear || resampling == Resampling::kArea ||
         resampling == Resampling::kAntialias;
}

// Where output pixels show the source.
class PositionMap {
 public:
  virtual ~PositionMap() = default;
  // Positions of output pixels (x, y) .. (x + count - 1, y), each as if computed alone. The arrays
  // hold 64 values, are aligned to as many bytes and may be filled to their end.
  virtual void Block(int x, int y, int count, double* source_x, double* source_y) const = 0;
};

// Nearest reads the pixel that contains the position; linear, area and antialias blend 2 x 2
// pixels, the other kinds 4 x 4 (a = -0.75). The result has `depth` (CV_8U, CV_16U or CV_32F) and
// the channels of the source.
cv::Mat SampleAt(const ImageView& source, const PositionMap& positions, Size out, int depth,
                 const BorderRule& border, Resampling resampling);

}  // namespace pixloom
