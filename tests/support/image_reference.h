// SPDX-License-Identifier: Apache-2.0
// Slow, obvious float64 versions of what kernels do, and helpers to compare with them. Written from
// the definitions, not from the kernels.
#pragma once

#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <opencv2/core.hpp>
#include <vector>

#include "pipeline/families.h"

namespace pixloom::testing {

// Values between 0 and `top` of the depth (float: -0.25 to 1.25), from a small generator.
inline cv::Mat RandomImage(int width, int height, int depth, int channels, std::uint32_t seed = 1) {
  cv::Mat image(height, width, CV_MAKETYPE(depth, channels));
  std::uint32_t state = seed * 2654435761u + 12345u;
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < width * channels; ++i) {
      state = state * 1664525u + 1013904223u;
      const std::uint32_t bits = state >> 8;
      switch (depth) {
        case CV_8U:
          image.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(bits >> 16);
          break;
        case CV_16U:
          image.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(bits >> 8);
          break;
        default:
          image.ptr<float>(y)[i] = static_cast<float>(bits) * 0x1p-24F * 1.5F - 0.25F;
          break;
      }
    }
  }
  return image;
}

inline double ValueAt(const cv::Mat& image, int x, int y, int c) {
  const int i = x * image.channels() + c;
  switch (image.depth()) {
    case CV_8U:
      return image.ptr<std::uint8_t>(y)[i];
    case CV_16U:
      return image.ptr<std::uint16_t>(y)[i];
    case CV_32F:
      return image.ptr<float>(y)[i];
    default:
      return image.ptr<double>(y)[i];
  }
}

// Largest difference, in levels.
inline double MaxDifference(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.channels() != b.channels()) return INFINITY;
  double largest = 0;
  for (int y = 0; y < a.rows; ++y) {
    for (int x = 0; x < a.cols; ++x) {
      for (int c = 0; c < a.channels(); ++c) {
        const double difference = std::abs(ValueAt(a, x, y, c) - ValueAt(b, x, y, c));
        if (!(difference <= largest)) largest = difference;
      }
    }
  }
  return largest;
}

inline bool SamePixels(const cv::Mat& a, const cv::Mat& b) {
  return a.type() == b.type() && MaxDifference(a, b) == 0;
}

// One level of integers; of floats, what float32 arithmetic may cost.
inline double Tolerance(int depth) { return depth == CV_32F ? 4e-6 : 1.0; }

inline double FillAt(const BorderRule& border, int c) {
  return border.fill[static_cast<std::size_t>(std::min(c, 3))];
}

// Walks into the picture one reflection or period at a time.
inline bool Place(int& i, int n, Border mode) {
  while (i < 0 || i >= n) {
    switch (mode) {
      case Border::kConstant:
        return false;
      case Border::kReplicate:
        i = i < 0 ? 0 : n - 1;
        break;
      case Border::kWrap:
        i += i < 0 ? n : -n;
        break;
      case Border::kReflect:
        i = i < 0 ? -1 - i : 2 * n - 1 - i;
        break;
      case Border::kReflect101:
        i = n == 1 ? 0 : i < 0 ? -i : 2 * n - 2 - i;
        break;
    }
  }
  return true;
}

inline double PixelOrFill(const cv::Mat& image, int x, int y, int c, const BorderRule& border) {
  if (!Place(x, image.cols, border.mode) || !Place(y, image.rows, border.mode)) {
    return FillAt(border, c);
  }
  return ValueAt(image, x, y, c);
}

inline double Bilinear(const cv::Mat& image, Point p, int c, const BorderRule& border) {
  const double x = p.x - 0.5;
  const double y = p.y - 0.5;
  const int x0 = static_cast<int>(std::floor(x));
  const int y0 = static_cast<int>(std::floor(y));
  const double dx = x - x0;
  const double dy = y - y0;
  return (1 - dy) * ((1 - dx) * PixelOrFill(image, x0, y0, c, border) +
                     dx * PixelOrFill(image, x0 + 1, y0, c, border)) +
         dy * ((1 - dx) * PixelOrFill(image, x0, y0 + 1, c, border) +
               dx * PixelOrFill(image, x0 + 1, y0 + 1, c, border));
}

