// SPDX-License-Identifier: Apache-2.0
// Correlation with a kernel of two dimensions on images of any depth and any number of channels:
// float32 sums in a fixed order, rounded once at the end, reflect101 at the edges. The same bits on
// every CPU. Pure functions.
#pragma once

#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/sample.h"

namespace pixloom {

// Odd sides; weights row by row, the middle one is the pixel itself.
struct Kernel2d {
  int width = 1;
  int height = 1;
  std::vector<double> weights{1};

  Kernel2d() = default;
  Kernel2d(int w, int h);  // all weights 0
  Kernel2d(int w, int h, std::vector<double> values);

  double& At(int x, int y);  // from the middle
  double Sum() const;
  // The same, summing to 1. REQUIRES: the sum is not 0.
  Kernel2d Normalised() const;
};

// Values in levels, plus `offset`. `depth` of the result: -1 that of the image; CV_32F keeps sums
// as they are. The cost follows the weights that are not 0; a run of equal weights in a row costs
// about the logarithm of its length.
cv::Mat Filter2d(const cv::Mat& image, const Kernel2d& kernel, double offset = 0, int depth = -1);

// The same in unit scale: black stays black also where `range` does not begin at 0 and weights do
// not sum to 1. `bias` in parts of the full range.
cv::Mat FilterUnit(const cv::Mat& image, const Kernel2d& kernel, double bias, ValueRange range);

// Levels between black and full range.
double FullScale(const cv::Mat& image, ValueRange range);

}  // namespace pixloom
