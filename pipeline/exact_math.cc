// SPDX-License-Identifier: Apache-2.0
#include "pipeline/exact_math.h"

#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>

namespace pixloom::exact {

namespace {

constexpr double kLn2High = 6.93147180369123816490e-01;  // low 32 bits zero: k * kLn2High is exact
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kHalfPiHigh = 1.57079632673412561417e+00;  // first 33 bits
constexpr double kHalfPiMid = 6.07710050630396597660e-11;   // next 33 bits
constexpr double kHalfPiLow = 2.02226624879595063154e-21;

double ScaleByPowerOfTwo(double x, int k) {
  // Two steps keep intermediate exponents in range down to subnormal results.
  const int half = k / 2;
  const auto power = [](int e) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(e + 1023) << 52);
  };
  return x * power(half) * power(k - half);
}

// sin and cos on [-pi/4, pi/4] by Taylor series; the first omitted term is below 1e-17.
double SinKernel(double x) {
  const double z = x * x;
  double s = -1.0 / 1307674368000.0;
  s = s * z + 1.0 / 6227020800.0;
  s = s * z - 1.0 / 39916800.0;
  s = s * z + 1.0 / 362880.0;
  s = s * z - 1.0 / 5040.0;
  s = s * z + 1.0 / 120.0;
  s = s * z - 1.0 / 6.0;
  return x + x * z * s;
}

double CosKernel(double x) {
  const double z = x * x;
  double c = 1.0 / 20922789888000.0;
  c = c * z - 1.0 / 87178291200.0;
  c = c * z + 1.0 / 479001600.0;
  c = c * z - 1.0 / 3628800.0;
  c = c * z + 1.0 / 40320.0;
  c = c * z - 1.0 / 720.0;
  c = c * z + 1.0 / 24.0;
  return 1.0 - 0.5 * z + z * z * c;
}

// x = quadrant * pi/2 + rest, |rest| <= pi/4.
double ReduceToQuadrant(double x, int* quadrant) {
  const double k = std::nearbyint(x * (2.0 / kPi));
  *quadrant = static_cast<int>(static_cast<std::int64_t>(k) & 3);
  return ((x - k * kHalfPiHigh) - k * kHalfPiMid) - k * kHalfPiLow;
}

// atan on [0, tan(pi/16)], series; wider arguments are reduced first.
double AtanSeries(double x) {
  const double z = x * x;
  double sum = 0;
  for (int n = 23; n >= 1; n -= 2) {
    sum = ((n % 4 == 1) ? 1.0 : -1.0) / n + z * sum;
  }
  return x * sum;
}

}  // namespace

double Exp(double x) {
  if (std::isnan(x)) return x;
  if (x > 709.78) return std::numeric_limits<double>::infinity();
  if (x < -745.1) return 0;
  const double k = std::nearbyint(x * 1.44269504088896338700);
  const double r = (x - k * kLn2High) - k * kLn2Low;
  double sum = 1.0 / 6227020800.0;  // Taylor to r^13; |r| <= 0.347
  for (double inverse :
       {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0,
        1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0}) {
    sum = sum * r + inverse;
  }
  return ScaleByPowerOfTwo(sum, static_cast<int>(k));
}

double Log(double x) {
  if (std::isnan(x) || x < 0) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return -std::numeric_limits<double>::infinity();
  if (std::isinf(x)) return x;
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // [0.5, 1)
  if (m < 0.70710678118654752440) {
    m *= 2;
    --exponent;
  }
  // log(m) = 2 atanh(s), s = (m-1)/(m+1), |s| <= 0.1716
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  double sum = 0;
  for (int n = 23; n >= 3; n -= 2) sum = (sum + 1.0 / n) * z;
  const double k = exponent;
  return k * kLn2High + (2.0 * s + (2.0 * s * sum + k * kLn2Low));
}

double Pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (y == 1) return x;
  if (x == 0) return y > 0 ? 0 : std::numeric_limits<double>::infinity();
  return Exp(y * Log(x));
}

double Sin(double x) {
  int quadrant = 0;
  const double r = ReduceToQuadrant(x, &quadrant);
  const double value = (quadrant & 1) != 0 ? CosKernel(r) : SinKernel(r);
  return (quadrant & 2) != 0 ? -value : value;
}

double Cos(double x) {
  int quadrant = 0;
  const double r = ReduceToQuadrant(x, &quadrant);
  const double value = (quadrant & 1) != 0 ? SinKernel(r) : CosKernel(r);
  return quadrant == 1 || quadrant == 2 ? -value : value;
}

double Atan2(double y, double x) {
  if (x == 0 && y == 0) return 0;
  const double ax = std::fabs(x);
  const double ay = std::fabs(y);
  const bool steep = ay > ax;
  double t = steep ? ax / ay : ay / ax;  // [0, 1]
  // Subtract multiples of pi/8 so that the series argument stays below tan(pi/16).
  constexpr double kTanPi8 = 0.41421356237309504880;
  double base = 0;
  if (t > 0.66817863791929891999) {  // tan(3 pi / 16)
    t = (t - 1.0) / (t + 1.0);
    base = kPi / 4;
  } else if (t > 0.19891236737965800691) {  // tan(pi / 16)
    t = (t - kTanPi8) / (1.0 + t * kTanPi8);
    base = kPi / 8;
  }
  double angle = base + AtanSeries(t);
  if (steep) angle = kPi / 2 - angle;
  if (x < 0) angle = kPi - angle;
  return y < 0 ? -angle : angle;
}

}  // namespace pixloom::exact
