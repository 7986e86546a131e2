// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/filter_rows.h"

#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/filter_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include "ops/kernels/levels-inl.h"
#include "ops/kernels/pixel_math.h"

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class In, class Out>
void WeighRowsTo(const In* const* rows, const float* weights, int taps, Out* out,
                 std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  // Four vectors at once share the loads of pointers and weights.
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    auto w = hn::Set(d, weights[0]);
    const In* in = rows[0] + i;
    auto sum0 = hn::Mul(w, LoadAsFloat(d, in));
    auto sum1 = hn::Mul(w, LoadAsFloat(d, in + lanes));
    auto sum2 = hn::Mul(w, LoadAsFloat(d, in + 2 * lanes));
    auto sum3 = hn::Mul(w, LoadAsFloat(d, in + 3 * lanes));
    for (int k = 1; k < taps; ++k) {
      w = hn::Set(d, weights[k]);
      in = rows[k] + i;
      sum0 = hn::Add(sum0, hn::Mul(w, LoadAsFloat(d, in)));
      sum1 = hn::Add(sum1, hn::Mul(w, LoadAsFloat(d, in + lanes)));
      sum2 = hn::Add(sum2, hn::Mul(w, LoadAsFloat(d, in + 2 * lanes)));
      sum3 = hn::Add(sum3, hn::Mul(w, LoadAsFloat(d, in + 3 * lanes)));
    }
    StoreRounded(sum0, d, out + i);
    StoreRounded(sum1, d, out + i + lanes);
    StoreRounded(sum2, d, out + i + 2 * lanes);
    StoreRounded(sum3, d, out + i + 3 * lanes);
  }
  for (; i + lanes <= count; i += lanes) {
    auto sum = hn::Mul(hn::Set(d, weights[0]), LoadAsFloat(d, rows[0] + i));
    for (int k = 1; k < taps; ++k) {
      sum = hn::Add(sum, hn::Mul(hn::Set(d, weights[k]), LoadAsFloat(d, rows[k] + i)));
    }
    StoreRounded(sum, d, out + i);
  }
  for (; i < count; ++i) {
    float sum = weights[0] * static_cast<float>(rows[0][i]);
    for (int k = 1; k < taps; ++k) sum += weights[k] * static_cast<float>(rows[k][i]);
    out[i] = RoundTo<Out>(sum);
  }
}

void WeighMirrored(const float* const* rows, const float* weights, int taps, float* out,
                   std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const int middle = taps / 2;
  std::size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    auto w = hn::Set(d, weights[middle]);
    const float* in = rows[middle] + i;
    auto sum0 = hn::Mul(w, hn::LoadU(d, in));
    auto sum1 = hn::Mul(w, hn::LoadU(d, in + lanes));
    auto sum2 = hn::Mul(w, hn::LoadU(d, in + 2 * lanes));
    auto sum3 = hn::Mul(w, hn::LoadU(d, in + 3 * lanes));
    for (int k = middle - 1; k >= 0; --k) {
      w = hn::Set(d, weights[k]);
      in = rows[k] + i;
      const float* other = rows[taps - 1 - k] + i;
      const auto pair = [&](std::size_t at) HWY_ATTR {
        return hn::Mul(w, hn::Add(hn::LoadU(d, in + at), hn::LoadU(d, other + at)));
      };
      sum0 = hn::Add(sum0, pair(0));
      sum1 = hn::Add(sum1, pair(lanes));
      sum2 = hn::Add(sum2, pair(2 * lanes));
      sum3 = hn::Add(sum3, pair(3 * lanes));
    }
    hn::StoreU(sum0, d, out + i);
    hn::StoreU(sum1, d, out + i + lanes);
    hn::StoreU(sum2, d, out + i + 2 * lanes);
    hn::StoreU(sum3, d, out + i + 3 * lanes);
  }
  for (; i < count; ++i) {
    float sum = weights[middle] * rows[middle][i];
    for (int k = middle - 1; k >= 0; --k) {
      sum += weights[k] * (rows[k][i] + rows[taps - 1 - k][i]);
    }
    out[i] = sum;
  }
}

void WeighTogether(const float* const* rows, const float* weights, int taps, float* const* out,
                   std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    FloatVec sums[kRowsTogether][2];
    for (auto& sum : sums) sum[0] = sum[1] = hn::Zero(d);
    const auto step = [&](int row, int from, int to) HWY_ATTR {
      const auto left = hn::LoadU(d, rows[row] + i);
      const auto right = hn::LoadU(d, rows[row] + i + lanes);
      for (int j = from; j < to; ++j) {
        const auto w = hn::Set(d, weights[row - j]);
        sums[j][0] = hn::Add(sums[j][0], hn::Mul(w, left));
        sums[j][1] = hn::Add(sums[j][1], hn::Mul(w, right));
      }
    };
    // The first and the last rows belong to some of the results only.
    int row = 0;
    for (; row < kRowsTogether - 1; ++row) step(row, 0, row + 1);
    for (; row < taps; ++row) step(row, 0, kRowsTogether);
    for (; row < taps + kRowsTogether - 1; ++row) step(row, row - taps + 1, kRowsTogether);
    for (int j = 0; j < kRowsTogether; ++j) {
      hn::StoreU(sums[j][0], d, out[j] + i);
      hn::StoreU(sums[j][1], d, out[j] + i + lanes);
    }
  }
  for (; i < count; ++i) {
    for (int j = 0; j < kRowsTogether; ++j) {
      float sum = 0;
      for (int k = 0; k < taps; ++k) sum += weights[k] * rows[j + k][i];
      out[j][i] = sum;
    }
  }
}

