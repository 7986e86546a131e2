// SPDX-License-Identifier: Apache-2.0
#include "pipeline/labels.h"

#include <algorithm>
#include <cmath>

#include "pipeline/exact_math.h"

namespace pixloom {

Point DisplacementAt(const cv::Mat& field, Point p) {
  // fmax takes what is not a number to 0, clamp would hand it on.
  const double x = std::fmin(std::fmax(p.x - 0.5, 0.0), field.cols - 1.0);
  const double y = std::fmin(std::fmax(p.y - 0.5, 0.0), field.rows - 1.0);
  const int x0 = std::min(static_cast<int>(x), std::max(0, field.cols - 2));
  const int y0 = std::min(static_cast<int>(y), std::max(0, field.rows - 2));
  const int x1 = std::min(x0 + 1, field.cols - 1);
  const int y1 = std::min(y0 + 1, field.rows - 1);
  const double fx = x - x0;
  const double fy = y - y0;
  const auto at = [&](int row, int col) {
    const auto& v = field.at<cv::Vec2f>(row, col);
    return Point(v[0], v[1]);
  };
  const Point top = at(y0, x0) * (1 - fx) + at(y0, x1) * fx;
  const Point bottom = at(y1, x0) * (1 - fx) + at(y1, x1) * fx;
  return top * (1 - fy) + bottom * fy;
}

namespace {

bool IsFinite(Point p) { return std::isfinite(p.x) && std::isfinite(p.y); }

// ---- Mirroring ----------------------------------------------------------------------------------

template <class T>
void SwapPairs(const std::vector<std::pair<int, int>>& pairs, std::vector<T>& points) {
  const int n = static_cast<int>(points.size());
  for (const auto& [a, b] : pairs) {
    if (a < n && b < n && a >= 0 && b >= 0) {
      std::swap(points[static_cast<std::size_t>(a)], points[static_cast<std::size_t>(b)]);
    }
  }
}

int SwappedClass(const std::vector<std::pair<int, int>>& pairs, int label) {
  for (const auto& [a, b] : pairs) {
    if (label == a) return b;
    if (label == b) return a;
  }
  return label;
}

void SwapSides(const LabelNames& names, Instance& instance) {
  SwapPairs(names.keypoint_swaps, instance.keypoints);
  if (instance.label) instance.label = SwappedClass(names.class_swaps, *instance.label);
}

// Classes of the picture and of its masks.
void SwapClasses(const LabelNames& names, Sample& sample) {
  if (names.class_swaps.empty()) return;
  SampleLabels& labels = sample.labels;
  if (labels.label) labels.label = SwappedClass(names.class_swaps, *labels.label);
  SwapPairs(names.class_swaps, labels.multi_hot);
  SwapPairs(names.class_swaps, labels.soft);
  for (auto& [name, mask] : sample.masks) {
    MakeUnique(mask.pixels);
    const auto swap = [&](auto& value) {
      value = static_cast<std::remove_reference_t<decltype(value)>>(
          SwappedClass(names.class_swaps, value));
    };
    if (mask.pixels.depth() == CV_8U) {
      mask.pixels.forEach<std::uint8_t>([&](std::uint8_t& v, const int*) { swap(v); });
    } else {
      mask.pixels.forEach<std::uint16_t>([&](std::uint16_t& v, const int*) { swap(v); });
    }
  }
}

bool Mirrors(const Matrix& map) { return map.Determinant() < 0; }

// ---- Parts of an object -------------------------------------------------------------------------

// Moves an oriented point: position by the map, angle and scale by its Jacobian.
void MoveKeypoint(Keypoint& k, Point to, const std::array<double, 4>& jacobian) {
  const double c = exact::Cos(k.angle);
  const double s = exact::Sin(k.angle);
  k.at = to;
  k.angle = exact::Atan2(jacobian[2] * c + jacobian[3] * s, jacobian[0] * c + jacobian[1] * s);
  k.scale *= std::sqrt(std::abs(jacobian[0] * jacobian[3] - jacobian[1] * jacobian[2]));
}

// Area of what outlines the object: its polygons, or its quad; 0 when neither.
double OutlineArea(const Instance& instance) {
  double area = 0;
  for (const Polygon& polygon : instance.polygons) area += polygon.Area();
  if (area == 0 && instance.quad) {
    area = std::abs(SignedArea({instance.quad->begin(), instance.quad->end()}));
  }
  return area;
}

void ScaleOriginalArea(Instance& instance, double before, double after) {
  if (before > 0 && after > 0 && std::isfinite(after)) instance.original_area *= after / before;
}

// ---- Projective maps ----------------------------------------------------------------------------

// A thousandth of what the map divides by at the corner of the picture: what lies nearer to the
// horizon is magnified a thousandfold.
double NearHorizon(const Matrix& map) { return 1e-3 * std::abs(map.m[8]); }

double Depth(const Matrix& map, Point p) {
  return map.m[6] * p.x + map.m[7] * p.y + map.m[8] - NearHorizon(map);
}

// The part of the ring before the horizon, mapped.
std::vector<Point> MoveRing(const Matrix& map, const std::vector<Point>& ring) {
  std::vector<Point> moved;
  const auto inside = [&](Point p) { return Depth(map, p); };
  const bool all = std::all_of(ring.begin(), ring.end(), [&](Point p) { return inside(p) >= 0; });
  for (const Point& p : all ? ring : ClipHalfPlane(ring, inside)) moved.push_back(map(p));
  return moved;
}

// A quad in one piece, whatever the horizon left of it.
Quad MoveQuad(const Matrix& map, const Quad& quad, bool oriented) {
  Quad moved = quad;
  const auto behind = [&](Point p) { return Depth(map, p) < 0; };
  if (std::none_of(quad.begin(), quad.end(), behind)) {
    for (Point& p : moved) p = map(p);
    return moved;
  }
  const std::vector<Point> left = MoveRing(map, {quad.begin(), quad.end()});
  if (left.size() < 3) return {kNowhere, kNowhere, kNowhere, kNowhere};
  return RectangleAround(left, oriented ? left[1] - left[0] : Point(1, 0));
}

void MoveInstance(const Matrix& map, Instance& instance) {
  const double before = OutlineArea(instance);
  const bool affine = map.IsAffine();
  if (instance.quad) {
    if (affine) {
      for (Point& p : *instance.quad) p = map(p);
    } else {
      instance.quad = MoveQuad(map, *instance.quad, instance.oriented);
    }
  }
  for (Polygon& polygon : instance.polygons) {
    for (auto& ring : polygon.rings) {
      if (affine) {
        for (Point& p : ring) p = map(p);
      } else {
        ring = MoveRing(map, ring);
      }
    }
  }
  if (affine) {
    ScaleOriginalArea(instance, 1, std::abs(map.m[0] * map.m[4] - map.m[1] * map.m[3]));
  } else {
    ScaleOriginalArea(instance, before, OutlineArea(instance));
  }
  for (Keypoint& k : instance.keypoints) {
    if (!affine && Depth(map, k.at) < 0) {
      k.at = kNowhere;
      k.visibility = 0;
    } else {
      MoveKeypoint(k, map(k.at), map.Jacobian(k.at));
    }
  }
}

// ---- Displacement fields ------------------------------------------------------------------------

constexpr double kPiece = 4;  // px

// The closed ring with its edges split into equal pieces of at most kPiece.
std::vector<Point> Split(std::span<const Point> ring) {
  std::vector<Point> split;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = ring[i];
    const Point along = ring[(i + 1) % ring.size()] - a;
    const double length = std::sqrt(along.dot(along));
    // A whole number of pieces stays one when the length is off by rounding.
    const double pieces = std::clamp(std::ceil(length / kPiece - 1e-6), 1.0, 1e4);
    for (double k = 0; k < pieces; ++k) split.push_back(a + along * (k / pieces));
  }
  return split;
}

std::vector<Point> MoveRing(const cv::Mat& field, std::span<const Point> ring) {
  std::vector<Point> moved = Split(ring);
  for (Point& p : moved) p = InverseOfField(field, p);
  return moved;
}

Quad MoveQuad(const cv::Mat& field, const Quad& quad, bool oriented) {
  if (!std::all_of(quad.begin(), quad.end(), IsFinite)) return quad;
  Point direction(1, 0);
  if (oriented) {  // from the middle of the left side to the middle of the right one
    direction = InverseOfField(field, (quad[1] + quad[2]) * 0.5) -
                InverseOfField(field, (quad[3] + quad[0]) * 0.5);
  }
  return RectangleAround(MoveRing(field, quad), direction);
}

void MoveInstance(const cv::Mat& field, Instance& instance) {
  const double before = OutlineArea(instance);
  if (instance.quad) instance.quad = MoveQuad(field, *instance.quad, instance.oriented);
  for (Polygon& polygon : instance.polygons) {
    for (auto& ring : polygon.rings) ring = MoveRing(field, ring);
  }
  ScaleOriginalArea(instance, before, OutlineArea(instance));
  for (Keypoint& k : instance.keypoints) {
    const Point to = InverseOfField(field, k.at);
    // The inverse map's Jacobian is the inverse of d(source)/d(output) at the output point.
    constexpr double kStep = 0.5;
    const Point dx = Point(1, 0) + (DisplacementAt(field, to + Point(kStep, 0)) -
                                    DisplacementAt(field, to - Point(kStep, 0)));
    const Point dy = Point(0, 1) + (DisplacementAt(field, to + Point(0, kStep)) -
                                    DisplacementAt(field, to - Point(0, kStep)));
    const double det = dx.x * dy.y - dy.x * dx.y;
    if (!(std::abs(det) > 1e-6)) {
      k.at = to;
      continue;
    }
    MoveKeypoint(k, to, {dy.y / det, -dy.x / det, -dx.y / det, dx.x / det});
  }
}

// d(source)/d(output) inside the cell of four centres that holds the point, or the one to its lower
// right: {dx/dx, dx/dy, dy/dx, dy/dy}.
std::array<double, 4> SlopesAt(const cv::Mat& field, Point p) {
  const double u = p.x - 0.5;
  const double v = p.y - 0.5;
  const int x0 =
      static_cast<int>(std::clamp(std::floor(u), 0.0, std::max(0, field.cols - 2) * 1.0));
  const int y0 =
      static_cast<int>(std::clamp(std::floor(v), 0.0, std::max(0, field.rows - 2) * 1.0));
  const int x1 = std::min(x0 + 1, field.cols - 1);
  const int y1 = std::min(y0 + 1, field.rows - 1);
  const double fx = std::clamp(u - x0, 0.0, 1.0);
  const double fy = std::clamp(v - y0, 0.0, 1.0);
  // Beyond the outermost centres the displacement stays what it is there.
  const double in_x = u >= 0 && u < field.cols - 1 ? 1 : 0;
  const double in_y = v >= 0 && v < field.rows - 1 ? 1 : 0;
  const auto at = [&](int row, int col) {
    const auto& d = field.at<cv::Vec2f>(row, col);
    return Point(d[0], d[1]);
  };
  const Point along_x =
      ((at(y0, x1) - at(y0, x0)) * (1 - fy) + (at(y1, x1) - at(y1, x0)) * fy) * in_x;
  const Point along_y =
      ((at(y1, x0) - at(y0, x0)) * (1 - fx) + (at(y1, x1) - at(y0, x1)) * fx) * in_y;
  return {1 + along_x.x, along_y.x, along_x.y, 1 + along_y.y};
}

}  // namespace

