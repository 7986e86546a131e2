// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/resize_taps.h"

#include <algorithm>
#include <cmath>

#include "ops/kernels/pixel_math.h"
#include "pipeline/exact_math.h"

namespace pixloom {
namespace {

double Triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

// Keys' cubic through the pixels; `a` is its slope one pixel off.
double Cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// sinc(x) sinc(x/3) on evenly spaced points: one sine and one cosine for all of them.
void Lanczos(double start, double step, std::vector<double>& weights) {
  const double third = exact::kPi / 3;
  double sine = exact::Sin(third * start);
  double cosine = exact::Cos(third * start);
  const double step_sine = exact::Sin(third * step);
  const double step_cosine = exact::Cos(third * step);
  double x = start;
  for (std::size_t k = 0; k < weights.size(); ++k, x = start + static_cast<double>(k) * step) {
    if (std::abs(x) >= 3) {
      weights[k] = 0;
    } else if (std::abs(x) < 1e-4) {
      weights[k] = 1 - x * x * (10 * third * third / 6);
    } else {
      const double triple = sine * (3 - 4 * sine * sine);
      weights[k] = triple * sine / (3 * third * x * third * x);
    }
    const double next = sine * step_cosine + cosine * step_sine;
    cosine = cosine * step_cosine - sine * step_sine;
    sine = next;
  }
}

// The weights of taps `low`, `low + 1`, ... of the output pixel that covers source coordinates
// [from, to], not normalised.
struct Filter {
  Resampling kind;
  double stretch = 1;  // how much it is widened

  Filter(const AxisMap& axis, Resampling wanted) : kind(wanted) {
    const double scale = std::abs(axis.scale);
    if (kind == Resampling::kArea && scale <= 1) kind = Resampling::kLinear;
    const bool widens = kind == Resampling::kAntialias || SaturatesBetweenPasses(kind);
    if (widens) stretch = std::max(1.0, scale);
  }

  double Support() const {
    switch (kind) {
      case Resampling::kCubic:
      case Resampling::kAntialiasCubic:
        return 2 * stretch;
      case Resampling::kLanczos:
        return 3 * stretch;
      default:
        return stretch;
    }
  }

  void Weigh(double from, double to, int low, std::vector<double>& weights) const {
    const double centre = (from + to) / 2;
    if (kind == Resampling::kLanczos) {
      return Lanczos((low - centre + 0.5) / stretch, 1 / stretch, weights);
    }
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const double tap = low + static_cast<double>(k);
      if (kind == Resampling::kArea) {
        weights[k] = std::max(0.0, std::min(tap + 1, to) - std::max(tap, from));
        continue;
      }
      const double x = (tap - centre + 0.5) / stretch;
      weights[k] = kind == Resampling::kCubic            ? Cubic(x, -0.75)
                   : kind == Resampling::kAntialiasCubic ? Cubic(x, -0.5)
                                                         : Triangle(x);
    }
  }
};

}  // namespace

// Ranges of taps as Pillow computes them.
Taps MakeTaps(const AxisMap& axis, Resampling wanted, bool inside, Border border) {
  Taps taps;
  const Filter filter(axis, wanted);
  const bool repeats = inside && filter.kind == Resampling::kCubic;
  if (repeats) border = Border::kReplicate;
  const double support = filter.Support();
  std::vector<double> weights;
  for (int i = 0; i < axis.out; ++i) {
    const double centre = axis.At(i + 0.5);
    const double half = std::abs(axis.scale) / 2;
    int low = static_cast<int>(std::floor(centre - support + 0.5));
    int high = static_cast<int>(std::floor(centre + support + 0.5));
    if (filter.kind == Resampling::kArea) {
      low = static_cast<int>(std::floor(centre - half));
      high = static_cast<int>(std::ceil(centre + half));
    }
    if (inside && !repeats) {
      low = std::clamp(low, 0, axis.in - 1);
      high = std::clamp(high, low + 1, axis.in);
    }
    weights.resize(static_cast<std::size_t>(high - low));
    filter.Weigh(centre - half, centre + half, low, weights);
    double total = 0;
    for (const double weight : weights) total += weight;
    // A pixel that no tap weighs shows its nearest one.
    if (!(total > 0)) std::fill(weights.begin(), weights.end(), 1.0), total = high - low;
    int begin = low;
    while (weights[static_cast<std::size_t>(begin - low)] == 0) ++begin;
    int end = high;
    while (weights[static_cast<std::size_t>(end - low - 1)] == 0) --end;
    double outside = 0;
    for (int tap = begin; tap < end; ++tap) {
      const double weight = weights[static_cast<std::size_t>(tap - low)] / total;
      const int index = BorderIndex(tap, axis.in, border);
      if (index < 0) {
        outside += weight;
      } else if (repeats && taps.index.size() > taps.first.back() && taps.index.back() == index) {
        taps.weight.back() += static_cast<float>(weight);
      } else {
        taps.index.push_back(index);
        taps.weight.push_back(static_cast<float>(weight));
      }
    }
    taps.outside.push_back(static_cast<float>(outside));
    taps.first.push_back(taps.index.size());
  }
  return taps;
}

}  // namespace pixloom
