// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/sampler_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/sampler_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include "ops/kernels/pixel_math.h"

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void MapPositionsImpl(const double* m, bool affine, int x, int y, double* source_x,
                      double* source_y) {
  const hn::ScalableTag<double> d;
  const double v = y + 0.5;
  const auto row_x = hn::Set(d, m[1] * v + m[2]);
  const auto row_y = hn::Set(d, m[4] * v + m[5]);
  const auto row_w = hn::Set(d, m[7] * v + m[8]);
  const auto lanes = static_cast<double>(hn::Lanes(d));
  auto u = hn::Iota(d, x + 0.5);  // sums of halves and integers are exact
  for (int i = 0; i < kSampleBlock;
       i += static_cast<int>(hn::Lanes(d)), u = hn::Add(u, hn::Set(d, lanes))) {
    auto at_x = hn::Add(hn::Mul(hn::Set(d, m[0]), u), row_x);
    auto at_y = hn::Add(hn::Mul(hn::Set(d, m[3]), u), row_y);
    if (!affine) {
      const auto w = hn::Add(hn::Mul(hn::Set(d, m[6]), u), row_w);
      at_x = hn::Div(at_x, w);
      at_y = hn::Div(at_y, w);
    }
    hn::Store(at_x, d, source_x + i);
    hn::Store(at_y, d, source_y + i);
  }
}

// Splits positions moved by `shift` into whole pixels and the rest.
void SplitPositions(const double* positions, double shift, std::int32_t* index, float* rest,
                    std::int32_t* min_index, std::int32_t* max_index) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<std::int32_t, decltype(d)> di;
  const hn::Rebind<float, decltype(d)> df;
  const auto far = hn::Set(d, kFarAway);
  const auto minus_far = hn::Set(d, -kFarAway);
  auto low = hn::Set(di, hwy::LimitsMax<std::int32_t>());
  auto high = hn::Set(di, hwy::LimitsMin<std::int32_t>());
  for (int i = 0; i < kSampleBlock; i += static_cast<int>(hn::Lanes(d))) {
    auto p = hn::Load(d, positions + i);
    p = hn::IfThenElse(hn::Gt(p, minus_far), p, minus_far);
    p = hn::Add(hn::IfThenElse(hn::Lt(p, far), p, far), hn::Set(d, shift));
    const auto floor = hn::Floor(p);
    const auto whole = hn::DemoteTo(di, floor);
    low = hn::Min(low, whole);
    high = hn::Max(high, whole);
    hn::Store(whole, di, index + i);
    hn::Store(hn::DemoteTo(df, hn::Sub(p, floor)), df, rest + i);
  }
  *min_index = hn::GetLane(hn::MinOfLanes(di, low));
  *max_index = hn::GetLane(hn::MaxOfLanes(di, high));
}

void FindNearestImpl(TapBlock& taps) {
  SplitPositions(taps.x, kNearestSlack, taps.column, taps.dx, &taps.min_column, &taps.max_column);
  SplitPositions(taps.y, kNearestSlack, taps.row, taps.dy, &taps.min_row, &taps.max_row);
}