Point InverseOfField(const cv::Mat& field, Point from) {
  if (!IsFinite(from)) return from;
  const auto residual = [&](Point out) { return out + DisplacementAt(field, out) - from; };
  const auto length = [](Point p) { return std::sqrt(p.dot(p)); };
  // Newton with the slopes of the cell the point lies in. Slopes jump between cells, so a step is
  // halved until it helps; inside the cell a short one always does.
  const auto solve = [&](Point start, Point* found) {
    Point out = start;
    Point r = residual(out);
    for (int i = 0; i < 60 && length(r) > 1e-7; ++i) {
      const auto [a, b, c, d] = SlopesAt(field, out);
      const double det = a * d - b * c;
      Point move = std::abs(det) > 1e-3
                       ? Point((d * r.x - b * r.y) / det, (a * r.y - c * r.x) / det)
                       : Point(r.x * 0.5, r.y * 0.5);
      if (length(move) > 8) move *= 8 / length(move);  // folds must not throw it away
      Point next = residual(out - move);
      for (int halvings = 0; halvings < 12 && length(next) >= length(r); ++halvings) {
        move *= 0.5;
        next = residual(out - move);
      }
      if (length(next) >= length(r)) break;
      out -= move;
      r = next;
    }
    *found = out;
    return length(r);
  };
  Point best = from;
  double error = solve(from - DisplacementAt(field, from), &best);
  // In a fold the start may lead nowhere: every cell that could show the point is tried.
  const auto reach = [&](int row, int column) {  // the source of a centre, seen from the point
    return residual(Point(column + 0.5, row + 0.5));
  };
  for (int y = 0; error >= 0.01 && y + 1 < field.rows; ++y) {
    for (int x = 0; error >= 0.01 && x + 1 < field.cols; ++x) {
      const Point a = reach(y, x), b = reach(y, x + 1), c = reach(y + 1, x),
                  d = reach(y + 1, x + 1);
      if (std::min({a.x, b.x, c.x, d.x}) > 0 || std::max({a.x, b.x, c.x, d.x}) < 0 ||
          std::min({a.y, b.y, c.y, d.y}) > 0 || std::max({a.y, b.y, c.y, d.y}) < 0) {
        continue;
      }
      Point other;
      const double miss = solve(Point(x + 1, y + 1), &other);
      if (miss < error) error = miss, best = other;
    }
  }
  return best;
}

