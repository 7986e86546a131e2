// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/noise_kernel.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "ops/kernels/pixel_math.h"
#include "pipeline/sample.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/noise_kernel.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include "ops/kernels/pixel_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using WordTag = hn::RebindToUnsigned<FloatTag>;
using Words = hn::Vec<WordTag>;
using WideTag = hn::RepartitionToWide<WordTag>;
using Wide = hn::Vec<WideTag>;

// first, first + 1, ... Highway's Iota writes its lanes to memory one by one and waits for them.
HWY_INLINE Words CountFrom(std::uint32_t first) {
  alignas(64) static constexpr std::uint32_t kLanes[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                           8, 9, 10, 11, 12, 13, 14, 15};
  const WordTag d;
  return hn::Add(hn::Load(d, kLanes), hn::Set(d, first));
}

// The blocks of a stream, as many at once as a vector has lanes: Philox4x32-10 (pipeline/rng.h).
// Even and odd blocks pass through the rounds apart, one to a 64-bit lane with its words in the low
// halves; what is in the high halves does not matter to the multiplication.
class Blocks {
 public:
  explicit Blocks(StreamKey key) {
    auto key0 = static_cast<std::uint32_t>(key.key);
    auto key1 = static_cast<std::uint32_t>(key.key >> 32);
    for (int round = 0; round < kRounds; ++round) {
      keys_[round][0] = key0;
      keys_[round][1] = key1;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    // Only the first counter word differs from block to block: half of the first two rounds is the
    // same for all of them.
    const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
    const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
    const std::uint64_t b = std::uint64_t{kFactor1} * low(key.id);
    first_ = high(key.id) ^ keys_[0][1];
    const std::uint64_t a = std::uint64_t{kFactor0} * (high(b) ^ key.stream ^ keys_[0][0]);
    second_[0] = low(b) ^ keys_[1][0];
    second_[1] = high(a) ^ keys_[1][1];
    third_ = low(a) ^ keys_[2][1];
  }

  // Words 0 to 3 of block number `index` in each lane.
  HWY_INLINE void Get(Words index, Words* words) const {
    const WideTag d;
    const WordTag d32;
    Wide even[4];
    Wide odd[4];
    even[0] = hn::BitCast(d, index);
    odd[0] = hn::ShiftRight<32>(even[0]);
    Start(even);
    Start(odd);
    for (int round = 3; round < kRounds - 1; ++round) {
      Round(round, even);
      Round(round, odd);
    }
    // The last round joins them.
    const auto even_a = Times(even[0], kFactor0);
    const auto even_b = Times(even[2], kFactor1);
    const auto odd_a = Times(odd[0], kFactor0);
    const auto odd_b = Times(odd[2], kFactor1);
    const auto lows = [&](Wide e, Wide o) HWY_ATTR {
      return hn::OddEven(hn::BitCast(d32, hn::ShiftLeft<32>(o)), hn::BitCast(d32, e));
    };
    const auto highs = [&](Wide e, Wide o) HWY_ATTR {
      return hn::OddEven(hn::BitCast(d32, o), hn::BitCast(d32, hn::ShiftRight<32>(e)));
    };
    const auto key = [&](int k) HWY_ATTR {
      return hn::Set(d32, static_cast<std::uint32_t>(keys_[kRounds - 1][k]));
    };
    words[0] = hn::Xor3(highs(even_b, odd_b), lows(even[1], odd[1]), key(0));
    words[1] = lows(even_b, odd_b);
    words[2] = hn::Xor3(highs(even_a, odd_a), lows(even[3], odd[3]), key(1));
    words[3] = lows(even_a, odd_a);
  }

 private:
  static constexpr int kRounds = 10;
  static constexpr std::uint32_t kFactor0 = 0xD2511F53u;
  static constexpr std::uint32_t kFactor1 = 0xCD9E8D57u;

  static HWY_INLINE Wide Times(Wide v, std::uint32_t factor) {
    const WordTag d32;
    return hn::MulEven(hn::BitCast(d32, v), hn::Set(d32, factor));
  }

  // The first three rounds on v[0].
  HWY_INLINE void Start(Wide* v) const {
    const WideTag d;
    const auto word = [&](std::uint64_t w) HWY_ATTR { return hn::Set(d, w); };
    auto a = Times(v[0], kFactor0);
    v[2] = hn::Xor(hn::ShiftRight<32>(a), word(first_));
    v[3] = a;
    auto b = Times(v[2], kFactor1);
    v[0] = hn::Xor(hn::ShiftRight<32>(b), word(second_[0]));
    v[1] = b;
    v[2] = hn::Xor(v[3], word(second_[1]));
    a = Times(v[0], kFactor0);
    b = Times(v[2], kFactor1);
    v[0] = hn::Xor3(hn::ShiftRight<32>(b), v[1], word(keys_[2][0]));
    v[1] = b;
    v[2] = hn::Xor(hn::ShiftRight<32>(a), word(third_));
    v[3] = a;
  }

  HWY_INLINE void Round(int round, Wide* v) const {
    const WideTag d;
    const auto a = Times(v[0], kFactor0);
    const auto b = Times(v[2], kFactor1);
    v[0] = hn::Xor3(hn::ShiftRight<32>(b), v[1], hn::Set(d, keys_[round][0]));
    v[2] = hn::Xor3(hn::ShiftRight<32>(a), v[3], hn::Set(d, keys_[round][1]));
    v[1] = b;
    v[3] = a;
  }

  // As wide as the lanes they meet: these are then read from memory by the operation itself.
  std::uint64_t keys_[kRounds][2];
  std::uint64_t first_;
  std::uint64_t second_[2];
  std::uint64_t third_;
};

// Square root of -2 log(n 2^-24), n in [1, 2^24]: n = 2^k (1 + r) with 1 + r in [sqrt(1/2),
// sqrt(2)), and a polynomial in r. No division, which is slow.
HWY_INLINE Floats Radius(Words n) {
  const FloatTag d;
  const IntTag di;
  // Adding the distance from sqrt(1/2) to 1 carries into the exponent exactly when the mantissa is
  // at least that.
  constexpr std::int32_t kOne = 0x3F800000;
  constexpr std::int32_t kRootOfHalf = 0x3F3504F3;
  const auto bits = hn::BitCast(di, hn::ConvertTo(d, hn::BitCast(di, n)));
  const auto shifted = hn::Add(bits, hn::Set(di, kOne - kRootOfHalf));
  const auto exponent = hn::Sub(hn::ShiftRight<23>(shifted), hn::Set(di, 127 + 24));
  const auto mantissa = hn::And(shifted, hn::Set(di, 0x7FFFFF));
  const auto r =
      hn::Sub(hn::BitCast(d, hn::Add(mantissa, hn::Set(di, kRootOfHalf))), hn::Set(d, 1.0F));
  const auto z = hn::Mul(r, r);
  // log(1 + r) = r - z / 2 + r z P(r), P within 2.7e-7 / z of it. Even and odd powers apart: two
  // short chains of operations instead of a long one.
  auto even = hn::Set(d, -2 * 0.1615411639F);
  auto odd = hn::Set(d, -2 * -0.1048766524F);
  even = hn::Add(hn::Mul(even, z), hn::Set(d, -2 * 0.1990864128F));
  odd = hn::Add(hn::Mul(odd, z), hn::Set(d, -2 * -0.1710237861F));
  even = hn::Add(hn::Mul(even, z), hn::Set(d, -2 * 0.3333466351F));
  odd = hn::Add(hn::Mul(odd, z), hn::Set(d, -2 * -0.2498423159F));
  const auto whole = hn::Mul(hn::ConvertTo(d, exponent), hn::Set(d, -2 * 0.693147180559945F));
  const auto straight = hn::Add(hn::Sub(z, hn::Add(r, r)), whole);
  const auto series = hn::Add(even, hn::Mul(odd, r));
  return hn::Sqrt(hn::Add(straight, hn::Mul(hn::Mul(z, r), series)));
}

// Cosine and sine of the turn a word stands for (see FillNormals).
HWY_INLINE void CosSin(Words word, Floats* first, Floats* second) {
  const FloatTag d;
  const WordTag du;
  // In [-1/2, 1/2) quarter turns.
  const auto mantissa = hn::And(word, hn::Set(du, 0x7FFFFFu));
  const auto t =
      hn::Sub(hn::BitCast(d, hn::Or(mantissa, hn::Set(du, 0x3F800000u))), hn::Set(d, 1.5F));
  const auto z = hn::Mul(t, t);
  // Within 6e-7 of sine and cosine.
  auto s = hn::Add(hn::Mul(z, hn::Set(d, 0.07766739F)), hn::Set(d, -0.645712F));
  s = hn::Mul(t, hn::Add(hn::Mul(z, s), hn::Set(d, 1.5707885F)));
  auto c = hn::Add(hn::Mul(z, hn::Set(d, -0.02042625F)), hn::Set(d, 0.25360635F));
  c = hn::Add(hn::Mul(z, c), hn::Set(d, -1.233698F));
  c = hn::Add(hn::Mul(z, c), hn::Set(d, 1.0F));
  const auto sign = hn::And(word, hn::Set(du, 0x80000000u));
  c = hn::Xor(c, hn::BitCast(d, sign));
  const auto swap = hn::ShiftLeft<1>(word);
  *first = SelectBySign(swap, s, c);
  *second = SelectBySign(swap, c, s);
}

// Normal variates of several vectors of blocks. In stages, each of which is a short chain of
// operations for many vectors: a processor looks ahead a hundred operations or two, and in that
// window there must be enough that does not wait.
class Normals {
 public:
  static constexpr std::size_t kVectors = 8;

