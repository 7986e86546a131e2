// SPDX-License-Identifier: Apache-2.0
// Planes of float64 for the formulas of enhancers: windows, guided filter, order statistics, all as
// they are defined and without a thought of speed. Pure functions.
#pragma once

#include <vector>

#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

struct Plane {
  int width = 0;
  int height = 0;
  std::vector<double> v;

  Plane() = default;
  Plane(int w, int h) : width(w), height(h), v(static_cast<std::size_t>(w) * h) {}
  double& At(int x, int y) { return v[static_cast<std::size_t>(y) * width + x]; }
  double At(int x, int y) const { return v[static_cast<std::size_t>(y) * width + x]; }
};

// Colours in unit scale, alpha left out.
std::vector<Plane> UnitPlanes(const Image64& image);
void PutPlanes(const std::vector<Plane>& planes, Image64& image);
Plane LumaOf(const std::vector<Plane>& planes, int channels);
Plane ClampedUnit(Plane plane);

template <class Fn>  // fn(x, y)
Plane MakePlane(int width, int height, Fn fn) {
  Plane out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) out.At(x, y) = fn(x, y);
  }
  return out;
}

template <class Fn>  // fn(a, b)
Plane Combined(const Plane& a, const Plane& b, Fn fn) {
  return MakePlane(a.width, a.height, [&](int x, int y) { return fn(a.At(x, y), b.At(x, y)); });
}

// Windows of 2 * radius + 1 pixels that end at the picture's edges.
Plane WindowMean(const Plane& plane, int radius);
Plane WindowLeast(const Plane& plane, int radius);
Plane Guided(const Plane& guide, const Plane& plane, int radius, double epsilon);
int RadiusOf(double fraction, Size size);

// The value at rank floor(share * (n - 1)) from below or from above.
double FromBelow(std::vector<double> values, double share);
double FromAbove(std::vector<double> values, double share);

}  // namespace pixloom::reference
