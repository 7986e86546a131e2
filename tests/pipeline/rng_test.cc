// SPDX-License-Identifier: Apache-2.0
// Randomness: published vectors, separation of streams, distributions, the keyed permutation. Seeds
// are fixed, so a statistic that passes passes always; bounds are those of a 1e-6 chance.
#include "pipeline/rng.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>
#include <unordered_set>

#include <doctest/doctest.h>

#include "pipeline/error.h"

namespace pixloom {
namespace {

// Random123's known answers for philox4x32-10.
static_assert(Philox({0, 0}, {0, 0, 0, 0}) ==
              PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(Philox({0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}) ==
              PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(Philox({0xa4093822, 0x299f31d0}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}) ==
              PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

// FNV-1a's published values for "" and "a".
static_assert(StreamId("") == 0x811c9dc5u);
static_assert(StreamId("a") == 0xe40c292cu);
static_assert(StreamId("foobar") == 0xbf9cf968u);

constexpr StreamKey kKey{0x0123456789abcdefu, 0xfedcba9876543210u, 0x5eed5eedu};

// Sum of (observed - expected)^2 / expected for equally likely bins.
double ChiSquare(const std::vector<int>& bins) {
  const double expected =
      std::accumulate(bins.begin(), bins.end(), 0.0) / static_cast<double>(bins.size());
  double sum = 0;
  for (const int count : bins) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

// Mean k - 1, variance 2(k - 1): far outside on either side is suspicious.
bool LooksUniform(const std::vector<int>& bins) {
  const double freedom = static_cast<double>(bins.size()) - 1;
  return std::abs(ChiSquare(bins) - freedom) < 5.5 * std::sqrt(2 * freedom);
}

// Kolmogorov-Smirnov distance times sqrt(n); 2.7 is passed with a chance of 1e-6.
double KolmogorovSmirnov(std::vector<double> values, const std::function<double(double)>& cdf) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double f = cdf(values[i]);
    worst = std::max({worst, std::abs(f - static_cast<double>(i) / n),
                      std::abs(static_cast<double>(i + 1) / n - f)});
  }
  return worst * std::sqrt(n);
}

TEST_CASE("a block of a stream is Philox of its coordinates") {
  CHECK(kKey.Block(9) == Philox({0x89abcdef, 0x01234567}, {9, 0x5eed5eed, 0x76543210, 0xfedcba98}));
  Rng rng(kKey);
  for (std::uint32_t block = 0; block < 3; ++block) {
    for (const std::uint32_t word : kKey.Block(block)) CHECK(rng.Bits() == word);
  }
  CHECK(kKey.Pixels().stream != kKey.stream);
  CHECK(kKey.Pixels().Block(0) != kKey.Block(0));
}

TEST_CASE("keys of other seeds, epochs, branches and frames never meet") {
  std::unordered_set<std::uint64_t> keys;
  std::size_t combinations = 0;
  const auto add = [&](std::uint64_t seed, std::uint64_t epoch,
                       const std::vector<std::uint32_t>& branch, std::uint32_t frame) {
    keys.insert(DrawKey(seed, epoch, branch, frame));
    ++combinations;
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
      for (std::uint32_t frame = 0; frame < 5; ++frame) {
        add(seed, epoch, {}, frame);
        for (std::uint32_t a = 0; a < 15; ++a) {
          add(seed, epoch, {a}, frame);
          for (std::uint32_t b = 0; b < 15; ++b) add(seed, epoch, {a, b}, frame);
        }
        add(seed, epoch, {0, 0, 0}, frame);
        add(seed, epoch, {0, 0, 0, 0}, frame);
      }
    }
  }
  CHECK(combinations > 200'000);
  CHECK(keys.size() == combinations);
  // Neighbouring seeds share no digit by more than chance.
  int equal_bits = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    std::uint64_t x = DrawKey(seed, 0, {}) ^ DrawKey(seed + 1, 0, {});
    for (; x != 0; x &= x - 1) ++equal_bits;
  }
  CHECK(std::abs(equal_bits - 32'000) < 650);
  CHECK(DrawKey(1, 0, {}) == DrawKey(1, 0, {}, 0));
}

TEST_CASE("Unit is uniform on [0, 1)") {
  Rng rng(kKey);
  std::vector<double> values(200'000);
  std::vector<int> bins(1000), pairs(100 * 100);
  double previous = 0;
  for (double& v : values) {
    v = rng.Unit();
    REQUIRE(v >= 0);
    REQUIRE(v < 1);
    ++bins[static_cast<std::size_t>(v * 1000)];
    ++pairs[static_cast<std::size_t>(v * 100) * 100 + static_cast<std::size_t>(previous * 100)];
    previous = v;
  }
  CHECK(LooksUniform(bins));
  CHECK(LooksUniform(pairs));
  CHECK(KolmogorovSmirnov(values, [](double x) { return x; }) < 2.7);
}

TEST_CASE("first draws of many samples are as independent as draws of one") {
  std::vector<int> bins(100 * 100);
  std::vector<double> values;
  for (std::uint64_t id = 0; id < 200'000; ++id) {
    Rng rng({1, id, 2});
    Rng next({1, id + 1, 2});
    values.push_back(rng.Unit());
    ++bins[static_cast<std::size_t>(values.back() * 100) * 100 +
           static_cast<std::size_t>(next.Unit() * 100)];
  }
  CHECK(LooksUniform(bins));
  CHECK(KolmogorovSmirnov(values, [](double x) { return x; }) < 2.7);
}

TEST_CASE("Uniform, LogUniform and Draw stay inside and fill their range") {
  Rng rng(kKey);
  std::vector<double> uniform, logarithmic, drawn;
  std::vector<int> chosen(3);
  for (int i = 0; i < 100'000; ++i) {
    uniform.push_back(rng.Uniform("", -3, 5));
    logarithmic.push_back(rng.LogUniform("", 0.5, 8));
    drawn.push_back(rng.Draw("", Range(-3, 5)));
    Range set;
    set.choice = {10, 20, 40};
    const double pick = rng.Draw("", set);
    ++chosen[pick == 10 ? 0 : pick == 20 ? 1 : 2];
    REQUIRE((pick == 10 || pick == 20 || pick == 40));
  }
  const auto cdf = [](double x) { return (x + 3) / 8; };
  CHECK(*std::min_element(uniform.begin(), uniform.end()) >= -3);
  CHECK(*std::max_element(uniform.begin(), uniform.end()) < 5);
  CHECK(KolmogorovSmirnov(uniform, cdf) < 2.7);
  CHECK(KolmogorovSmirnov(drawn, cdf) < 2.7);
  CHECK(*std::min_element(logarithmic.begin(), logarithmic.end()) >= 0.5 * (1 - 1e-14));
  CHECK(*std::max_element(logarithmic.begin(), logarithmic.end()) <= 8 * (1 + 1e-14));
  CHECK(KolmogorovSmirnov(logarithmic, [](double x) { return std::log2(2 * x) / 4; }) < 2.7);
  CHECK(LooksUniform(chosen));
  CHECK(rng.Draw("", Range(4)) == 4);
}

TEST_CASE("Normal has the mean, the deviation and the shape it is asked for") {
  Rng rng(kKey);
  std::vector<double> values;
  double sum = 0, squares = 0;
  for (int i = 0; i < 200'000; ++i) {
    values.push_back((rng.Normal("", 2, 3) - 2) / 3);
    sum += values.back();
    squares += values.back() * values.back();
  }
  const auto n = static_cast<double>(values.size());
  CHECK(std::abs(sum / n) < 5 / std::sqrt(n));
  CHECK(std::abs(squares / n - 1) < 5 * std::sqrt(2 / n));
  CHECK(KolmogorovSmirnov(values, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }) <
        2.7);
  CHECK(std::all_of(values.begin(), values.end(), [](double v) { return std::abs(v) < 8.6; }));
}

TEST_CASE("Chance hits as often as it says") {
  for (const double p : {0.0, 0.001, 0.3, 0.5, 0.9, 1.0}) {
    Rng rng({77, static_cast<std::uint64_t>(p * 1000), 3});
    int hits = 0;
    constexpr int kTries = 100'000;
    for (int i = 0; i < kTries; ++i) hits += rng.Chance("", p) ? 1 : 0;
    CHECK(std::abs(hits - p * kTries) <= 5 * std::sqrt(kTries * p * (1 - p)));
  }
}

TEST_CASE("Below gives every number equally often") {
  for (const std::uint32_t n : {1u, 2u, 3u, 7u, 24u, 1000u}) {
    Rng rng({5, n, 3});
    std::vector<int> bins(n);
    for (int i = 0; i < 100'000; ++i) ++bins[rng.Below("", n)];
    if (n > 1) CHECK(LooksUniform(bins));
  }
  Rng rng(kKey);
  for (int i = 0; i < 10'000; ++i) CHECK(rng.Below("", 0xffffffffu) < 0xffffffffu);
  CHECK_THROWS_AS(rng.Below("", 0), InternalError);
}

TEST_CASE("every draw takes a fixed number of words and is recorded by name") {
  Range set;
  set.choice = {1, 2, 3};
  const std::vector<std::function<void(Rng&)>> draws{
      [](Rng& r) { r.Unit(); },
      [](Rng& r) { r.Uniform("a", 0, 1); },
      [](Rng& r) { r.LogUniform("a", 1, 2); },
      [](Rng& r) { r.Draw("a", Range(1, 2)); },
      [](Rng& r) { r.Draw("a", Range(1)); },  // a constant takes as many as an interval
      [&](Rng& r) { r.Draw("a", set); },
      [](Rng& r) { r.Chance("a", 0); },
      [](Rng& r) { r.Chance("", 1); },
      [](Rng& r) { r.Below("a", 1000); }};
  for (std::size_t i = 0; i < draws.size(); ++i) {
    CAPTURE(i);
    Rng rng(kKey), plain(kKey);
    draws[i](rng);
    plain.Bits();
    plain.Bits();
    CHECK(rng.Bits() == plain.Bits());
  }
  Rng::Record record;
  Rng rng(kKey, &record);
  rng.Uniform("x", 0, 1);
  rng.Unit();
  rng.Draw("", Range(0, 1));
  rng.Chance("hit", 1);
  rng.Note("y", 5);
  rng.Note("", 6);
  REQUIRE(record.size() == 3);
  CHECK(record[0].first == "x");
  CHECK(record[1] == std::pair<std::string, double>("hit", 1));
  CHECK(record[2] == std::pair<std::string, double>("y", 5));
}

TEST_CASE("the keyed permutation is a bijection with an inverse for every n") {
  const auto check = [](std::uint64_t seed, std::uint64_t n) {
    const KeyedPermutation permutation(seed, n);
    std::vector<bool> seen(n);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t position = permutation(i);
      REQUIRE(position < n);
      REQUIRE(!seen[position]);
      seen[position] = true;
      REQUIRE(permutation.Inverse(position) == i);
    }
  };
  for (std::uint64_t n = 1; n <= 130; ++n) check(n * 17, n);
  for (const std::uint64_t n : {255u, 256u, 257u, 1000u, 1021u, 4096u, 10'007u, 65'536u}) {
    check(3, n);
  }
  const std::uint64_t huge = std::uint64_t{1} << 40;
  const KeyedPermutation permutation(9, huge);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint64_t position = permutation(i * 0x12345678);
    CHECK(position < huge);
    CHECK(permutation.Inverse(position) == i * 0x12345678);
  }
  CHECK_THROWS_AS(KeyedPermutation(1, 0), InternalError);
}

TEST_CASE("the keyed permutation looks uniform") {
  // Where the first element goes, over seeds; and all orders of four.
  std::vector<int> first(10);
  std::vector<int> orders(24);
  for (std::uint64_t seed = 0; seed < 24'000; ++seed) {
    ++first[KeyedPermutation(seed, 10)(0)];
    const KeyedPermutation four(seed, 4);
    std::array<std::uint64_t, 4> order{four(0), four(1), four(2), four(3)};
    std::array<std::uint64_t, 4> sorted{0, 1, 2, 3};
    std::size_t index = 0;
    while (sorted != order) {
      std::next_permutation(sorted.begin(), sorted.end());
      ++index;
    }
    ++orders[index];
  }
  CHECK(LooksUniform(first));
  CHECK(LooksUniform(orders));
  // Neighbours do not stay neighbours: one successor in n by chance.
  constexpr std::uint64_t kCount = 20'000;
  const KeyedPermutation permutation(4, kCount);
  int neighbours = 0;
  std::vector<int> bins(100 * 100);
  for (std::uint64_t i = 0; i + 1 < kCount; ++i) {
    if (permutation(i) + 1 == permutation(i + 1)) ++neighbours;
    ++bins[i / 200 * 100 + permutation(i) / 200];
  }
  CHECK(neighbours < 10);
  CHECK(ChiSquare(bins) < 10'000 + 5.5 * std::sqrt(20'000));
}

}  // namespace
}  // namespace pixloom
