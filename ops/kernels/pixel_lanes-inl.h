// SPDX-License-Identifier: Apache-2.0
// Interleaved uint8 pixels to float vectors, one lane a pixel, and back. Included by kernels
// between foreach_target.h and their own code, once per instruction set.

// clang-format off
#if defined(PIXLOOM_OPS_KERNELS_PIXEL_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PIXLOOM_OPS_KERNELS_PIXEL_LANES_INL_H_
#undef PIXLOOM_OPS_KERNELS_PIXEL_LANES_INL_H_
#else
#define PIXLOOM_OPS_KERNELS_PIXEL_LANES_INL_H_
#endif
// clang-format on

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using Floats = hn::Vec<FloatTag>;
using IntTag = hn::RebindToSigned<FloatTag>;
using Ints = hn::Vec<IntTag>;
using ByteTag = hn::Repartition<std::uint8_t, FloatTag>;
using Bytes = hn::Vec<ByteTag>;

inline constexpr std::size_t kMaxLanes = hn::MaxLanes(FloatTag());

// Towards zero. Values outside int32 give its minimum, here and in every lane; the conversion of
// Highway repairs them, which costs more than the rest of a rounding.
HWY_INLINE Ints Truncate(Floats v) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  return Ints{_mm512_cvttps_epi32(v.raw)};
#elif HWY_TARGET == HWY_AVX2
  return Ints{_mm256_cvttps_epi32(v.raw)};
#elif HWY_ARCH_X86
  return Ints{_mm_cvttps_epi32(v.raw)};
#else
  return hn::ConvertTo(IntTag(), v);
#endif
}

// `yes` where the top bit is set. SSSE3 has no instruction that looks at that bit alone.
template <class V>
HWY_INLINE Floats SelectBySign(V bits, Floats yes, Floats no) {
#if HWY_TARGET == HWY_SSSE3
  return hn::IfVecThenElse(
      hn::BitCast(FloatTag(), hn::BroadcastSignBit(hn::BitCast(IntTag(), bits))), yes, no);
#else
  return hn::IfNegativeThenElse(hn::BitCast(FloatTag(), bits), yes, no);
#endif
}

// Saturated to bytes; in every block of 16 the eight of `a`, then the eight of `b`.
template <class V>
HWY_INLINE Bytes PackWords(V a, V b) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  return Bytes{_mm512_packus_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return Bytes{_mm256_packus_epi16(a.raw, b.raw)};
#elif HWY_ARCH_X86
  return Bytes{_mm_packus_epi16(a.raw, b.raw)};
#else
  static_assert(kMaxLanes == 4, "one block");
  const hn::Half<ByteTag> half;
  return hn::Combine(ByteTag(), hn::DemoteTo(half, b), hn::DemoteTo(half, a));
#endif
}

// The same of integers: four bytes of `a`, four of `b`, of `c`, of `d`.
HWY_INLINE Bytes PackBlocks(Ints a, Ints b, Ints c, Ints d) {
  const hn::Repartition<std::int16_t, IntTag> d16;
  return PackWords(hn::ReorderDemote2To(d16, a, b), hn::ReorderDemote2To(d16, c, d));
}

// Byte `kChannel` of every pixel of `kChannels` as an integer; a block holds four pixels.
template <int kChannels, int kChannel>
HWY_INLINE Ints ChannelOf(Bytes blocks) {
  constexpr int kNone = 0x80;
  constexpr int k = kChannel;
  constexpr int n = kChannels;
  alignas(16) static constexpr std::uint8_t kPick[16] = {
      k,         kNone, kNone, kNone, k + n,     kNone, kNone, kNone,
      k + 2 * n, kNone, kNone, kNone, k + 3 * n, kNone, kNone, kNone};
  const ByteTag d;
  return hn::BitCast(IntTag(), hn::TableLookupBytesOr0(blocks, hn::LoadDup128(d, kPick)));
}

// As many pixels as a float vector has lanes. Three channels: reads a third more bytes than that.
template <int kChannels>
HWY_INLINE Bytes LoadBlocks(const std::uint8_t* at) {
  const ByteTag d;
  const auto bytes = hn::LoadU(d, at);
  if constexpr (kChannels == 4 || kMaxLanes == 4) {
    return bytes;
  } else {
    alignas(64) static constexpr std::int32_t kSpread[16] = {0, 1, 2, 3, 3, 4,  5,  6,
                                                             6, 7, 8, 9, 9, 10, 11, 12};
    const auto spread = hn::SetTableIndices(IntTag(), kSpread);
    return hn::BitCast(d, hn::TableLookupLanes(hn::BitCast(IntTag(), bytes), spread));
  }
}

