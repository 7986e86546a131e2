// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/poisson_table.h"

#include <algorithm>
#include <cmath>

#include "pipeline/error.h"
#include "pipeline/exact_math.h"

namespace pixloom {

PoissonTable::PoissonTable(double mean, std::span<const std::uint8_t> classes) {
  PIXLOOM_CHECK(mean >= 0 && mean <= 1e6, "mean of a Poisson table");
  // Chances in parts of the largest one, from there outwards until they no longer count.
  constexpr double kNothing = 1e-13;
  const int mode = static_cast<int>(mean);
  std::vector<double> below;
  double p = 1;
  for (int k = mode; k > 0 && p > kNothing; --k) {
    p *= k / mean;
    below.push_back(p);
  }
  const int lowest = mode - static_cast<int>(below.size());
  std::vector<double> chances(below.rbegin(), below.rend());
  p = 1;
  for (int k = mode; p > kNothing; ++k) {
    chances.push_back(p);
    p *= mean / (k + 1);
  }
  double total = 0;
  for (const double chance : chances) total += chance;

  const auto class_of = [&](std::size_t i) {
    const std::size_t k = static_cast<std::size_t>(lowest) + i;
    if (classes.empty()) return static_cast<int>(k);
    return static_cast<int>(classes[std::min(k, classes.size() - 1)]);
  };
  double sum = 0;
  for (std::size_t i = 0; i < chances.size(); ++i) {
    sum += chances[i];
    const double words = std::floor(sum / total * 0x1p32 + 0.5);
    if (words < 1) continue;
    const int value = class_of(i);
    if (last_.empty()) first_ = value;
    // Classes that no number has get no words.
    while (static_cast<int>(last_.size()) <= value - first_) {
      last_.push_back(last_.empty() ? 0 : last_.back());
    }
    last_.back() = static_cast<std::uint32_t>(std::min(words, 0x1p32) - 1);
    if (words >= 0x1p32) break;
  }
  last_.back() = 0xFFFFFFFFu;
  std::size_t i = 0;
  for (std::size_t top = 0; top < guide_.size(); ++top) {
    while ((top << 24) > last_[i]) ++i;
    guide_[top] = static_cast<std::uint16_t>(std::min<std::size_t>(i, 0xFFFF));
  }
}

int PoissonNumber(double mean, std::uint32_t word) {
  const double u = (word + 0.5) * 0x1p-32;
  if (u <= 1 - mean) return 0;  // e^-mean is no less: spares most of the exponentials
  double p = exact::Exp(-mean);
  double sum = p;
  int k = 0;
  while (u > sum && (k < mean || p > 1e-20)) {
    ++k;
    p *= mean / k;
    sum += p;
  }
  return k;
}

}  // namespace pixloom
