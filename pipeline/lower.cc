// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lower.h"

#include <algorithm>
#include <cmath>

#include "pipeline/exact_math.h"

namespace pixloom {

namespace {

constexpr double kExact = 1e-9;  // relative to coordinates of at most 65,500 px

bool Near(double a, double b) { return std::abs(a - b) <= kExact * std::max(1.0, std::abs(b)); }

bool IsInteger(double v) { return Near(v, std::round(v)); }

// Corners of the source rectangle under the map, as bounds {x1, y1, x2, y2}.
std::array<double, 4> MappedBounds(const Matrix& map, Size in) {
  Quad corners = BoxQuad(0, 0, in.width, in.height);
  for (Point& p : corners) p = map(p);
  return Bounds(corners);
}

bool TakesRectangleTo(const Matrix& map, Size in, Size out) {
  if (!map.IsAffine()) return false;
  // A turn by 180 degrees leaves sines of 1e-16; over the picture that is no displacement.
  const auto flat = [&](double slope) {
    return std::abs(slope) * std::max(in.width, in.height) <= kExact;
  };
  const bool straight = flat(map.m[1]) && flat(map.m[3]);
  const bool turned = flat(map.m[0]) && flat(map.m[4]);
  if (!straight && !turned) return false;
  const auto b = MappedBounds(map, in);
  return Near(b[0], 0) && Near(b[1], 0) && Near(b[2], out.width) && Near(b[3], out.height);
}

bool ResamplingsCompose(Resampling a, Resampling b) {
  return (a == Resampling::kNearest) == (b == Resampling::kNearest);
}

}  // namespace

bool Selection::Takes(std::string_view field) const {
  return fields.empty() || std::find(fields.begin(), fields.end(), field) != fields.end();
}

bool IsCrop(const AffineStep& step, Size in) {
  const auto& m = step.map.m;
  const double side = std::max(in.width, in.height);
  const auto is = [&](double value, double exact) {
    return std::abs(value - exact) * side <= kExact;
  };
  const bool shift = step.map.IsAffine() && is(m[0], 1) && is(m[4], 1) && is(m[1], 0) &&
                     is(m[3], 0) && IsInteger(m[2]) && IsInteger(m[5]);
  if (!shift || step.out == in) return false;
  const double left = std::round(-m[2]);
  const double top = std::round(-m[5]);
  return left >= 0 && top >= 0 && left + step.out.width <= in.width &&
         top + step.out.height <= in.height;
}

bool KeepsWindow(const AffineStep& step, Size in) {
  return TakesRectangleTo(step.map, in, step.out);
}

AffineGroup MakeGroup(const AffineStep& step, Size in) {
  AffineGroup group;
  group.in = in;
  group.out = in;
  group.border.mode = Border::kReplicate;  // until a step says how to look outside
  const bool composed = Compose(group, step);
  PIXLOOM_CHECK(composed, "the first step of a group always fits");
  return group;
}

bool Compose(AffineGroup& group, const AffineStep& step) {
  const bool crop = IsCrop(step, group.out);
  if (group.cropped && !KeepsWindow(step, group.out)) return false;
  if (step.border && group.has_border && !(*step.border == group.border)) return false;
  if (step.resampling && group.resampled &&
      !ResamplingsCompose(group.resampling, *step.resampling)) {
    return false;
  }
  const bool exact_so_far = group.IsExactCopy() && !group.has_border;
  group.map = step.map * group.map;
  group.out = step.out;
  if (step.border) {
    group.border = *step.border;
    group.has_border = true;
  }
  if (step.resampling) {
    // The stronger filter wins, and filters are listed by strength: antialias next to linear is
    // antialias.
    group.resampling =
        group.resampled ? std::max(group.resampling, *step.resampling) : *step.resampling;
    group.resampled = true;
  }
  if (crop) {
    group.cropped = true;
    if (exact_so_far) {
      Quad corners = BoxQuad(0, 0, group.out.width, group.out.height);
      const Matrix back = group.map.Inverse();
      for (Point& p : corners) p = back(p);
      const auto b = Bounds(corners);
      const auto rounded = [](double v) { return static_cast<int>(std::lround(v)); };
      group.window =
          cv::Rect(rounded(b[0]), rounded(b[1]), rounded(b[2] - b[0]), rounded(b[3] - b[1]));
    }
  }
  return true;
}

int DecodeDenominator(const AffineGroup& group) {
  if (!group.map.IsAffine() || group.resampling == Resampling::kNearest || !group.resampled) {
    return 1;
  }
  const double largest = group.map.LargestStretch({0, 0});
  for (int d : {8, 4, 2}) {
    if (largest * d <= 1 + kExact) return d;
  }
  return 1;
}

Point DisplacementAt(const cv::Mat& field, Point p) {
  const double x = std::clamp(p.x - 0.5, 0.0, field.cols - 1.0);
  const double y = std::clamp(p.y - 0.5, 0.0, field.rows - 1.0);
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

// Mirrored pictures exchange left and right: keypoints, classes of the picture, of instances and of
// masks.
void ApplySwaps(Sample& sample) {
  if (sample.names == nullptr) return;
  const LabelNames& names = *sample.names;
  SampleLabels& labels = sample.labels;
  if (labels.label) labels.label = SwappedClass(names.class_swaps, *labels.label);
  SwapPairs(names.class_swaps, labels.multi_hot);
  SwapPairs(names.class_swaps, labels.soft);
  for (Instance& instance : sample.instances) {
    SwapPairs(names.keypoint_swaps, instance.keypoints);
    if (instance.label) instance.label = SwappedClass(names.class_swaps, *instance.label);
  }
  if (names.class_swaps.empty()) return;
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

// Moves an oriented point: position by the map, angle and scale by its Jacobian.
void MoveKeypoint(Keypoint& k, Point to, const std::array<double, 4>& jacobian) {
  const double c = exact::Cos(k.angle);
  const double s = exact::Sin(k.angle);
  k.at = to;
  k.angle = exact::Atan2(jacobian[2] * c + jacobian[3] * s, jacobian[0] * c + jacobian[1] * s);
  k.scale *= std::sqrt(std::abs(jacobian[0] * jacobian[3] - jacobian[1] * jacobian[2]));
}

template <class Map>
void MoveOutlines(Instance& instance, const Map& map) {
  if (instance.quad) {
    for (Point& p : *instance.quad) p = map(p);
  }
  for (Polygon& polygon : instance.polygons) {
    for (auto& ring : polygon.rings) {
      for (Point& p : ring) p = map(p);
    }
  }
}

// The output point whose source is `from`: solves out + d(out) = from.
Point InverseOfField(const cv::Mat& field, Point from) {
  const auto residual = [&](Point out) { return out + DisplacementAt(field, out) - from; };
  const auto solve = [&](Point start, Point* found) {
    Point out = start;
    for (int i = 0; i < 60; ++i) {
      const Point r = residual(out);
      if (std::abs(r.x) < 1e-6 && std::abs(r.y) < 1e-6) break;
      // Newton with a finite-difference Jacobian; damped so that folds do not throw it away.
      constexpr double kStep = 0.25;
      const Point rx = residual(out + Point(kStep, 0)) - r;
      const Point ry = residual(out + Point(0, kStep)) - r;
      const double a = rx.x / kStep, b = ry.x / kStep, c = rx.y / kStep, d = ry.y / kStep;
      const double det = a * d - b * c;
      Point move = std::abs(det) > 0.05
                       ? Point((d * r.x - b * r.y) / det, (a * r.y - c * r.x) / det)
                       : Point(r.x * 0.5, r.y * 0.5);
      const double length = std::sqrt(move.dot(move));
      if (length > 8) move *= 8 / length;
      out -= move;
    }
    *found = out;
    const Point r = residual(out);
    return std::sqrt(r.dot(r));
  };
  Point best = from;
  double error = solve(from - DisplacementAt(field, from), &best);
  if (error < 0.01) return best;
  // Start from the cell whose source lies nearest when the first start fails.
  Point nearest = from;
  double distance = 1e300;
  for (int y = 0; y < field.rows; y += 4) {
    for (int x = 0; x < field.cols; x += 4) {
      const Point out(x + 0.5, y + 0.5);
      const Point r = residual(out);
      const double d = r.x * r.x + r.y * r.y;
      if (d < distance) distance = d, nearest = out;
    }
  }
  Point second = nearest;
  return solve(nearest, &second) < error ? second : best;
}

}  // namespace

void MoveLabels(const Matrix& map, Sample& sample) {
  if (map == Matrix::Identity()) return;
  for (Instance& instance : sample.instances) {
    MoveOutlines(instance, map);
    for (Keypoint& k : instance.keypoints) MoveKeypoint(k, map(k.at), map.Jacobian(k.at));
  }
  if (map.IsAffine() && map.m[0] * map.m[4] - map.m[1] * map.m[3] < 0) ApplySwaps(sample);
}

void MoveLabels(const WarpField& field, Sample& sample) {
  const cv::Mat& d = field.displacement;
  const auto map = [&](Point p) { return InverseOfField(d, p); };
  for (Instance& instance : sample.instances) {
    MoveOutlines(instance, map);
    for (Keypoint& k : instance.keypoints) {
      const Point to = map(k.at);
      // The inverse map's Jacobian is the inverse of d(source)/d(output) at the output point.
      constexpr double kStep = 0.5;
      const Point dx = Point(1, 0) + (DisplacementAt(d, to + Point(kStep, 0)) -
                                      DisplacementAt(d, to - Point(kStep, 0)));
      const Point dy = Point(0, 1) + (DisplacementAt(d, to + Point(0, kStep)) -
                                      DisplacementAt(d, to - Point(0, kStep)));
      const double det = dx.x * dy.y - dy.x * dx.y;
      if (std::abs(det) < 1e-6) {
        k.at = to;
        continue;
      }
      MoveKeypoint(k, to, {dy.y / det, -dy.x / det, -dx.y / det, dx.x / det});
    }
  }
}

}  // namespace pixloom
