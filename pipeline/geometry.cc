// SPDX-License-Identifier: Apache-2.0
#include "pipeline/geometry.h"

#include <algorithm>
#include <cmath>

#include "pipeline/error.h"
#include "pipeline/exact_math.h"

namespace pixloom {

Point Matrix::operator()(Point p) const {
  const double x = m[0] * p.x + m[1] * p.y + m[2];
  const double y = m[3] * p.x + m[4] * p.y + m[5];
  if (IsAffine()) return {x, y};
  const double w = m[6] * p.x + m[7] * p.y + m[8];
  return {x / w, y / w};
}

Matrix Matrix::operator*(const Matrix& first) const {
  Matrix r;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      r.m[i * 3 + j] =
          m[i * 3] * first.m[j] + m[i * 3 + 1] * first.m[3 + j] + m[i * 3 + 2] * first.m[6 + j];
    }
  }
  return r;
}

double Matrix::Determinant() const {
  return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
         m[2] * (m[3] * m[7] - m[4] * m[6]);
}

Matrix Matrix::Inverse() const {
  const double det = Determinant();
  PIXLOOM_CHECK(det != 0, "inverse of a singular map");
  Matrix r;
  r.m = {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
         m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
         m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
  for (double& v : r.m) v /= det;
  if (IsAffine()) r.m[6] = 0, r.m[7] = 0, r.m[8] = 1;
  return r;
}

std::array<double, 4> Matrix::Jacobian(Point p) const {
  if (IsAffine()) return {m[0], m[1], m[3], m[4]};
  const double w = m[6] * p.x + m[7] * p.y + m[8];
  const Point q = (*this)(p);
  return {(m[0] - q.x * m[6]) / w, (m[1] - q.x * m[7]) / w, (m[3] - q.y * m[6]) / w,
          (m[4] - q.y * m[7]) / w};
}

double Matrix::LargestStretch(Point p) const {
  // This form has no cancellation, so a turn by any angle stretches by exactly its scale.
  const auto [a, b, c, d] = Jacobian(p);
  return (std::sqrt((a + d) * (a + d) + (c - b) * (c - b)) +
          std::sqrt((a - d) * (a - d) + (b + c) * (b + c))) /
         2;
}

Matrix Matrix::Translate(double x, double y) { return {{1, 0, x, 0, 1, y, 0, 0, 1}}; }
Matrix Matrix::Scale(double x, double y) { return {{x, 0, 0, 0, y, 0, 0, 0, 1}}; }
Matrix Matrix::Shear(double x, double y) { return {{1, x, 0, y, 1, 0, 0, 0, 1}}; }
Matrix Matrix::MirrorX(int width) {
  return {{-1, 0, static_cast<double>(width), 0, 1, 0, 0, 0, 1}};
}
Matrix Matrix::MirrorY(int height) {
  return {{1, 0, 0, 0, -1, static_cast<double>(height), 0, 0, 1}};
}

Matrix Matrix::Rotate(double radians) {
  const double c = exact::Cos(radians);
  const double s = exact::Sin(radians);
  return {{c, -s, 0, s, c, 0, 0, 0, 1}};
}

Quad BoxQuad(double x1, double y1, double x2, double y2) {
  return {Point{x1, y1}, Point{x2, y1}, Point{x2, y2}, Point{x1, y2}};
}

std::array<double, 4> Bounds(const Quad& quad) {
  std::array<double, 4> b{quad[0].x, quad[0].y, quad[0].x, quad[0].y};
  for (const Point& p : quad) {
    b[0] = std::min(b[0], p.x);
    b[1] = std::min(b[1], p.y);
    b[2] = std::max(b[2], p.x);
    b[3] = std::max(b[3], p.y);
  }
  return b;
}

double SignedArea(const std::vector<Point>& ring) {
  double twice = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[(i + 1) % ring.size()];
    twice += a.x * b.y - b.x * a.y;
  }
  return twice / 2;
}

double Polygon::Area() const {
  double area = 0;
  for (std::size_t i = 0; i < rings.size(); ++i) {
    const double ring = std::abs(SignedArea(rings[i]));
    area += i == 0 ? ring : -ring;
  }
  return area;
}

std::vector<Point> ClipToImage(const std::vector<Point>& ring, Size size) {
  const double w = size.width;
  const double h = size.height;
  std::vector<Point> r = ClipHalfPlane(ring, [](const Point& p) { return p.x; });
  r = ClipHalfPlane(r, [w](const Point& p) { return w - p.x; });
  r = ClipHalfPlane(r, [](const Point& p) { return p.y; });
  r = ClipHalfPlane(r, [h](const Point& p) { return h - p.y; });
  // Where a far end was cut, rounding leaves a point a little outside.
  for (Point& p : r) p = {std::clamp(p.x, 0.0, w), std::clamp(p.y, 0.0, h)};
  return r;
}

Polygon ClipToImage(const Polygon& polygon, Size size) {
  Polygon clipped;
  for (const std::vector<Point>& ring : polygon.rings) {
    std::vector<Point> inside = ClipToImage(ring, size);
    if (inside.size() >= 3) {
      clipped.rings.push_back(std::move(inside));
    } else if (clipped.rings.empty()) {
      break;  // without its outline there is no polygon
    }
  }
  return clipped;
}

}  // namespace pixloom
