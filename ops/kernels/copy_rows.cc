// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/copy_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/copy_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void ReverseRow3Impl(const std::uint8_t* in, std::uint8_t* out, std::size_t pixels) {
  // Wider stores would mostly cross lines of the cache.
  const hn::CappedTag<std::uint8_t, 32> d8;
  const hn::Repartition<std::uint32_t, decltype(d8)> d32;
  constexpr std::size_t kBytes = hn::MaxLanes(hn::CappedTag<std::uint8_t, 32>());
  constexpr std::size_t kBlocks = kBytes / 16;
  const std::uint8_t* end = in + 3 * pixels;
  std::size_t left = pixels;
  if constexpr (kBlocks == 1) {
    // Five pixels from the end of what is left.
    alignas(16) static constexpr std::uint8_t kOrder[16] = {13, 14, 15, 10, 11, 12, 7, 8,
                                                            9,  4,  5,  6,  1,  2,  3, 0};
    const auto order = hn::Load(d8, kOrder);
    while (left >= 6) {
      hn::StoreU(hn::TableLookupBytes(hn::LoadU(d8, end - 16), order), d8, out);
      end -= 15, out += 15, left -= 5;
    }
  } else {
    // Four pixels are three words: words of four pixels to each block, in reverse; pixels reversed
    // in each block; words together again.
    constexpr std::size_t kPixels = 4 * kBlocks;
    constexpr std::size_t kUsed = 12 * kBlocks;
    alignas(64) std::uint8_t reverse[kBytes];
    alignas(64) std::int32_t spread[kBytes / 4];
    alignas(64) std::int32_t gather[kBytes / 4];
    const auto words = static_cast<std::int32_t>(kBytes / 4);
    for (std::size_t b = 0; b < kBlocks; ++b) {
      for (std::size_t i = 0; i < 12; ++i) {
        reverse[16 * b + i] = static_cast<std::uint8_t>(9 - i / 3 * 3 + i % 3);
      }
      for (std::size_t i = 12; i < 16; ++i) reverse[16 * b + i] = static_cast<std::uint8_t>(i);
      for (std::size_t i = 0; i < 4; ++i) {
        // The vector ends where the pixels do.
        const auto from = words - static_cast<std::int32_t>(3 * (b + 1)) +
                          static_cast<std::int32_t>(i < 3 ? i : 0);
        spread[4 * b + i] = from;
        const std::size_t to = 4 * b + i;
        gather[to] = to < 3 * kBlocks ? static_cast<std::int32_t>(to / 3 * 4 + to % 3) : 0;
      }
    }
    const auto bytes = hn::Load(d8, reverse);
    const auto apart = hn::SetTableIndices(d32, spread);
    const auto together = hn::SetTableIndices(d32, gather);
    // As much as a vector holds must be readable before the end, and writable.
    while (left * 3 >= kBytes) {
      const auto pixels_in = hn::BitCast(d32, hn::LoadU(d8, end - kBytes));
      const auto blocks = hn::BitCast(d8, hn::TableLookupLanes(pixels_in, apart));
      const auto turned = hn::BitCast(d32, hn::TableLookupBytes(blocks, bytes));
      hn::StoreU(hn::BitCast(d8, hn::TableLookupLanes(turned, together)), d8, out);
      end -= kUsed, out += kUsed, left -= kPixels;
    }
  }
  for (; left > 0; --left, out += 3) {
    end -= 3;
    std::memcpy(out, end, 3);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(ReverseRow3Impl);

void ReverseRow3(const std::uint8_t* in, std::uint8_t* out, std::size_t pixels) {
  HWY_DYNAMIC_DISPATCH(ReverseRow3Impl)(in, out, pixels);
}

}  // namespace pixloom
#endif  // HWY_ONCE
