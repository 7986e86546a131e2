// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/guided_filter.h"

#include <algorithm>
#include <array>

#include "ops/kernels/box_sums.h"

namespace pixloom {
namespace {

// mean(slope) * guide + mean(offset)
cv::Mat Blend(const cv::Mat& guide, const cv::Mat& slope, const cv::Mat& offset, int radius) {
  cv::Mat out(guide.size(), CV_32FC1);
  SlideBoxes<2>(
      guide.size(), radius,
      [&](int y, const std::array<double*, 2>& rows) {
        const float* a = slope.ptr<float>(y);
        const float* b = offset.ptr<float>(y);
        for (int x = 0; x < guide.cols; ++x) {
          rows[0][x] = a[x];
          rows[1][x] = b[x];
        }
      },
      [&](int y, const std::array<const double*, 2>& means) {
        const float* g = guide.ptr<float>(y);
        float* to = out.ptr<float>(y);
        for (int x = 0; x < guide.cols; ++x) {
          to[x] = static_cast<float>(means[0][x] * g[x] + means[1][x]);
        }
      });
  return out;
}

}  // namespace

cv::Mat GuidedFilter(const cv::Mat& guide, const cv::Mat& plane, int radius, double epsilon) {
  cv::Mat slope(guide.size(), CV_32FC1);
  cv::Mat offset(guide.size(), CV_32FC1);
  SlideBoxes<4>(
      guide.size(), radius,
      [&](int y, const std::array<double*, 4>& rows) {
        const float* g = guide.ptr<float>(y);
        const float* p = plane.ptr<float>(y);
        for (int x = 0; x < guide.cols; ++x) {
          rows[0][x] = g[x];
          rows[1][x] = p[x];
          rows[2][x] = double{g[x]} * g[x];
          rows[3][x] = double{g[x]} * p[x];
        }
      },
      [&](int y, const std::array<const double*, 4>& means) {
        float* a = slope.ptr<float>(y);
        float* b = offset.ptr<float>(y);
        for (int x = 0; x < guide.cols; ++x) {
          const double variance = std::max(means[2][x] - means[0][x] * means[0][x], 0.0);
          const double shared = means[3][x] - means[0][x] * means[1][x];
          const double ratio = shared / (variance + epsilon);
          a[x] = static_cast<float>(ratio);
          b[x] = static_cast<float>(means[1][x] - ratio * means[0][x]);
        }
      });
  return Blend(guide, slope, offset, radius);
}

cv::Mat GuidedFilter(const cv::Mat& plane, int radius, double epsilon) {
  cv::Mat slope(plane.size(), CV_32FC1);
  cv::Mat offset(plane.size(), CV_32FC1);
  SlideBoxes<2>(
      plane.size(), radius,
      [&](int y, const std::array<double*, 2>& rows) {
        const float* p = plane.ptr<float>(y);
        for (int x = 0; x < plane.cols; ++x) {
          rows[0][x] = p[x];
          rows[1][x] = double{p[x]} * p[x];
        }
      },
      [&](int y, const std::array<const double*, 2>& means) {
        float* a = slope.ptr<float>(y);
        float* b = offset.ptr<float>(y);
        for (int x = 0; x < plane.cols; ++x) {
          const double variance = std::max(means[1][x] - means[0][x] * means[0][x], 0.0);
          const double ratio = variance / (variance + epsilon);
          a[x] = static_cast<float>(ratio);
          b[x] = static_cast<float>((1 - ratio) * means[0][x]);
        }
      });
  return Blend(plane, slope, offset, radius);
}

}  // namespace pixloom