// Keys' cubic.
inline double CubicAt(double x, double a) {
  x = std::abs(x);
  if (x < 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
  if (x < 2) return a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a;
  return 0;
}

inline double Bicubic(const cv::Mat& image, Point p, int c, const BorderRule& border) {
  const int x0 = static_cast<int>(std::floor(p.x - 0.5));
  const int y0 = static_cast<int>(std::floor(p.y - 0.5));
  double sum = 0;
  for (int y = y0 - 1; y <= y0 + 2; ++y) {
    for (int x = x0 - 1; x <= x0 + 2; ++x) {
      sum += CubicAt(x + 0.5 - p.x, -0.75) * CubicAt(y + 0.5 - p.y, -0.75) *
             PixelOrFill(image, x, y, c, border);
    }
  }
  // Integers saturate.
  if (image.depth() == CV_8U) return std::clamp(sum, 0.0, 255.0);
  if (image.depth() == CV_16U) return std::clamp(sum, 0.0, 65535.0);
  return sum;
}

// Output of `depth`'s channels in float64, unrounded.
inline cv::Mat SampleReference(const cv::Mat& image, Size out, const BorderRule& border,
                               Resampling resampling,
                               const std::function<Point(int, int)>& source_of) {
  cv::Mat result(out.height, out.width, CV_MAKETYPE(CV_64F, image.channels()));
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const Point p = source_of(x, y);
      for (int c = 0; c < image.channels(); ++c) {
        const double value = resampling == Resampling::kNearest
                                 ? PixelOrFill(image, static_cast<int>(std::floor(p.x + 1e-9)),
                                               static_cast<int>(std::floor(p.y + 1e-9)), c, border)
                             : resampling == Resampling::kCubic ? Bicubic(image, p, c, border)
                                                                : Bilinear(image, p, c, border);
        result.ptr<double>(y)[x * image.channels() + c] = value;
      }
    }
  }
  return result;
}

inline cv::Mat WarpReference(const cv::Mat& image, const AffineGroup& group) {
  const Matrix inverse = group.map.Inverse();
  return SampleReference(image, group.out, group.border, group.resampling, [&](int x, int y) {
    return inverse({x + 0.5, y + 0.5});
  });
}

inline std::uint64_t HashPixels(const cv::Mat& image) {
  std::uint64_t hash = 14695981039346656037u;
  for (int y = 0; y < image.rows; ++y) {
    const std::uint8_t* row = image.ptr(y);
    for (std::size_t i = 0; i < static_cast<std::size_t>(image.cols) * image.elemSize(); ++i) {
      hash = (hash ^ row[i]) * 1099511628211u;
    }
  }
  return hash;
}

// Calls fn once for every vector instruction set this CPU has.
template <class Fn>
void ForEachTarget(Fn&& fn) {
  const std::int64_t all = hwy::SupportedTargets();
  for (std::int64_t targets = all; targets != 0; targets &= targets - 1) {
    hwy::SetSupportedTargetsForTest(targets & -targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    fn(hwy::TargetName(targets & -targets));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// Sizes every sweep goes through.
inline constexpr std::array<std::array<int, 2>, 6> kSweepSizes{
    {{1, 1}, {1, 7}, {7, 1}, {5, 3}, {101, 99}, {64, 33}}};
inline constexpr std::array<int, 3> kSweepDepths{CV_8U, CV_16U, CV_32F};
inline constexpr std::array<int, 4> kSweepChannels{1, 3, 4, 9};
inline constexpr std::array<Border, 5> kSweepBorders{
    Border::kConstant, Border::kReflect, Border::kReflect101, Border::kReplicate, Border::kWrap};

// Calls fn(width, height, depth, channels) for all of them.
template <class Fn>
void SweepImages(Fn&& fn) {
  for (const auto& [width, height] : kSweepSizes) {
    for (const int depth : kSweepDepths) {
      for (const int channels : kSweepChannels) fn(width, height, depth, channels);
    }
  }
}

}  // namespace pixloom::testing