void FindTapsImpl(TapBlock& taps, bool weights) {
  SplitPositions(taps.x, -0.5, taps.column, taps.dx, &taps.min_column, &taps.max_column);
  SplitPositions(taps.y, -0.5, taps.row, taps.dy, &taps.min_row, &taps.max_row);
  if (!weights) return;
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto one = hn::Set(di, 1 << kWeightBits);
  const auto round = hn::Set(di, 1 << (kWeightBits - 1));
  const auto scale = hn::Set(d, static_cast<float>(1 << kWeightBits));
  const auto half = hn::Set(d, 0.5F);
  for (int i = 0; i < kSampleBlock; i += static_cast<int>(hn::Lanes(d))) {
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

void FindCubicTapsImpl(TapBlock& taps, bool weights) {
  SplitPositions(taps.x, -0.5, taps.column, taps.dx, &taps.min_column, &taps.max_column);
  SplitPositions(taps.y, -0.5, taps.row, taps.dy, &taps.min_row, &taps.max_row);
  if (!weights) return;
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto one = hn::Set(d, 1.0F);
  const auto slope = hn::Set(d, -0.75F);
  // The arithmetic of CubicWeights.
  const auto cubic = [&](auto t, auto* w) HWY_ATTR {
    const auto s = hn::Sub(one, t);
    w[0] = hn::Mul(hn::Mul(slope, t), hn::Mul(s, s));
    w[1] = hn::Sub(hn::Mul(hn::Set(d, 1.25F), t), hn::Set(d, 2.25F));
    w[1] = hn::Add(hn::Mul(hn::Mul(w[1], t), t), one);
    w[3] = hn::Mul(hn::Mul(slope, s), hn::Mul(t, t));
    w[2] = hn::Sub(hn::Sub(hn::Sub(one, w[0]), w[1]), w[3]);
  };
  const auto scale = hn::Set(d, static_cast<float>(1 << kWeightBits));
  const auto below = hn::Set(d, 1.0F / (1 << kWeightBits));
  const auto total = hn::Set(di, 1 << kWeightBits);
  const auto low_half = hn::Set(di, 0xFFFF);
  for (int i = 0; i < kSampleBlock; i += static_cast<int>(hn::Lanes(d))) {
    hn::Vec<decltype(d)> w[4];
    cubic(hn::Load(d, taps.dx + i), w);
    const auto w0 = hn::NearestInt(hn::Mul(w[0], scale));
    const auto w1 = hn::NearestInt(hn::Mul(w[1], scale));
    const auto w3 = hn::NearestInt(hn::Mul(w[3], scale));
    const auto w2 = hn::Sub(hn::Sub(hn::Sub(total, w0), w1), w3);
    hn::Store(hn::Or(hn::And(w0, low_half), hn::ShiftLeft<16>(w1)), di, taps.left + i);
    hn::Store(hn::Or(hn::And(w2, low_half), hn::ShiftLeft<16>(w3)), di, taps.right + i);
    cubic(hn::Load(d, taps.dy + i), w);
    for (int k = 0; k < 4; ++k) hn::Store(hn::Mul(w[k], below), d, taps.down[k] + i);
  }
}

// Blends one pixel into the four lanes of the result.
template <class D32, class Shuffle>
HWY_INLINE hn::Vec<D32> BlendPixel(D32 d32, Shuffle pairs, const std::uint8_t* upper,
                                   const std::uint8_t* lower, std::int32_t upper_weights,
                                   std::int32_t lower_weights) {
  const hn::Repartition<std::uint8_t, D32> d8;
  const hn::Half<decltype(d8)> d8_half;
  const hn::Repartition<std::int16_t, D32> d16;
  const auto load = [&](const std::uint8_t* at) HWY_ATTR {
    const auto bytes = hn::ZeroExtendVector(d8, hn::LoadU(d8_half, at));
    return hn::BitCast(d16, hn::TableLookupBytesOr0(bytes, pairs));
  };
  const auto weights = [&](std::int32_t pair)
                           HWY_ATTR { return hn::BitCast(d16, hn::Set(d32, pair)); };
  auto rest = hn::Zero(d32);
  auto sum = hn::Set(d32, 1 << (kWeightBits - 1));
  sum = hn::ReorderWidenMulAccumulate(d32, load(upper), weights(upper_weights), sum, rest);
  sum = hn::ReorderWidenMulAccumulate(d32, load(lower), weights(lower_weights), sum, rest);
  return hn::ShiftRight<kWeightBits>(hn::RearrangeToOddPlusEven(sum, rest));
}

constexpr std::uint8_t kZero = 0x80;

// Stores pixels [begin, end) from blend(i), four lanes of 32 bits each.
template <int kChannels, class Blend>
HWY_INLINE void StorePixels(int begin, int end, std::uint8_t* HWY_RESTRICT out, Blend blend) {
  const hn::FixedTag<std::uint8_t, 16> d8;
  const hn::FixedTag<std::uint8_t, 4> d8_quarter;
  // From four bytes of each channel to four pixels.
  alignas(16) static constexpr std::uint8_t kPixels3[16] = {
      0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, kZero, kZero, kZero, kZero};
  alignas(16) static constexpr std::uint8_t kPixels4[16] = {0, 4, 8,  12, 1, 5, 9,  13,
                                                            2, 6, 10, 14, 3, 7, 11, 15};
  const auto pixels = hn::Load(d8, kChannels == 3 ? kPixels3 : kPixels4);
  int i = begin;
  for (; i + 4 <= end; i += 4, out += 4 * kChannels) {
    const auto even = hn::Or(blend(i), hn::ShiftLeft<16>(blend(i + 2)));
    const auto odd = hn::Or(blend(i + 1), hn::ShiftLeft<16>(blend(i + 3)));
    const auto bytes = hn::BitCast(d8, hn::Or(even, hn::ShiftLeft<8>(odd)));
    hn::StoreU(hn::TableLookupBytesOr0(bytes, pixels), d8, out);
  }
  for (; i < end; ++i, out += kChannels) {
    hn::StoreU(hn::DemoteTo(d8_quarter, blend(i)), d8_quarter, out);
  }
}

template <int kChannels>
void BlendPixels(const std::uint8_t* HWY_RESTRICT base, std::ptrdiff_t stride, const TapBlock& taps,
                 int begin, int end, std::uint8_t* HWY_RESTRICT out) {
  const hn::FixedTag<std::uint8_t, 16> d8;
  const hn::FixedTag<std::int32_t, 4> d32;
  // Puts the two taps of each channel side by side, widened to 16 bits.
  alignas(16) static constexpr std::uint8_t kPairs3[16] = {
      0, kZero, 3, kZero, 1, kZero, 4, kZero, 2, kZero, 5, kZero, kZero, kZero, kZero, kZero};
  alignas(16) static constexpr std::uint8_t kPairs4[16] = {0, kZero, 4, kZero, 1, kZero, 5, kZero,
                                                           2, kZero, 6, kZero, 3, kZero, 7, kZero};
  const auto pairs = hn::Load(d8, kChannels == 3 ? kPairs3 : kPairs4);
  const auto blend = [&](int i) HWY_ATTR {
    const std::uint8_t* upper = base + taps.row[i] * stride + taps.column[i] * kChannels;
    return BlendPixel(d32, pairs, upper, upper + stride, taps.upper[i], taps.lower[i]);
  };
  StorePixels<kChannels>(begin, end, out, blend);
}

template <int kChannels>
void BlendMeansPixels(const std::uint16_t* HWY_RESTRICT base, std::ptrdiff_t stride,
                      const TapBlock& taps, int begin, int end, std::uint8_t* HWY_RESTRICT out) {
  const hn::FixedTag<std::uint8_t, 16> d8;
  const hn::FixedTag<std::int16_t, 8> d16;
  const hn::FixedTag<std::int32_t, 4> d32;
  alignas(16) static constexpr std::uint8_t kPairs3[16] = {
      0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, kZero, kZero, kZero, kZero};
  alignas(16) static constexpr std::uint8_t kPairs4[16] = {0, 1, 8,  9,  2, 3, 10, 11,
                                                           4, 5, 12, 13, 6, 7, 14, 15};
  const auto pairs = hn::Load(d8, kChannels == 3 ? kPairs3 : kPairs4);
  const auto blend = [&](int i) HWY_ATTR {
    const std::uint16_t* upper =
        base + taps.row[i] * stride + std::ptrdiff_t{taps.column[i]} * kChannels;
    const auto load = [&](const std::uint16_t* at) HWY_ATTR {
      const auto bytes = hn::LoadU(d8, reinterpret_cast<const std::uint8_t*>(at));
      return hn::BitCast(d16, hn::TableLookupBytesOr0(bytes, pairs));
    };
    const auto weights = [&](std::int32_t pair)
                             HWY_ATTR { return hn::BitCast(d16, hn::Set(d32, pair)); };
    auto rest = hn::Zero(d32);
    auto sum = hn::Set(d32, 1 << (kWeightBits + kMeanBits - 1));
    sum = hn::ReorderWidenMulAccumulate(d32, load(upper), weights(taps.upper[i]), sum, rest);
    sum =
        hn::ReorderWidenMulAccumulate(d32, load(upper + stride), weights(taps.lower[i]), sum, rest);
    return hn::ShiftRight<kWeightBits + kMeanBits>(hn::RearrangeToOddPlusEven(sum, rest));
  };
  StorePixels<kChannels>(begin, end, out, blend);
}

void BlendMeansInsideImpl(const std::uint16_t* base, std::ptrdiff_t stride, const TapBlock& taps,
                          int begin, int end, int channels, std::uint8_t* out) {
  if (channels == 3) {
    BlendMeansPixels<3>(base, stride, taps, begin, end, out);
  } else {
    BlendMeansPixels<4>(base, stride, taps, begin, end, out);
  }
}

// kFactor 0: known at run time.
template <int kFactor>
void BlockMeansOf(const std::uint16_t* HWY_RESTRICT sums, int factor, int channels,
                  std::uint16_t* HWY_RESTRICT out, std::size_t blocks) {
  const hn::FixedTag<std::uint16_t, 4> d;
  if (kFactor > 0) factor = kFactor;
  // The largest sum, as far up in 16 bits as it goes, times `scale` over 2^16 is the largest mean.
  const int largest = 255 * factor * factor;
  int shift = 0;
  while (largest << (shift + 1) <= 65535) ++shift;
  const auto scale =
      hn::Set(d, static_cast<std::uint16_t>((255LL << (kMeanBits + 16)) / (largest << shift)));
  for (std::size_t i = 0; i < blocks; ++i, out += channels) {
    auto sum = hn::LoadU(d, sums);
    sums += channels;
    for (int k = 1; k < factor; ++k, sums += channels) sum = hn::Add(sum, hn::LoadU(d, sums));
    hn::StoreU(hn::MulHigh(hn::ShiftLeftSame(sum, shift), scale), d, out);
  }
}

void BlockMeansImpl(const std::uint16_t* sums, int factor, int channels, std::uint16_t* out,
                    std::size_t blocks) {
  if (factor == 2) {
    BlockMeansOf<2>(sums, factor, channels, out, blocks);
  } else {
    BlockMeansOf<0>(sums, factor, channels, out, blocks);
  }
}

void SumRowsImpl(const std::uint8_t* const* rows, int count, std::uint16_t* out,
                 std::size_t values) {
  const hn::ScalableTag<std::uint16_t> d;
  const hn::Rebind<std::uint8_t, decltype(d)> d8;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= values; i += hn::Lanes(d)) {
    auto sum = hn::PromoteTo(d, hn::LoadU(d8, rows[0] + i));
    for (int k = 1; k < count; ++k) {
      sum = hn::Add(sum, hn::PromoteTo(d, hn::LoadU(d8, rows[k] + i)));
    }
    hn::StoreU(sum, d, out + i);
  }
  for (; i < values; ++i) {
    int sum = 0;
    for (int k = 0; k < count; ++k) sum += rows[k][i];
    out[i] = static_cast<std::uint16_t>(sum);
  }
}

// Pairs of taps side by side, channel by channel, widened to 16 bits: taps -1 and 0, then 1 and 2.
alignas(32) constexpr std::uint8_t kCubic3[32] = {
    0, kZero, 3, kZero, 1, kZero, 4,  kZero, 2, kZero, 5,  kZero, kZero, kZero, kZero, kZero,
    6, kZero, 9, kZero, 7, kZero, 10, kZero, 8, kZero, 11, kZero, kZero, kZero, kZero, kZero};
alignas(32) constexpr std::uint8_t kCubic4[32] = {
    0, kZero, 4,  kZero, 1, kZero, 5,  kZero, 2,  kZero, 6,  kZero, 3,  kZero, 7,  kZero,
    8, kZero, 12, kZero, 9, kZero, 13, kZero, 10, kZero, 14, kZero, 11, kZero, 15, kZero};

// Weights of both pairs of taps, a block of 128 bits each; only those of the first where a vector
// is one block.
template <class D32>
HWY_INLINE hn::Vec<D32> WeightPairs(D32 d32, std::int32_t left, std::int32_t right) {
  if constexpr (hn::MaxLanes(D32()) == 8) {
    const hn::Half<D32> half;
    return hn::Combine(d32, hn::Set(half, right), hn::Set(half, left));
  } else {
    return hn::Set(d32, left);
  }
}

// Rows are summed in integers, half by half; columns in float, in ascending order.
template <int kChannels>
void BlendCubicPixels(const std::uint8_t* HWY_RESTRICT base, std::ptrdiff_t stride,
                      const TapBlock& taps, int begin, int end, std::uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<std::int32_t, 8> d32;
  const hn::Repartition<std::uint8_t, decltype(d32)> d8;
  const hn::Repartition<std::int16_t, decltype(d32)> d16;
  const hn::Repartition<float, decltype(d32)> df;
  const hn::FixedTag<std::int32_t, 4> d4;
  const hn::FixedTag<float, 4> d4f;
  constexpr bool kWide = hn::MaxLanes(hn::CappedTag<std::int32_t, 8>()) == 8;
  const std::uint8_t* table = kChannels == 3 ? kCubic3 : kCubic4;
  const auto first = hn::Load(d8, table);
  const auto second = hn::Load(d8, table + (kWide ? 0 : 16));
  const auto top = hn::Set(d4f, 255.0F);
  const auto half = hn::Set(d4f, 0.5F);
  const auto column_sum = [&](auto shuffle, auto weights, const std::uint8_t* at, int i) HWY_ATTR {
    auto sum = hn::Zero(df);
    for (int k = 0; k < 4; ++k, at += stride) {
      const auto bytes = hn::LoadDup128(d8, at);
      const auto pairs = hn::BitCast(d16, hn::TableLookupBytesOr0(bytes, shuffle));
      auto rest = hn::Zero(d32);
      auto row = hn::ReorderWidenMulAccumulate(d32, pairs, weights, hn::Zero(d32), rest);
      row = hn::RearrangeToOddPlusEven(row, rest);
      const auto product = hn::Mul(hn::ConvertTo(df, row), hn::Set(df, taps.down[k][i]));
      sum = k == 0 ? product : hn::Add(sum, product);
    }
    return sum;
  };
  const auto blend = [&](int i) HWY_ATTR {
    const std::uint8_t* at =
        base + (taps.row[i] - 1) * stride + std::ptrdiff_t{taps.column[i] - 1} * kChannels;
    auto value = [&](auto shuffle) HWY_ATTR {
      if constexpr (kWide) {
        const auto pairs = WeightPairs(d32, taps.left[i], taps.right[i]);
        const auto both = column_sum(shuffle, hn::BitCast(d16, pairs), at, i);
        return hn::Add(hn::LowerHalf(d4f, both), hn::UpperHalf(d4f, both));
      } else {
        return hn::Add(
            column_sum(shuffle, hn::BitCast(d16, WeightPairs(d32, taps.left[i], 0)), at, i),
            column_sum(second, hn::BitCast(d16, WeightPairs(d32, taps.right[i], 0)), at, i));
      }
    }(first);
    value = hn::Min(hn::Max(value, hn::Zero(d4f)), top);
    return hn::ConvertTo(d4, hn::Add(value, half));
  };
  StorePixels<kChannels>(begin, end, out, blend);
}

void BlendCubicInsideImpl(const std::uint8_t* base, std::ptrdiff_t stride, const TapBlock& taps,
                          int begin, int end, int channels, std::uint8_t* out) {
  if (channels == 3) {
    BlendCubicPixels<3>(base, stride, taps, begin, end, out);
  } else {
    BlendCubicPixels<4>(base, stride, taps, begin, end, out);
  }
}

void BlendInsideImpl(const std::uint8_t* base, std::ptrdiff_t stride, const TapBlock& taps,
                     int begin, int end, int channels, std::uint8_t* out) {
  if (channels == 3) {
    BlendPixels<3>(base, stride, taps, begin, end, out);
  } else {
    BlendPixels<4>(base, stride, taps, begin, end, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(MapPositionsImpl);
HWY_EXPORT(FindTapsImpl);
HWY_EXPORT(FindNearestImpl);
HWY_EXPORT(BlendInsideImpl);
HWY_EXPORT(BlendMeansInsideImpl);
HWY_EXPORT(BlockMeansImpl);
HWY_EXPORT(SumRowsImpl);
HWY_EXPORT(FindCubicTapsImpl);
HWY_EXPORT(BlendCubicInsideImpl);

void MapPositions(const double* map, bool affine, int x, int y, double* source_x,
                  double* source_y) {
  HWY_DYNAMIC_DISPATCH(MapPositionsImpl)(map, affine, x, y, source_x, source_y);
}

void FindNearest(TapBlock& taps) { HWY_DYNAMIC_DISPATCH(FindNearestImpl)(taps); }

void FindTaps(TapBlock& taps, bool weights) { HWY_DYNAMIC_DISPATCH(FindTapsImpl)(taps, weights); }

void BlendMeansInside(const std::uint16_t* base, std::ptrdiff_t stride, const TapBlock& taps,
                      int begin, int end, int channels, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(BlendMeansInsideImpl)(base, stride, taps, begin, end, channels, out);
}

void BlockMeans(const std::uint16_t* sums, int factor, int channels, std::uint16_t* out,
                std::size_t blocks) {
  HWY_DYNAMIC_DISPATCH(BlockMeansImpl)(sums, factor, channels, out, blocks);
}

void SumRows(const std::uint8_t* const* rows, int count, std::uint16_t* out, std::size_t values) {
  HWY_DYNAMIC_DISPATCH(SumRowsImpl)(rows, count, out, values);
}

void FindCubicTaps(TapBlock& taps, bool weights) {
  HWY_DYNAMIC_DISPATCH(FindCubicTapsImpl)(taps, weights);
}

void BlendCubicInside(const std::uint8_t* base, std::ptrdiff_t stride, const TapBlock& taps,
                      int begin, int end, int channels, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(BlendCubicInsideImpl)(base, stride, taps, begin, end, channels, out);
}

void BlendInside(const std::uint8_t* base, std::ptrdiff_t stride, const TapBlock& taps, int begin,
                 int end, int channels, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(BlendInsideImpl)(base, stride, taps, begin, end, channels, out);
}

}  // namespace pixloom
#endif  // HWY_ONCE
