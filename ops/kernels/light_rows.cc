// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/light_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/light_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include <cmath>

#include "ops/kernels/pixel_math.h"

#ifndef PIXLOOM_LIGHT_ROWS_PLAIN
#define PIXLOOM_LIGHT_ROWS_PLAIN
namespace pixloom {

// Pixels from `first` on, one by one.
template <class T>
void RelightFrom(std::size_t first, const T* in, const LightValues& light, int channels, T* out,
                 std::size_t pixels) {
  const int coloured = channels == 4 ? 3 : channels;
  in += first * static_cast<std::size_t>(channels);
  out += first * static_cast<std::size_t>(channels);
  for (std::size_t i = first; i < pixels; ++i, in += channels, out += channels) {
    for (int c = 0; c < coloured; ++c) {
      const float added = light.offset[i] * light.scale[c < 3 ? c : 2];
      out[c] =
          RoundTo<T>((static_cast<float>(in[c]) - light.low) * light.gain[i] + added + light.low);
    }
    if (channels == 4) out[3] = in[3];
  }
}

}  // namespace pixloom
#endif

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

// `low` is 0 on integers.
template <class D8>
HWY_INLINE hn::Vec<D8> Lit(D8 d8, hn::Vec<D8> bytes, FloatVec gain, FloatVec added) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const FloatVec value = hn::Add(hn::Mul(hn::ConvertTo(d, hn::PromoteTo(di, bytes)), gain), added);
  const FloatVec clamped = hn::Min(hn::Max(value, hn::Zero(d)), hn::Set(d, 255.0F));
  return hn::DemoteTo(d8, hn::ConvertTo(di, hn::Add(clamped, hn::Set(d, 0.5F))));
}

void RelightBytes(const std::uint8_t* in, const LightValues& light, int channels, std::uint8_t* out,
                  std::size_t pixels) {
  const FloatTag d;
  const hn::Rebind<std::uint8_t, FloatTag> d8;
  const std::size_t lanes = hn::Lanes(d);
  const auto scale0 = hn::Set(d, light.scale[0]);
  const auto scale1 = hn::Set(d, light.scale[1]);
  const auto scale2 = hn::Set(d, light.scale[2]);
  std::size_t i = 0;
  for (; i + lanes <= pixels; i += lanes) {
    const auto gain = hn::LoadU(d, light.gain + i);
    const auto offset = hn::LoadU(d, light.offset + i);
    if (channels == 1) {
      hn::StoreU(Lit(d8, hn::LoadU(d8, in + i), gain, hn::Mul(offset, scale0)), d8, out + i);
      continue;
    }
    hn::Vec<decltype(d8)> r, g, b;
    auto a = hn::Zero(d8);
    if (channels == 3) {
      hn::LoadInterleaved3(d8, in + 3 * i, r, g, b);
    } else {
      hn::LoadInterleaved4(d8, in + 4 * i, r, g, b, a);
    }
    r = Lit(d8, r, gain, hn::Mul(offset, scale0));
    g = Lit(d8, g, gain, hn::Mul(offset, scale1));
    b = Lit(d8, b, gain, hn::Mul(offset, scale2));
    if (channels == 3) {
      hn::StoreInterleaved3(r, g, b, d8, out + 3 * i);
    } else {
      hn::StoreInterleaved4(r, g, b, a, d8, out + 4 * i);
    }
  }
  RelightFrom(i, in, light, channels, out, pixels);
}

void Roots(float* values, std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Sqrt(hn::LoadU(d, values + i)), d, values + i);
  }
  for (; i < count; ++i) values[i] = std::sqrt(values[i]);
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(RelightBytes);
HWY_EXPORT(Roots);

void RootRow(float* values, std::size_t count) { HWY_DYNAMIC_DISPATCH(Roots)(values, count); }

void RelightRow(const std::uint8_t* in, const LightValues& light, int channels, std::uint8_t* out,
                std::size_t pixels) {
  if (channels == 1 || channels == 3 || channels == 4) {
    HWY_DYNAMIC_DISPATCH(RelightBytes)(in, light, channels, out, pixels);
  } else {
    RelightFrom(0, in, light, channels, out, pixels);
  }
}

void RelightRow(const std::uint16_t* in, const LightValues& light, int channels, std::uint16_t* out,
                std::size_t pixels) {
  RelightFrom(0, in, light, channels, out, pixels);
}

void RelightRow(const float* in, const LightValues& light, int channels, float* out,
                std::size_t pixels) {
  RelightFrom(0, in, light, channels, out, pixels);
}

}  // namespace pixloom
#endif  // HWY_ONCE