  explicit Normals(StreamKey key) : blocks_(key) {}

  // Blocks from `first` on, as many as `vectors` vectors have lanes; `scale` is the deviation.
  HWY_INLINE void Prepare(std::uint32_t first, std::size_t vectors, float scale) {
    const FloatTag d;
    const WordTag du;
    const auto one = hn::Set(du, 1);
    for (std::size_t i = 0; i < vectors * kMaxLanes; i += kMaxLanes) {
      Words words[4];
      blocks_.Get(CountFrom(first + static_cast<std::uint32_t>(i)), words);
      hn::Store(hn::Add(hn::ShiftRight<8>(words[0]), one), du, steps_[0] + i);
      hn::Store(words[1], du, turns_[0] + i);
      hn::Store(hn::Add(hn::ShiftRight<8>(words[2]), one), du, steps_[1] + i);
      hn::Store(words[3], du, turns_[1] + i);
    }
    const auto deviation = hn::Set(d, scale);
    for (int pair = 0; pair < 2; ++pair) {
      for (std::size_t i = 0; i < vectors * kMaxLanes; i += kMaxLanes) {
        const auto radius = Radius(hn::Load(du, steps_[pair] + i));
        hn::Store(hn::Mul(deviation, radius), d, radii_[pair] + i);
      }
    }
  }

