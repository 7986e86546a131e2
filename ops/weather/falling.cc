// SPDX-License-Identifier: Apache-2.0
#include "ops/weather/falling.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "ops/kernels/layer_draw.h"
#include "ops/weather/weather.h"
#include "pipeline/exact_math.h"

namespace pixloom {
namespace {

// Half of the largest bounding box, in fractions of the longer side.
Point HalfExtent(const Falling& f) {
  const double axis = std::max(f.length - f.width, 0.0);
  const double around = f.width * (1 + f.blur) / 2;
  return {axis / 2 * std::abs(exact::Sin(f.slant)) + around,
          axis / 2 * std::abs(exact::Cos(f.slant)) + around};
}

// Sizes are lo + (1 - lo) u, or u squared.
double MeanSquareSize(const Falling& f) {
  const double lo = f.farthest;
  const double rest = 1 - lo;
  return f.mostly_far ? lo * lo + 2 * lo * rest / 3 + rest * rest / 5
                      : lo * lo + lo * rest + rest * rest / 3;
}

}  // namespace

double CountOfFalling(Size picture, const Falling& f) {
  const double longer = std::max(picture.width, picture.height);
  const Point extent = HalfExtent(f);
  const double area =
      (picture.width / longer + 2 * extent.x) * (picture.height / longer + 2 * extent.y);
  const double axis = std::max(f.length - f.width, 0.0);
  const double each = MeanSquareSize(f) * (axis * f.width + exact::kPi / 4 * f.width * f.width);
  // Places are independent: n of them leave exp(-n * each / area) of the picture free.
  return -exact::Log(1 - f.density) * area / each;
}

cv::Mat DrawFalling(Size picture, const Falling& f, StreamKey key) {
  cv::Mat layer = cv::Mat::zeros(picture.height, picture.width, CV_8UC1);
  const double longer = std::max(picture.width, picture.height);
  const Point extent = HalfExtent(f) * longer;
  const Point way{exact::Sin(f.slant), exact::Cos(f.slant)};
  const double axis = std::max(f.length - f.width, 0.0) * longer;
  const auto count = static_cast<std::uint32_t>(CountOfFalling(picture, f) + 0.5);
  for (std::uint32_t i = 0; i < count; ++i) {
    const PhiloxBlock words = key.Block(i);
    const Point middle{Between(-extent.x, picture.width + extent.x, words[0]),
                       Between(-extent.y, picture.height + extent.y, words[1])};
    const double near = UnitOf(words[2]);
    const double size = f.farthest + (1 - f.farthest) * (f.mostly_far ? near * near : near);
    const double width = f.width * longer * size;
    Stroke stroke;
    stroke.from = middle - way * (axis * size / 2);
    stroke.to = middle + way * (axis * size / 2);
    stroke.width = width;
    stroke.softness = std::max(1.0, f.blur * width);
    stroke.opacity = f.opacity * (0.5 + 0.5 * near);
    DrawStroke(stroke, layer);
  }
  return layer;
}

}  // namespace pixloom
