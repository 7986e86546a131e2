// SPDX-License-Identifier: Apache-2.0
// Labels: points by the map, angles by its Jacobian, sizes by the root of its determinant. Nothing
// is clipped or dropped.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "tests/reference/parts.h"

namespace pixloom::reference {

namespace {

using Jacobian = std::array<double, 4>;  // dx/dx, dx/dy, dy/dx, dy/dy

// Derivative of the map at p, from its definition as a quotient of linear forms.
Jacobian DerivativeAt(const Matrix& map, Point p) {
  const auto& m = map.m;
  const double w = m[6] * p.x + m[7] * p.y + m[8];
  const double u = m[0] * p.x + m[1] * p.y + m[2];
  const double v = m[3] * p.x + m[4] * p.y + m[5];
  return {(m[0] * w - u * m[6]) / (w * w), (m[1] * w - u * m[7]) / (w * w),
          (m[3] * w - v * m[6]) / (w * w), (m[4] * w - v * m[7]) / (w * w)};
}

// Slopes of q + D(q) inside the cell to the lower right of q.
Jacobian SlopesAt(const Field64& field, Point q) {
  constexpr double kStep = 1e-5;
  const Point here = field.At(q);
  const Point right = (field.At({q.x + kStep, q.y}) - here) / kStep;
  const Point below = (field.At({q.x, q.y + kStep}) - here) / kStep;
  return {1 + right.x, below.x, right.y, 1 + below.y};
}

Jacobian InverseOf(const Jacobian& j) {
  const double det = j[0] * j[3] - j[1] * j[2];
  return {j[3] / det, -j[1] / det, -j[2] / det, j[0] / det};
}

void TurnKeypoint(const Jacobian& j, Keypoint& keypoint) {
  const double x = std::cos(keypoint.angle);
  const double y = std::sin(keypoint.angle);
  keypoint.angle = std::atan2(j[2] * x + j[3] * y, j[0] * x + j[1] * y);
  keypoint.scale *= std::sqrt(std::abs(j[0] * j[3] - j[1] * j[2]));
}

double RingArea(const std::vector<Point>& ring) {
  double twice = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = ring[i];
    const Point b = ring[(i + 1) % ring.size()];
    twice += (a.x - ring[0].x) * (b.y - ring[0].y) - (b.x - ring[0].x) * (a.y - ring[0].y);
  }
  return std::abs(twice) / 2;
}

// What outlines the object: its polygons less their holes; without them its quad.
double AreaOf(const Instance& instance) {
  double area = 0;
  for (const Polygon& polygon : instance.polygons) {
    for (std::size_t r = 0; r < polygon.rings.size(); ++r) {
      area += (r == 0 ? 1 : -1) * RingArea(polygon.rings[r]);
    }
  }
  if (area == 0 && instance.quad) area = RingArea({instance.quad->begin(), instance.quad->end()});
  return area;
}

void ScaleArea(Instance& instance, double before, double after) {
  if (before > 0 && after > 0 && std::isfinite(after)) instance.original_area *= after / before;
}

// Sides along `direction`, the first corner at the low end of both axes.
Quad Around(const std::vector<Point>& points, Point direction) {
  const double angle = direction == Point(0, 0) ? 0 : std::atan2(direction.y, direction.x);
  const double c = std::cos(angle);
  const double s = std::sin(angle);
  double u0 = 1e300, u1 = -1e300, v0 = 1e300, v1 = -1e300;
  for (const Point& p : points) {
    const double u = c * p.x + s * p.y;
    const double v = c * p.y - s * p.x;
    u0 = std::min(u0, u), u1 = std::max(u1, u);
    v0 = std::min(v0, v), v1 = std::max(v1, v);
  }
  const auto corner = [&](double u, double v) { return Point(c * u - s * v, s * u + c * v); };
  return {corner(u0, v0), corner(u1, v0), corner(u1, v1), corner(u0, v1)};
}

// Outlines are cut where the map divides by less than a thousandth of what it divides by at the
// picture's corner.
class Horizon {
 public:
  explicit Horizon(const Matrix& map) : map_(map), least_(std::abs(map.m[8]) / 1000) {}

  bool Hides(Point p) const { return Over(p) < 0; }

