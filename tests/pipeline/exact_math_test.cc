// SPDX-License-Identifier: Apache-2.0
// Own elementary functions against the C library in long double, within the accuracy that
// exact_math.h states.
#include "pipeline/exact_math.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "pipeline/rng.h"

namespace pixloom {
namespace {

constexpr double kRelative = 4e-15;
constexpr double kAbsolute = 1e-15;
constexpr int kTries = 200'000;

double RelativeError(double value, long double truth) {
  return static_cast<double>(std::abs((static_cast<long double>(value) - truth) / truth));
}

double AbsoluteError(double value, long double truth) {
  return static_cast<double>(std::abs(static_cast<long double>(value) - truth));
}

template <class F>
double Worst(std::uint64_t stream, F error) {
  Rng rng({1, 2, static_cast<std::uint32_t>(stream)});
  double worst = 0;
  for (int i = 0; i < kTries; ++i) worst = std::max(worst, error(rng));
  return worst;
}

TEST_CASE("Exp and Log") {
  CHECK(Worst(1, [](Rng& rng) {
          const double x = rng.Uniform("", -700, 700);
          return RelativeError(exact::Exp(x), std::exp(static_cast<long double>(x)));
        }) < kRelative);
  CHECK(Worst(2, [](Rng& rng) {
          const double x = rng.Uniform("", -1, 1);
          return RelativeError(exact::Exp(x), std::exp(static_cast<long double>(x)));
        }) < kRelative);
  CHECK(Worst(3, [](Rng& rng) {
          const double x = exact::Exp(rng.Uniform("", -700, 700));
          return RelativeError(exact::Log(x), std::log(static_cast<long double>(x)));
        }) < kRelative);
  // Near 1 the result goes to 0 and keeps its digits.
  CHECK(Worst(4, [](Rng& rng) {
          const double x = 1 + rng.Uniform("", -1e-3, 1e-3);
          return x == 1 ? 0 : RelativeError(exact::Log(x), std::log(static_cast<long double>(x)));
        }) < kRelative);
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(exact::Exp(0) == 1);
  CHECK(exact::Log(1) == 0);
  CHECK(exact::Exp(1000) == infinity);
  CHECK(exact::Exp(-1000) == 0);
  CHECK(exact::Log(0) == -infinity);
  CHECK(std::isnan(exact::Log(-1)));
  CHECK(std::isnan(exact::Exp(std::nan(""))));
  CHECK(exact::Exp(-745) > 0);  // subnormal
  const double least = std::numeric_limits<double>::denorm_min();
  CHECK(RelativeError(exact::Log(least), std::log(static_cast<long double>(least))) < kRelative);
}

TEST_CASE("Pow") {
  CHECK(Worst(5, [](Rng& rng) {
          const double x = rng.Uniform("", 0, 1);
          const double y = rng.Uniform("", 0.01, 5);
          if (x == 0) return 0.0;
          const long double truth = std::pow(static_cast<long double>(x), y);
          return truth < 1e-30L ? 0.0 : RelativeError(exact::Pow(x, y), truth);
        }) < 60 * kRelative);  // y * log(x) rounds once before Exp magnifies it
  CHECK(exact::Pow(0, 2) == 0);
  CHECK(exact::Pow(0, 0) == 1);
  CHECK(exact::Pow(1, 100) == 1);
  CHECK(exact::Pow(0.3, 1) == 0.3);
}

TEST_CASE("Sin, Cos and Atan2") {
  for (const double reach : {4.0, 1000.0, 1e6}) {
    CAPTURE(reach);
    CHECK(Worst(6, [&](Rng& rng) {
            const double x = rng.Uniform("", -reach, reach);
            return AbsoluteError(exact::Sin(x), std::sin(static_cast<long double>(x)));
          }) < kAbsolute);
    CHECK(Worst(7, [&](Rng& rng) {
            const double x = rng.Uniform("", -reach, reach);
            return AbsoluteError(exact::Cos(x), std::cos(static_cast<long double>(x)));
          }) < kAbsolute);
  }
  CHECK(Worst(8, [](Rng& rng) {
          const double x = rng.Uniform("", -1, 1);
          const double y = rng.Uniform("", -1, 1);
          return AbsoluteError(exact::Atan2(y, x), std::atan2(static_cast<long double>(y), x));
        }) < kAbsolute);
  CHECK(exact::Sin(0) == 0);
  CHECK(exact::Cos(0) == 1);
  CHECK(exact::Sin(-1) == -exact::Sin(1));
  CHECK(exact::Atan2(0, 1) == 0);
  CHECK(exact::Atan2(0, 0) == 0);
  CHECK(exact::Atan2(1, 0) == doctest::Approx(exact::kPi / 2));
  CHECK(exact::Atan2(0, -1) == exact::kPi);
  CHECK(exact::Atan2(-1, -1) == doctest::Approx(-0.75 * exact::kPi));
}

}  // namespace
}  // namespace pixloom