  // The four variates of each block of a vector.
  HWY_INLINE void Get(std::size_t vector, Floats* variates) const {
    const FloatTag d;
    const std::size_t i = vector * kMaxLanes;
    for (int pair = 0; pair < 2; ++pair) {
      Floats first, second;
      CosSin(hn::Load(WordTag(), turns_[pair] + i), &first, &second);
      const auto radius = hn::Load(d, radii_[pair] + i);
      variates[2 * pair] = hn::Mul(radius, first);
      variates[2 * pair + 1] = hn::Mul(radius, second);
    }
  }

 private:
  Blocks blocks_;
  alignas(64) std::uint32_t steps_[2][kVectors * kMaxLanes];
  alignas(64) std::uint32_t turns_[2][kVectors * kMaxLanes];
  alignas(64) float radii_[2][kVectors * kMaxLanes];
};

void FillNormalsImpl(StreamKey key, std::uint32_t first_block, float* out, std::size_t count) {
  const FloatTag d;
  constexpr std::size_t kStep = 4 * kMaxLanes;
  Normals normals(key);
  std::size_t left = (count + kStep - 1) / kStep;
  while (left > 0) {
    const std::size_t now = std::min(left, Normals::kVectors);
    normals.Prepare(first_block, now, 1.0F);
    for (std::size_t k = 0; k < now; ++k, out += kStep) {
      Floats n[4];
      normals.Get(k, n);
      hn::StoreInterleaved4(n[0], n[1], n[2], n[3], d, out);
    }
    first_block += static_cast<std::uint32_t>(now * kMaxLanes);
    left -= now;
  }
}

// Calls store(out, words) with one vector for each of the four words of as many blocks.
template <class T, class Store>
HWY_INLINE void StoreBlocks(StreamKey key, std::uint32_t first_block, T* out, std::size_t count,
                            Store store) {
  const Blocks blocks(key);
  for (std::size_t i = 0; i < count; i += 4 * kMaxLanes) {
    Words words[4];
    blocks.Get(CountFrom(first_block + static_cast<std::uint32_t>(i / 4)), words);
    store(out + i, words);
  }
}

void FillWordsImpl(StreamKey key, std::uint32_t first_block, std::uint32_t* out,
                   std::size_t count) {
  StoreBlocks(key, first_block, out, count, [](std::uint32_t* to, const Words* words) HWY_ATTR {
    hn::StoreInterleaved4(words[0], words[1], words[2], words[3], WordTag(), to);
  });
}

void FillSignedUniformsImpl(StreamKey key, std::uint32_t first_block, float* out,
                            std::size_t count) {
  const FloatTag d;
  const IntTag di;
  const auto signed_unit = [&](Words word) HWY_ATTR {
    const auto steps = hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<8>(word)));
    return hn::Sub(hn::Mul(steps, hn::Set(d, 0x1p-23F)), hn::Set(d, 1.0F));
  };
  StoreBlocks(key, first_block, out, count, [&](float* to, const Words* words) HWY_ATTR {
    hn::StoreInterleaved4(signed_unit(words[0]), signed_unit(words[1]), signed_unit(words[2]),
                          signed_unit(words[3]), d, to);
  });
}

