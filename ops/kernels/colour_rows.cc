// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/colour_rows.h"

#include <cmath>

// Tables of 256 bytes are one instruction or two where there is VBMI.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/colour_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include "ops/kernels/pixel_lanes-inl.h"
#include "ops/kernels/pixel_math.h"

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX3_DL

// Each half of the table is two registers of which seven bits of the index choose a byte.
class Table {
 public:
  explicit Table(const std::uint8_t* table) {
    for (int k = 0; k < 4; ++k) parts_[k] = hn::LoadU(ByteTag(), table + 64 * k);
  }
  HWY_INLINE Bytes operator()(Bytes index) const {
    const __m512i low = _mm512_permutex2var_epi8(parts_[0].raw, index.raw, parts_[1].raw);
    const __m512i high = _mm512_permutex2var_epi8(parts_[2].raw, index.raw, parts_[3].raw);
    return Bytes{_mm512_mask_blend_epi8(_mm512_movepi8_mask(index.raw), low, high)};
  }

 private:
  Bytes parts_[4];
};

#elif HWY_ARCH_X86

// A table of 256 bytes is sixteen shuffles of 16 bytes, each of which looks at the low four bits of
// an index and gives 0 where the top bit is set. Part k holds what it differs in from part k - 1
// and answers for all indices from 16 k on, so that the parts add up; the two halves of the table
// apart, as the top bit tells only so far.
class Table {
 public:
  explicit Table(const std::uint8_t* table) {
    const hn::Full128<std::uint8_t> d;
    for (int i = 0; i < 256; i += 16) {
      const auto part = hn::LoadU(d, table + i);
      hn::Store(i % 128 == 0 ? part : hn::Xor(part, hn::LoadU(d, table + i - 16)), d, parts_ + i);
    }
  }
  HWY_INLINE Bytes operator()(Bytes index) const {
    const ByteTag d;
    const hn::RebindToSigned<ByteTag> di;
    const auto high = Half(parts_ + 128, hn::Xor(index, hn::Set(d, 0x80)));
    const auto low = Half(parts_, index);
    const auto is_high = hn::BroadcastSignBit(hn::BitCast(di, index));
    return hn::IfVecThenElse(hn::BitCast(d, is_high), high, low);
  }

 private:
  HWY_INLINE Bytes Half(const std::uint8_t* parts, Bytes index) const {
    const ByteTag d;
    auto sum = hn::TableLookupBytesOr0(hn::LoadDup128(d, parts), index);
    for (int k = 1; k < 8; ++k) {
      index = hn::Sub(index, hn::Set(d, 16));
      sum = hn::Xor(sum, hn::TableLookupBytesOr0(hn::LoadDup128(d, parts + 16 * k), index));
    }
    return sum;
  }

  alignas(64) std::uint8_t parts_[256];
};

#else

class Table {
 public:
  explicit Table(const std::uint8_t* table) : table_(table) {}
  HWY_INLINE Bytes operator()(Bytes index) const {
    const ByteTag d;
    alignas(64) std::uint8_t bytes[hn::MaxLanes(d)];
    hn::Store(index, d, bytes);
    for (std::uint8_t& byte : bytes) byte = table_[byte];
    return hn::Load(d, bytes);
  }

 private:
  const std::uint8_t* table_;
};

#endif

template <bool kKeepFourth>
HWY_INLINE void ApplyTableTo(const std::uint8_t* table, std::uint8_t* values, std::size_t count) {
  const ByteTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto changed = [&](const Table& look_up, Bytes index) HWY_ATTR {
    const auto result = look_up(index);
    if constexpr (!kKeepFourth) return result;
    const auto fourth = hn::BitCast(d, hn::Set(IntTag(), static_cast<std::int32_t>(0xFF000000u)));
    return hn::IfVecThenElse(fourth, index, result);
  };
  std::size_t i = 0;
  if (count >= lanes) {
    const Table look_up(table);
    // Two vectors share what is loaded of the table.
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
      const auto first = changed(look_up, hn::LoadU(d, values + i));
      const auto second = changed(look_up, hn::LoadU(d, values + i + lanes));
      hn::StoreU(first, d, values + i);
      hn::StoreU(second, d, values + i + lanes);
    }
    for (; i + lanes <= count; i += lanes) {
      hn::StoreU(changed(look_up, hn::LoadU(d, values + i)), d, values + i);
    }
  }
  for (; i < count; ++i) {
    if (!kKeepFourth || i % 4 != 3) values[i] = table[values[i]];
  }
}

void ApplyTableImpl(const std::uint8_t* table, std::uint8_t* values, std::size_t count,
                    bool keep_fourth) {
  if (keep_fourth) {
    ApplyTableTo<true>(table, values, count);
  } else {
    ApplyTableTo<false>(table, values, count);
  }
}

