// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/coverage.h"

#include <algorithm>
#include <cmath>

namespace pixloom {

namespace {

// Collects, along each row, by how much the covered share changes from pixel to pixel; sums from
// the left are the shares themselves.
class Changes {
 public:
  Changes(const cv::Rect& window)
      : window_(window),
        stride_(static_cast<std::size_t>(window.width) + 2),
        change_(stride_ * static_cast<std::size_t>(window.height)) {}

  void AddRing(const std::vector<Point>& ring, double weight) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      AddEdge(ring[i] - Point(window_.x, window_.y),
              ring[(i + 1) % ring.size()] - Point(window_.x, window_.y), weight);
    }
  }

  std::vector<double> Shares() const {
    std::vector<double> shares;
    shares.reserve(static_cast<std::size_t>(window_.area()));
    for (int y = 0; y < window_.height; ++y) {
      const double* change = change_.data() + static_cast<std::size_t>(y) * stride_;
      double sum = 0;
      for (int x = 0; x < window_.width; ++x) {
        sum += change[x];
        shares.push_back(std::min(std::abs(sum), 1.0));
      }
    }
    return shares;
  }

 private:
  void AddEdge(Point a, Point b, double weight) {
    if (a.y == b.y) return;
    if (a.y > b.y) {
      std::swap(a, b);
      weight = -weight;
    }
    const double slope = (b.x - a.x) / (b.y - a.y);
    const auto at = [&](double y) {
      return std::clamp(a.x + (y - a.y) * slope, std::min(a.x, b.x), std::max(a.x, b.x));
    };
    const int last = std::min(static_cast<int>(std::ceil(b.y)), window_.height);
    for (int y = std::max(0, static_cast<int>(std::floor(a.y))); y < last; ++y) {
      const double y0 = std::max(1.0 * y, a.y);
      const double y1 = std::min(y + 1.0, b.y);
      if (y1 <= y0) continue;
      AddPiece(change_.data() + static_cast<std::size_t>(y) * stride_, at(y0), at(y1),
               (y1 - y0) * weight);
    }
  }

  // A piece of an edge inside one row, from x0 to x1: everything to its right changes by `amount`.
  void AddPiece(double* row, double x0, double x1, double amount) const {
    const double low = std::clamp(std::min(x0, x1), 0.0, 1.0 * window_.width);
    const double high = std::clamp(std::max(x0, x1), 0.0, 1.0 * window_.width);
    const int first = static_cast<int>(std::floor(low));
    const int end = static_cast<int>(std::ceil(high));
    if (end <= first + 1) {
      const double middle = (low + high) / 2 - first;
      row[first] += amount * (1 - middle);
      row[first + 1] += amount * middle;
      return;
    }
    // Share of the row's height passed at x, and area to the left of the piece, pixel by pixel.
    const double run = 1 / (high - low);
    double before = 0;
    for (int x = first; x < end; ++x) {
      const double from = std::max(low, 1.0 * x);
      const double to = std::min(high, x + 1.0);
      // Height passed before this pixel counts fully; what is passed inside counts from where it
      // is.
      const double inside = run * (to - from) * (x + 1 - (from + to) / 2);
      const double now = run * (std::max(low, 1.0 * x) - low) + inside;
      row[x] += amount * (now - before);
      before = now;
    }
    row[end] += amount * (1 - before);
  }

  cv::Rect window_;
  std::size_t stride_;
  std::vector<double> change_;
};

bool IsFinite(const Polygon& polygon) {
  return std::all_of(polygon.rings.begin(), polygon.rings.end(), [](const auto& ring) {
    return std::all_of(ring.begin(), ring.end(),
                       [](Point p) { return std::isfinite(p.x) && std::isfinite(p.y); });
  });
}

}  // namespace

Coverage CoverageOf(const Polygon& polygon, Size picture) {
  Coverage result;
  if (!IsFinite(polygon)) return result;
  const Polygon inside = ClipToImage(polygon, picture);
  if (inside.rings.empty()) return result;
  double x0 = picture.width, y0 = picture.height, x1 = 0, y1 = 0;
  for (const Point& p : inside.rings[0]) {
    x0 = std::min(x0, p.x), y0 = std::min(y0, p.y);
    x1 = std::max(x1, p.x), y1 = std::max(y1, p.y);
  }
  const cv::Point low(static_cast<int>(std::floor(x0)), static_cast<int>(std::floor(y0)));
  const cv::Point high(static_cast<int>(std::ceil(x1)), static_cast<int>(std::ceil(y1)));
  if (high.x <= low.x || high.y <= low.y) return result;
  result.window = cv::Rect(low, high);
  Changes changes(result.window);
  for (std::size_t i = 0; i < inside.rings.size(); ++i) {
    const double side = SignedArea(inside.rings[i]) < 0 ? -1 : 1;
    changes.AddRing(inside.rings[i], i == 0 ? side : -side);
  }
  result.share = changes.Shares();
  return result;
}

}  // namespace pixloom
