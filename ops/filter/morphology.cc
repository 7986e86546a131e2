// SPDX-License-Identifier: Apache-2.0
#include "ops/filter/morphology.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <opencv2/imgproc.hpp>

namespace pixloom {
namespace {

// The smallest rectangle along the quad's direction around the pixels that are set.
Quad FittedAlong(const Quad& quad, const cv::Mat& bits) {
  const Point side = quad[1] - quad[0];
  const double length = std::sqrt(side.dot(side));
  const Point u = length > 0 ? side / length : Point(1, 0);
  // Whichever way round the corners go.
  const Point v = Point(-u.y, u.x) * ((quad[3] - quad[0]).dot(Point(-u.y, u.x)) < 0 ? -1 : 1);
  constexpr double kFar = std::numeric_limits<double>::infinity();
  double low_u = kFar, low_v = kFar, high_u = -kFar, high_v = -kFar;
  const auto include = [&](double x, double y) {
    const Point p(x, y);
    low_u = std::min(low_u, p.dot(u));
    high_u = std::max(high_u, p.dot(u));
    low_v = std::min(low_v, p.dot(v));
    high_v = std::max(high_v, p.dot(v));
  };
  for (int y = 0; y < bits.rows; ++y) {
    const std::uint8_t* row = bits.ptr(y);
    const std::uint8_t* end = row + bits.cols;
    const auto set = [](std::uint8_t value) { return value != 0; };
    const auto first = std::find_if(row, end, set) - row;
    if (first == bits.cols) continue;
    std::ptrdiff_t last = bits.cols - 1;
    while (row[last] == 0) --last;
    for (const double edge : {y + 0.0, y + 1.0}) {
      include(static_cast<double>(first), edge);
      include(static_cast<double>(last + 1), edge);
    }
  }
  return {u * low_u + v * low_v, u * high_u + v * low_v, u * high_u + v * high_v,
          u * low_u + v * high_v};
}

void Refit(Instance& instance, const cv::Mat& bits) {
  if (!instance.quad) return;
  if (cv::countNonZero(bits) == 0) {
    const Point middle = (*instance.quad)[0] + ((*instance.quad)[2] - (*instance.quad)[0]) / 2;
    instance.quad = {middle, middle, middle, middle};
  } else if (instance.oriented) {
    instance.quad = FittedAlong(*instance.quad, bits);
  } else {
    const cv::Rect box = cv::boundingRect(bits);
    instance.quad = BoxQuad(box.x, box.y, box.x + box.width, box.y + box.height);
  }
}

}  // namespace

void MorphLabels(Sample& sample, const std::vector<MorphKind>& kinds, const cv::Mat& element) {
  for (auto& [name, mask] : sample.masks) {
    const cv::Mat before = mask.pixels;
    for (const MorphKind kind : kinds) {
      mask.pixels = MorphClasses(mask.pixels, kind, element, mask.ignore_index);
    }
    // What was taken from a class and comes back is of that class again, whoever is nearest.
    before.copyTo(mask.pixels, (mask.pixels != 0) & (before != 0));
  }
  for (Instance& instance : sample.instances) {
    if (!instance.HasMask()) continue;
    const cv::Mat before = instance.Bits();
    cv::Mat bits = before;
    for (const MorphKind kind : kinds) bits = Morph(bits, kind, element);
    const int had = cv::countNonZero(before);
    const int has = cv::countNonZero(bits);
    // The object itself is larger or smaller now: nothing was cut away.
    if (had > 0 && has > 0) instance.original_area *= static_cast<double>(has) / had;
    Refit(instance, bits);
    instance.polygons.clear();
    instance.SetBits(std::move(bits));
  }
}

}  // namespace pixloom
