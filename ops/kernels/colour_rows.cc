// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/colour_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/colour_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include "ops/kernels/pixel_math.h"

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A table of 256 bytes is sixteen shuffles of 16; each answers for one high nibble and gives 0 for
// the others.
void ApplyTableImpl(const std::uint8_t* table, std::uint8_t* values, std::size_t count) {
  const hn::ScalableTag<std::uint8_t> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto index = hn::LoadU(d, values + i);
    auto result = hn::Zero(d);
    for (int high = 0; high < 16; ++high) {
      // [0, 16) where the high nibble matches, 0x80 and above elsewhere.
      const auto nibble =
          hn::And(hn::SaturatedAdd(hn::Xor(index, hn::Set(d, static_cast<std::uint8_t>(high << 4))),
                                   hn::Set(d, 0x70)),
                  hn::Set(d, 0x8F));
      result =
          hn::Or(result, hn::TableLookupBytesOr0(hn::LoadDup128(d, table + 16 * high), nibble));
    }
    hn::StoreU(result, d, values + i);
  }
  for (; i < count; ++i) values[i] = table[values[i]];
}

template <class DF, class V>
HWY_INLINE V MatrixRow(DF df, const float* m, V r, V g, V b) {
  const V rg = hn::Add(hn::Mul(hn::Set(df, m[0]), r), hn::Mul(hn::Set(df, m[1]), g));
  return hn::Add(hn::Add(rg, hn::Mul(hn::Set(df, m[2]), b)), hn::Set(df, m[3]));
}

template <class D8, class DF, class V>
HWY_INLINE hn::Vec<D8> RoundToBytes(D8 d8, DF df, V value) {
  const hn::RebindToSigned<DF> di;
  const V clamped = hn::Min(hn::Max(value, hn::Zero(df)), hn::Set(df, 255.0F));
  return hn::DemoteTo(d8, hn::ConvertTo(di, hn::Add(clamped, hn::Set(df, 0.5F))));
}

template <int kChannels>
void ApplyMatrixTo(const float* m, std::uint8_t* row, std::size_t pixels) {
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const hn::Rebind<std::uint8_t, decltype(df)> d8;
  const std::size_t lanes = hn::Lanes(df);
  const auto to_float = [&](auto bytes)
                            HWY_ATTR { return hn::ConvertTo(df, hn::PromoteTo(di, bytes)); };
  std::size_t i = 0;
  for (; i + lanes <= pixels; i += lanes) {
    std::uint8_t* at = row + i * kChannels;
    hn::Vec<decltype(d8)> r8, g8, b8;
    auto a8 = hn::Zero(d8);
    if constexpr (kChannels == 3) {
      hn::LoadInterleaved3(d8, at, r8, g8, b8);
    } else {
      hn::LoadInterleaved4(d8, at, r8, g8, b8, a8);
    }
    const auto r = to_float(r8);
    const auto g = to_float(g8);
    const auto b = to_float(b8);
    r8 = RoundToBytes(d8, df, MatrixRow(df, m, r, g, b));
    g8 = RoundToBytes(d8, df, MatrixRow(df, m + 4, r, g, b));
    b8 = RoundToBytes(d8, df, MatrixRow(df, m + 8, r, g, b));
    if constexpr (kChannels == 3) {
      hn::StoreInterleaved3(r8, g8, b8, d8, at);
    } else {
      hn::StoreInterleaved4(r8, g8, b8, a8, d8, at);
    }
  }
  for (; i < pixels; ++i) {
    std::uint8_t* at = row + i * kChannels;
    const float r = at[0], g = at[1], b = at[2];
    for (int c = 0; c < 3; ++c) {
      const float* k = m + 4 * c;
      at[c] = RoundTo<std::uint8_t>(((k[0] * r + k[1] * g) + k[2] * b) + k[3]);
    }
  }
}

void ApplyMatrixImpl(const float* m, std::uint8_t* row, std::size_t pixels, int channels) {
  if (channels == 3) {
    ApplyMatrixTo<3>(m, row, pixels);
  } else {
    ApplyMatrixTo<4>(m, row, pixels);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(ApplyTableImpl);
HWY_EXPORT(ApplyMatrixImpl);

void ApplyTable(const std::uint8_t* table, std::uint8_t* values, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(ApplyTableImpl)(table, values, count);
}

void ApplyMatrix(const float* m, std::uint8_t* row, std::size_t pixels, int channels) {
  HWY_DYNAMIC_DISPATCH(ApplyMatrixImpl)(m, row, pixels, channels);
}

}  // namespace pixloom
#endif  // HWY_ONCE
