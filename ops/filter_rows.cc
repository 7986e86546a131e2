// SPDX-License-Identifier: Apache-2.0
#include "ops/filter_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/filter_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include "ops/pixel_math.h"

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

HWY_INLINE FloatVec LoadAsFloat(FloatTag d, const float* p) { return hn::LoadU(d, p); }

template <class T>
HWY_INLINE FloatVec LoadAsFloat(FloatTag d, const T* p) {
  const hn::RebindToSigned<FloatTag> di;
  const hn::Rebind<T, FloatTag> dt;
  return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(dt, p)));
}

HWY_INLINE void StoreRounded(FloatVec value, FloatTag d, float* p) { hn::StoreU(value, d, p); }

template <class T>
HWY_INLINE void StoreRounded(FloatVec value, FloatTag d, T* p) {
  const hn::RebindToSigned<FloatTag> di;
  const hn::Rebind<T, FloatTag> dt;
  const auto top = hn::Set(d, static_cast<float>(std::numeric_limits<T>::max()));
  const auto clamped = hn::Min(hn::Max(value, hn::Zero(d)), top);
  const auto whole = hn::ConvertTo(di, hn::Add(clamped, hn::Set(d, 0.5F)));
  hn::StoreU(hn::DemoteTo(dt, whole), dt, p);
}

template <class T>
void FilterDownImpl(const T* const* rows, const float* weights, int taps, float* out,
                    std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto sum = hn::Mul(hn::Set(d, weights[0]), LoadAsFloat(d, rows[0] + i));
    for (int k = 1; k < taps; ++k) {
      sum = hn::Add(sum, hn::Mul(hn::Set(d, weights[k]), LoadAsFloat(d, rows[k] + i)));
    }
    hn::StoreU(sum, d, out + i);
  }
  for (; i < count; ++i) {
    float sum = weights[0] * static_cast<float>(rows[0][i]);
    for (int k = 1; k < taps; ++k) sum += weights[k] * static_cast<float>(rows[k][i]);
    out[i] = sum;
  }
}

template <class T>
void FilterAcrossImpl(const float* in, std::size_t stride, const float* weights, int taps, T* out,
                      std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const float* at = in + i;
    auto sum = hn::Mul(hn::Set(d, weights[0]), hn::LoadU(d, at));
    for (int k = 1; k < taps; ++k) {
      at += stride;
      sum = hn::Add(sum, hn::Mul(hn::Set(d, weights[k]), hn::LoadU(d, at)));
    }
    StoreRounded(sum, d, out + i);
  }
  for (; i < count; ++i) {
    float sum = weights[0] * in[i];
    for (int k = 1; k < taps; ++k) sum += weights[k] * in[i + static_cast<std::size_t>(k) * stride];
    out[i] = RoundTo<T>(sum);
  }
}

void Down8(const std::uint8_t* const* rows, const float* weights, int taps, float* out,
           std::size_t count) {
  FilterDownImpl(rows, weights, taps, out, count);
}
void Down16(const std::uint16_t* const* rows, const float* weights, int taps, float* out,
            std::size_t count) {
  FilterDownImpl(rows, weights, taps, out, count);
}
void DownFloat(const float* const* rows, const float* weights, int taps, float* out,
               std::size_t count) {
  FilterDownImpl(rows, weights, taps, out, count);
}
void Across8(const float* in, std::size_t stride, const float* weights, int taps, std::uint8_t* out,
             std::size_t count) {
  FilterAcrossImpl(in, stride, weights, taps, out, count);
}
void Across16(const float* in, std::size_t stride, const float* weights, int taps,
              std::uint16_t* out, std::size_t count) {
  FilterAcrossImpl(in, stride, weights, taps, out, count);
}
void AcrossFloat(const float* in, std::size_t stride, const float* weights, int taps, float* out,
                 std::size_t count) {
  FilterAcrossImpl(in, stride, weights, taps, out, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(Down8);
HWY_EXPORT(Down16);
HWY_EXPORT(DownFloat);
HWY_EXPORT(Across8);
HWY_EXPORT(Across16);
HWY_EXPORT(AcrossFloat);

void FilterDown(const std::uint8_t* const* rows, const float* weights, int taps, float* out,
                std::size_t count) {
  HWY_DYNAMIC_DISPATCH(Down8)(rows, weights, taps, out, count);
}
void FilterDown(const std::uint16_t* const* rows, const float* weights, int taps, float* out,
                std::size_t count) {
  HWY_DYNAMIC_DISPATCH(Down16)(rows, weights, taps, out, count);
}
void FilterDown(const float* const* rows, const float* weights, int taps, float* out,
                std::size_t count) {
  HWY_DYNAMIC_DISPATCH(DownFloat)(rows, weights, taps, out, count);
}
void FilterAcross(const float* in, std::size_t stride, const float* weights, int taps,
                  std::uint8_t* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(Across8)(in, stride, weights, taps, out, count);
}
void FilterAcross(const float* in, std::size_t stride, const float* weights, int taps,
                  std::uint16_t* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(Across16)(in, stride, weights, taps, out, count);
}
void FilterAcross(const float* in, std::size_t stride, const float* weights, int taps, float* out,
                  std::size_t count) {
  HWY_DYNAMIC_DISPATCH(AcrossFloat)(in, stride, weights, taps, out, count);
}

}  // namespace pixloom
#endif  // HWY_ONCE