Quad RectangleAround(std::span<const Point> points, Point direction) {
  const double length = std::sqrt(direction.dot(direction));
  const Point u = length > 0 ? direction / length : Point(1, 0);
  const Point v(-u.y, u.x);
  double low_u = 1e300, high_u = -1e300, low_v = 1e300, high_v = -1e300;
  for (const Point& p : points) {
    low_u = std::min(low_u, p.dot(u)), high_u = std::max(high_u, p.dot(u));
    low_v = std::min(low_v, p.dot(v)), high_v = std::max(high_v, p.dot(v));
  }
  return {u * low_u + v * low_v, u * high_u + v * low_v, u * high_u + v * high_v,
          u * low_u + v * high_v};
}

void MoveInstances(const Matrix& map, std::span<Instance> instances, const LabelNames* names) {
  if (map == Matrix::Identity()) return;
  for (Instance& instance : instances) {
    MoveInstance(map, instance);
    if (names != nullptr && Mirrors(map)) SwapSides(*names, instance);
  }
}

void MoveLabels(const Matrix& map, Sample& sample) {
  MoveInstances(map, sample.instances, sample.names.get());
  if (sample.names != nullptr && Mirrors(map)) SwapClasses(*sample.names, sample);
}

void MoveLabels(const WarpField& field, Sample& sample) {
  for (Instance& instance : sample.instances) MoveInstance(field.displacement, instance);
}

