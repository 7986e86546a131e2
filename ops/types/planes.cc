// SPDX-License-Identifier: Apache-2.0
#include "ops/types/planes.h"

#include <vector>

namespace pixloom {

cv::Mat MakePlanes(cv::Size size, int channels, int depth) {
  const std::array<int, 3> sides{channels, size.height, size.width};
  return cv::Mat(3, sides.data(), CV_MAKETYPE(depth, 1));
}

cv::Mat ToPlanes(const cv::Mat& interleaved) {
  cv::Mat planar = MakePlanes(interleaved.size(), interleaved.channels(), interleaved.depth());
  std::vector<cv::Mat> planes;
  for (int c = 0; c < interleaved.channels(); ++c) {
    planes.emplace_back(interleaved.rows, interleaved.cols, CV_MAKETYPE(interleaved.depth(), 1),
                        planar.ptr(c));
  }
  cv::split(interleaved, planes);
  return planar;
}

}  // namespace pixloom