template <class In>
void ToFloatFrom(const In* in, float* out, std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(LoadAsFloat(d, in + i), d, out + i);
  for (; i < count; ++i) out[i] = in[i];
}

template <class T>
HWY_INLINE T SharpValue(const T* above, const T* row, const T* below, std::ptrdiff_t step,
                        float factor) {
  const auto at = [](const T* p, std::ptrdiff_t i) { return static_cast<float>(p[i]); };
  const float sum = ((at(above, -step) + at(above, 0)) + at(above, step)) +
                    ((at(row, -step) + 5 * at(row, 0)) + at(row, step)) +
                    ((at(below, -step) + at(below, 0)) + at(below, step));
  float smooth = sum / 13;
  if constexpr (!std::is_same_v<T, float>) {
    smooth = static_cast<float>(static_cast<std::int32_t>((sum + 6.5F) * (1.0F / 13)));
  }
  return RoundTo<T>(smooth + factor * (at(row, 0) - smooth));
}

template <class T>
void BlendSmooth(const T* above, const T* row, const T* below, std::size_t step, float factor,
                 T* out, std::size_t count) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const std::size_t lanes = hn::Lanes(d);
  const auto f = hn::Set(d, factor);
  const auto three = [&](const T* p, FloatVec middle) HWY_ATTR {
    return hn::Add(hn::Add(LoadAsFloat(d, p - step), middle), LoadAsFloat(d, p + step));
  };
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto own = LoadAsFloat(d, row + i);
    const auto sum = hn::Add(hn::Add(three(above + i, LoadAsFloat(d, above + i)),
                                     three(row + i, hn::Mul(hn::Set(d, 5.0F), own))),
                             three(below + i, LoadAsFloat(d, below + i)));
    auto smooth = sum;
    if constexpr (std::is_same_v<T, float>) {
      smooth = hn::Div(sum, hn::Set(d, 13.0F));
    } else {
      // Thirteenths are never halves, and half a thirteenth is more than float32 is off by.
      const auto moved = hn::Mul(hn::Add(sum, hn::Set(d, 6.5F)), hn::Set(d, 1.0F / 13));
      smooth = hn::ConvertTo(d, hn::ConvertTo(di, moved));
    }
    StoreRounded(hn::Add(smooth, hn::Mul(f, hn::Sub(own, smooth))), d, out + i);
  }
  for (; i < count; ++i) {
    out[i] = SharpValue(above + i, row + i, below + i, static_cast<std::ptrdiff_t>(step), factor);
  }
}

template <class T>
void AddDifferences(const T* row, const float* soft, float amount, float threshold, T* out,
                    std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const float slope = threshold > 0 ? 1 / threshold : 0;
  const float least = threshold > 0 ? 0.0F : 1.0F;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = LoadAsFloat(d, row + i);
    const auto difference = hn::Sub(v, hn::LoadU(d, soft + i));
    auto share = hn::Mul(hn::Sub(hn::Abs(difference), hn::Set(d, threshold)), hn::Set(d, slope));
    share = hn::Min(hn::Max(share, hn::Set(d, least)), hn::Set(d, 1.0F));
    StoreRounded(hn::Add(v, hn::Mul(hn::Mul(hn::Set(d, amount), share), difference)), d, out + i);
  }
  for (; i < count; ++i) {
    const auto v = static_cast<float>(row[i]);
    const float difference = v - soft[i];
    float share = ((difference < 0 ? -difference : difference) - threshold) * slope;
    share = share > least ? share : least;
    share = share < 1 ? share : 1;
    out[i] = RoundTo<T>(v + (amount * share) * difference);
  }
}

// Dispatch tables hold plain functions.
using Byte = std::uint8_t;
using Word = std::uint16_t;

