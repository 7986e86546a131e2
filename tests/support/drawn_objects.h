// SPDX-License-Identifier: Apache-2.0
// Objects drawn as pictures, to be compared with labels after both have moved: filled outlines,
// dots, and what can be read off them again. Written from the definitions. Pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"

namespace pixloom::testing {

inline constexpr double kPi = 3.14159265358979323846;

// Share of each pixel inside the rings (even-odd): exact along rows, 8 rows per pixel.
inline cv::Mat Coverage(const std::vector<std::vector<Point>>& rings, Size size) {
  constexpr int kRows = 8;
  cv::Mat covered = cv::Mat::zeros(size.height, size.width, CV_32F);
  for (int line = 0; line < size.height * kRows; ++line) {
    const double y = (line + 0.5) / kRows;
    std::vector<double> crossings;
    for (const auto& ring : rings) {
      for (std::size_t i = 0; i < ring.size(); ++i) {
        const Point a = ring[i];
        const Point b = ring[(i + 1) % ring.size()];
        if ((a.y <= y) != (b.y <= y)) {
          crossings.push_back(a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y));
        }
      }
    }
    std::sort(crossings.begin(), crossings.end());
    auto* row = covered.ptr<float>(line / kRows);
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const double from = std::clamp<double>(crossings[i], 0, size.width);
      const double to = std::clamp<double>(crossings[i + 1], 0, size.width);
      for (int x = static_cast<int>(from); x < to; ++x) {
        const double share = std::min<double>(to, x + 1) - std::max<double>(from, x);
        row[x] += static_cast<float>(share / kRows);
      }
    }
  }
  return covered;
}

inline cv::Mat Levels(const cv::Mat& covered) {
  cv::Mat levels;
  covered.convertTo(levels, CV_8U, 255);
  return levels;
}

inline cv::Mat Dot(Point at, Size size) {
  cv::Mat dot(size.height, size.width, CV_32F);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const double dx = x + 0.5 - at.x, dy = y + 0.5 - at.y;
      dot.at<float>(y, x) = static_cast<float>(std::exp(-(dx * dx + dy * dy) / 8));
    }
  }
  return dot;
}

// An ellipse, turned.
struct Ring {
  Point centre;
  double radius_x, radius_y, turn;
};

// A polygon of `count` corners in it; four are the corners of the rectangle around it.
inline std::vector<Point> Corners(const Ring& r, int count) {
  std::vector<Point> ring;
  for (int i = 0; i < count; ++i) {
    const double angle = 2 * kPi * (i + 0.5) / count;
    const double scale = count == 4 ? std::sqrt(2.0) : 1;
    const double x = r.radius_x * scale * std::cos(angle), y = r.radius_y * scale * std::sin(angle);
    ring.emplace_back(r.centre.x + x * std::cos(r.turn) - y * std::sin(r.turn),
                      r.centre.y + x * std::sin(r.turn) + y * std::cos(r.turn));
  }
  return ring;
}

inline double Iou(const cv::Mat& a, const cv::Mat& b) {
  const double both = cv::countNonZero(a & b);
  const double either = cv::countNonZero(a | b);
  return either > 0 ? both / either : 1;
}

// Where the levels of neighbouring pixels pass the half: the outline of what is drawn, to a
// fraction of a pixel; the edge of the picture counts where it cuts.
inline std::vector<Point> OutlineOf(const cv::Mat& levels) {
  constexpr double kHalf = 127.5;
  std::vector<Point> points;
  const auto at = [&](int x, int y) -> double { return levels.at<std::uint8_t>(y, x); };
  for (int y = 0; y < levels.rows; ++y) {
    for (int x = 0; x < levels.cols; ++x) {
      const double here = at(x, y);
      const Point centre(x + 0.5, y + 0.5);
      if (x + 1 < levels.cols && (here > kHalf) != (at(x + 1, y) > kHalf)) {
        points.push_back(centre + Point((kHalf - here) / (at(x + 1, y) - here), 0));
      }
      if (y + 1 < levels.rows && (here > kHalf) != (at(x, y + 1) > kHalf)) {
        points.push_back(centre + Point(0, (kHalf - here) / (at(x, y + 1) - here)));
      }
      if (here <= kHalf) continue;
      if (x == 0) points.emplace_back(0, centre.y);
      if (y == 0) points.emplace_back(centre.x, 0);
      if (x + 1 == levels.cols) points.emplace_back(levels.cols, centre.y);
      if (y + 1 == levels.rows) points.emplace_back(centre.x, levels.rows);
    }
  }
  return points;
}

// The rectangle around the points with sides along `u` and across.
template <class Points>
std::array<double, 4> BoundsAlong(const Points& points, Point u) {
  std::array<double, 4> b{1e9, 1e9, -1e9, -1e9};
  const Point v(-u.y, u.x);
  for (const Point& p : points) {
    b = {std::min(b[0], p.dot(u)), std::min(b[1], p.dot(v)), std::max(b[2], p.dot(u)),
         std::max(b[3], p.dot(v))};
  }
  return b;
}

inline double BoxIou(const std::array<double, 4>& a, const std::array<double, 4>& b) {
  const auto area = [](const std::array<double, 4>& r) {
    return std::max(0.0, r[2] - r[0]) * std::max(0.0, r[3] - r[1]);
  };
  const std::array<double, 4> both{std::max(a[0], b[0]), std::max(a[1], b[1]), std::min(a[2], b[2]),
                                   std::min(a[3], b[3])};
  const double shared = area(both);
  return shared / (area(a) + area(b) - shared);
}

}  // namespace pixloom::testing
