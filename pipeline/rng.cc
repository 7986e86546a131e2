// SPDX-License-Identifier: Apache-2.0
#include "pipeline/rng.h"

#include <algorithm>
#include <cmath>

#include "pipeline/error.h"
#include "pipeline/exact_math.h"

namespace pixloom {

std::uint64_t DrawKey(std::uint64_t seed, std::uint64_t epoch,
                      const std::vector<std::uint32_t>& branch, std::uint32_t frame) {
  std::uint64_t hash = HashCombine(HashCombine(0x7069786C6F6F6Du, seed), epoch);
  hash = HashCombine(hash, branch.size());
  for (std::uint32_t index : branch) hash = HashCombine(hash, index);
  return HashCombine(hash, frame);
}

double Range::Min() const {
  return choice.empty() ? lo : *std::min_element(choice.begin(), choice.end());
}

double Range::Max() const {
  return choice.empty() ? hi : *std::max_element(choice.begin(), choice.end());
}

std::uint32_t Rng::Bits() {
  if (used_ == 4) {
    block_ = key_.Block(next_block_++);
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

double Rng::Unit() {
  const std::uint64_t high = Bits() >> 5;  // 27 bits
  const std::uint64_t low = Bits() >> 6;   // 26 bits
  return static_cast<double>((high << 26) | low) * 0x1p-53;
}

void Rng::Note(std::string_view name, double value) {
  if (record_ != nullptr && !name.empty()) record_->emplace_back(std::string(name), value);
}

double Rng::Uniform(std::string_view name, double lo, double hi) {
  const double value = lo + (hi - lo) * Unit();
  Note(name, value);
  return value;
}

double Rng::LogUniform(std::string_view name, double lo, double hi) {
  const double a = exact::Log(lo);
  const double b = exact::Log(hi);
  const double value = exact::Exp(a + (b - a) * Unit());
  Note(name, value);
  return value;
}

double Rng::Draw(std::string_view name, const Range& range) {
  const double unit = Unit();
  double value = range.lo + (range.hi - range.lo) * unit;
  if (!range.choice.empty()) {
    const auto n = static_cast<double>(range.choice.size());
    value = range.choice[static_cast<std::size_t>(unit * n)];
  }
  Note(name, value);
  return value;
}

double Rng::Normal(std::string_view name, double mean, double deviation) {
  // Box-Muller; 1 - u keeps the logarithm finite.
  const double u = 1.0 - Unit();
  const double angle = 2 * exact::kPi * Unit();
  const double value = mean + deviation * std::sqrt(-2.0 * exact::Log(u)) * exact::Cos(angle);
  Note(name, value);
  return value;
}

bool Rng::Chance(std::string_view name, double p) {
  const bool hit = Unit() < p;
  if (!name.empty()) Note(name, hit ? 1 : 0);
  return hit;
}

std::uint32_t Rng::Below(std::string_view name, std::uint32_t n) {
  PIXLOOM_CHECK(n > 0, "Below(0)");
  // 53 bits scaled: the bias is below n * 2^-53 and the number of words is fixed.
  const auto value = static_cast<std::uint32_t>(Unit() * n);
  if (!name.empty()) Note(name, value);
  return value;
}

// Swap-or-not (Hoang, Morris, Rogaway 2012): each round pairs x with key - x (mod n) and a random
// bit of the pair says whether they trade places; an involution, hence a bijection for every n.
KeyedPermutation::KeyedPermutation(std::uint64_t seed, std::uint64_t n) : n_(n) {
  PIXLOOM_CHECK(n > 0, "permutation of nothing");
  for (int round = 0; round < kRounds; ++round) {
    const auto r = static_cast<std::size_t>(round);
    keys_[r] = HashCombine(seed, static_cast<std::uint64_t>(round));
    offsets_[r] = HashCombine(keys_[r], n) % n;
  }
}

std::uint64_t KeyedPermutation::Walk(std::uint64_t value, int round) const {
  const auto r = static_cast<std::size_t>(round);
  const std::uint64_t partner = (offsets_[r] + n_ - value) % n_;
  const std::uint64_t larger = std::max(value, partner);
  return (HashCombine(keys_[r], larger) & 1) != 0 ? partner : value;
}

std::uint64_t KeyedPermutation::operator()(std::uint64_t index) const {
  for (int round = 0; round < kRounds; ++round) index = Walk(index, round);
  return index;
}

std::uint64_t KeyedPermutation::Inverse(std::uint64_t position) const {
  for (int round = kRounds - 1; round >= 0; --round) position = Walk(position, round);
  return position;
}

}  // namespace pixloom
