// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lower.h"

#include <algorithm>
#include <cmath>

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

}  // namespace pixloom