  std::vector<Point> Cut(const std::vector<Point>& ring) const {
    std::vector<Point> kept;
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const Point a = ring[i];
      const Point b = ring[(i + 1) % ring.size()];
      if (!Hides(a)) kept.push_back(a);
      if ((Over(a) > 0 && Over(b) < 0) || (Over(a) < 0 && Over(b) > 0)) {
        const double t = Over(a) / (Over(a) - Over(b));
        kept.emplace_back(a.x + t * (b.x - a.x), a.y + t * (b.y - a.y));
      }
    }
    return kept;
  }

 private:
  double Over(Point p) const { return map_.m[6] * p.x + map_.m[7] * p.y + map_.m[8] - least_; }
  const Matrix& map_;
  double least_;
};

std::vector<Point> Pieces(const std::vector<Point>& ring, double longest) {
  std::vector<Point> points;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = ring[i];
    const Point b = ring[(i + 1) % ring.size()];
    int n = 1;
    while (std::hypot(b.x - a.x, b.y - a.y) / n > longest * (1 + 1e-6 / n)) ++n;
    for (int k = 0; k < n; ++k) {
      const double t = static_cast<double>(k) / n;
      points.emplace_back(a.x + t * (b.x - a.x), a.y + t * (b.y - a.y));
    }
  }
  return points;
}

int SwappedClass(const LabelNames& names, int label) {
  for (const auto& [left, right] : names.class_swaps) {
    if (label == left) return right;
    if (label == right) return left;
  }
  return label;
}

template <class T>
void SwapPlaces(const std::vector<std::pair<int, int>>& pairs, std::vector<T>& list) {
  const int n = static_cast<int>(list.size());
  for (const auto& [left, right] : pairs) {
    if (left < 0 || right < 0 || left >= n || right >= n) continue;
    std::swap(list[static_cast<std::size_t>(left)], list[static_cast<std::size_t>(right)]);
  }
}

}  // namespace

void MoveInstances(const Matrix& map, std::vector<Instance>& instances) {
  const Horizon horizon(map);
  const bool projective = IsProjective(map);
  const auto move = [&](const std::vector<Point>& ring) {
    std::vector<Point> moved = projective ? horizon.Cut(ring) : ring;
    for (Point& p : moved) p = Apply(map, p);
    return moved;
  };
  for (Instance& instance : instances) {
    const double before = AreaOf(instance);
    if (instance.quad) {
      const std::vector<Point> corners(instance.quad->begin(), instance.quad->end());
      const std::vector<Point> moved = move(corners);
      const bool whole = !projective || std::none_of(corners.begin(), corners.end(),
                                                     [&](Point p) { return horizon.Hides(p); });
      if (whole) {
        std::copy(moved.begin(), moved.end(), instance.quad->begin());
      } else if (moved.size() < 3) {
        instance.quad->fill({-1e9, -1e9});
      } else {
        instance.quad = Around(moved, instance.oriented ? moved[1] - moved[0] : Point(1, 0));
      }
    }
    for (Polygon& polygon : instance.polygons) {
      for (auto& ring : polygon.rings) ring = move(ring);
    }
    if (projective) {
      ScaleArea(instance, before, AreaOf(instance));
    } else {
      ScaleArea(instance, 1, std::abs(Determinant2(map)));
    }
    for (Keypoint& keypoint : instance.keypoints) {
      if (projective && horizon.Hides(keypoint.at)) {
        keypoint.at = {-1e9, -1e9};
        keypoint.visibility = 0;
        continue;
      }
      TurnKeypoint(DerivativeAt(map, keypoint.at), keypoint);
      keypoint.at = Apply(map, keypoint.at);
    }
  }
}

Point SolveField(const Field64& field, Point p) {
  const auto miss = [&](Point q) { return q + field.At(q) - p; };
  const auto length = [](Point d) { return std::hypot(d.x, d.y); };
  // The nearest centre of the whole picture is a start that no fold leads astray.
  Point best = p;
  for (int y = 0; y < field.size.height; ++y) {
    for (int x = 0; x < field.size.width; ++x) {
      const Point centre{x + 0.5, y + 0.5};
      if (length(miss(centre)) < length(miss(best))) best = centre;
    }
  }
  Point q = best;
  for (int i = 0; i < 100 && length(miss(best)) > 1e-12; ++i) {
    const Point d = miss(q);
    const Jacobian j = SlopesAt(field, q);
    const double det = j[0] * j[3] - j[1] * j[2];
    // A fold has no slope to follow; the plain fixed point goes on from there.
    const Point step = std::abs(det) < 1e-6 ? d
                                            : Point{(j[3] * d.x - j[1] * d.y) / det,
                                                    (j[0] * d.y - j[2] * d.x) / det};
    q -= step;
    if (length(miss(q)) < length(miss(best))) best = q;
  }
  return best;
}

