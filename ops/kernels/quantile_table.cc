// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/quantile_table.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "pipeline/error.h"
#include "pipeline/exact_math.h"

namespace pixloom {
namespace {

// Lower tail of a Beta distribution over x = sin^2(angle), where its density
// sin^(2a-1) cos^(2b-1) has no poles for shapes from 1/2 on.
class BetaTail {
 public:
  BetaTail(double a, double b) : power_(1 / (2 * a)), sums_{0} {
    const auto density = [&](int half_steps) {
      const double angle = half_steps * (kStep / 2);
      const double s = half_steps == 0 ? 0 : exact::Sin(angle);
      const double c = half_steps == 2 * kCells ? 0 : exact::Cos(angle);
      return exact::Pow(s, 2 * a - 1) * exact::Pow(std::max(c, 0.0), 2 * b - 1);
    };
    densities_.push_back(density(0));
    for (int i = 0; i < kCells; ++i) {
      const double left = densities_.back();
      densities_.push_back(density(2 * i + 2));
      sums_.push_back(sums_.back() + (left + 4 * density(2 * i + 1) + densities_.back()));
    }
  }

  // The x that a share v of the distribution lies below.
  double Quantile(double v) const {
    const double target = v * sums_.back();
    const auto above = std::upper_bound(sums_.begin() + 1, sums_.end() - 1, target);
    const auto cell = static_cast<std::size_t>(above - sums_.begin() - 1);
    const double part = (target - *(above - 1)) / (*above - *(above - 1));
    const double angle = kStep * (static_cast<double>(cell) + Place(cell, part));
    const double s = exact::Sin(angle);
    return s * s;
  }

 private:
  // Where in a cell a part of its share lies below: a power in the first one, a density that rises
  // or falls evenly in the others.
  double Place(std::size_t cell, double part) const {
    if (cell == 0) return exact::Pow(part, power_);
    const double left = densities_[cell];
    const double right = densities_[cell + 1];
    const double below = left + std::sqrt(left * left + (right * right - left * left) * part);
    return below > 0 ? std::min(part * (left + right) / below, 1.0) : part;
  }

  static constexpr int kCells = 1024;
  static constexpr double kStep = exact::kPi / 2 / kCells;
  double power_;
  std::vector<double> densities_;
  std::vector<double> sums_;
};

}  // namespace

template <class Quantile>
QuantileTable QuantileTable::Of(Quantile quantile) {
  QuantileTable table;
  for (std::size_t side = 0; side < 2; ++side) {
    for (std::size_t i = 0; i < kNodes; ++i) {
      const double v = std::ldexp(1 + static_cast<double>(i % 64) / 64, static_cast<int>(i / 64));
      table.sides_[side][i] = static_cast<float>(quantile(side == 1, v * 0x1p-25));
    }
  }
  return table;
}

QuantileTable QuantileTable::Laplace() {
  return Of([](bool upper, double v) {
    const double x = exact::Log(2 * v) / std::sqrt(2.0);
    return upper ? -x : x;
  });
}

QuantileTable QuantileTable::Beta(double a, double b) {
  PIXLOOM_CHECK(a >= 0.5 && b >= 0.5, "shapes of a Beta distribution below 1/2");
  const BetaTail low(a, b);
  const BetaTail high(b, a);
  const double mean = a / (a + b);
  const double deviation = std::sqrt(mean * (1 - mean) / (a + b + 1));
  return Of([&](bool upper, double v) {
    const double x = upper ? 1 - high.Quantile(v) : low.Quantile(v);
    return (x - mean) / deviation;
  });
}

}  // namespace pixloom
