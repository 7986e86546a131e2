// SPDX-License-Identifier: Apache-2.0
#include "datasets/export_shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "datasets/shapes_raster.h"
#include "datasets/shapes_scene.h"

namespace pixloom {

namespace {

using Ring = std::vector<Point>;

double AreaOf(const Ring& ring) { return std::abs(SignedArea(ring)); }

// What the scan conversion takes.
Polygon Snapped(Polygon polygon) {
  for (Ring& ring : polygon.rings) {
    for (Point& p : ring) {
      p = {std::round(p.x * shapes::kUnitsPerPixel) / shapes::kUnitsPerPixel,
           std::round(p.y * shapes::kUnitsPerPixel) / shapes::kUnitsPerPixel};
    }
  }
  return polygon;
}

}  // namespace

bool HasHoles(const std::vector<Polygon>& polygons) {
  return std::any_of(polygons.begin(), polygons.end(),
                     [](const Polygon& polygon) { return polygon.rings.size() > 1; });
}

bool HasShape(const ExportObject& object) {
  return object.instance->HasMask() || !object.polygons.empty();
}

cv::Mat BitsOf(const ExportObject& object, Size size) {
  if (object.instance->HasMask()) return object.instance->Bits();
  cv::Mat bits = cv::Mat::zeros(size.height, size.width, CV_8UC1);
  for (const Polygon& polygon : object.polygons) shapes::FillPolygon(Snapped(polygon), 255, bits);
  return bits;
}

std::vector<Ring> RingsOf(const cv::Mat& mask) {
  // Every edge between a set and another pixel is walked once, with the set pixel on the right
  // hand. Directions: 0 right, 1 down, 2 left, 3 up.
  constexpr std::array<int, 4> kX{1, 0, -1, 0};
  constexpr std::array<int, 4> kY{0, 1, 0, -1};
  const auto set = [&](int x, int y) {
    return x >= 0 && y >= 0 && x < mask.cols && y < mask.rows && mask.at<std::uint8_t>(y, x) != 0;
  };
  // From the corner (x, y) in direction d.
  const auto is_edge = [&](int x, int y, int d) {
    switch (d) {
      case 0:
        return set(x, y) && !set(x, y - 1);
      case 1:
        return set(x - 1, y) && !set(x, y);
      case 2:
        return set(x - 1, y - 1) && !set(x - 1, y);
      default:
        return set(x, y - 1) && !set(x - 1, y - 1);
    }
  };
  std::vector<Ring> rings;
  // Top edges that were walked; every ring has one.
  cv::Mat walked = cv::Mat::zeros(mask.rows, mask.cols, CV_8UC1);
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      if (!is_edge(x, y, 0) || walked.at<std::uint8_t>(y, x) != 0) continue;
      Ring ring;
      int at_x = x, at_y = y, d = 0;
      do {
        if (d == 0) walked.at<std::uint8_t>(at_y, at_x) = 1;
        at_x += kX[static_cast<std::size_t>(d)];
        at_y += kY[static_cast<std::size_t>(d)];
        // Right turns first: pixels that touch at a corner belong to rings of their own.
        int next = (d + 1) % 4;
        while (!is_edge(at_x, at_y, next)) next = (next + 3) % 4;
        if (next != d) ring.emplace_back(at_x, at_y);
        d = next;
      } while (at_x != x || at_y != y || d != 0);
      rings.push_back(std::move(ring));
    }
  }
  return rings;
}

std::vector<Ring> RingsOf(const ExportObject& object) {
  std::vector<Ring> rings;
  for (const Polygon& polygon : object.polygons) {
    rings.insert(rings.end(), polygon.rings.begin(), polygon.rings.end());
  }
  if (rings.empty() && object.instance->HasMask()) rings = RingsOf(object.instance->Bits());
  if (rings.empty() && object.box) {
    const Box& b = *object.box;
    rings.push_back({{b[0], b[1]}, {b[2], b[1]}, {b[2], b[3]}, {b[0], b[3]}});
  }
  return rings;
}

std::vector<Point> JoinRings(std::vector<Ring> rings, std::size_t most, std::size_t& dropped) {
  std::erase_if(rings, [](const Ring& ring) { return ring.size() < 3; });
  if (rings.empty()) return {};
  std::stable_sort(rings.begin(), rings.end(),
                   [](const Ring& a, const Ring& b) { return AreaOf(a) > AreaOf(b); });
  if (rings.size() > most) {
    dropped += rings.size() - most;
    rings.resize(most);
  }
  Ring joined = std::move(rings[0]);
  for (std::size_t r = 1; r < rings.size(); ++r) {
    const Ring& ring = rings[r];
    std::size_t from = 0, to = 0;
    double least = INFINITY;
    for (std::size_t i = 0; i < joined.size(); ++i) {
      for (std::size_t k = 0; k < ring.size(); ++k) {
        const Point gap = ring[k] - joined[i];
        const double distance = gap.dot(gap);
        // Of equally short ones the first, whatever rounding says: rings are often concentric.
        if (distance < least * (1 - 1e-4)) least = distance, from = i, to = k;
      }
    }
    // ... joined[from], ring[to], ..., ring[to], joined[from], ...
    Ring detour;
    for (std::size_t k = 0; k <= ring.size(); ++k) detour.push_back(ring[(to + k) % ring.size()]);
    detour.push_back(joined[from]);
    joined.insert(joined.begin() + static_cast<std::ptrdiff_t>(from) + 1, detour.begin(),
                  detour.end());
  }
  return joined;
}

}  // namespace pixloom
