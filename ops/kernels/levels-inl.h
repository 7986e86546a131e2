// SPDX-License-Identifier: Apache-2.0
// Levels of any type to float vectors, one lane a value, and back: rounded half up and saturated.
// Included by kernels between foreach_target.h and their own code, once per instruction set.

// clang-format off
#if defined(PIXLOOM_OPS_KERNELS_LEVELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PIXLOOM_OPS_KERNELS_LEVELS_INL_H_
#undef PIXLOOM_OPS_KERNELS_LEVELS_INL_H_
#else
#define PIXLOOM_OPS_KERNELS_LEVELS_INL_H_
#endif
// clang-format on

#include <limits>

#include <hwy/highway.h>

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

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#endif
