// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/noise_kernel.h"

#include <algorithm>
#include <array>

#include "ops/kernels/pixel_math.h"
#include "pipeline/sample.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/noise_kernel.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using WordTag = hn::ScalableTag<std::uint32_t>;
using Words = hn::Vec<WordTag>;
using FloatTag = hn::ScalableTag<float>;
using Floats = hn::Vec<FloatTag>;

// Philox4x32-10 (pipeline/rng.h) on one counter per 64-bit lane; words are in the low halves. The
// high halves hold leftovers, which multiplication does not look at.
template <class D64, class V>
HWY_INLINE void PhiloxLanes(D64 d, std::uint64_t key, V& c0, V& c1, V& c2, V& c3) {
  const hn::Repartition<std::uint32_t, D64> d32;
  const auto factor0 = hn::Set(d32, 0xD2511F53u);
  const auto factor1 = hn::Set(d32, 0xCD9E8D57u);
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const V a = hn::MulEven(hn::BitCast(d32, c0), factor0);
    const V b = hn::MulEven(hn::BitCast(d32, c2), factor1);
    c0 = hn::Xor3(hn::ShiftRight<32>(b), c1, hn::Set(d, std::uint64_t{key0}));
    c2 = hn::Xor3(hn::ShiftRight<32>(a), c3, hn::Set(d, std::uint64_t{key1}));
    c1 = b;
    c3 = a;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

// Natural logarithm of (0, 1]: x = 2^k (1 + r) with 1 + r in [sqrt(1/2), sqrt(2)), and a polynomial
// in r (Cephes' logf). No division, which is slow.
HWY_INLINE Floats LogUnit(FloatTag d, Floats x) {
  const hn::RebindToSigned<FloatTag> di;
  const auto bits = hn::BitCast(di, x);
  // Adding the distance from sqrt(1/2) to 1 carries into the exponent exactly when m >= sqrt(1/2).
  const auto shifted = hn::Add(bits, hn::Set(di, 0x3F800000 - 0x3F3504F3));
  const auto exponent = hn::Sub(hn::ShiftRight<23>(shifted), hn::Set(di, 127));
  const auto m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(exponent)));
  const auto r = hn::Sub(m, hn::Set(d, 1.0F));
  const auto z = hn::Mul(r, r);
  // Even and odd powers apart: two short chains of operations instead of a long one.
  auto even = hn::Set(d, 7.0376836292e-2F);
  for (const float next :
       {1.1676998740e-1F, 1.4249322787e-1F, 2.0000714765e-1F, 3.3333331174e-1F}) {
    even = hn::Add(hn::Mul(even, z), hn::Set(d, next));
  }
  auto odd = hn::Set(d, -1.1514610310e-1F);
  for (const float next : {-1.2420140846e-1F, -1.6668057665e-1F, -2.4999993993e-1F}) {
    odd = hn::Add(hn::Mul(odd, z), hn::Set(d, next));
  }
  auto sum = hn::Add(even, hn::Mul(odd, r));
  sum = hn::Sub(hn::Mul(hn::Mul(sum, z), r), hn::Mul(z, hn::Set(d, 0.5F)));
  return hn::Add(hn::Add(r, sum),
                 hn::Mul(hn::ConvertTo(d, exponent), hn::Set(d, 0.693147180559945F)));
}

