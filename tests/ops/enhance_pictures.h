// SPDX-License-Identifier: Apache-2.0
// Generated pictures that look enough like photographs to be damaged and mended, and figures of
// how alike two pictures are. Pure functions.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "tests/support/run_chain.h"

namespace pixloom::testing {

// CV_32FC3 in [0, 1]: a sky that grows lighter downwards, hills, discs of several colours, black
// and white bars, and a field with texture. Its means over colours are alike.
inline cv::Mat SceneryUnit(cv::Size size) {
  cv::Mat out(size, CV_32FC3);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const double u = double{1} * x / size.width;
      const double v = double{1} * y / size.height;
      cv::Vec3d rgb(0.35 + 0.4 * v, 0.45 + 0.35 * v, 0.75 + 0.1 * v);
      const double hill = 0.45 + 0.12 * std::sin(7 * u) + 0.05 * std::sin(19 * u + 1);
      if (v > hill) {
        const double texture = 0.06 * std::sin(0.9 * x + 0.4 * y) * std::sin(0.7 * y - 0.2 * x);
        rgb = cv::Vec3d(0.5, 0.45, 0.15) + cv::Vec3d::all(texture + 0.3 * (v - hill));
      }
      const std::array<cv::Vec3d, 5> colours{cv::Vec3d(0.85, 0.1, 0.1),
                                             {0.1, 0.6, 0.15},
                                             {0.95, 0.85, 0.2},
                                             {0.15, 0.15, 0.5},
                                             {0.9, 0.5, 0.7}};
      for (std::size_t i = 0; i < colours.size(); ++i) {
        const double cx = 0.12 + 0.19 * static_cast<double>(i);
        const double cy = i % 2 == 0 ? 0.72 : 0.3;
        const double r = std::hypot((u - cx) * size.width, (v - cy) * size.height);
        if (r < 0.1 * size.height) rgb = colours[i] * (1 - 0.5 * r / (0.1 * size.height));
      }
      if (v > 0.88) rgb = cv::Vec3d::all(x / 5 % 2 == 0 ? 0.97 : 0.03);
      out.at<cv::Vec3f>(y, x) = cv::Vec3f(rgb);
    }
  }
  return out;
}

inline cv::Mat Stored(const cv::Mat& unit) {
  cv::Mat out;
  unit.convertTo(out, CV_8U, 255);
  return out;
}

inline cv::Mat Scenery(cv::Size size) { return Stored(SceneryUnit(size)); }

// dB, over all values of two 8-bit pictures.
inline double Psnr(const cv::Mat& a, const cv::Mat& b) {
  const double norm = cv::norm(a, b, cv::NORM_L2);
  const double mse = norm * norm / static_cast<double>(a.total() * a.channels());
  return 10 * std::log10(255 * 255 / std::max(mse, 1e-9));
}

inline double MeanLuma(const cv::Mat& picture) {
  const cv::Scalar mean = cv::mean(picture);
  return (0.299 * mean[0] + 0.587 * mean[1] + 0.114 * mean[2]) / 255;
}

// Steps across borders of 8x8 blocks over steps elsewhere; 1 where there are no blocks.
inline double Blockiness(const cv::Mat& picture) {
  double at_border = 0;
  double elsewhere = 0;
  double borders = 0;
  double others = 0;
  for (int y = 0; y < picture.rows; ++y) {
    for (int x = 1; x < picture.cols; ++x) {
      const auto a = picture.at<cv::Vec3b>(y, x - 1);
      const auto b = picture.at<cv::Vec3b>(y, x);
      const double step = std::abs(a[1] - b[1]);
      if (step > 40) continue;  // edges of the picture itself
      (x % 8 == 0 ? at_border : elsewhere) += step;
      (x % 8 == 0 ? borders : others) += 1;
    }
  }
  return (at_border / borders) / (elsewhere / others);
}

// A blur written without regard to the operator's: the light of every point is spread over a fine
// grid of places, and what falls outside is mirrored back.
inline cv::Mat BlurredBy(const cv::Mat& picture, const std::string& psf, double size,
                         double degrees) {
  const int radius = static_cast<int>(4 * size) + 2;
  cv::Mat spread = cv::Mat::zeros(2 * radius + 1, 2 * radius + 1, CV_64F);
  const double angle = degrees * std::numbers::pi / 180;
  const double half = (size - 1) / 2;
  for (int y = -radius; y <= radius; ++y) {
    for (int x = -radius; x <= radius; ++x) {
      double& w = spread.at<double>(y + radius, x + radius);
      if (psf == "gaussian") w = std::exp(-(x * x + y * y) / (2 * size * size));
      if (psf == "disk") w = std::clamp(size + 0.5 - std::hypot(x, y), 0.0, 1.0);
      if (psf == "motion") {
        const double t = std::clamp(x * std::cos(angle) - y * std::sin(angle), -half, half);
        w = std::max(1 - std::hypot(x - t * std::cos(angle), y + t * std::sin(angle)), 0.0);
      }
    }
  }
  spread /= cv::sum(spread)[0];
  cv::Mat real;
  picture.convertTo(real, CV_64F);
  cv::Mat blurred;
  cv::filter2D(real, blurred, CV_64F, spread, {-1, -1}, 0, cv::BORDER_REFLECT);
  cv::Mat out;
  blurred.convertTo(out, CV_8U);
  return out;
}

}  // namespace pixloom::testing
