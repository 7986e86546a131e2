// SPDX-License-Identifier: Apache-2.0
#include "models/latents.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "tests/support/statistics.h"

namespace pixloom {
namespace {

using namespace testing;

double Cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

std::vector<double> Drawn(std::uint64_t seed, double limit, std::size_t count) {
  std::vector<double> values(count);
  DrawNormals(LatentStream({seed, 7, 11}, 0), limit, values);
  return values;
}

TEST_CASE("quantiles of the normal distribution are those of the tables") {
  // Of SciPy 1.10, norm.ppf.
  const std::vector<std::pair<double, double>> table{
      {0.5, 0},
      {0.6, 0.2533471031357997},
      {0.925, 1.4395314709384563},
      {0.93, 1.475791028179171},
      {0.975, 1.959963984540054},
      {0.001, -3.090232306167813},
      {1e-9, -5.9978070150076865},
      {1e-12, -7.034483825301131},
      {0x1p-53, -8.209536151601387},
  };
  for (const auto& [p, z] : table) {
    CAPTURE(p);
    CHECK(NormalQuantile(p) == doctest::Approx(z).epsilon(1e-13));
  }
  for (double z = -8; z <= 8; z += 0.0625) {
    CAPTURE(z);
    CHECK(std::abs(NormalShare(z) - Cdf(z)) < 1e-14);
    if (std::abs(z) < 6) CHECK(std::abs(NormalQuantile(NormalShare(z)) - z) < 1e-6);
  }
}

TEST_CASE("deviates are normal and know nothing of each other") {
  const std::vector<double> a = Drawn(1, 0, 100'000);
  const Moments moments = MomentsOf(a);
  CHECK(std::abs(moments.mean) < 3.29 / std::sqrt(1e5));
  CHECK(std::abs(moments.deviation - 1) < 3.29 / std::sqrt(2e5));
  CHECK(Follows(a, Cdf));
  const std::vector<double> ahead(a.begin() + 1, a.end());
  const std::vector<double> behind(a.begin(), a.end() - 1);
  CHECK(std::abs(Correlation(ahead, behind)) < 3.29 / std::sqrt(1e5));
  CHECK(std::abs(Correlation(a, Drawn(2, 0, 100'000))) < 3.29 / std::sqrt(1e5));
  std::vector<double> other(100'000);
  DrawNormals(LatentStream({1, 7, 11}, 1), 0, other);
  CHECK(std::abs(Correlation(a, other)) < 3.29 / std::sqrt(1e5));
}

TEST_CASE("the first deviates are the same on every machine") {
  // Philox4x32-10 as published, 52 bits of each half block, and norm.ppf of SciPy.
  const std::vector<double> values = Drawn(1, 0, 3);
  CHECK(values[0] == doctest::Approx(0.6508408833529377).epsilon(1e-13));
  CHECK(values[1] == doctest::Approx(-0.08846726027255866).epsilon(1e-13));
  CHECK(values[2] == doctest::Approx(0.43950413183915665).epsilon(1e-13));
}

TEST_CASE("truncated deviates keep to their limit and to the rest of the distribution") {
  for (const double limit : {0.1, 0.5, 1.0, 2.0, 4.0}) {
    CAPTURE(limit);
    const std::vector<double> values = Drawn(3, limit, 50'000);
    for (const double v : values) REQUIRE(std::abs(v) <= limit);
    CHECK(*std::max_element(values.begin(), values.end()) > 0.8 * limit);
    const double below = Cdf(-limit);
    CHECK(Follows(values, [&](double z) { return (Cdf(z) - below) / (Cdf(limit) - below); }));
  }
  // Each uses the words that it would use without a limit: order stays.
  const std::vector<double> all = Drawn(3, 0, 1000);
  const std::vector<double> some = Drawn(3, 1, 1000);
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK((all[i] < 0) == (some[i] < 0));
    CHECK(std::abs(some[i]) <= std::abs(all[i]));
  }
  // A longer latent begins as a shorter one.
  const std::vector<double> shorter = Drawn(3, 0, 999);
  CHECK(std::equal(shorter.begin(), shorter.end(), all.begin()));
}

TEST_CASE("between two latents there are a straight way and an arc") {
  const std::vector<double> a{3, 0, 0};
  const std::vector<double> b{0, 2, 0};
  CHECK(BetweenLatents(a, b, 0.25, LatentPath::kLinear) == std::vector<double>{2.25, 0.5, 0});
  const double quarter = std::acos(-1.0) / 8;
  const std::vector<double> arc = BetweenLatents(a, b, 0.25, LatentPath::kSlerp);
  CHECK(arc[0] == doctest::Approx(3 * std::cos(quarter)).epsilon(1e-12));
  CHECK(arc[1] == doctest::Approx(2 * std::sin(quarter)).epsilon(1e-12));
  // Of one length, the arc keeps it.
  const std::vector<double> c{1, 2, 2};
  const std::vector<double> d{-2, 2, 1};
  const std::vector<double> middle = BetweenLatents(c, d, 0.5, LatentPath::kSlerp);
  CHECK(std::hypot(middle[0], middle[1], middle[2]) == doctest::Approx(3).epsilon(1e-12));
  // Where there is no arc, the straight way.
  CHECK(BetweenLatents(a, {{6, 0, 0}}, 0.5, LatentPath::kSlerp) == std::vector<double>{4.5, 0, 0});
  CHECK(BetweenLatents(a, {{-3, 0, 0}}, 0.5, LatentPath::kSlerp) == std::vector<double>{0, 0, 0});
  CHECK(BetweenLatents({{0, 0}}, {{0, 4}}, 0.5, LatentPath::kSlerp) == std::vector<double>{0, 2});
  for (const LatentPath path : {LatentPath::kLinear, LatentPath::kSlerp}) {
    const std::vector<double> end = BetweenLatents(c, d, 1, path);
    for (std::size_t i = 0; i < 3; ++i) CHECK(end[i] == doctest::Approx(d[i]).epsilon(1e-12));
  }
}

}  // namespace
}  // namespace pixloom
