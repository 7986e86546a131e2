// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/mix_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/mix_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// b + parts * (a - b) / 2^15, rounded half up: b is whole, so only the product needs rounding.
template <class T>
T MixOne(T a, T b, int parts) {
  const int way = (static_cast<int>(a) - static_cast<int>(b)) * parts + kMixParts / 2;
  return static_cast<T>(b + (way >> 15));
}

void MixBytes(const std::uint8_t* a, const std::uint8_t* b, int parts, std::uint8_t* out,
              std::size_t count) {
  const hn::ScalableTag<std::int16_t> d;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const auto share = hn::Set(d, static_cast<std::int16_t>(parts));
  const std::size_t lanes = hn::Lanes(d);
  const auto mix = [&](std::size_t i) {
    const auto from = hn::PromoteTo(d, hn::LoadU(bytes, b + i));
    const auto way = hn::Sub(hn::PromoteTo(d, hn::LoadU(bytes, a + i)), from);
    hn::StoreU(hn::DemoteTo(bytes, hn::Add(from, hn::MulFixedPoint15(way, share))), bytes, out + i);
  };
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    mix(i);
    mix(i + lanes);
  }
  for (; i < count; ++i) out[i] = MixOne(a[i], b[i], parts);
}

void MixWords(const std::uint16_t* a, const std::uint16_t* b, int parts, std::uint16_t* out,
              std::size_t count) {
  const hn::ScalableTag<std::int32_t> d;
  const hn::Rebind<std::uint16_t, decltype(d)> words;
  const auto share = hn::Set(d, parts);
  const auto half = hn::Set(d, kMixParts / 2);
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto from = hn::PromoteTo(d, hn::LoadU(words, b + i));
    const auto way = hn::Sub(hn::PromoteTo(d, hn::LoadU(words, a + i)), from);
    const auto part = hn::ShiftRight<15>(hn::Add(hn::Mul(way, share), half));
    hn::StoreU(hn::DemoteTo(words, hn::Add(from, part)), words, out + i);
  }
  for (; i < count; ++i) out[i] = MixOne(a[i], b[i], parts);
}

void MixFloats(const float* a, const float* b, int parts, float* out, std::size_t count) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> floats;
  const double own = static_cast<double>(parts) / kMixParts;
  const auto share = hn::Set(d, own);
  const auto rest = hn::Set(d, 1 - own);
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto x = hn::Mul(share, hn::PromoteTo(d, hn::LoadU(floats, a + i)));
    const auto y = hn::Mul(rest, hn::PromoteTo(d, hn::LoadU(floats, b + i)));
    hn::StoreU(hn::DemoteTo(floats, hn::Add(x, y)), floats, out + i);
  }
  for (; i < count; ++i) {
    out[i] =
        static_cast<float>(own * static_cast<double>(a[i]) + (1 - own) * static_cast<double>(b[i]));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(MixBytes);
HWY_EXPORT(MixWords);
HWY_EXPORT(MixFloats);

void MixRow(const std::uint8_t* a, const std::uint8_t* b, int parts, std::uint8_t* out,
            std::size_t count) {
  HWY_DYNAMIC_DISPATCH(MixBytes)(a, b, parts, out, count);
}
void MixRow(const std::uint16_t* a, const std::uint16_t* b, int parts, std::uint16_t* out,
            std::size_t count) {
  HWY_DYNAMIC_DISPATCH(MixWords)(a, b, parts, out, count);
}
void MixRow(const float* a, const float* b, int parts, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(MixFloats)(a, b, parts, out, count);
}

}  // namespace pixloom
#endif  // HWY_ONCE
