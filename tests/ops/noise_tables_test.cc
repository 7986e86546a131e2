// SPDX-License-Identifier: Apache-2.0
// What turns random words into numbers: every word is accounted for.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "ops/kernels/noise_words.h"
#include "ops/kernels/poisson_table.h"
#include "ops/kernels/quantile_table.h"
#include "pipeline/exact_math.h"

namespace pixloom {
namespace {

// How many words become at most k: the first word that does not, by bisection.
template <class Number>
double WordsUpTo(int k, Number number) {
  std::uint64_t low = 0;
  std::uint64_t high = std::uint64_t{1} << 32;
  while (low < high) {
    const std::uint64_t middle = (low + high) / 2;
    if (number(static_cast<std::uint32_t>(middle)) <= k) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return static_cast<double>(low);
}

double PoissonShare(int k, double mean) {
  double sum = 0;
  for (int i = 0; i <= k; ++i) {
    sum +=
        mean == 0 ? (i == 0 ? 1 : 0) : std::exp(i * std::log(mean) - mean - std::lgamma(i + 1.0));
  }
  return std::min(sum, 1.0);
}

TEST_CASE("Poisson tables give every number its share of the words") {
  for (const double mean : {0.0, 1e-9, 0.01, 0.7, 3.0, 25.5, 400.0, 12'345.6}) {
    CAPTURE(mean);
    const PoissonTable table(mean);
    const double reach = 8 * std::sqrt(mean) + 12;
    const int from = std::max(0, static_cast<int>(mean - reach));
    double off = 0;
    for (int k = from; k < mean + reach; k += 1 + static_cast<int>(reach / 40)) {
      off = std::max(off, std::abs(WordsUpTo(k, table) - 0x1p32 * PoissonShare(k, mean)));
    }
    // The tails beyond the 32 bits of a word are cut off; lgamma is good to some 1e-12 here.
    CHECK(off <= (mean > 1000 ? 40 : 1.5));
    CHECK(table(0) >= 0);
    CHECK(table(0xFFFFFFFFu) <= mean + 9 * std::sqrt(mean) + 14);
  }
}

TEST_CASE("Poisson numbers without a table are the same") {
  for (const double mean : {0.0, 0.3, 4.0, 39.0}) {
    CAPTURE(mean);
    const PoissonTable table(mean);
    for (std::uint64_t word = 0; word < 0x100000000u; word += 999'983) {
      const auto w = static_cast<std::uint32_t>(word);
      REQUIRE(PoissonNumber(mean, w) == table(w));
    }
  }
}

TEST_CASE("classes of Poisson numbers add up") {
  const std::vector<std::uint8_t> classes{0, 0, 3, 3, 3, 7, 250};
  const PoissonTable plain(3.2);
  const PoissonTable table(3.2, classes);
  for (std::uint64_t word = 0; word < 0x100000000u; word += 99'991) {
    const auto w = static_cast<std::uint32_t>(word);
    const auto k = static_cast<std::size_t>(plain(w));
    REQUIRE(table(w) == classes[std::min(k, classes.size() - 1)]);
  }
}

TEST_CASE("quantiles: the exponential tails of Laplace, a triangle and the arcsine law") {
  const auto worst = [](const QuantileTable& table, auto quantile) {
    double largest = 0;
    for (std::uint64_t word = 0; word < 0x100000000u; word += 65'537 * 3) {
      const auto w = static_cast<std::uint32_t>(word);
      const double v = (2 * ((w >> 8) & 0x7FFFFF) + 1) * 0x1p-25;
      const double expected = (w >> 31) != 0 ? quantile(1 - v) : quantile(v);
      largest = std::max(largest, std::abs(table(w) - expected));
    }
    return largest;
  };
  CHECK(worst(QuantileTable::Laplace(), [](double u) {
          return u < 0.5 ? std::log(2 * u) / std::sqrt(2.0) : -std::log(2 - 2 * u) / std::sqrt(2.0);
        }) < 1e-4);
  // Beta(2, 1): density 2 x, mean 2/3, variance 1/18.
  CHECK(worst(QuantileTable::Beta(2, 1),
              [](double u) { return (std::sqrt(u) - 2.0 / 3) * std::sqrt(18.0); }) < 1e-4);
  // Beta(40, 1) is narrow, with a long tail: density 40 x^39.
  CHECK(worst(QuantileTable::Beta(40, 1), [](double u) {
          return (std::pow(u, 1 / 40.0) - 40 / 41.0) * std::sqrt(41 * 41 * 42 / 40.0);
        }) < 1e-4);
  CHECK(worst(QuantileTable::Beta(0.5, 0.5), [](double u) {
          const double s = std::sin(u * exact::kPi / 2);
          return (s * s - 0.5) * std::sqrt(8.0);
        }) < 1e-4);
}

TEST_CASE("words are those of the stream, from any block on") {
  const StreamKey key{0x123456789ABCDEFull, 77, 5};
  std::vector<std::uint32_t> words(1000 + kNormalPadding);
  std::vector<float> values(1000 + kNormalPadding);
  FillWords(key, 0xFFFFFFF0u, words.data(), 999);
  FillSignedUniforms(key, 3, values.data(), 999);
  for (std::uint32_t i = 0; i < 999; ++i) {
    REQUIRE(words[i] == key.Block(0xFFFFFFF0u + i / 4)[i % 4]);
    REQUIRE(double{values[i]} == (key.Block(3 + i / 4)[i % 4] >> 8) * 0x1p-23 - 1);
  }
}

}  // namespace
}  // namespace pixloom
