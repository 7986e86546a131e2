// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/blend_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/blend_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include "ops/kernels/levels-inl.h"
#include "ops/kernels/pixel_math.h"

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
void Blend(const T* in, const float* share, const float* target, T* out, std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = LoadAsFloat(d, in + i);
    const auto way = hn::Sub(hn::LoadU(d, target + i), v);
    StoreRounded(hn::Add(v, hn::Mul(hn::LoadU(d, share + i), way)), d, out + i);
  }
  for (; i < count; ++i) {
    const auto v = static_cast<float>(in[i]);
    out[i] = RoundTo<T>(v + share[i] * (target[i] - v));
  }
}

// Dispatch tables hold plain functions.
using Byte = std::uint8_t;
using Word = std::uint16_t;

void BlendBytes(const Byte* in, const float* share, const float* target, Byte* out, std::size_t n) {
  Blend(in, share, target, out, n);
}
void BlendWords(const Word* in, const float* share, const float* target, Word* out, std::size_t n) {
  Blend(in, share, target, out, n);
}
void BlendFloats(const float* in, const float* share, const float* target, float* out,
                 std::size_t n) {
  Blend(in, share, target, out, n);
}

void Spread(const float* per_pixel, int channels, float* per_value, std::size_t pixels) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  if (channels == 3) {
    for (; i + lanes <= pixels; i += lanes) {
      const auto v = hn::LoadU(d, per_pixel + i);
      hn::StoreInterleaved3(v, v, v, d, per_value + 3 * i);
    }
  }
  for (float* out = per_value + i * static_cast<std::size_t>(channels); i < pixels; ++i) {
    for (int c = 0; c < channels; ++c) *out++ = channels == 4 && c == 3 ? 0.0F : per_pixel[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(BlendBytes);
HWY_EXPORT(BlendWords);
HWY_EXPORT(BlendFloats);
HWY_EXPORT(Spread);

void BlendRow(const std::uint8_t* in, const float* share, const float* target, std::uint8_t* out,
              std::size_t count) {
  HWY_DYNAMIC_DISPATCH(BlendBytes)(in, share, target, out, count);
}
void BlendRow(const std::uint16_t* in, const float* share, const float* target, std::uint16_t* out,
              std::size_t count) {
  HWY_DYNAMIC_DISPATCH(BlendWords)(in, share, target, out, count);
}
void BlendRow(const float* in, const float* share, const float* target, float* out,
              std::size_t count) {
  HWY_DYNAMIC_DISPATCH(BlendFloats)(in, share, target, out, count);
}

void SpreadOverChannels(const float* per_pixel, int channels, float* per_value,
                        std::size_t pixels) {
  HWY_DYNAMIC_DISPATCH(Spread)(per_pixel, channels, per_value, pixels);
}

}  // namespace pixloom
#endif  // HWY_ONCE
