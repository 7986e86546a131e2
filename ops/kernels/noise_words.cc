// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/noise_words.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/noise_words.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using WordTag = hn::ScalableTag<std::uint32_t>;
using Words = hn::Vec<WordTag>;

// Philox4x32-10 (pipeline/rng.h) on one counter per 64-bit lane; words are in the low halves. The
// high halves hold leftovers, which multiplication does not look at.
template <class D64, class V>
HWY_INLINE void PhiloxRounds(D64 d, std::uint64_t key, V& c0, V& c1, V& c2, V& c3) {
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

// Calls store(i, words): one vector for each of the four words of as many blocks.
template <class Store>
HWY_INLINE void ForEachBlock(StreamKey key, std::uint32_t first_block, std::size_t count,
                             Store store) {
  const WordTag d;
  const hn::RepartitionToWide<WordTag> d64;
  using V = hn::Vec<decltype(d64)>;
  const std::size_t lanes = hn::Lanes(d);
  auto next = hn::Iota(d, first_block);
  for (std::size_t i = 0; i < count; i += 4 * lanes) {
    V even[4];
    V odd[4];
    even[0] = hn::BitCast(d64, next);
    next = hn::Add(next, hn::Set(d, static_cast<std::uint32_t>(lanes)));
    odd[0] = hn::ShiftRight<32>(even[0]);
    even[1] = odd[1] = hn::Set(d64, std::uint64_t{key.stream});
    even[2] = odd[2] = hn::Set(d64, key.id & 0xFFFFFFFFu);
    even[3] = odd[3] = hn::Set(d64, key.id >> 32);
    PhiloxRounds(d64, key.key, even[0], even[1], even[2], even[3]);
    PhiloxRounds(d64, key.key, odd[0], odd[1], odd[2], odd[3]);
    Words words[4];
    for (int k = 0; k < 4; ++k) {
      words[k] = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd[k])), hn::BitCast(d, even[k]));
    }
    store(i, words);
  }
}

void FillWordsImpl(StreamKey key, std::uint32_t first_block, std::uint32_t* out,
                   std::size_t count) {
  const WordTag d;
  ForEachBlock(key, first_block, count, [&](std::size_t i, const Words* words) HWY_ATTR {
    hn::StoreInterleaved4(words[0], words[1], words[2], words[3], d, out + i);
  });
}

void FillSignedImpl(StreamKey key, std::uint32_t first_block, float* out, std::size_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto signed_unit = [&](Words word) HWY_ATTR {
    const auto steps = hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<8>(word)));
    return hn::Sub(hn::Mul(steps, hn::Set(d, 0x1p-23F)), hn::Set(d, 1.0F));
  };
  ForEachBlock(key, first_block, count, [&](std::size_t i, const Words* words) HWY_ATTR {
    hn::StoreInterleaved4(signed_unit(words[0]), signed_unit(words[1]), signed_unit(words[2]),
                          signed_unit(words[3]), d, out + i);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(FillWordsImpl);
HWY_EXPORT(FillSignedImpl);

void FillWords(StreamKey key, std::uint32_t first_block, std::uint32_t* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(FillWordsImpl)(key, first_block, out, count);
}

void FillSigned(StreamKey key, std::uint32_t first_block, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(FillSignedImpl)(key, first_block, out, count);
}

}  // namespace pixloom
#endif  // HWY_ONCE