// To the nearest integer, ties to even. Values outside int32 give its minimum.
HWY_INLINE Ints Nearest(Floats v) {
#if HWY_TARGET == HWY_AVX3
  return Ints{_mm512_cvtps_epi32(v.raw)};
#elif HWY_TARGET == HWY_AVX2
  return Ints{_mm256_cvtps_epi32(v.raw)};
#elif HWY_ARCH_X86
  return Ints{_mm_cvtps_epi32(v.raw)};
#else
  return hn::NearestInt(v);
#endif
}

// values[i] += round(variate + mean), saturated, a block of the stream for every four values; the
// fourth of four stays where `keep_fourth`. Adding whole levels needs no floats.
template <bool kKeepFourth, bool kMean>
HWY_INLINE void AddToBlocks(const Floats* variates, Floats mean, std::uint8_t* values) {
  const ByteTag d;
  const hn::Repartition<std::int16_t, ByteTag> d16;
  const auto noise = [&](int k) HWY_ATTR {
    if (kKeepFourth && k == 3) return hn::Zero(IntTag());
    return Nearest(kMean ? hn::Add(variates[k], mean) : variates[k]);
  };
  const auto low = hn::ReorderDemote2To(d16, noise(0), noise(1));
  const auto high = hn::ReorderDemote2To(d16, noise(2), noise(3));
  // The values of four blocks as the noise lies: first, second, third, fourth values.
  alignas(16) static constexpr std::uint8_t kTurn[16] = {0, 4, 8,  12, 1, 5, 9,  13,
                                                         2, 6, 10, 14, 3, 7, 11, 15};
  const auto turn = hn::LoadDup128(d, kTurn);
  const auto levels = hn::TableLookupBytes(hn::LoadU(d, values), turn);
  const auto low_levels = hn::BitCast(d16, hn::InterleaveLower(d, levels, hn::Zero(d)));
  const auto high_levels = hn::BitCast(d16, hn::InterleaveUpper(d, levels, hn::Zero(d)));
  const auto sums =
      PackWords(hn::SaturatedAdd(low, low_levels), hn::SaturatedAdd(high, high_levels));
  hn::StoreU(hn::TableLookupBytes(sums, turn), d, values);
}

template <bool kKeepFourth, bool kMean>
HWY_INLINE void AddToRun(StreamKey key, std::uint64_t first, std::uint8_t* values,
                         std::size_t count, float sigma, float mean) {
  constexpr std::size_t kStep = 4 * kMaxLanes;
  const auto means = hn::Set(FloatTag(), mean);
  Normals normals(key);
  auto block = static_cast<std::uint32_t>(first / 4);
  alignas(64) std::uint8_t buffer[kStep] = {};
  // The run begins `skipped` values after the beginning of a block.
  std::size_t skipped = first % 4;
  while (count > 0) {
    const std::size_t vectors = std::min((skipped + count + kStep - 1) / kStep, Normals::kVectors);
    normals.Prepare(block, vectors, sigma);
    for (std::size_t k = 0; k < vectors; ++k) {
      Floats variates[4];
      normals.Get(k, variates);
      const std::size_t now = std::min(count, kStep - skipped);
      if (now == kStep) {
        AddToBlocks<kKeepFourth, kMean>(variates, means, values);
      } else {
        std::memcpy(buffer + skipped, values, now);
        AddToBlocks<kKeepFourth, kMean>(variates, means, buffer);
        std::memcpy(values, buffer + skipped, now);
        skipped = 0;
      }
      values += now;
      count -= now;
    }
    block += static_cast<std::uint32_t>(vectors * kMaxLanes);
  }
}

