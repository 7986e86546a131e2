// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/resize_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/resize_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Pairs of taps side by side, channel by channel, widened to 16 bits: taps 0 and 1, then 2 and 3.
constexpr std::uint8_t kZero = 0x80;
alignas(32) constexpr std::uint8_t kTaps3[32] = {
    0, kZero, 3, kZero, 1, kZero, 4,  kZero, 2, kZero, 5,  kZero, kZero, kZero, kZero, kZero,
    6, kZero, 9, kZero, 7, kZero, 10, kZero, 8, kZero, 11, kZero, kZero, kZero, kZero, kZero};
alignas(32) constexpr std::uint8_t kTaps4[32] = {
    0, kZero, 4,  kZero, 1, kZero, 5,  kZero, 2,  kZero, 6,  kZero, 3,  kZero, 7,  kZero,
    8, kZero, 12, kZero, 9, kZero, 13, kZero, 10, kZero, 14, kZero, 11, kZero, 15, kZero};

template <int kChannels>
void Across(const std::uint8_t* const* rows, const AcrossPlan& plan, std::int16_t* const* out) {
  const hn::CappedTag<std::int16_t, 16> d16;
  const hn::Repartition<std::uint8_t, decltype(d16)> d8;
  const hn::Repartition<std::int32_t, decltype(d16)> d32;
  const hn::FixedTag<std::int32_t, 4> d4;
  const hn::FixedTag<std::int16_t, 4> d4_16;
  constexpr bool kWide = hn::MaxLanes(hn::CappedTag<std::int16_t, 16>()) == 16;
  const std::uint8_t* table = kChannels == 3 ? kTaps3 : kTaps4;
  const auto first = hn::Load(d8, table);
  const auto second = hn::Load(d8, table + (kWide ? 0 : 16));
  const auto round = hn::Set(d4, plan.shift > 0 ? 1 << (plan.shift - 1) : 0);
  const auto low = hn::Set(d4, plan.low);
  const auto high = hn::Set(d4, plan.high);
  const int width = static_cast<int>(plan.start.size());
  const std::int16_t* weights = plan.weights.data();
  for (int x = 0; x < width; ++x) {
    std::ptrdiff_t at = plan.start[static_cast<std::size_t>(x)];
    auto sum0 = hn::Zero(d32), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    auto odd0 = sum0, odd1 = sum0, odd2 = sum0, odd3 = sum0;
    for (int g = 0; g < plan.groups; ++g, weights += 16, at += kTapsAtOnce * kChannels) {
      const auto w = hn::LoadU(d16, weights);
      const auto v = hn::LoadU(d16, weights + (kWide ? 0 : 8));
      const auto add = [&](auto& sum, auto& odd, const std::uint8_t* row) HWY_ATTR {
        const auto bytes = hn::LoadDup128(d8, row + at);
        const auto taps = hn::BitCast(d16, hn::TableLookupBytesOr0(bytes, first));
        sum = hn::ReorderWidenMulAccumulate(d32, taps, w, sum, odd);
        if constexpr (!kWide) {
          const auto more = hn::BitCast(d16, hn::TableLookupBytesOr0(bytes, second));
          sum = hn::ReorderWidenMulAccumulate(d32, more, v, sum, odd);
        }
      };
      add(sum0, odd0, rows[0]);
      add(sum1, odd1, rows[1]);
      add(sum2, odd2, rows[2]);
      add(sum3, odd3, rows[3]);
    }
    const auto store = [&](auto sum, std::int16_t* to) HWY_ATTR {
      auto total = [&]() HWY_ATTR {
        if constexpr (kWide) {
          return hn::Add(hn::LowerHalf(d4, sum), hn::UpperHalf(d4, sum));
        } else {
          return sum;
        }
      }();
      total = hn::ShiftRightSame(hn::Add(total, round), plan.shift);
      total = hn::Min(hn::Max(total, low), high);
      hn::StoreU(hn::DemoteTo(d4_16, total), d4_16, to + x * kChannels);
    };
    store(hn::RearrangeToOddPlusEven(sum0, odd0), out[0]);
    store(hn::RearrangeToOddPlusEven(sum1, odd1), out[1]);
    store(hn::RearrangeToOddPlusEven(sum2, odd2), out[2]);
    store(hn::RearrangeToOddPlusEven(sum3, odd3), out[3]);
  }
}

void FilterAcrossImpl(const std::uint8_t* const* rows, const AcrossPlan& plan, int channels,
                      std::int16_t* const* out) {
  if (channels == 3) {
    Across<3>(rows, plan, out);
  } else {
    Across<4>(rows, plan, out);
  }
}

void FilterDownImpl(const std::int16_t* const* rows, const std::int32_t* weights, int pairs,
                    int shift, std::uint8_t* out, std::size_t count) {
  const hn::ScalableTag<std::int16_t> d16;
  const hn::Repartition<std::int32_t, decltype(d16)> d32;
  const hn::Rebind<std::uint8_t, decltype(d16)> d8;
  const std::size_t lanes = hn::Lanes(d16);
  const auto round = hn::Set(d32, 1 << (shift - 1));
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto lower = round;
    auto upper = round;
    auto odd_lower = hn::Zero(d32);
    auto odd_upper = hn::Zero(d32);
    for (int k = 0; k < pairs; ++k) {
      const auto w = hn::BitCast(d16, hn::Set(d32, weights[k]));
      const auto a = hn::LoadU(d16, rows[2 * k] + i);
      const auto b = hn::LoadU(d16, rows[2 * k + 1] + i);
      lower =
          hn::ReorderWidenMulAccumulate(d32, hn::InterleaveLower(d16, a, b), w, lower, odd_lower);
      upper =
          hn::ReorderWidenMulAccumulate(d32, hn::InterleaveUpper(d16, a, b), w, upper, odd_upper);
    }
    // Interleaving and packing both work on blocks of 128 bits: the order is the old one.
    const auto packed = hn::ReorderDemote2To(
        d16, hn::ShiftRightSame(hn::RearrangeToOddPlusEven(lower, odd_lower), shift),
        hn::ShiftRightSame(hn::RearrangeToOddPlusEven(upper, odd_upper), shift));
    hn::StoreU(hn::DemoteTo(d8, packed), d8, out + i);
  }
  for (; i < count; ++i) {
    std::int32_t sum = 1 << (shift - 1);
    for (int k = 0; k < pairs; ++k) {
      const auto first = static_cast<std::int16_t>(weights[k] & 0xFFFF);
      const auto second = static_cast<std::int16_t>(weights[k] >> 16);
      sum += rows[2 * k][i] * first + rows[2 * k + 1][i] * second;
    }
    out[i] = static_cast<std::uint8_t>(std::clamp(sum >> shift, 0, 255));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(FilterAcrossImpl);
HWY_EXPORT(FilterDownImpl);

void FilterAcross(const std::uint8_t* const* rows, const AcrossPlan& plan, int channels,
                  std::int16_t* const* out) {
  HWY_DYNAMIC_DISPATCH(FilterAcrossImpl)(rows, plan, channels, out);
}

void FilterDown(const std::int16_t* const* rows, const std::int32_t* weights, int pairs, int shift,
                std::uint8_t* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(FilterDownImpl)(rows, weights, pairs, shift, out, count);
}

}  // namespace pixloom
#endif  // HWY_ONCE
