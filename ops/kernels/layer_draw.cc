// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/layer_draw.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "ops/kernels/pixel_math.h"

namespace pixloom {
namespace {

// First and last pixel with its centre between two coordinates; empty when first > last.
std::pair<int, int> PixelsBetween(double from, double to, int count) {
  const int first = static_cast<int>(std::ceil(ClampFar(from) - 0.5));
  const int last = static_cast<int>(std::floor(ClampFar(to) - 0.5));
  return {std::max(first, 0), std::min(last, count - 1)};
}

// The part of a segment between two heights, as an interval of x; false where there is none.
bool PartBetween(Point a, Point b, double top, double bottom, double* left, double* right) {
  if (a.y > b.y) std::swap(a, b);
  if (b.y < top || a.y > bottom) return false;
  const auto at = [&](double y) { return a.x + (y - a.y) * (b.x - a.x) / (b.y - a.y); };
  const double first = a.y < top ? at(top) : a.x;
  const double second = b.y > bottom ? at(bottom) : b.x;
  *left = std::min(first, second);
  *right = std::max(first, second);
  return true;
}

}  // namespace

void DrawStroke(const Stroke& stroke, cv::Mat& layer) {
  const double radius = stroke.width / 2;
  const double soft = std::max(stroke.softness, 1.0);
  const double reach = radius + soft / 2;
  const double dx = stroke.to.x - stroke.from.x;
  const double dy = stroke.to.y - stroke.from.y;
  const double square = dx * dx + dy * dy;
  // The profile across sees the width only; what is also short covers less of its pixels.
  const double whole = std::sqrt(square) + stroke.width;
  const auto peak = static_cast<float>(255 * stroke.opacity * std::min(1.0, whole / soft));
  const double along = square > 0 ? 1 / square : 0;

  const auto r = static_cast<float>(radius);
  const auto half = static_cast<float>(soft / 2);
  const auto scale = static_cast<float>(1 / soft);
  const auto [y0, y1] = PixelsBetween(std::min(stroke.from.y, stroke.to.y) - reach,
                                      std::max(stroke.from.y, stroke.to.y) + reach, layer.rows);
  for (int y = y0; y <= y1; ++y) {
    const double yc = y + 0.5;
    double left = 0;
    double right = 0;
    if (!PartBetween(stroke.from, stroke.to, yc - reach, yc + reach, &left, &right)) continue;
    const auto [x0, x1] = PixelsBetween(left - reach, right + reach, layer.cols);
    std::uint8_t* row = layer.ptr<std::uint8_t>(y);
    // Relative to the start of the stroke, so that float32 is exact enough on any picture.
    const auto py = static_cast<float>(yc - stroke.from.y);
    const auto base = static_cast<float>(x0 + 0.5 - stroke.from.x);
    const auto fx = static_cast<float>(dx);
    const auto fy = static_cast<float>(dy);
    const auto inverse = static_cast<float>(along);
    for (int x = x0; x <= x1; ++x) {
      const float px = base + static_cast<float>(x - x0);
      float t = (px * fx + py * fy) * inverse;
      t = t > 0 ? t : 0;
      t = t < 1 ? t : 1;
      const float ex = px - t * fx;
      const float ey = py - t * fy;
      const float distance = std::sqrt(ex * ex + ey * ey);
      // How much of a window as wide as the edge is soft lies within the stroke.
      const float upper = r < distance + half ? r : distance + half;
      const float lower = -r > distance - half ? -r : distance - half;
      const float cover = (upper - lower) * scale;
      const float level = peak * (cover > 0 ? cover : 0) + 0.5F;
      const auto byte = static_cast<std::uint8_t>(static_cast<std::int32_t>(level));
      row[x] = row[x] > byte ? row[x] : byte;
    }
  }
}

SoftPolygon::SoftPolygon(std::vector<Point> corners, double softness)
    : corners_(std::move(corners)), half_(std::max(softness, 1.0) / 2), top_(0), bottom_(0) {
  if (corners_.empty()) return;
  top_ = bottom_ = corners_.front().y;
  for (const Point& p : corners_) {
    top_ = std::min(top_, p.y);
    bottom_ = std::max(bottom_, p.y);
  }
}

bool SoftPolygon::Row(int y, int width, float* cover) const {
  const double yc = y + 0.5;
  if (corners_.size() < 3 || yc < top_ - half_ || yc > bottom_ + half_) return false;
  std::vector<double> crossings;
  // Squared distances from the nearest edge; beyond the soft part they do not matter.
  const auto farthest = static_cast<float>(half_ * half_);
  std::vector<float> square(static_cast<std::size_t>(width), farthest);
  for (std::size_t k = 0; k < corners_.size(); ++k) {
    const Point a = corners_[k];
    const Point b = corners_[(k + 1) % corners_.size()];
    const double dx = b.x - a.x;
    const double dy = b.y - a.y;
    if ((a.y <= yc) != (b.y <= yc)) crossings.push_back(a.x + (yc - a.y) * dx / dy);
    double left = 0;
    double right = 0;
    if (!PartBetween(a, b, yc - half_, yc + half_, &left, &right)) continue;
    const auto [x0, x1] = PixelsBetween(left - half_, right + half_, width);
    const double length = dx * dx + dy * dy;
    const double inverse = length > 0 ? 1 / length : 0;
    const double py = yc - a.y;
    for (int x = x0; x <= x1; ++x) {
      const double px = x + 0.5 - a.x;
      const double t = std::clamp((px * dx + py * dy) * inverse, 0.0, 1.0);
      const double ex = px - t * dx;
      const double ey = py - t * dy;
      float& nearest = square[static_cast<std::size_t>(x)];
      nearest = std::min(nearest, static_cast<float>(ex * ex + ey * ey));
    }
  }
  std::sort(crossings.begin(), crossings.end());
  const auto scale = static_cast<float>(0.5 / half_);
  const auto fill = [&](int from, int to, float sign) {
    for (int x = from; x < to; ++x) {
      const float away = square[static_cast<std::size_t>(x)];
      if (away >= farthest) {
        cover[x] = sign > 0 ? 1.0F : 0.0F;
        continue;
      }
      const float t = 0.5F + sign * std::sqrt(away) * scale;
      const float within = std::min(std::max(t, 0.0F), 1.0F);
      cover[x] = within * within * (3 - 2 * within);
    }
  };
  int at = 0;
  float sign = -1;
  for (const double crossing : crossings) {
    const int next = std::clamp(static_cast<int>(std::ceil(ClampFar(crossing) - 0.5)), at, width);
    fill(at, next, sign);
    at = next;
    sign = -sign;
  }
  fill(at, width, -1);
  return true;
}

}  // namespace pixloom