void BytesToFloat(const Byte* in, float* out, std::size_t count) { ToFloatFrom(in, out, count); }
void WordsToFloat(const Word* in, float* out, std::size_t count) { ToFloatFrom(in, out, count); }
void WeighFloats(const float* const* rows, const float* w, int taps, float* out, std::size_t n) {
  WeighRowsTo(rows, w, taps, out, n);
}
void WeighBytes(const Byte* const* rows, const float* w, int taps, float* out, std::size_t n) {
  WeighRowsTo(rows, w, taps, out, n);
}
void WeighWords(const Word* const* rows, const float* w, int taps, float* out, std::size_t n) {
  WeighRowsTo(rows, w, taps, out, n);
}
void WeighToBytes(const float* const* rows, const float* w, int taps, Byte* out, std::size_t n) {
  WeighRowsTo(rows, w, taps, out, n);
}
void WeighToWords(const float* const* rows, const float* w, int taps, Word* out, std::size_t n) {
  WeighRowsTo(rows, w, taps, out, n);
}
void BlendBytes(const Byte* a, const Byte* r, const Byte* b, std::size_t step, float f, Byte* out,
                std::size_t n) {
  BlendSmooth(a, r, b, step, f, out, n);
}
void DifferenceBytes(const Byte* r, const float* s, float a, float t, Byte* out, std::size_t n) {
  AddDifferences(r, s, a, t, out, n);
}
void BlendWords(const Word* a, const Word* r, const Word* b, std::size_t step, float f, Word* out,
                std::size_t n) {
  BlendSmooth(a, r, b, step, f, out, n);
}
void DifferenceWords(const Word* r, const float* s, float a, float t, Word* out, std::size_t n) {
  AddDifferences(r, s, a, t, out, n);
}
void BlendFloats(const float* a, const float* r, const float* b, std::size_t step, float f,
                 float* out, std::size_t n) {
  BlendSmooth(a, r, b, step, f, out, n);
}
void DifferenceFloats(const float* r, const float* s, float a, float t, float* out, std::size_t n) {
  AddDifferences(r, s, a, t, out, n);
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(BytesToFloat);
HWY_EXPORT(WordsToFloat);
HWY_EXPORT(WeighFloats);
HWY_EXPORT(WeighMirrored);
HWY_EXPORT(WeighTogether);
HWY_EXPORT(WeighBytes);
HWY_EXPORT(WeighWords);
HWY_EXPORT(WeighToBytes);
HWY_EXPORT(WeighToWords);
HWY_EXPORT(BlendBytes);
HWY_EXPORT(DifferenceBytes);
HWY_EXPORT(BlendWords);
HWY_EXPORT(DifferenceWords);
HWY_EXPORT(BlendFloats);
HWY_EXPORT(DifferenceFloats);

void ToFloat(const std::uint8_t* in, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(BytesToFloat)(in, out, count);
}
void ToFloat(const std::uint16_t* in, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(WordsToFloat)(in, out, count);
}

void WeighRows(const float* const* rows, const float* weights, int taps, float* out,
               std::size_t count) {
  HWY_DYNAMIC_DISPATCH(WeighFloats)(rows, weights, taps, out, count);
}
void WeighRows(const std::uint8_t* const* rows, const float* weights, int taps, float* out,
               std::size_t count) {
  HWY_DYNAMIC_DISPATCH(WeighBytes)(rows, weights, taps, out, count);
}
void WeighRows(const std::uint16_t* const* rows, const float* weights, int taps, float* out,
               std::size_t count) {
  HWY_DYNAMIC_DISPATCH(WeighWords)(rows, weights, taps, out, count);
}
void WeighMirroredRows(const float* const* rows, const float* weights, int taps, float* out,
                       std::size_t count) {
  HWY_DYNAMIC_DISPATCH(WeighMirrored)(rows, weights, taps, out, count);
}
void WeighRowsTogether(const float* const* rows, const float* weights, int taps, float* const* out,
                       std::size_t count) {
  HWY_DYNAMIC_DISPATCH(WeighTogether)(rows, weights, taps, out, count);
}

void WeighRows(const float* const* rows, const float* weights, int taps, std::uint8_t* out,
               std::size_t count) {
  HWY_DYNAMIC_DISPATCH(WeighToBytes)(rows, weights, taps, out, count);
}
void WeighRows(const float* const* rows, const float* weights, int taps, std::uint16_t* out,
               std::size_t count) {
  HWY_DYNAMIC_DISPATCH(WeighToWords)(rows, weights, taps, out, count);
}

void BlendWithSmooth(const std::uint8_t* above, const std::uint8_t* row, const std::uint8_t* below,
                     std::size_t step, float factor, std::uint8_t* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(BlendBytes)(above, row, below, step, factor, out, count);
}
void AddDifference(const std::uint8_t* row, const float* soft, float amount, float threshold,
                   std::uint8_t* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(DifferenceBytes)(row, soft, amount, threshold, out, count);
}

void BlendWithSmooth(const std::uint16_t* above, const std::uint16_t* row,
                     const std::uint16_t* below, std::size_t step, float factor, std::uint16_t* out,
                     std::size_t count) {
  HWY_DYNAMIC_DISPATCH(BlendWords)(above, row, below, step, factor, out, count);
}
void AddDifference(const std::uint16_t* row, const float* soft, float amount, float threshold,
                   std::uint16_t* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(DifferenceWords)(row, soft, amount, threshold, out, count);
}

void BlendWithSmooth(const float* above, const float* row, const float* below, std::size_t step,
                     float factor, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(BlendFloats)(above, row, below, step, factor, out, count);
}
void AddDifference(const float* row, const float* soft, float amount, float threshold, float* out,
                   std::size_t count) {
  HWY_DYNAMIC_DISPATCH(DifferenceFloats)(row, soft, amount, threshold, out, count);
}

}  // namespace pixloom
#endif  // HWY_ONCE