bool IsVisible(const Instance& instance, Size size) {
  const auto shows_area = [&](const std::vector<Point>& ring) {
    return std::abs(SignedArea(ClipToImage(ring, size))) > 0;
  };
  if (instance.quad && shows_area({instance.quad->begin(), instance.quad->end()})) return true;
  for (const Polygon& polygon : instance.polygons) {
    if (!polygon.rings.empty() && shows_area(polygon.rings[0])) return true;
  }
  for (const Keypoint& k : instance.keypoints) {
    const bool inside = k.at.x >= 0 && k.at.y >= 0 && k.at.x <= size.width && k.at.y <= size.height;
    if (k.visibility > 0 && inside) return true;
  }
  if (instance.rle) return instance.rle->Area() > 0;
  return !instance.mask.empty() && cv::countNonZero(instance.mask) > 0;
}

// ---- Repeating borders --------------------------------------------------------------------------

std::array<double, 4> SeenBy(const AffineStep& step) {
  const Matrix back = step.map.Inverse();
  Quad corners = BoxQuad(0, 0, step.out.width, step.out.height);
  for (Point& p : corners) p = back(p);
  return Bounds(corners);
}

std::array<double, 4> SeenBy(const WarpField& field) {
  const cv::Mat& d = field.displacement;
  std::array<double, 4> seen{0, 0, 1.0 * d.cols, 1.0 * d.rows};
  for (int y = 0; y < d.rows; ++y) {
    const auto* row = d.ptr<cv::Vec2f>(y);
    for (int x = 0; x < d.cols; ++x) {
      seen[0] = std::min<double>(seen[0], x + row[x][0]);
      seen[1] = std::min<double>(seen[1], y + row[x][1]);
      seen[2] = std::max<double>(seen[2], x + 1 + row[x][0]);
      seen[3] = std::max<double>(seen[3], y + 1 + row[x][1]);
    }
  }
  return seen;
}

std::vector<Matrix> RepeatedImages(Border mode, Size picture, const std::array<double, 4>& seen) {
  std::vector<Matrix> maps;
  // Image k of an axis of n pixels: moved by k periods, every other one mirrored. reflect101 does
  // not repeat the outermost pixel, so its period is a pixel shorter.
  const auto axis = [&](int n, int k) {
    const bool skip = mode == Border::kReflect101;
    const double period = skip ? n - 1 : n;
    if (mode == Border::kWrap || k % 2 == 0) return std::pair{1.0, k * period};
    return std::pair{-1.0, (k + 1) * period + (skip ? 1 : 0)};
  };
  constexpr int kMost = 8;  // images to each side; further ones are a few pixels wide
  const auto range = [&](int n, double low, double high) {
    const double period = mode == Border::kReflect101 ? std::max(1, n - 1) : n;
    const auto clamp = [](double k) {
      return static_cast<int>(std::clamp<double>(k, -kMost, kMost));
    };
    return std::pair{clamp(std::floor(low / period)), clamp(std::ceil(high / period) - 1)};
  };
  const auto [x_first, x_last] = range(picture.width, seen[0], seen[2]);
  const auto [y_first, y_last] = range(picture.height, seen[1], seen[3]);
  for (int ky = y_first; ky <= y_last; ++ky) {
    for (int kx = x_first; kx <= x_last; ++kx) {
      if (kx == 0 && ky == 0) continue;
      const auto [sx, tx] = axis(picture.width, kx);
      const auto [sy, ty] = axis(picture.height, ky);
      maps.push_back({{sx, 0, tx, 0, sy, ty, 0, 0, 1}});
    }
  }
  return maps;
}

}  // namespace pixloom
