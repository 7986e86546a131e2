// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/normalize.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/normalize.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include "ops/kernels/pixel_math.h"

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

template <class T>
HWY_INLINE FloatVec LoadAsFloat(FloatTag d, const T* p) {
  if constexpr (std::is_same_v<T, float>) {
    return hn::LoadU(d, p);
  } else {
    const hn::RebindToSigned<FloatTag> di;
    const hn::Rebind<T, FloatTag> dt;
    return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(dt, p)));
  }
}

// out[i] is in[i], or in[count - 1 - i], times scale plus offset. Results are written in order of
// their addresses, which is what caches foresee.
template <class T, bool kMirror>
HWY_INLINE void ScaleRow(const T* in, std::size_t count, float scale, float offset, float* out) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto s = hn::Set(d, scale);
  const auto o = hn::Set(d, offset);
  const auto one_by_one = [&](std::size_t from, std::size_t to) {
    for (std::size_t k = from; k < to; ++k) {
      out[k] = static_cast<float>(in[kMirror ? count - 1 - k : k]) * scale + offset;
    }
  };
  // Vectors that are stored across the border of two cache lines cost twice.
  const std::size_t over = reinterpret_cast<std::uintptr_t>(out) / sizeof(float) % lanes;
  std::size_t i = std::min(count, (lanes - over) % lanes);
  one_by_one(0, i);
  for (; i + lanes <= count; i += lanes) {
    auto v = LoadAsFloat(d, in + (kMirror ? count - lanes - i : i));
    if constexpr (kMirror) v = hn::Reverse(d, v);
    hn::StoreU(hn::Add(hn::Mul(v, s), o), d, out + i);
  }
  one_by_one(i, count);
}

// Pixels taken apart at once: they stay in the first-level cache.
constexpr std::size_t kChunk = 512;

template <class T, int kChannels>
HWY_INLINE void Deinterleave(const T* in, std::size_t pixels, T (*planes)[kChunk]) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= pixels; i += lanes) {
    hn::Vec<decltype(d)> a, b, c, e;
    if constexpr (kChannels == 2) {
      hn::LoadInterleaved2(d, in + i * 2, a, b);
    } else if constexpr (kChannels == 3) {
      hn::LoadInterleaved3(d, in + i * 3, a, b, c);
    } else {
      hn::LoadInterleaved4(d, in + i * 4, a, b, c, e);
    }
    hn::StoreU(a, d, planes[0] + i);
    hn::StoreU(b, d, planes[1] + i);
    if constexpr (kChannels > 2) hn::StoreU(c, d, planes[2] + i);
    if constexpr (kChannels > 3) hn::StoreU(e, d, planes[3] + i);
  }
  for (; i < pixels; ++i) {
    for (int c = 0; c < kChannels; ++c) planes[c][i] = in[i * kChannels + c];
  }
}

template <class T, int kChannels, bool kMirror>
void PlanarRow(const T* in, std::size_t pixels, const float* scale, const float* offset,
               float* const* out) {
  if constexpr (kChannels == 1) {
    ScaleRow<T, kMirror>(in, pixels, scale[0], offset[0], out[0]);
  } else {
    T planes[kChannels][kChunk];
    for (std::size_t x = 0; x < pixels; x += kChunk) {
      const std::size_t now = std::min(kChunk, pixels - x);
      const std::size_t from = kMirror ? pixels - x - now : x;
      Deinterleave<T, kChannels>(in + from * kChannels, now, planes);
      for (int c = 0; c < kChannels; ++c) {
        ScaleRow<T, kMirror>(planes[c], now, scale[c], offset[c], out[c] + x);
      }
    }
  }
}

template <class T, bool kMirror>
void PlanarRowOf(const T* in, std::size_t pixels, int channels, const float* scale,
                 const float* offset, float* const* out) {
  switch (channels) {
    case 1:
      return PlanarRow<T, 1, kMirror>(in, pixels, scale, offset, out);
    case 2:
      return PlanarRow<T, 2, kMirror>(in, pixels, scale, offset, out);
    case 3:
      return PlanarRow<T, 3, kMirror>(in, pixels, scale, offset, out);
    case 4:
      return PlanarRow<T, 4, kMirror>(in, pixels, scale, offset, out);
    default:
      for (int c = 0; c < channels; ++c) {
        const T* value = in + c;
        for (std::size_t i = 0; i < pixels; ++i, value += channels) {
          out[c][kMirror ? pixels - 1 - i : i] = static_cast<float>(*value) * scale[c] + offset[c];
        }
      }
  }
}

template <class T>
HWY_INLINE void AnyPlanarRow(const T* in, std::size_t pixels, int channels, const float* scale,
                             const float* offset, bool mirror, float* const* out) {
  if (mirror) {
    PlanarRowOf<T, true>(in, pixels, channels, scale, offset, out);
  } else {
    PlanarRowOf<T, false>(in, pixels, channels, scale, offset, out);
  }
}