// Cosine and sine of a full turn cut into 2^24 parts: the top two bits are the quadrant, the rest
// an angle within it, taken from its middle so that the series stays within an eighth of a turn.
HWY_INLINE void CosSinTurn(FloatTag d, Words part, Floats* cosine, Floats* sine) {
  const WordTag du;
  const hn::RebindToSigned<FloatTag> di;
  const auto quadrant = hn::ShiftRight<22>(part);
  const auto within = hn::BitCast(di, hn::And(part, hn::Set(du, 0x3FFFFF)));
  const auto offset = hn::Sub(within, hn::Set(di, 0x200000));
  // Multiples of 2^-24 turns; the constant is 2 pi 2^-24.
  const auto a = hn::Mul(hn::ConvertTo(d, offset), hn::Set(d, 3.7450702829239286e-07F));
  const auto z = hn::Mul(a, a);
  auto s = hn::Add(hn::Mul(z, hn::Set(d, 1.0F / 362880)), hn::Set(d, -1.0F / 5040));
  s = hn::Add(hn::Mul(z, s), hn::Set(d, 1.0F / 120));
  s = hn::Add(hn::Mul(z, s), hn::Set(d, -1.0F / 6));
  s = hn::Add(a, hn::Mul(a, hn::Mul(z, s)));
  auto c = hn::Add(hn::Mul(z, hn::Set(d, 1.0F / 40320)), hn::Set(d, -1.0F / 720));
  c = hn::Add(hn::Mul(z, c), hn::Set(d, 1.0F / 24));
  c = hn::Add(hn::Mul(z, c), hn::Set(d, -0.5F));
  c = hn::Add(hn::Set(d, 1.0F), hn::Mul(z, c));
  // Turn by the middle of the quadrant: 45 degrees and `quadrant` quarter turns.
  const auto root = hn::Set(d, 0.70710678118654752F);
  const auto x = hn::Mul(root, hn::Sub(c, s));
  const auto y = hn::Mul(root, hn::Add(c, s));
  const auto one = hn::Set(du, 1);
  const auto swap = hn::RebindMask(d, hn::Eq(hn::And(quadrant, one), one));
  // Quarter turns take (x, y) to (-y, x), (-x, -y), (y, -x).
  const auto x_sign = hn::ShiftLeft<31>(hn::Xor(quadrant, hn::ShiftRight<1>(quadrant)));
  const auto y_sign = hn::ShiftLeft<31>(hn::ShiftRight<1>(quadrant));
  const auto flip = hn::Set(du, 0x80000000u);
  const auto cos_bits = hn::BitCast(du, hn::IfThenElse(swap, y, x));
  const auto sin_bits = hn::BitCast(du, hn::IfThenElse(swap, x, y));
  *cosine = hn::BitCast(d, hn::Xor(cos_bits, hn::And(x_sign, flip)));
  *sine = hn::BitCast(d, hn::Xor(sin_bits, hn::And(y_sign, flip)));
}

HWY_INLINE void BoxMuller(FloatTag d, Words a, Words b, Floats* first, Floats* second) {
  const hn::RebindToSigned<FloatTag> di;
  const WordTag du;
  // (0, 1] in steps of 2^-24.
  const auto steps = hn::Add(hn::ShiftRight<8>(a), hn::Set(du, 1));
  const auto u = hn::Mul(hn::ConvertTo(d, hn::BitCast(di, steps)), hn::Set(d, 0x1p-24F));
  const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0F), LogUnit(d, u)));
  Floats cosine, sine;
  CosSinTurn(d, hn::ShiftRight<8>(b), &cosine, &sine);
  *first = hn::Mul(radius, cosine);
  *second = hn::Mul(radius, sine);
}

// Calls store(i, words) for every i-th number on, a vector of each of the four words of as many
// blocks.
template <class Store>
HWY_INLINE void ForEachBlock(StreamKey key, std::uint32_t first_block, std::size_t count,
                             Store store) {
  const WordTag d;
  const hn::RepartitionToWide<WordTag> d64;
  using V = hn::Vec<decltype(d64)>;
  const std::size_t lanes = hn::Lanes(d);
  auto next = hn::Iota(d, first_block);
  for (std::size_t i = 0; i < count; i += 4 * lanes) {
    // Even blocks in one set of lanes, odd ones in another.
    V even[4];
    V odd[4];
    even[0] = hn::BitCast(d64, next);
    next = hn::Add(next, hn::Set(d, static_cast<std::uint32_t>(lanes)));
    odd[0] = hn::ShiftRight<32>(even[0]);
    even[1] = odd[1] = hn::Set(d64, std::uint64_t{key.stream});
    even[2] = odd[2] = hn::Set(d64, key.id & 0xFFFFFFFFu);
    even[3] = odd[3] = hn::Set(d64, key.id >> 32);
    PhiloxLanes(d64, key.key, even[0], even[1], even[2], even[3]);
    PhiloxLanes(d64, key.key, odd[0], odd[1], odd[2], odd[3]);
    Words words[4];
    for (int k = 0; k < 4; ++k) {
      words[k] = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd[k])), hn::BitCast(d, even[k]));
    }
    store(i, words);
  }
}