class Mixing {
 public:
  explicit Mixing(const float* m) {
    for (int i = 0; i < 12; ++i) m_[i] = hn::Set(FloatTag(), i % 4 == 3 ? m[i] + 0.5F : m[i]);
  }
  HWY_INLINE void operator()(Floats& r, Floats& g, Floats& b) const {
    const auto red = r, green = g, blue = b;
    r = Row(m_, red, green, blue);
    g = Row(m_ + 4, red, green, blue);
    b = Row(m_ + 8, red, green, blue);
  }

 private:
  static HWY_INLINE Floats Row(const Floats* m, Floats r, Floats g, Floats b) {
    const auto rg = hn::Add(hn::Mul(m[0], r), hn::Mul(m[1], g));
    return hn::Add(hn::Add(rg, hn::Mul(m[2], b)), m[3]);
  }

  Floats m_[12];
};

template <int kChannels>
HWY_INLINE std::uint64_t SumGrayOf(const std::uint8_t* row, std::size_t pixels) {
  constexpr std::size_t kStep = kMaxLanes * kChannels;
  constexpr std::size_t kReach = kMaxLanes * 4;
  const FloatTag d;
  const IntTag di;
  auto sums = hn::Zero(di);
  const auto add = [&](const std::uint8_t* at) HWY_ATTR {
    const auto blocks = LoadBlocks<kChannels>(at);
    const auto r = hn::ConvertTo(d, ChannelOf<kChannels, 0>(blocks));
    const auto g = hn::ConvertTo(d, ChannelOf<kChannels, 1>(blocks));
    const auto b = hn::ConvertTo(d, ChannelOf<kChannels, 2>(blocks));
    const auto rg = hn::Add(hn::Mul(r, hn::Set(d, 299.0F)), hn::Mul(g, hn::Set(d, 587.0F)));
    const auto rgb = hn::Add(rg, hn::Mul(b, hn::Set(d, 114.0F)));
    // Exact up to here. The quotient is at least 1/2000 away from a whole number, which is more
    // than the product is off.
    const auto thousandth = hn::Mul(hn::Add(rgb, hn::Set(d, 500.5F)), hn::Set(d, 0.001F));
    sums = hn::Add(sums, Truncate(thousandth));
  };
  std::size_t left = pixels * kChannels;
  for (; left >= kReach; left -= kStep, row += kStep) add(row);
  while (left > 0) {
    // Black adds nothing.
    alignas(64) std::uint8_t buffer[kReach] = {};
    const std::size_t now = std::min(left, kStep);
    std::memcpy(buffer, row, now);
    add(buffer);
    left -= now, row += now;
  }
  alignas(64) std::int32_t lanes[kMaxLanes];
  hn::Store(sums, di, lanes);
  std::uint64_t sum = 0;
  for (const std::int32_t lane : lanes) sum += static_cast<std::uint64_t>(lane);
  return sum;
}

std::uint64_t SumGrayImpl(const std::uint8_t* row, std::size_t pixels, int channels) {
  return channels == 3 ? SumGrayOf<3>(row, pixels) : SumGrayOf<4>(row, pixels);
}

void ApplyMatrixImpl(const float* m, std::uint8_t* row, std::size_t pixels, int channels) {
  if (channels == 3) {
    ChangeRow<3>(Mixing(m), row, row, pixels);
  } else {
    ChangeRow<4>(Mixing(m), row, row, pixels);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(ApplyTableImpl);
HWY_EXPORT(ApplyMatrixImpl);
HWY_EXPORT(SumGrayImpl);

namespace {

// Sums that may leave int32 are clamped before they become integers.
void ApplyLargeMatrix(const float* m, std::uint8_t* row, std::size_t pixels, int channels) {
  for (std::size_t i = 0; i < pixels; ++i, row += channels) {
    const float r = row[0], g = row[1], b = row[2];
    for (int c = 0; c < 3; ++c) {
      const float* k = m + 4 * c;
      float sum = ((k[0] * r + k[1] * g) + k[2] * b) + (k[3] + 0.5F);
      sum = sum > 0 ? sum : 0;  // NaN, too
      sum = sum < 255 ? sum : 255;
      row[c] = static_cast<std::uint8_t>(sum);
    }
  }
}

}  // namespace

void ApplyTable(const std::uint8_t* table, std::uint8_t* values, std::size_t count,
                bool keep_fourth) {
  HWY_DYNAMIC_DISPATCH(ApplyTableImpl)(table, values, count, keep_fourth);
}

std::uint64_t SumGray(const std::uint8_t* row, std::size_t pixels, int channels) {
  return HWY_DYNAMIC_DISPATCH(SumGrayImpl)(row, pixels, channels);
}

void ApplyMatrix(const float* m, std::uint8_t* row, std::size_t pixels, int channels) {
  for (int i = 0; i < 12; ++i) {
    if (!(std::abs(m[i]) < 0x1p20F)) return ApplyLargeMatrix(m, row, pixels, channels);
  }
  HWY_DYNAMIC_DISPATCH(ApplyMatrixImpl)(m, row, pixels, channels);
}

}  // namespace pixloom
#endif  // HWY_ONCE
