// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>

#include "ops/common.h"
#include "ops/kernels/tone_kernel.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class EqualizeMode { kOpencv, kPil };

}  // namespace

template <>
struct EnumNames<EqualizeMode> {
  static constexpr std::array kAll{std::pair{EqualizeMode::kOpencv, "opencv"},
                                   std::pair{EqualizeMode::kPil, "pil"}};
};

namespace {

LevelTable Identity(std::size_t levels) {
  LevelTable table(levels);
  std::iota(table.begin(), table.end(), std::uint16_t{0});
  return table;
}

// n / d of the last level, rounded half up. REQUIRES: d > 0.
std::uint16_t Share(std::uint64_t n, std::uint64_t d, std::uint64_t last) {
  return static_cast<std::uint16_t>(std::min((2 * n * last + d) / (2 * d), last));
}

// Values up to a level, without those of the darkest level; a flat picture stays. Of uint8 exactly
// what cv::equalizeHist does, whose float32 product is rounded half to even.
LevelTable OpencvTable(std::span<const std::uint32_t> histogram) {
  const auto first = std::find_if(histogram.begin(), histogram.end(), [](auto n) { return n > 0; });
  const std::uint64_t total = std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0});
  const std::uint64_t others = first == histogram.end() ? 0 : total - *first;
  if (others == 0) return Identity(histogram.size());
  const std::size_t last = histogram.size() - 1;
  const float scale = 255.0F / static_cast<float>(others);
  LevelTable table(histogram.size());
  std::uint64_t sum = 0;
  for (auto i = static_cast<std::size_t>(first - histogram.begin()) + 1; i <= last; ++i) {
    sum += histogram[i];
    table[i] = last == 255
                   ? static_cast<std::uint16_t>(std::nearbyint(static_cast<float>(sum) * scale))
                   : Share(sum, others, last);
  }
  return table;
}

// Values below a level. Of uint8 exactly what PIL.ImageOps.equalize does, in whole steps: a picture
// of fewer than 256 values stays. Other types have no room for whole steps and take exact shares.
LevelTable PilTable(std::span<const std::uint32_t> histogram) {
  const auto lit = std::find_if(histogram.rbegin(), histogram.rend(), [](auto n) { return n > 0; });
  const std::uint64_t total = std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0});
  const std::uint64_t others = lit == histogram.rend() ? 0 : total - *lit;
  const std::size_t last = histogram.size() - 1;
  const std::uint64_t step = others / 255;
  if (others == 0 || (last == 255 && step == 0)) return Identity(histogram.size());
  LevelTable table(histogram.size());
  std::uint64_t below = 0;
  for (std::size_t i = 0; i <= last; ++i) {
    table[i] =
        last == 255
            ? static_cast<std::uint16_t>(std::min<std::uint64_t>((below + step / 2) / step, last))
            : Share(below, others, last);
    below += histogram[i];
  }
  return table;
}

struct Equalize {
  EqualizeMode mode = EqualizeMode::kOpencv;
  bool by_channels = true;

  static constexpr std::string_view kName = "equalize";
  static constexpr std::string_view kDoc = "Make all levels equally frequent.";
  static constexpr std::array<std::string_view, 2> kAliases{"Equalize", "RandomEqualize"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("mode", &Equalize::mode)
            .Doc("The formula: cv::equalizeHist (black and white are reached) or "
                 "PIL.ImageOps.equalize (also torchvision)."),
        Param("by_channels", &Equalize::by_channels)
            .Doc("Each channel by itself, which changes colours; false equalizes the luma and "
                 "moves all three channels as far.")};
  }

  ImageStep Draw(Rng&, const Facts&) const {
    const ToneBy by = by_channels ? ToneBy::kChannel : ToneBy::kLuma;
    LevelTable (*const table)(std::span<const std::uint32_t>) =
        mode == EqualizeMode::kPil ? PilTable : OpencvTable;
    return {[by, table](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      return ThroughTables(in, context.range, by, table);
    }};
  }
};

}  // namespace

void RegisterEqualize(Registry& registry) { registry.AddOperator<Equalize>(); }

}  // namespace pixloom