void FillNormalsImpl(StreamKey key, std::uint32_t first_block, float* out, std::size_t count) {
  const FloatTag d;
  ForEachBlock(key, first_block, count, [&](std::size_t i, const Words* words) HWY_ATTR {
    Floats n0, n1, n2, n3;
    BoxMuller(d, words[0], words[1], &n0, &n1);
    BoxMuller(d, words[2], words[3], &n2, &n3);
    hn::StoreInterleaved4(n0, n1, n2, n3, d, out + i);
  });
}

void FillSignedUniformsImpl(StreamKey key, float* out, std::size_t count) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const auto signed_unit = [&](Words word) HWY_ATTR {
    const auto steps = hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<8>(word)));
    return hn::Sub(hn::Mul(steps, hn::Set(d, 0x1p-23F)), hn::Set(d, 1.0F));
  };
  ForEachBlock(key, 0, count, [&](std::size_t i, const Words* words) HWY_ATTR {
    hn::StoreInterleaved4(signed_unit(words[0]), signed_unit(words[1]), signed_unit(words[2]),
                          signed_unit(words[3]), d, out + i);
  });
}

// values[i] = round(values[i] + mean + sigma * normals[i])
void AddToBytesImpl(std::uint8_t* values, const float* normals, std::size_t count, float sigma,
                    float mean) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const hn::Rebind<std::uint8_t, FloatTag> d8;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto noise =
        hn::Add(hn::Mul(hn::Set(d, sigma), hn::LoadU(d, normals + i)), hn::Set(d, mean));
    const auto v = hn::Add(hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(d8, values + i))), noise);
    const auto clamped = hn::Min(hn::Max(v, hn::Zero(d)), hn::Set(d, 255.0F));
    const auto whole = hn::ConvertTo(di, hn::Add(clamped, hn::Set(d, 0.5F)));
    hn::StoreU(hn::DemoteTo(d8, whole), d8, values + i);
  }
  for (; i < count; ++i) {
    values[i] = RoundTo<std::uint8_t>(static_cast<float>(values[i]) + (sigma * normals[i] + mean));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(FillNormalsImpl);
HWY_EXPORT(FillSignedUniformsImpl);
HWY_EXPORT(AddToBytesImpl);

void FillNormals(StreamKey key, std::uint32_t first_block, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(FillNormalsImpl)(key, first_block, out, count);
}

void FillSignedUniforms(StreamKey key, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(FillSignedUniformsImpl)(key, out, count);
}

namespace {

// Variates handled at once: they stay in the first-level cache.
constexpr std::size_t kChunk = 2048;

template <class T>
void AddToValues(T* values, const float* normals, std::size_t count, float sigma, float mean) {
  if constexpr (sizeof(T) == 1) {
    HWY_DYNAMIC_DISPATCH(AddToBytesImpl)(values, normals, count, sigma, mean);
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = RoundTo<T>(static_cast<float>(values[i]) + (sigma * normals[i] + mean));
    }
  }
}

// Adds variate `normals[i * step]`, or the pixel's, to every channel but alpha.
template <class T>
void AddToPixels(T* row, const float* normals, std::size_t pixels, int channels, bool per_channel,
                 float sigma, float mean) {
  const int touched = channels == 4 ? 3 : channels;
  for (std::size_t i = 0; i < pixels; ++i, row += channels) {
    for (int c = 0; c < touched; ++c) {
      const float normal =
          per_channel
              ? normals[i * static_cast<std::size_t>(channels) + static_cast<std::size_t>(c)]
              : normals[i];
      row[c] = RoundTo<T>(static_cast<float>(row[c]) + (sigma * normal + mean));
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
        AddToValues(at, use, pixels * each, sigma, mean);
      }
    }
  }
}

}  // namespace

void AddGaussianNoise(cv::Mat& image, double sigma, double mean, bool per_channel, StreamKey key) {
  if (image.empty()) return;
  MakeUnique(image);
  WithDepth(image, [&](auto zero) {
    AddNoise<decltype(zero)>(image, static_cast<float>(sigma), static_cast<float>(mean),
                             per_channel, key);
  });
}

}  // namespace pixloom
#endif  // HWY_ONCE
