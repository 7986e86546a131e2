// SPDX-License-Identifier: Apache-2.0
#include "ops/sampler_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/sampler_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Splits positions into the tap at or before them and the rest. Positions are at most kFarAway.
void SplitPositions(const double* positions, int count, std::int32_t* index, float* rest,
                    std::int32_t* min_index, std::int32_t* max_index) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<std::int32_t, decltype(d)> di;
  const hn::Rebind<float, decltype(d)> df;
  const auto half = hn::Set(d, 0.5);
  for (int i = 0; i < count; i += static_cast<int>(hn::Lanes(d))) {
    const auto p = hn::Sub(hn::Load(d, positions + i), half);
    const auto floor = hn::Floor(p);
    hn::Store(hn::DemoteTo(di, floor), di, index + i);
    hn::Store(hn::DemoteTo(df, hn::Sub(p, floor)), df, rest + i);
  }
  std::int32_t low = index[0];
  std::int32_t high = index[0];
  for (int i = 1; i < count; ++i) {
    low = index[i] < low ? index[i] : low;
    high = index[i] > high ? index[i] : high;
  }
  *min_index = low;
  *max_index = high;
}

void FindTapsImpl(TapBlock& taps, bool weights) {
  SplitPositions(taps.x, taps.count, taps.column, taps.dx, &taps.min_column, &taps.max_column);
  SplitPositions(taps.y, taps.count, taps.row, taps.dy, &taps.min_row, &taps.max_row);
  if (!weights) return;
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto one = hn::Set(di, 1 << kWeightBits);
  const auto round = hn::Set(di, 1 << (kWeightBits - 1));
  const auto scale = hn::Set(d, static_cast<float>(1 << kWeightBits));
  const auto half = hn::Set(d, 0.5F);
  for (int i = 0; i < taps.count; i += static_cast<int>(hn::Lanes(d))) {
    const auto x = hn::ConvertTo(di, hn::Add(hn::Mul(hn::Load(d, taps.dx + i), scale), half));
    const auto y = hn::ConvertTo(di, hn::Add(hn::Mul(hn::Load(d, taps.dy + i), scale), half));
    // Rounding the product keeps all four weights in [0, 1] and their sum at exactly 1.
    const auto xy = hn::ShiftRight<kWeightBits>(hn::Add(hn::Mul(x, y), round));
    const auto upper_right = hn::Sub(x, xy);
    const auto lower_left = hn::Sub(y, xy);
    const auto upper_left = hn::Sub(hn::Sub(one, x), lower_left);
    hn::Store(hn::Or(upper_left, hn::ShiftLeft<16>(upper_right)), di, taps.upper + i);
    hn::Store(hn::Or(lower_left, hn::ShiftLeft<16>(xy)), di, taps.lower + i);
  }
}

template <int kChannels>
void BlendPixels(const std::uint8_t* HWY_RESTRICT base, std::ptrdiff_t stride, const TapBlock& taps,
                 std::uint8_t* HWY_RESTRICT out) {
  const hn::FixedTag<std::uint8_t, 16> d8;
  const hn::Half<decltype(d8)> d8_half;
  const hn::FixedTag<std::int16_t, 8> d16;
  const hn::FixedTag<std::int32_t, 4> d32;
  const hn::FixedTag<std::uint8_t, 4> d8_quarter;
  // Puts the two taps of each channel side by side, widened to 16 bits; 0x80 gives zero.
  alignas(16) static constexpr std::uint8_t kPairs3[16] = {
      0, 0x80, 3, 0x80, 1, 0x80, 4, 0x80, 2, 0x80, 5, 0x80, 0x80, 0x80, 0x80, 0x80};
  alignas(16) static constexpr std::uint8_t kPairs4[16] = {0, 0x80, 4, 0x80, 1, 0x80, 5, 0x80,
                                                           2, 0x80, 6, 0x80, 3, 0x80, 7, 0x80};
  const auto pairs = hn::Load(d8, kChannels == 3 ? kPairs3 : kPairs4);
  const auto round = hn::Set(d32, 1 << (kWeightBits - 1));
  for (int i = 0; i < taps.count; ++i, out += kChannels) {
    const std::uint8_t* upper = base + taps.row[i] * stride + taps.column[i] * kChannels;
    const auto load = [&](const std::uint8_t* at) HWY_ATTR {
      const auto bytes = hn::ZeroExtendVector(d8, hn::LoadU(d8_half, at));
      return hn::BitCast(d16, hn::TableLookupBytesOr0(bytes, pairs));
    };
    const auto upper_weights = hn::BitCast(d16, hn::Set(d32, taps.upper[i]));
    const auto lower_weights = hn::BitCast(d16, hn::Set(d32, taps.lower[i]));
    auto rest = hn::Zero(d32);
    auto sum = hn::ReorderWidenMulAccumulate(d32, load(upper), upper_weights, round, rest);
    sum = hn::ReorderWidenMulAccumulate(d32, load(upper + stride), lower_weights, sum, rest);
    sum = hn::RearrangeToOddPlusEven(sum, rest);
    hn::StoreU(hn::DemoteTo(d8_quarter, hn::ShiftRight<kWeightBits>(sum)), d8_quarter, out);
  }
}

void BlendInsideImpl(const std::uint8_t* base, std::ptrdiff_t stride, const TapBlock& taps,
                     int channels, std::uint8_t* out) {
  if (channels == 3) {
    BlendPixels<3>(base, stride, taps, out);
  } else {
    BlendPixels<4>(base, stride, taps, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(FindTapsImpl);
HWY_EXPORT(BlendInsideImpl);

void FindTaps(TapBlock& taps, bool weights) { HWY_DYNAMIC_DISPATCH(FindTapsImpl)(taps, weights); }

void BlendInside(const std::uint8_t* base, std::ptrdiff_t stride, const TapBlock& taps,
                 int channels, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(BlendInsideImpl)(base, stride, taps, channels, out);
}

}  // namespace pixloom
#endif  // HWY_ONCE
