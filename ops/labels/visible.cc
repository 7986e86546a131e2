// SPDX-License-Identifier: Apache-2.0
#include "ops/labels/visible.h"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

#include "pipeline/labels.h"

namespace pixloom {

namespace {

bool IsFinite(Point p) { return std::isfinite(p.x) && std::isfinite(p.y); }

bool Holds(const cv::Rect& view, Point p) {
  return p.x >= view.x && p.y >= view.y && p.x <= view.x + view.width &&
         p.y <= view.y + view.height;
}

// The part of a ring inside the view, as ClipToImage.
std::vector<Point> ClipTo(const std::vector<Point>& ring, const cv::Rect& view) {
  const double x0 = view.x, y0 = view.y;
  const double x1 = x0 + view.width, y1 = y0 + view.height;
  std::vector<Point> r = ClipHalfPlane(ring, [x0](const Point& p) { return p.x - x0; });
  r = ClipHalfPlane(r, [x1](const Point& p) { return x1 - p.x; });
  r = ClipHalfPlane(r, [y0](const Point& p) { return p.y - y0; });
  r = ClipHalfPlane(r, [y1](const Point& p) { return y1 - p.y; });
  for (Point& p : r) p = {std::clamp(p.x, x0, x1), std::clamp(p.y, y0, y1)};
  return r;
}

// Without its outline there is no polygon.
Polygon ClipTo(const Polygon& polygon, const cv::Rect& view) {
  Polygon clipped;
  for (const std::vector<Point>& ring : polygon.rings) {
    std::vector<Point> inside = ClipTo(ring, view);
    if (inside.size() >= 3) {
      clipped.rings.push_back(std::move(inside));
    } else if (clipped.rings.empty()) {
      break;
    }
  }
  return clipped;
}

void Include(std::array<double, 4>& box, bool first, Point p) {
  if (first) box = {p.x, p.y, p.x, p.y};
  box = {std::min(box[0], p.x), std::min(box[1], p.y), std::max(box[2], p.x),
         std::max(box[3], p.y)};
}

void LookAtBits(const cv::Mat& bits, const cv::Rect& view, Visible& seen) {
  seen.outline = true;
  const cv::Rect shown = view & cv::Rect(0, 0, bits.cols, bits.rows);
  seen.full_area = cv::countNonZero(bits);
  if (shown.empty() || seen.full_area == 0) return;
  const cv::Mat part = bits(shown);
  seen.area = cv::countNonZero(part);
  if (seen.area == 0) return;
  const cv::Rect box = cv::boundingRect(part) + shown.tl();
  seen.box = {1.0 * box.x, 1.0 * box.y, 1.0 * box.x + box.width, 1.0 * box.y + box.height};
}

std::vector<Point> Corners(const Quad& quad) { return {quad.begin(), quad.end()}; }

}  // namespace

Visible LookAt(const Instance& instance, const cv::Rect& view) {
  Visible seen;
  for (const Keypoint& k : instance.keypoints) {
    seen.point = seen.point || (k.visibility > 0 && Holds(view, k.at));
  }
  const auto look = [&](const std::vector<Point>& points) {
    seen.valid = seen.valid && std::all_of(points.begin(), points.end(), IsFinite);
    seen.whole = seen.whole &&
                 std::all_of(points.begin(), points.end(), [&](Point p) { return Holds(view, p); });
  };
  if (instance.quad) look(Corners(*instance.quad));
  bool first = true;
  for (const Polygon& polygon : instance.polygons) {
    seen.outline = true;
    for (const auto& ring : polygon.rings) look(ring);
    if (!seen.valid) return seen;
    const Polygon inside = ClipTo(polygon, view);
    seen.area += inside.Area();
    seen.full_area += polygon.Area();
    if (inside.rings.empty()) continue;
    for (const Point& p : inside.rings[0]) {
      Include(seen.box, first, p);
      first = false;
    }
  }
  if (!seen.valid || seen.outline) return seen;
  if (instance.HasMask()) {
    LookAtBits(instance.Bits(), view, seen);
    return seen;
  }
  if (!instance.quad) return seen;
  seen.outline = true;
  const std::vector<Point> corners = Corners(*instance.quad);
  const std::vector<Point> inside = ClipTo(corners, view);
  seen.area = std::abs(SignedArea(inside));
  seen.full_area = std::abs(SignedArea(corners));
  for (const Point& p : inside) {
    Include(seen.box, first, p);
    first = false;
  }
  return seen;
}

std::string ReasonToDrop(const Instance& instance, const Visible& seen, const VisibleRule& rule) {
  constexpr double kSlack = 1 - 1e-6;
  if (!seen.valid) return "invalid";
  if (!seen.outline) return instance.keypoints.empty() || seen.point ? "" : "outside";
  if (!(seen.area > 0)) return seen.full_area > 0 || instance.HasMask() ? "outside" : "no area";
  if (seen.area < rule.min_area * kSlack) return "below min_area";
  const double original = instance.original_area > 0 ? instance.original_area : seen.full_area;
  if (seen.area < rule.min_visibility * original * kSlack) return "below min_visibility";
  const double side = std::min(seen.box[2] - seen.box[0], seen.box[3] - seen.box[1]);
  if (side < rule.min_size * kSlack) return "below min_size";
  return "";
}

void CutOutlines(Instance& instance, const Visible& seen, const cv::Rect& view, bool cut_oriented) {
  if (instance.quad && !instance.oriented) {
    instance.quad = BoxQuad(seen.box[0], seen.box[1], seen.box[2], seen.box[3]);
  } else if (instance.quad && cut_oriented) {
    const Quad& quad = *instance.quad;
    const std::vector<Point> left = ClipTo(Corners(quad), view);
    if (left.size() >= 3) instance.quad = RectangleAround(left, quad[1] - quad[0]);
  }
  std::vector<Polygon> inside;
  for (const Polygon& polygon : instance.polygons) {
    Polygon clipped = ClipTo(polygon, view);
    if (!clipped.rings.empty()) inside.push_back(std::move(clipped));
  }
  instance.polygons = std::move(inside);
}

void HideKeypoints(Instance& instance, const cv::Rect& view) {
  for (Keypoint& k : instance.keypoints) {
    if (!Holds(view, k.at)) k.visibility = 0;
  }
}

}  // namespace pixloom
