// SPDX-License-Identifier: Apache-2.0
// Canvases and sizes of operators that change them: rounding of sides, canvases around turned
// pictures, the step that stretches one size to another. Pure functions.
#pragma once

#include <algorithm>
#include <cmath>

#include "ops/common.h"

namespace pixloom {

// Sides that should be whole numbers carry rounding noise; it must not add or cost a pixel.
inline constexpr double kSideSlack = 1e-9;

inline int ClampedSide(double v) { return static_cast<int>(std::clamp(v, 1.0, kMaxSide)); }

// Half up, at least one pixel.
inline int RoundedSide(double v) { return ClampedSide(std::floor(v + 0.5)); }

struct Extent {
  double width = 0;
  double height = 0;
};

// Sides of the smallest upright rectangle around the picture under the linear part of `map`.
inline Extent Spread(const Matrix& map, Size picture) {
  return {std::abs(map.m[0]) * picture.width + std::abs(map.m[1]) * picture.height,
          std::abs(map.m[3]) * picture.width + std::abs(map.m[4]) * picture.height};
}

// Whole pixels that hold all of it, or that lie within it.
inline Size SizeAround(const Extent& e) {
  return {ClampedSide(std::ceil(e.width - kSideSlack)),
          ClampedSide(std::ceil(e.height - kSideSlack))};
}
inline Size SizeWithin(const Extent& e) {
  return {ClampedSide(std::floor(e.width + kSideSlack)),
          ClampedSide(std::floor(e.height + kSideSlack))};
}

// `map` from the centre of one canvas to the centre of another.
inline Matrix BetweenCentres(const Matrix& map, Size from, Size to) {
  return Matrix::Translate(to.width / 2.0, to.height / 2.0) * map *
         Matrix::Translate(-from.width / 2.0, -from.height / 2.0);
}

inline double Tangent(double degrees) {
  return exact::Sin(Radians(degrees)) / exact::Cos(Radians(degrees));
}

inline AffineStep StretchTo(Size from, Size to, Resampling interpolation) {
  const double x = static_cast<double>(to.width) / from.width;
  const double y = static_cast<double>(to.height) / from.height;
  return {Matrix::Scale(x, y), to, std::nullopt, interpolation};
}

// Both sides times part / whole.
inline Size ScaledSize(Size size, double part, double whole = 1) {
  return {RoundedSide(size.width * part / whole), RoundedSide(size.height * part / whole)};
}

// Peers read a list as a set to choose from, we as an interval.
inline Value ListAsChoice(const Value& value) {
  if (value.kind != Value::Kind::kList) return value;
  return Value::Map({{"choice", {}, value}});
}

// Peers give a factor by how far it may be from 1: n for [1 - n, 1 + n], [a, b] for [1 + a, 1 + b].
inline Value AroundOne(const Value& value) {
  const Value ends = Symmetric(value);
  if (ends.kind != Value::Kind::kList) return value;
  std::vector<Value> shifted;
  for (const Value& end : ends.items) {
    if (!end.IsNumber()) return value;
    shifted.push_back(schema::To(1 + end.number));
  }
  return Value::List(std::move(shifted));
}

}  // namespace pixloom