void MoveInstances(const Field64& field, std::vector<Instance>& instances) {
  constexpr double kLongest = 4;  // px
  const auto move = [&](const std::vector<Point>& ring) {
    std::vector<Point> moved = Pieces(ring, kLongest);
    for (Point& p : moved) p = SolveField(field, p);
    return moved;
  };
  for (Instance& instance : instances) {
    const double before = AreaOf(instance);
    if (instance.quad) {
      const Quad q = *instance.quad;
      const Point direction = instance.oriented ? SolveField(field, (q[1] + q[2]) / 2) -
                                                      SolveField(field, (q[0] + q[3]) / 2)
                                                : Point(1, 0);
      instance.quad = Around(move({q.begin(), q.end()}), direction);
    }
    for (Polygon& polygon : instance.polygons) {
      for (auto& ring : polygon.rings) ring = move(ring);
    }
    ScaleArea(instance, before, AreaOf(instance));
    for (Keypoint& keypoint : instance.keypoints) {
      const Point to = SolveField(field, keypoint.at);
      TurnKeypoint(InverseOf(SlopesAt(field, to)), keypoint);
      keypoint.at = to;
    }
  }
}

std::vector<Matrix> ImagesOf(Border mode, Size picture, const double (&seen)[4]) {
  // Position 0.5 + i of image k shows pixel i of the picture, or its mirror image; reflect101
  // shares the outermost pixels between neighbours.
  struct Axis {
    double sign, shift, low, high;
  };
  const auto axes = [&](int n, double from, double to) {
    std::vector<Axis> images;
    for (int k = -8; k <= 8; ++k) {
      const bool shares = mode == Border::kReflect101;
      const double period = shares ? std::max(1, n - 1) : n;
      const double low = k * period;  // the image holds [low, low + period)
      if (!(low < to && low + period > from)) continue;
      const bool mirrored = mode != Border::kWrap && k % 2 != 0;
      const double step = shares ? n - 1 : n;
      images.push_back({mirrored ? -1.0 : 1.0,
                        mirrored ? k * step + step + (shares ? 1 : 0) : k * step, low,
                        low + period});
    }
    return images;
  };
  std::vector<Matrix> maps;
  for (const Axis& y : axes(picture.height, seen[1], seen[3])) {
    for (const Axis& x : axes(picture.width, seen[0], seen[2])) {
      if (x.low == 0 && y.low == 0) continue;
      maps.push_back({{x.sign, 0, x.shift, 0, y.sign, y.shift, 0, 0, 1}});
    }
  }
  return maps;
}

bool IsSeen(const Instance& instance, Size size) {
  const auto visible = [&](const std::vector<Point>& ring) {
    return ring.size() >= 3 && RingArea(ClipToImage(ring, size)) > 0;
  };
  if (instance.quad && visible({instance.quad->begin(), instance.quad->end()})) return true;
  for (const Polygon& polygon : instance.polygons) {
    if (!polygon.rings.empty() && visible(polygon.rings[0])) return true;
  }
  for (const Keypoint& k : instance.keypoints) {
    if (k.visibility == 0) continue;
    if (k.at.x >= 0 && k.at.y >= 0 && k.at.x <= size.width && k.at.y <= size.height) return true;
  }
  return !instance.mask.empty() && cv::countNonZero(instance.mask) > 0;
}

void SwapSides(const LabelNames& names, std::vector<Instance>& instances, SampleLabels& labels) {
  for (Instance& instance : instances) {
    if (instance.label) instance.label = SwappedClass(names, *instance.label);
    SwapPlaces(names.keypoint_swaps, instance.keypoints);
  }
  if (labels.label) labels.label = SwappedClass(names, *labels.label);
  SwapPlaces(names.class_swaps, labels.multi_hot);
  SwapPlaces(names.class_swaps, labels.soft);
}