void AddToBytesImpl(StreamKey key, std::uint64_t first, std::uint8_t* values, std::size_t count,
                    float sigma, float mean, bool keep_fourth) {
  if (keep_fourth) {
    AddToRun<true, true>(key, first, values, count, sigma, mean);
  } else if (mean != 0) {
    AddToRun<false, true>(key, first, values, count, sigma, mean);
  } else {
    AddToRun<false, false>(key, first, values, count, sigma, mean);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(FillNormalsImpl);
HWY_EXPORT(FillSignedUniformsImpl);
HWY_EXPORT(FillWordsImpl);
HWY_EXPORT(AddToBytesImpl);

void FillNormals(StreamKey key, std::uint32_t first_block, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(FillNormalsImpl)(key, first_block, out, count);
}

void FillSignedUniforms(StreamKey key, std::uint32_t first_block, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(FillSignedUniformsImpl)(key, first_block, out, count);
}

void FillWords(StreamKey key, std::uint32_t first_block, std::uint32_t* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(FillWordsImpl)(key, first_block, out, count);
}

namespace {

// Variates handled at once: they stay in the first-level cache.
constexpr std::size_t kChunk = 2048;

// Adds variate `normals[i]`, or the pixel's, to every channel but alpha.
template <class T>
void AddToPixels(T* row, const float* normals, std::size_t pixels, int channels, bool per_channel,
                 float sigma, float mean) {
  const int touched = channels == 4 ? 3 : channels;
  for (std::size_t i = 0; i < pixels; ++i, row += channels) {
    const float* normal = per_channel ? normals + i * static_cast<std::size_t>(channels) : normals;
    for (int c = 0; c < touched; ++c) {
      row[c] = RoundTo<T>(static_cast<float>(row[c]) +
                          (sigma * normal[per_channel ? c : static_cast<int>(i)] + mean));
    }
  }
}

template <class T>
void AddNoise(cv::Mat& image, float sigma, float mean, bool per_channel, StreamKey key) {
  const int channels = image.channels();
  const auto width = static_cast<std::size_t>(image.cols);
  // Variates of one pixel.
  const std::size_t each = per_channel ? static_cast<std::size_t>(channels) : 1;
  alignas(64) std::array<float, kChunk + kNormalPadding + 4> normals;
  const std::size_t pixels_at_once = std::max<std::size_t>(kChunk / each, 1);
  PIXLOOM_CHECK(each <= kChunk, "more channels than a chunk holds");
  for (int y = 0; y < image.rows; ++y) {
    T* row = image.ptr<T>(y);
    for (std::size_t x = 0; x < width; x += pixels_at_once) {
      const std::size_t pixels = std::min(pixels_at_once, width - x);
      const std::uint64_t first = (static_cast<std::uint64_t>(y) * width + x) * each;
      const std::size_t skipped = first % 4;
      FillNormals(key, static_cast<std::uint32_t>(first / 4), normals.data(),
                  skipped + pixels * each);
      T* at = row + x * static_cast<std::size_t>(channels);
      const float* use = normals.data() + skipped;
      if (channels == 4 || (!per_channel && channels > 1)) {
        AddToPixels(at, use, pixels, channels, per_channel, sigma, mean);
      } else {
        for (std::size_t i = 0; i < pixels * each; ++i) {
          at[i] = RoundTo<T>(static_cast<float>(at[i]) + (sigma * use[i] + mean));
        }
      }
    }
  }
}

// Bytes in one go: generated, added and rounded in registers.
void AddNoiseToBytes(cv::Mat& image, float sigma, float mean, StreamKey key) {
  const int rows = image.isContinuous() ? 1 : image.rows;
  const std::size_t count =
      image.total() * static_cast<std::size_t>(image.channels()) / static_cast<std::size_t>(rows);
  for (int y = 0; y < rows; ++y) {
    HWY_DYNAMIC_DISPATCH(AddToBytesImpl)
    (key, static_cast<std::uint64_t>(y) * count, image.ptr<std::uint8_t>(y), count, sigma, mean,
     image.channels() == 4);
  }
}

}  // namespace

void AddGaussianNoise(cv::Mat& image, double sigma, double mean, bool per_channel, StreamKey key) {
  if (image.empty()) return;
  MakeUnique(image);
  // Anything more saturates alike, and sums stay within int32.
  const auto deviation = static_cast<float>(std::clamp(sigma, -1e7, 1e7));
  const auto offset = static_cast<float>(std::clamp(mean, -1e7, 1e7));
  if (image.depth() == CV_8U && (per_channel || image.channels() == 1)) {
    return AddNoiseToBytes(image, deviation, offset, key);
  }
  WithDepth(image, [&](auto zero) {
    AddNoise<decltype(zero)>(image, deviation, offset, per_channel, key);
  });
}

}  // namespace pixloom
#endif  // HWY_ONCE
