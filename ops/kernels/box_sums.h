// SPDX-License-Identifier: Apache-2.0
// Means over rectangular windows in constant time per pixel, from running sums in float64 in a
// fixed order. A window ends where the picture ends: the mean is over what lies inside. Pure
// functions.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include <opencv2/core.hpp>

namespace pixloom {

// Slides windows of 2 * radius + 1 pixels over K quantities at once. fill(y, rows) writes row y of
// each quantity; emit(y, means) gets their means around every pixel of row y. Rows are asked for
// twice, when they enter the window and when they leave it.
template <std::size_t K, class Fill, class Emit>
void SlideBoxes(cv::Size size, int radius, Fill fill, Emit emit) {
  const auto width = static_cast<std::size_t>(size.width);
  std::array<std::vector<double>, K> row;
  std::array<std::vector<double>, K> column;
  std::array<std::vector<double>, K> prefix;
  std::array<double*, K> rows;
  std::array<const double*, K> means;
  for (std::size_t k = 0; k < K; ++k) {
    row[k].resize(width);
    column[k].resize(width);
    prefix[k].resize(width + 1);
    rows[k] = row[k].data();
    means[k] = rows[k];
  }
  const auto enter = [&](int y) {
    fill(y, rows);
    for (std::size_t k = 0; k < K; ++k) {
      double* sums = column[k].data();
      const double* values = rows[k];
      for (std::size_t x = 0; x < width; ++x) sums[x] += values[x];
    }
  };
  for (int y = 0; y < std::min(radius, size.height); ++y) enter(y);
  std::vector<double> share(width);
  for (int y = 0; y < size.height; ++y) {
    if (y + radius < size.height) enter(y + radius);
    if (y - radius - 1 >= 0) {
      fill(y - radius - 1, rows);
      for (std::size_t k = 0; k < K; ++k) {
        double* sums = column[k].data();
        const double* values = rows[k];
        for (std::size_t x = 0; x < width; ++x) sums[x] -= values[x];
      }
    }
    const int high = std::min(y + radius, size.height - 1) - std::max(y - radius, 0) + 1;
    for (std::size_t k = 0; k < K; ++k) prefix[k][0] = 0;
    for (std::size_t x = 0; x < width; ++x) {
      for (std::size_t k = 0; k < K; ++k) prefix[k][x + 1] = prefix[k][x] + column[k][x];
    }
    const auto mean = [&](int x, int left, int right) {
      const double part = 1.0 / (double{1} * high * (right - left));
      for (std::size_t k = 0; k < K; ++k) {
        rows[k][x] = (prefix[k][static_cast<std::size_t>(right)] -
                      prefix[k][static_cast<std::size_t>(left)]) *
                     part;
      }
    };
    const int first = std::min(radius, size.width);
    const int last = std::max(size.width - radius, first);
    for (int x = 0; x < first; ++x) mean(x, 0, std::min(x + radius + 1, size.width));
    const double part = 1.0 / (double{1} * high * (2 * double{1} * radius + 1));
    for (std::size_t k = 0; k < K && first < last; ++k) {
      const double* from = prefix[k].data();
      double* to = rows[k] + first;
      const std::size_t side = 2 * static_cast<std::size_t>(radius) + 1;
      for (int i = 0; i < last - first; ++i) {
        to[i] = (from[static_cast<std::size_t>(i) + side] - from[i]) * part;
      }
    }
    for (int x = last; x < size.width; ++x) mean(x, std::max(x - radius, 0), size.width);
    emit(y, means);
  }
}

// Radii of three box means in a row whose variance is nearest to that of a Gaussian.
std::array<int, 3> BoxesLikeGaussian(double sigma);

// Nearly a Gaussian of any width, for the price of three box means: of the same variance, with a
// peak lower by about a tenth. Below a sigma of 0.6 nothing happens. CV_32FC1.
cv::Mat WideGaussian(const cv::Mat& plane, double sigma);

}  // namespace pixloom
