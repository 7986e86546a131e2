// SPDX-License-Identifier: Apache-2.0
#include "ops/mix/beta.h"

#include <algorithm>
#include <cmath>

#include "pipeline/exact_math.h"

namespace pixloom {

namespace {

// The continued fraction of the incomplete beta function (Lentz's method), for equal parameters and
// x <= 1/2, where it settles fast: the integral from 0 to x is x^a (1-x)^a / a * Fraction(a, x).
double Fraction(double a, double x) {
  constexpr double kTiny = 1e-300;
  const auto away = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1;
  double d = 1 / away(1 - 2 * a * x / (a + 1));
  double h = d;
  for (int m = 1; m < 1000; ++m) {
    const double even = m * (a - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    h *= d * c;
    const double odd = -(a + m) * (2 * a + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const double step = d * c;
    h *= step;
    if (std::abs(step - 1) < 1e-15) break;
  }
  return h;
}

// Where the lower half of the distribution holds `unit` <= 1/2. Half of it lies below 1/2, which
// spares the gamma function; in log x its logarithm is nearly a line, so Newton takes few steps.
double LowerQuantile(double unit, double a) {
  if (!(unit > 0)) return 0;
  const double goal = exact::Log(2 * unit);
  const double half = Fraction(a, 0.5);
  const double top = exact::Log(0.5);
  double low = -745;  // of log x; below it x is 0
  double high = top;
  double t = std::clamp(top + goal / a, low, high);
  for (int i = 0; i < 200; ++i) {
    const double x = exact::Exp(t);
    const double fraction = Fraction(a, x);
    const double miss = a * (t + exact::Log(4 * (1 - x))) + exact::Log(fraction / half) - goal;
    (miss > 0 ? high : low) = t;
    double next = t - miss * (1 - x) * fraction / a;
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    const double moved = std::abs(next - t);
    t = next;
    if (moved < 1e-15 * (1 + std::abs(t)) || high - low < 1e-15) break;
  }
  return t <= -744 ? 0 : exact::Exp(t);
}

}  // namespace

double SymmetricBetaQuantile(double unit, double alpha) {
  if (unit > 0.5) return 1 - LowerQuantile(1 - unit, alpha);
  return LowerQuantile(unit, alpha);
}

}  // namespace pixloom
