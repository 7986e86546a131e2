// SPDX-License-Identifier: Apache-2.0
// An axis-aligned map taken apart: each source axis is a linear function of one output axis. Values
// and pure functions.
#pragma once

#include <cmath>

#include "pipeline/families.h"

namespace pixloom {

// Source coordinate = scale * (output index + 0.5) + offset, over `out` output pixels and a picture
// of `in` pixels.
struct AxisMap {
  double scale = 1;
  double offset = 0;
  int out = 0;
  int in = 0;

  double At(double output) const { return scale * output + offset; }
  double Low() const { return scale > 0 ? At(0) : At(out); }
  double High() const { return scale > 0 ? At(out) : At(0); }
  // The output shows nothing outside the picture.
  bool Inside() const { return Low() >= -Slack() && High() <= in + Slack(); }
  // The output shows the whole picture and nothing else.
  bool Whole() const { return std::abs(Low()) <= Slack() && std::abs(High() - in) <= Slack(); }
  double Slack() const { return 1e-9 * (in + out); }
};

struct AxisMaps {
  AxisMap x;                // source x
  AxisMap y;                // source y
  bool transposed = false;  // source x depends on output y
};

// REQUIRES: group.IsAxisAligned().
inline AxisMaps TakeApart(const AffineGroup& group, Size in) {
  const Matrix inverse = group.map.Inverse();
  const auto& m = inverse.m;
  const bool transposed = std::abs(m[0]) + std::abs(m[4]) < std::abs(m[1]) + std::abs(m[3]);
  if (transposed) {
    return {
        {m[1], m[2], group.out.height, in.width}, {m[3], m[5], group.out.width, in.height}, true};
  }
  return {
      {m[0], m[2], group.out.width, in.width}, {m[4], m[5], group.out.height, in.height}, false};
}

}  // namespace pixloom
