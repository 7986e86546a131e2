// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/ref_pixels.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pixloom::reference {

// By integer arithmetic on integer images, so that a half is a half.
double LumaLevel(const Image64& image, int x, int y) {
  if (!HasColour(image)) {
    double sum = 0;
    for (int c = 0; c < image.channels; ++c) sum += image.At(x, y, c);
    return sum / image.channels;
  }
  const double r = image.At(x, y, 0);
  const double g = image.At(x, y, 1);
  const double b = image.At(x, y, 2);
  if (image.depth == Depth::kF32) return 0.299 * r + 0.587 * g + 0.114 * b;
  const auto whole = static_cast<std::int64_t>(299 * r + 587 * g + 114 * b);
  return static_cast<double>((whole + 500) / 1000);
}

double GrayMean(const Image64& image) {
  double sum = 0;
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) sum += LumaLevel(image, x, y);
  }
  return image.ToUnit(sum / static_cast<double>(image.size.Area()));
}

Hsv ToHsv(const std::array<double, 3>& rgb) {
  const auto [r, g, b] = rgb;
  const double high = std::max({r, g, b});
  const double spread = high - std::min({r, g, b});
  Hsv hsv{0, 0, high};
  if (spread <= 0 || high <= 0) return hsv;
  hsv.s = spread / high;
  double sector = 0;
  if (high == r) {
    sector = (g - b) / spread;
  } else if (high == g) {
    sector = 2 + (b - r) / spread;
  } else {
    sector = 4 + (r - g) / spread;
  }
  hsv.h = sector / 6 - std::floor(sector / 6);
  return hsv;
}

// Each channel falls from v to v * (1 - s) with its distance from its own third of the circle.
std::array<double, 3> ToRgb(const Hsv& hsv) {
  std::array<double, 3> rgb{};
  const std::array<double, 3> offset{5, 3, 1};
  for (std::size_t c = 0; c < 3; ++c) {
    const double k = std::fmod(offset[c] + 6 * hsv.h, 6.0);
    rgb[c] = hsv.v - hsv.v * hsv.s * std::clamp(std::min(k, 4 - k), 0.0, 1.0);
  }
  return rgb;
}

double Turned(double h, double by) {
  const double turned = h + by;
  return turned - std::floor(turned);
}

std::vector<double> GaussianTaps(double sigma, int kernel) {
  std::vector<double> taps;
  double total = 0;
  for (int i = 0; i < kernel; ++i) {
    const double x = i - kernel / 2;
    taps.push_back(x == 0 ? 1 : std::exp(-x * x / (2 * sigma * sigma)));
    total += taps.back();
  }
  for (double& tap : taps) tap /= total;
  return taps;
}

Image64 Convolved(const Image64& in, const std::vector<double>& taps, bool along_x) {
  Image64 out(in.size, in.channels, in.depth, in.range);
  const int radius = static_cast<int>(taps.size()) / 2;
  for (int y = 0; y < in.size.height; ++y) {
    for (int x = 0; x < in.size.width; ++x) {
      for (int c = 0; c < in.channels; ++c) {
        for (int k = -radius; k <= radius; ++k) {
          const int sx = along_x ? BorderIndex(Border::kReflect101, x + k, in.size.width) : x;
          const int sy = along_x ? y : BorderIndex(Border::kReflect101, y + k, in.size.height);
          out.At(x, y, c) += taps[static_cast<std::size_t>(k + radius)] * in.At(sx, sy, c);
        }
      }
    }
  }
  return out;
}

std::array<double, 4> Normals(const PhiloxBlock& bits) {
  std::array<double, 4> normals{};
  for (std::size_t i = 0; i < 4; i += 2) {
    const double u = ((bits[i] >> 8) + 1) * 0x1p-24;
    const double radius = std::sqrt(-2 * std::log(u));
    const std::uint32_t turn = bits[i + 1];
    const double eighths = (turn % (1u << 23)) * 0x1p-22 - 1;
    const double across = std::cos(eighths * std::numbers::pi / 4) * (turn >> 31 != 0 ? -1 : 1);
    const double along = std::sin(eighths * std::numbers::pi / 4);
    const bool swapped = (turn & (1u << 30)) != 0;
    normals[i] = radius * (swapped ? along : across);
    normals[i + 1] = radius * (swapped ? across : along);
  }
  return normals;
}

}  // namespace pixloom::reference