// Writes the pixels and nothing else. `rest`: the fourth channel.
template <int kChannels>
HWY_INLINE void StorePixels(Ints r, Ints g, Ints b, Ints rest, std::uint8_t* at) {
  const ByteTag d;
  if constexpr (kChannels == 4) {
    alignas(16) static constexpr std::uint8_t kMix[16] = {0, 4, 8,  12, 1, 5, 9,  13,
                                                          2, 6, 10, 14, 3, 7, 11, 15};
    hn::StoreU(hn::TableLookupBytes(PackBlocks(r, g, b, rest), hn::LoadDup128(d, kMix)), d, at);
  } else {
    alignas(16) static constexpr std::uint8_t kMix[16] = {0,  4, 8, 1,  5,  9,  2,  6,
                                                          10, 3, 7, 11, 15, 15, 15, 15};
    auto mixed = hn::TableLookupBytes(PackBlocks(r, g, b, b), hn::LoadDup128(d, kMix));
    if constexpr (kMaxLanes > 4) {
      alignas(64) static constexpr std::int32_t kJoin[16] = {0,  1,  2,  4,  5, 6, 8, 9,
                                                             10, 12, 13, 14, 3, 3, 3, 3};
      alignas(64) static constexpr std::int32_t kJoinEight[8] = {0, 1, 2, 4, 5, 6, 3, 3};
      const auto join = hn::SetTableIndices(IntTag(), kMaxLanes == 8 ? kJoinEight : kJoin);
      mixed = hn::BitCast(d, hn::TableLookupLanes(hn::BitCast(IntTag(), mixed), join));
    }
    const hn::Half<ByteTag> half;
    const hn::Half<hn::Half<ByteTag>> quarter;
    hn::StoreU(hn::LowerHalf(half, mixed), half, at);
    hn::StoreU(hn::LowerHalf(quarter, hn::UpperHalf(half, mixed)), quarter, at + 2 * kMaxLanes);
  }
}

// `change(r, g, b)` on a vector of pixels; it leaves levels plus one half, which are cut and
// saturated. NaN and values below int32 give 0; none may be above.
template <int kChannels, class Change>
HWY_INLINE void ChangePixels(const Change& change, const std::uint8_t* in, std::uint8_t* out) {
  const FloatTag d;
  const auto blocks = LoadBlocks<kChannels>(in);
  auto r = hn::ConvertTo(d, ChannelOf<kChannels, 0>(blocks));
  auto g = hn::ConvertTo(d, ChannelOf<kChannels, 1>(blocks));
  auto b = hn::ConvertTo(d, ChannelOf<kChannels, 2>(blocks));
  change(r, g, b);
  StorePixels<kChannels>(Truncate(r), Truncate(g), Truncate(b),
                         ChannelOf<kChannels, kChannels - 1>(blocks), out);
}

// A row of pixels of 3 or 4 channels; the fourth stays. Every lane computes alike, so that what is
// left over passes through a vector of its own.
template <int kChannels, class Change>
HWY_INLINE void ChangeRow(const Change& change, const std::uint8_t* in, std::uint8_t* out,
                          std::size_t pixels) {
  constexpr std::size_t kStep = kMaxLanes * kChannels;
  constexpr std::size_t kReach = kMaxLanes * 4;
  std::size_t left = pixels * kChannels;
  for (; left >= kReach; left -= kStep, in += kStep, out += kStep) {
    ChangePixels<kChannels>(change, in, out);
  }
  alignas(64) std::uint8_t buffer[kReach] = {};
  while (left > 0) {
    const std::size_t now = std::min(left, kStep);
    std::memcpy(buffer, in, now);
    ChangePixels<kChannels>(change, buffer, buffer);
    std::memcpy(out, buffer, now);
    left -= now, in += now, out += now;
  }
}

// The same on floats, in place and unrounded.
template <int kChannels, class Change>
HWY_INLINE void ChangePixels(const Change& change, float* at) {
  const FloatTag d;
  Floats r, g, b, rest;
  if constexpr (kChannels == 4) {
    hn::LoadInterleaved4(d, at, r, g, b, rest);
    change(r, g, b);
    hn::StoreInterleaved4(r, g, b, rest, d, at);
  } else {
    hn::LoadInterleaved3(d, at, r, g, b);
    change(r, g, b);
    hn::StoreInterleaved3(r, g, b, d, at);
  }
}

template <int kChannels, class Change>
HWY_INLINE void ChangeRow(const Change& change, float* row, std::size_t pixels) {
  constexpr std::size_t kStep = kMaxLanes * kChannels;
  std::size_t left = pixels * kChannels;
  for (; left >= kStep; left -= kStep, row += kStep) ChangePixels<kChannels>(change, row);
  if (left == 0) return;
  alignas(64) float buffer[kStep] = {};
  std::copy_n(row, left, buffer);
  ChangePixels<kChannels>(change, buffer);
  std::copy_n(buffer, left, row);
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#endif  // PIXLOOM_OPS_KERNELS_PIXEL_LANES_INL_H_
