// SPDX-License-Identifier: Apache-2.0
// Randomness as a pure function of who asks.
//
// Philox4x32-10 maps (key, counter) to 128 random bits. The key is hash64(seed, epoch, branch,
// frame), the counter {draw or pixel block, stream, id.lo, id.hi}: no state survives a call, so
// results cannot depend on thread count, arrival order, batching or restarts. The standard
// library's distributions are implementation-defined and therefore banned; these are not.
//
// Rng is a cursor over one stream: a value, used by one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pixloom {

using PhiloxBlock = std::array<std::uint32_t, 4>;

constexpr PhiloxBlock Philox(std::array<std::uint32_t, 2> key, PhiloxBlock counter) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// splitmix64's finaliser: a bijection that mixes every bit.
constexpr std::uint64_t Mix64(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9u;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

constexpr std::uint64_t HashCombine(std::uint64_t hash, std::uint64_t value) {
  return Mix64(hash * 0x9E3779B97F4A7C15u + value + 0x632BE59BD9B4E019u);
}

// 32-bit FNV-1a of a step's path; two steps with one id are an error of the graph.
constexpr std::uint32_t StreamId(std::string_view path) {
  std::uint32_t hash = 2166136261u;
  for (char c : path) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619u;
  return hash;
}

// The Philox key of one (seed, epoch, branch, frame). Frame 0 is the whole clip.
std::uint64_t DrawKey(std::uint64_t seed, std::uint64_t epoch,
                      const std::vector<std::uint32_t>& branch, std::uint32_t frame = 0);

// One stream of one sample.
struct StreamKey {
  std::uint64_t key = 0;  // DrawKey
  std::uint64_t id = 0;   // sample id
  std::uint32_t stream = 0;

  constexpr PhiloxBlock Block(std::uint32_t index) const {
    return Philox(
        {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)},
        {index, stream, static_cast<std::uint32_t>(id), static_cast<std::uint32_t>(id >> 32)});
  }
  // The stream for noise keyed by pixel position: never shared with the step's own draws.
  constexpr StreamKey Pixels() const { return {key, id, stream ^ 0x50495845u}; }
};

// What a random parameter may be: a number, an interval, or a set.
struct Range {
  double lo = 0;
  double hi = 0;
  std::vector<double> choice;  // when not empty: one of these, with equal chance

  constexpr Range() = default;
  constexpr Range(double value) : lo(value), hi(value) {}
  constexpr Range(double low, double high) : lo(low), hi(high) {}
  bool operator==(const Range&) const = default;
  double Min() const;
  double Max() const;
};

class Rng {
 public:
  using Record = std::vector<std::pair<std::string, double>>;

  // `record` may be null; otherwise every named draw is appended to it.
  explicit Rng(StreamKey key, Record* record = nullptr) : key_(key), record_(record) {}

  std::uint32_t Bits();
  // [0, 1) with 53 bits.
  double Unit();

  // Named draws go into the recipe; "" keeps one out. Each takes a fixed number of words.
  double Uniform(std::string_view name, double lo, double hi);
  double LogUniform(std::string_view name, double lo, double hi);
  double Draw(std::string_view name, const Range& range);
  double Normal(std::string_view name, double mean, double deviation);
  bool Chance(std::string_view name, double p);
  std::uint32_t Below(std::string_view name, std::uint32_t n);
  // Notes a value that was derived rather than drawn.
  void Note(std::string_view name, double value);

  const StreamKey& Key() const { return key_; }

 private:
  StreamKey key_;
  Record* record_;
  std::uint32_t next_block_ = 0;
  int used_ = 4;
  PhiloxBlock block_{};
};

// Keyed bijection on [0, n): position i of a shuffled order, without storing the order. Swap-or-not
// network; every (seed, n) gives a permutation.
class KeyedPermutation {
 public:
  KeyedPermutation(std::uint64_t seed, std::uint64_t n);
  std::uint64_t operator()(std::uint64_t index) const;
  std::uint64_t Inverse(std::uint64_t position) const;

 private:
  std::uint64_t Walk(std::uint64_t value, int round) const;
  static constexpr int kRounds = 48;
  std::uint64_t n_;
  std::array<std::uint64_t, kRounds> keys_{};
  std::array<std::uint64_t, kRounds> offsets_{};
};

}  // namespace pixloom
