// SPDX-License-Identifier: Apache-2.0
// Tests of what is drawn, with an error probability of one in a thousand. Seeds are fixed, so an
// outcome is the same in every run. Pure functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace pixloom::testing {

// Whether counts may come from classes of equal chance (chi-square).
inline bool LooksUniform(const std::vector<int>& counts) {
  double total = 0;
  for (const int n : counts) total += n;
  const double expected = total / static_cast<double>(counts.size());
  double chi_square = 0;
  for (const int n : counts) chi_square += (n - expected) * (n - expected) / expected;
  // Wilson and Hilferty's approximation of the quantile.
  const double k = static_cast<double>(counts.size()) - 1;
  const double limit = k * std::pow(1 - 2 / (9 * k) + 3.0902 * std::sqrt(2 / (9 * k)), 3);
  return chi_square < limit;
}

// Whether two samples may come from one distribution (Kolmogorov and Smirnov).
inline bool LookAlike(std::vector<double> a, std::vector<double> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  double distance = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    const double at = std::min(a[i], b[j]);
    while (i < a.size() && a[i] == at) ++i;
    while (j < b.size() && b[j] == at) ++j;
    distance =
        std::max(distance, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return distance < 1.9495 * std::sqrt((n + m) / (n * m));
}

// Whether `hits` of n and `other_hits` of m may have one chance (two proportions, two-sided).
inline bool LookEquallyLikely(int hits, int n, int other_hits, int m) {
  const double p = static_cast<double>(hits + other_hits) / (n + m);
  const double difference = static_cast<double>(hits) / n - static_cast<double>(other_hits) / m;
  return std::abs(difference) <= 3.2905 * std::sqrt(p * (1 - p) * (1.0 / n + 1.0 / m));
}

// Whether a sample may come from a continuous distribution function (Kolmogorov and Smirnov).
template <class Cdf>
bool Follows(std::vector<double> sample, Cdf cdf) {
  std::sort(sample.begin(), sample.end());
  const auto n = static_cast<double>(sample.size());
  double distance = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double f = cdf(sample[i]);
    distance =
        std::max({distance, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  return distance < 1.9495 / std::sqrt(n);
}

// Whether counts may come from classes of these chances (chi-square); classes that expect fewer
// than ten are taken together.
inline bool LooksLike(const std::vector<int>& counts, const std::vector<double>& chances) {
  double total = 0;
  for (const int n : counts) total += n;
  double chi_square = 0;
  double expected = 0;
  double counted = 0;
  int classes = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    expected += chances[i] * total;
    counted += counts[i];
    if (expected < 10 && i + 1 < counts.size()) continue;
    if (expected > 0) {
      chi_square += (counted - expected) * (counted - expected) / expected;
      ++classes;
    } else if (counted > 0) {
      return false;
    }
    expected = counted = 0;
  }
  if (classes < 2) return true;
  const double k = classes - 1;
  return chi_square < k * std::pow(1 - 2 / (9 * k) + 3.0902 * std::sqrt(2 / (9 * k)), 3);
}

struct Moments {
  double mean = 0;
  double deviation = 0;
};

inline Moments MomentsOf(const std::vector<double>& sample) {
  const auto n = static_cast<double>(sample.size());
  Moments moments;
  for (const double v : sample) moments.mean += v / n;
  double squares = 0;
  for (const double v : sample) squares += (v - moments.mean) * (v - moments.mean);
  moments.deviation = std::sqrt(squares / n);
  return moments;
}

inline double Correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const Moments x = MomentsOf(a);
  const Moments y = MomentsOf(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - x.mean) * (b[i] - y.mean);
  return sum / (static_cast<double>(a.size()) * x.deviation * y.deviation);
}

}  // namespace pixloom::testing
