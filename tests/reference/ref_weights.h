// SPDX-License-Identifier: Apache-2.0
// What the formulas of filters share: correlation with weights, in float64. Pure functions.
#pragma once

#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

inline void CheckOdd(std::string_view name, const Range& range, double value, Problems& problems) {
  CheckHolds(name, range, value, problems);
  if (std::fmod(value, 2) != 1) problems.push_back(fmt::format("{} = {} is not odd", name, value));
}

// Weights from -radius to radius both ways.
struct Weights {
  int radius = 0;
  std::vector<double> values;

  explicit Weights(int r)
      : radius(r), values(static_cast<std::size_t>((2 * r + 1) * (2 * r + 1))) {}
  double& At(int x, int y) {
    return values[static_cast<std::size_t>((y + radius) * (2 * radius + 1) + x + radius)];
  }
  double At(int x, int y) const { return const_cast<Weights*>(this)->At(x, y); }
  double Sum() const {
    double sum = 0;
    for (const double v : values) sum += v;
    return sum;
  }
  void Normalise() {
    const double sum = Sum();
    for (double& v : values) v /= sum;
  }
};

inline double Reflected(const Image64& image, int x, int y, int c) {
  return image.At(BorderIndex(Border::kReflect101, x, image.size.width),
                  BorderIndex(Border::kReflect101, y, image.size.height), c);
}

// value(x, y, c) of every pixel, all from the picture as it was.
template <class Value>
void Replace(Image64& image, Value value) {
  Image64 out(image.size, image.channels, image.depth, image.range);
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) {
      for (int c = 0; c < image.channels; ++c) out.At(x, y, c) = value(x, y, c);
    }
  }
  image = out;
}

// In unit scale, so that black stays black whatever the weights sum to.
inline void Correlate(Image64& image, const Weights& w, double bias = 0) {
  Replace(image, [&](int x, int y, int c) {
    double sum = bias;
    for (int j = -w.radius; j <= w.radius; ++j) {
      for (int i = -w.radius; i <= w.radius; ++i) {
        if (w.At(i, j) == 0) continue;
        sum += w.At(i, j) * image.ToUnit(Reflected(image, x + i, y + j, c));
      }
    }
    return image.FromUnit(sum);
  });
}

inline std::vector<RefStep> CorrelateWith(const Weights& weights) {
  return {Picture([=](Image64& image) { Correlate(image, weights); })};
}

inline Image64 Blurred(const Image64& image, double sigma) {
  const std::vector<double> taps = GaussianTaps(sigma, 2 * static_cast<int>(3.5 * sigma) + 1);
  return Convolved(Convolved(image, taps, true), taps, false);
}

// Means over a disk by distance, and by difference of all colours added up in unit scale.
inline void BilateralMeans(Image64& image, int radius, double colour, double space) {
  const auto weight = [&](int x, int y, int i, int j) {
    double difference = 0;
    for (int c = 0; c < ColourChannels(image); ++c) {
      difference += std::abs(Reflected(image, x + i, y + j, c) - image.At(x, y, c));
    }
    difference /= image.Span();
    return std::exp(-(i * i + j * j) / (2 * space * space)) *
           std::exp(-difference * difference / (2 * colour * colour));
  };
  Replace(image, [&](int x, int y, int c) {
    double sum = 0;
    double total = 0;
    for (int j = -radius; j <= radius; ++j) {
      for (int i = -radius; i <= radius; ++i) {
        if (i * i + j * j > radius * radius) continue;
        const double w = weight(x, y, i, j);
        sum += w * Reflected(image, x + i, y + j, c);
        total += w;
      }
    }
    return sum / total;
  });
}

}  // namespace pixloom::reference
