// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/box_sums.h"

#include <cmath>

namespace pixloom {
namespace {

// CV_32FC1.
cv::Mat MeanInside(const cv::Mat& plane, int radius) {
  cv::Mat out(plane.size(), CV_32FC1);
  SlideBoxes<1>(
      plane.size(), radius,
      [&](int y, const std::array<double*, 1>& rows) {
        const float* in = plane.ptr<float>(y);
        for (int x = 0; x < plane.cols; ++x) rows[0][x] = in[x];
      },
      [&](int y, const std::array<const double*, 1>& means) {
        float* to = out.ptr<float>(y);
        for (int x = 0; x < plane.cols; ++x) to[x] = static_cast<float>(means[0][x]);
      });
  return out;
}

}  // namespace

std::array<int, 3> BoxesLikeGaussian(double sigma) {
  // A box of w pixels has the variance (w^2 - 1) / 12; some are w wide, the others w + 2.
  const double wanted = 12 * sigma * sigma;
  int narrow = static_cast<int>(std::floor(std::sqrt(wanted / 3 + 1)));
  if (narrow % 2 == 0) --narrow;
  const double w = narrow;
  const double count = (wanted - 3 * w * w - 12 * w - 9) / (-4 * w - 4);
  // Of two choices equally near the narrower.
  const int narrow_ones = std::clamp(static_cast<int>(std::floor(count + 0.5 + 1e-9)), 0, 3);
  std::array<int, 3> radii{};
  for (int i = 0; i < 3; ++i) {
    radii[static_cast<std::size_t>(i)] = (i < narrow_ones ? narrow - 1 : narrow + 1) / 2;
  }
  return radii;
}

cv::Mat WideGaussian(const cv::Mat& plane, double sigma) {
  cv::Mat out = plane;
  for (const int radius : BoxesLikeGaussian(sigma)) {
    if (radius > 0) out = MeanInside(out, radius);
  }
  return out;
}

}  // namespace pixloom
