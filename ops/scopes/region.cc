// SPDX-License-Identifier: Apache-2.0
#include "ops/scopes/region.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/erase/holes.h"
#include "ops/kernels/coverage.h"
#include "ops/kernels/inner_distance.h"
#include "ops/kernels/pixel_math.h"

namespace pixloom {

namespace {

// Shares this close to nothing or all come from rounding.
constexpr double kTie = 1e-6;

float ShareOf(double coverage) {
  if (coverage < kTie) return 0;
  return coverage > 1 - kTie ? 1.0F : static_cast<float>(coverage);
}

Polygon Outline(const Quad& quad) { return {{{quad.begin(), quad.end()}}}; }

void Include(std::array<double, 4>& box, Point p) {
  box = {std::min(box[0], p.x), std::min(box[1], p.y), std::max(box[2], p.x),
         std::max(box[3], p.y)};
}

// The upright box around what the object has; nothing when it has no outline.
std::vector<Polygon> BoxAround(const Instance& instance) {
  std::array<double, 4> box{1e300, 1e300, -1e300, -1e300};
  if (instance.quad) {
    box = Bounds(*instance.quad);
  } else if (!instance.polygons.empty()) {
    for (const Polygon& polygon : instance.polygons) {
      for (const auto& ring : polygon.rings) {
        for (const Point& p : ring) Include(box, p);
      }
    }
  } else if (instance.HasMask()) {
    const cv::Mat bits = instance.Bits();
    for (int y = 0; y < bits.rows; ++y) {
      const auto* row = bits.ptr<std::uint8_t>(y);
      for (int x = 0; x < bits.cols; ++x) {
        if (row[x] == 0) continue;
        Include(box, Point(x, y));
        Include(box, Point(x + 1, y + 1));
      }
    }
  }
  if (box[2] < box[0]) return {};
  return {Outline(BoxQuad(box[0], box[1], box[2], box[3]))};
}

// The outlines that count; empty when bits do, or nothing.
std::vector<Polygon> OutlinesOf(const Instance& instance, RegionShape shape) {
  switch (shape) {
    case RegionShape::kMasks:
      return {};
    case RegionShape::kPolygons:
      return instance.polygons;
    case RegionShape::kOriented:
      return instance.quad ? std::vector{Outline(*instance.quad)} : std::vector<Polygon>{};
    case RegionShape::kBoxes:
      return BoxAround(instance);
    case RegionShape::kBest:
      break;
  }
  if (instance.HasMask()) return {};
  if (!instance.polygons.empty()) return instance.polygons;
  return OutlinesOf(instance, RegionShape::kOriented);
}

bool TakesBits(const Instance& instance, RegionShape shape) {
  return instance.HasMask() && (shape == RegionShape::kMasks || shape == RegionShape::kBest);
}

void Raise(float share, float& pixel) { pixel = std::max(pixel, share); }

// Bits of any size, stretched over the field.
void AddBits(const cv::Mat& bits, cv::Mat& share) {
  Holes set({share.cols, share.rows});
  set.Add(bits, 0);
  for (const Run& run : set.runs) {
    float* row = share.ptr<float>(run.y);
    std::fill(row + run.x0, row + run.x1, 1.0F);
  }
}

}  // namespace

bool AddObject(const Instance& instance, RegionShape shape, Size picture, cv::Mat& share) {
  if (TakesBits(instance, shape)) {
    AddBits(instance.Bits(), share);
    return true;
  }
  const std::vector<Polygon> outlines = OutlinesOf(instance, shape);
  const Size size{share.cols, share.rows};
  for (Polygon outline : outlines) {
    if (!(size == picture)) {
      const Matrix scale = Matrix::Scale(static_cast<double>(size.width) / picture.width,
                                         static_cast<double>(size.height) / picture.height);
      for (auto& ring : outline.rings) {
        for (Point& p : ring) p = scale(p);
      }
    }
    const Coverage cover = CoverageOf(outline, size);
    const cv::Rect& window = cover.window;
    for (int y = window.y; y < window.y + window.height; ++y) {
      const double* covered = cover.Row(y);
      float* row = share.ptr<float>(y) + window.x;
      for (int i = 0; i < window.width; ++i) Raise(ShareOf(covered[i]), row[i]);
    }
  }
  return !outlines.empty();
}

void AddClasses(const cv::Mat& mask, const std::set<int>& classes, cv::Mat& share) {
  cv::Mat bits(mask.size(), CV_8U);
  WithDepth(mask, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < mask.rows; ++y) {
      const T* in = mask.ptr<T>(y);
      auto* out = bits.ptr<std::uint8_t>(y);
      for (int x = 0; x < mask.cols; ++x) {
        // Neighbours are mostly of one class.
        out[x] = x > 0 && in[x] == in[x - 1]                 ? out[x - 1]
                 : classes.contains(static_cast<int>(in[x])) ? 255
                                                             : 0;
      }
    }
  });
  AddBits(bits, share);
}

double AreaOf(const Instance& instance, RegionShape shape) {
  if (TakesBits(instance, shape)) {
    const cv::Mat bits = instance.Bits();
    return cv::countNonZero(bits);
  }
  double area = 0;
  for (const Polygon& outline : OutlinesOf(instance, shape)) area += outline.Area();
  return area;
}

void Feather(double width, cv::Mat& share) {
  if (!(width > 0)) return;
  const cv::Mat squared = SquaredInnerDistance(share > 0.5F);
  const double none = NoBorder({share.cols, share.rows});
  for (int y = 0; y < share.rows; ++y) {
    float* row = share.ptr<float>(y);
    const int* far = squared.ptr<int>(y);
    for (int x = 0; x < share.cols; ++x) {
      if (far[x] >= none) continue;
      // From the centre of the pixel to the near side of the one outside.
      const double inside = std::max(std::sqrt(static_cast<double>(far[x])) - 0.5, 0.0);
      row[x] *= static_cast<float>(std::min(inside / width, 1.0));
    }
  }
}

void Composite(const cv::Mat& part, const cv::Mat& share, cv::Mat& pixels) {
  const int channels = pixels.channels();
  WithDepth(pixels, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < pixels.rows; ++y) {
      const float* s = share.ptr<float>(y);
      const T* in = part.ptr<T>(y);
      T* out = pixels.ptr<T>(y);
      for (int x = 0; x < pixels.cols; ++x, in += channels, out += channels) {
        if (s[x] <= 0) continue;
        if (s[x] >= 1) {
          std::copy_n(in, channels, out);
          continue;
        }
        for (int c = 0; c < channels; ++c) {
          const auto before = static_cast<double>(out[c]);
          out[c] = RoundTo<T>(before + double{s[x]} * (static_cast<double>(in[c]) - before));
        }
      }
    }
  });
}

}  // namespace pixloom
