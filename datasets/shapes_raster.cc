// SPDX-License-Identifier: Apache-2.0
#include "datasets/shapes_raster.h"

#include <algorithm>
#include <cstring>

#include "datasets/shapes_scene.h"

namespace pixloom::shapes {

namespace {

std::int64_t ToUnits(double v) { return static_cast<std::int64_t>(v * kUnitsPerPixel); }

std::int64_t CeilDiv(std::int64_t a, std::int64_t b) {  // b > 0
  return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

// Sample (i, j) lies at (i * step + step / 2, j * step + step / 2) in units. Calls
// span(j, begin, end) for each run of inside samples, clipped to columns x rows.
template <class Span>
void Scan(const Polygon& polygon, std::int64_t step, Point origin, int columns, int rows,
          Span span) {
  struct Crossing {
    int row;
    int column;  // first sample at or right of the edge
  };
  const std::int64_t half = step / 2;
  std::vector<Crossing> crossings;
  std::vector<int> starts(static_cast<std::size_t>(rows) + 1, 0);
  for (const std::vector<Point>& ring : polygon.rings) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      Point a = ring[i] - origin;
      Point b = ring[(i + 1) % ring.size()] - origin;
      if (a.y > b.y) std::swap(a, b);
      const std::int64_t x0 = ToUnits(a.x), y0 = ToUnits(a.y);
      const std::int64_t dx = ToUnits(b.x) - x0, dy = ToUnits(b.y) - y0;
      // Half-open in y: a vertex shared by two edges counts once.
      const std::int64_t first = std::max<std::int64_t>(CeilDiv(y0 - half, step), 0);
      const std::int64_t last = std::min<std::int64_t>(CeilDiv(y0 + dy - half, step), rows);
      for (std::int64_t row = first; row < last; ++row) {
        const std::int64_t y = row * step + half;
        const std::int64_t column = CeilDiv((x0 - half) * dy + dx * (y - y0), step * dy);
        crossings.push_back({static_cast<int>(row),
                             static_cast<int>(std::clamp<std::int64_t>(column, 0, columns))});
        ++starts[static_cast<std::size_t>(row) + 1];
      }
    }
  }

  // Bucket by row, then order the handful of crossings within each.
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    starts[row + 1] += starts[row];
  }
  std::vector<int> sorted(crossings.size());
  std::vector<int> next(starts.begin(), starts.end() - 1);
  for (const Crossing& c : crossings) {
    sorted[static_cast<std::size_t>(next[static_cast<std::size_t>(c.row)]++)] = c.column;
  }
  for (int row = 0; row < rows; ++row) {
    const auto begin = sorted.begin() + starts[static_cast<std::size_t>(row)];
    const auto end = sorted.begin() + starts[static_cast<std::size_t>(row) + 1];
    std::sort(begin, end);
    for (auto it = begin; it + 1 < end; it += 2) {
      if (it[0] < it[1]) span(row, it[0], it[1]);
    }
  }
}

}  // namespace

void FillPolygon(const Polygon& polygon, std::uint8_t value, cv::Mat& image) {
  Scan(polygon, kUnitsPerPixel, {0, 0}, image.cols, image.rows, [&](int row, int begin, int end) {
    std::memset(image.ptr(row) + begin, value, static_cast<std::size_t>(end - begin));
  });
}

std::vector<std::uint8_t> Coverage(const Polygon& polygon, cv::Rect region) {
  std::vector<std::uint8_t> coverage(static_cast<std::size_t>(region.area()), 0);
  const Point origin(region.x, region.y);
  Scan(polygon, kUnitsPerPixel / kSubsamples, origin, region.width * kSubsamples,
       region.height * kSubsamples, [&](int row, int begin, int end) {
         std::uint8_t* out = coverage.data() + static_cast<std::size_t>(row / kSubsamples) *
                                                   static_cast<std::size_t>(region.width);
         const int first = begin / kSubsamples;
         const int last = end / kSubsamples;
         const int head = begin % kSubsamples;
         const int tail = end % kSubsamples;
         const auto add = [out](int pixel, int samples) {
           out[pixel] = static_cast<std::uint8_t>(out[pixel] + samples);
         };
         if (first == last) return add(first, tail - head);
         add(first, kSubsamples - head);
         for (int pixel = first + 1; pixel < last; ++pixel) add(pixel, kSubsamples);
         if (tail > 0) add(last, tail);
       });
  return coverage;
}

bool Contains(const Polygon& polygon, Point point) {
  bool inside = false;
  for (const std::vector<Point>& ring : polygon.rings) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      Point a = ring[i];
      Point b = ring[(i + 1) % ring.size()];
      if (a.y > b.y) std::swap(a, b);
      if (point.y < a.y || point.y >= b.y) continue;
      const Point d = b - a;
      if ((point.x - a.x) * d.y >= d.x * (point.y - a.y)) inside = !inside;
    }
  }
  return inside;
}

}  // namespace pixloom::shapes
