// SPDX-License-Identifier: Apache-2.0
// Coordinates and maps.
//
// Inside Pixloom everything lives in continuous edge coordinates: an image spans [0,W]x[0,H], pixel
// (i,j) covers [i,i+1]x[j,j+1] and its centre is (i+0.5, j+0.5). Angles are radians, y down.
// Plain values and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <opencv2/core.hpp>

namespace pixloom {

struct Size {
  int width = 0;
  int height = 0;
  bool operator==(const Size&) const = default;
  std::int64_t Area() const { return std::int64_t{width} * height; }
  bool Empty() const { return width <= 0 || height <= 0; }
};

using Point = cv::Point2d;

// Row-major 3x3 projective map in edge coordinates. As used by AffineStep it takes source points to
// output points.
struct Matrix {
  std::array<double, 9> m{1, 0, 0, 0, 1, 0, 0, 0, 1};

  bool operator==(const Matrix&) const = default;
  Point operator()(Point p) const;
  // Apply `first`, then *this.
  Matrix operator*(const Matrix& first) const;
  // REQUIRES: not singular.
  Matrix Inverse() const;
  double Determinant() const;
  bool IsAffine() const { return m[6] == 0 && m[7] == 0 && m[8] == 1; }
  // d(out)/d(in) at p: {dx/dx, dx/dy, dy/dx, dy/dy}.
  std::array<double, 4> Jacobian(Point p) const;
  // The most any direction is magnified at p: the largest singular value of the Jacobian.
  double LargestStretch(Point p) const;

  static Matrix Identity() { return {}; }
  static Matrix Translate(double x, double y);
  static Matrix Scale(double x, double y);
  static Matrix Rotate(double radians);  // y down: positive turns clockwise on screen
  static Matrix Shear(double x, double y);
  static Matrix MirrorX(int width);   // hflip
  static Matrix MirrorY(int height);  // vflip
};

// A box kept as its four mapped corners, so that two rotations do not inflate it twice.
using Quad = std::array<Point, 4>;

Quad BoxQuad(double x1, double y1, double x2, double y2);

// Tight axis-aligned bounds {x1, y1, x2, y2}.
std::array<double, 4> Bounds(const Quad& quad);

// Signed area by the shoelace formula; absolute value is the area.
double SignedArea(const std::vector<Point>& ring);

// A polygon: the first ring is the outline, further rings are holes.
struct Polygon {
  std::vector<std::vector<Point>> rings;
  double Area() const;
};

// Keeps the part of `ring` where inside(p) >= 0; inside is linear in p (Sutherland-Hodgman).
template <class Inside>
std::vector<Point> ClipHalfPlane(const std::vector<Point>& ring, Inside inside) {
  std::vector<Point> kept;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[(i + 1) % ring.size()];
    const double da = inside(a);
    const double db = inside(b);
    if (da >= 0) kept.push_back(a);
    if ((da > 0 && db < 0) || (da < 0 && db > 0)) kept.push_back(a + (b - a) * (da / (da - db)));
  }
  return kept;
}

// The part of a simple ring inside [0,W]x[0,H]. Separate parts of a concave one stay one ring,
// joined along the edge of the image; its area is right.
std::vector<Point> ClipToImage(const std::vector<Point>& ring, Size size);
// Holes stay holes; no rings when nothing is left.
Polygon ClipToImage(const Polygon& polygon, Size size);

}  // namespace pixloom