void SwapMaskClasses(const LabelNames& names, cv::Mat& mask) {
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      if (mask.depth() == CV_16U) {
        auto& v = mask.at<std::uint16_t>(y, x);
        v = static_cast<std::uint16_t>(SwappedClass(names, v));
      } else {
        auto& v = mask.at<std::uint8_t>(y, x);
        v = static_cast<std::uint8_t>(SwappedClass(names, v));
      }
    }
  }
}

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double Distance(Point a, Point b) { return std::hypot(a.x - b.x, a.y - b.y); }

double AngleDistance(double a, double b) {
  return std::abs(std::remainder(a - b, 2 * std::numbers::pi));
}

double PolygonDifference(const Polygon& a, const Polygon& b) {
  if (a.rings.size() != b.rings.size()) return kInfinity;
  double worst = 0;
  for (std::size_t r = 0; r < a.rings.size(); ++r) {
    if (a.rings[r].size() != b.rings[r].size()) return kInfinity;
    for (std::size_t i = 0; i < a.rings[r].size(); ++i) {
      worst = std::max(worst, Distance(a.rings[r][i], b.rings[r][i]));
    }
  }
  return worst;
}

double KeypointDifference(const Keypoint& a, const Keypoint& b) {
  if (a.visibility != b.visibility) return kInfinity;
  if (a.visibility == 0) return 0;  // unlabelled: where it lies means nothing
  return std::max(
      {Distance(a.at, b.at), AngleDistance(a.angle, b.angle), std::abs(a.scale - b.scale)});
}

double InstanceDifference(const Instance& a, const Instance& b) {
  if (a.id != b.id || a.label != b.label || a.quad.has_value() != b.quad.has_value() ||
      a.oriented != b.oriented || a.polygons.size() != b.polygons.size() ||
      a.keypoints.size() != b.keypoints.size() || a.attributes != b.attributes) {
    return kInfinity;
  }
  double worst = std::abs(a.original_area - b.original_area) / std::max(1.0, a.original_area);
  if (a.quad) {
    for (std::size_t i = 0; i < 4; ++i) {
      worst = std::max(worst, Distance((*a.quad)[i], (*b.quad)[i]));
    }
  }
  for (std::size_t i = 0; i < a.polygons.size(); ++i) {
    worst = std::max(worst, PolygonDifference(a.polygons[i], b.polygons[i]));
  }
  for (std::size_t i = 0; i < a.keypoints.size(); ++i) {
    worst = std::max(worst, KeypointDifference(a.keypoints[i], b.keypoints[i]));
  }
  return worst;
}

std::size_t MaskDifference(const cv::Mat& a, const cv::Mat& b) {
  if (a.empty() && b.empty()) return 0;
  if (a.size() != b.size() || a.type() != b.type()) return std::max(a.total(), b.total());
  std::size_t count = 0;
  for (int y = 0; y < a.rows; ++y) {
    for (int x = 0; x < a.cols; ++x) {
      const bool same = a.depth() == CV_16U ? a.at<std::uint16_t>(y, x) == b.at<std::uint16_t>(y, x)
                                            : a.at<std::uint8_t>(y, x) == b.at<std::uint8_t>(y, x);
      if (!same) ++count;
    }
  }
  return count;
}

}  // namespace

double LabelDifference(const Outcome& expected, const Sample& actual) {
  if (expected.instances.size() != actual.instances.size() ||
      expected.labels.label != actual.labels.label ||
      expected.labels.multi_hot != actual.labels.multi_hot ||
      expected.labels.soft != actual.labels.soft) {
    return kInfinity;
  }
  double worst = 0;
  for (std::size_t i = 0; i < actual.instances.size(); ++i) {
    worst = std::max(worst, InstanceDifference(expected.instances[i], actual.instances[i]));
  }
  return worst;
}

std::size_t MaskDifferences(const Outcome& expected, const Sample& actual) {
  std::size_t count = 0;
  for (const auto& [name, mask] : expected.masks) {
    const auto other = actual.masks.find(name);
    count +=
        other == actual.masks.end() ? mask.total() : MaskDifference(mask, other->second.pixels);
  }
  for (std::size_t i = 0; i < expected.instances.size() && i < actual.instances.size(); ++i) {
    count += MaskDifference(expected.instances[i].mask, actual.instances[i].mask);
  }
  return count;
}

}  // namespace pixloom::reference