// Value i takes scale and offset number i % period, which is a whole number of vectors.
template <class T>
HWY_INLINE void PeriodicRow(const T* in, std::size_t count, const float* scale, const float* offset,
                            std::size_t period, float* out) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  std::size_t k = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto product = hn::Mul(LoadAsFloat(d, in + i), hn::LoadU(d, scale + k));
    hn::StoreU(hn::Add(product, hn::LoadU(d, offset + k)), d, out + i);
    k += lanes;
    if (k == period) k = 0;
  }
  for (; i < count; ++i, ++k) out[i] = static_cast<float>(in[i]) * scale[k] + offset[k];
}

#define PIXLOOM_NORMALIZE(T, NAME)                                                             \
  void Planar##NAME(const T* in, std::size_t pixels, int channels, const float* scale,         \
                    const float* offset, bool mirror, float* const* out) {                     \
    AnyPlanarRow(in, pixels, channels, scale, offset, mirror, out);                            \
  }                                                                                            \
  void Periodic##NAME(const T* in, std::size_t count, const float* scale, const float* offset, \
                      std::size_t period, float* out) {                                        \
    PeriodicRow(in, count, scale, offset, period, out);                                        \
  }
PIXLOOM_NORMALIZE(std::uint8_t, Bytes)
PIXLOOM_NORMALIZE(std::uint16_t, Words)
PIXLOOM_NORMALIZE(float, Floats)
#undef PIXLOOM_NORMALIZE

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(PlanarBytes);
HWY_EXPORT(PlanarWords);
HWY_EXPORT(PlanarFloats);
HWY_EXPORT(PeriodicBytes);
HWY_EXPORT(PeriodicWords);
HWY_EXPORT(PeriodicFloats);

namespace {

template <class T>
auto PlanarFor() {
  if constexpr (sizeof(T) == 1) {
    return HWY_DYNAMIC_DISPATCH(PlanarBytes);
  } else if constexpr (sizeof(T) == 2) {
    return HWY_DYNAMIC_DISPATCH(PlanarWords);
  } else {
    return HWY_DYNAMIC_DISPATCH(PlanarFloats);
  }
}

template <class T>
auto PeriodicFor() {
  if constexpr (sizeof(T) == 1) {
    return HWY_DYNAMIC_DISPATCH(PeriodicBytes);
  } else if constexpr (sizeof(T) == 2) {
    return HWY_DYNAMIC_DISPATCH(PeriodicWords);
  } else {
    return HWY_DYNAMIC_DISPATCH(PeriodicFloats);
  }
}

void CheckPerChannel(const cv::Mat& in, std::span<const float> scale,
                     std::span<const float> offset) {
  const auto channels = static_cast<std::size_t>(in.channels());
  PIXLOOM_CHECK(scale.size() == channels && offset.size() == channels,
                "one scale and one offset per channel");
}

}  // namespace

void NormalizeToPlanar(const cv::Mat& in, std::span<const float> scale,
                       std::span<const float> offset, bool mirror, float* planes) {
  CheckPerChannel(in, scale, offset);
  const auto width = static_cast<std::size_t>(in.cols);
  std::vector<float*> rows(scale.size());
  WithDepth(in, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < in.rows; ++y) {
      for (std::size_t c = 0; c < rows.size(); ++c) {
        rows[c] =
            planes + (c * static_cast<std::size_t>(in.rows) + static_cast<std::size_t>(y)) * width;
      }
      PlanarFor<T>()(in.ptr<T>(y), width, in.channels(), scale.data(), offset.data(), mirror,
                     rows.data());
    }
  });
}

void NormalizeInterleaved(const cv::Mat& in, std::span<const float> scale,
                          std::span<const float> offset, cv::Mat& out) {
  CheckPerChannel(in, scale, offset);
  // A multiple of the channels and of every vector's length.
  constexpr std::size_t kMostLanes = 64;
  const std::size_t period = scale.size() * kMostLanes;
  std::vector<float> scales(period);
  std::vector<float> offsets(period);
  for (std::size_t i = 0; i < period; ++i) {
    scales[i] = scale[i % scale.size()];
    offsets[i] = offset[i % scale.size()];
  }
  const cv::Mat source = in;  // `out` may be the same image
  out.create(source.size(), CV_MAKETYPE(CV_32F, source.channels()));
  const std::size_t count = static_cast<std::size_t>(source.cols) * scale.size();
  WithDepth(source, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < source.rows; ++y) {
      PeriodicFor<T>()(source.ptr<T>(y), count, scales.data(), offsets.data(), period,
                       out.ptr<float>(y));
    }
  });
}

}  // namespace pixloom
#endif  // HWY_ONCE
