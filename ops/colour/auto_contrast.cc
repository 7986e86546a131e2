// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>

#include "ops/common.h"
#include "ops/kernels/colour_stats.h"
#include "ops/kernels/tone_kernel.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Ends {
  double lo = 0;
  double hi = 0;
};

// How many of `n` values are cut off at either end; nothing when none would remain.
std::optional<std::uint64_t> CutAtEachEnd(std::uint64_t n, double percent) {
  const auto cut = static_cast<std::uint64_t>(std::floor(static_cast<double>(n) * percent / 100));
  if (2 * cut >= n) return std::nullopt;
  return cut;
}

// The darkest and the lightest level that remain become black and white.
LevelTable Stretched(std::span<const std::uint32_t> histogram, double percent) {
  const std::uint64_t last = histogram.size() - 1;
  LevelTable table(histogram.size());
  std::iota(table.begin(), table.end(), std::uint16_t{0});
  const auto cut =
      CutAtEachEnd(std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0}), percent);
  if (!cut) return table;
  std::uint64_t lo = 0;
  for (std::uint64_t seen = histogram[lo]; seen <= *cut; seen += histogram[lo]) ++lo;
  std::uint64_t hi = last;
  for (std::uint64_t seen = histogram[hi]; seen <= *cut; seen += histogram[hi]) --hi;
  if (hi <= lo) return table;
  const std::uint64_t width = hi - lo;
  for (std::uint64_t i = 0; i <= last; ++i) {
    const std::uint64_t above = std::clamp(i, lo, hi) - lo;
    table[i] = static_cast<std::uint16_t>((2 * above * last + width) / (2 * width));
  }
  return table;
}

// The same for float values, in no particular order.
std::optional<Ends> EndsOf(std::vector<double>& values, double percent) {
  const auto cut = CutAtEachEnd(values.size(), percent);
  if (!cut) return std::nullopt;
  const auto lo = values.begin() + static_cast<std::ptrdiff_t>(*cut);
  const auto hi = values.end() - 1 - static_cast<std::ptrdiff_t>(*cut);
  std::nth_element(values.begin(), lo, values.end());
  const double low = *lo;
  std::nth_element(values.begin(), hi, values.end());
  if (!(*hi > low)) return std::nullopt;
  return Ends{low, *hi};
}

// Float pictures keep their precision: no histogram, but values at the same places of their order.
cv::Mat StretchedFloats(const cv::Mat& in, ValueRange range, bool by_channels, double percent) {
  const int channels = in.channels();
  const int colours = channels == 4 ? 3 : channels;
  const bool luma = !by_channels && (channels == 3 || channels == 4);
  std::vector<std::optional<Ends>> ends;
  std::vector<double> values;
  for (int c = 0; c < (luma ? 1 : colours); ++c) {
    values.clear();
    for (int y = 0; y < in.rows; ++y) {
      const float* row = in.ptr<float>(y);
      for (int x = 0; x < in.cols; ++x, row += channels) {
        values.push_back(luma ? GrayLevel<double>(row[0], row[1], row[2]) : row[c]);
      }
    }
    ends.push_back(EndsOf(values, percent));
  }
  const double black = range.lo;
  const double width = double{range.hi} - black;
  cv::Mat out = in.clone();
  for (int y = 0; y < out.rows; ++y) {
    float* row = out.ptr<float>(y);
    for (int x = 0; x < out.cols; ++x, row += channels) {
      for (int c = 0; c < colours; ++c) {
        const auto& e = ends[luma ? 0 : static_cast<std::size_t>(c)];
        if (!e) continue;
        const double unit = std::clamp((row[c] - e->lo) / (e->hi - e->lo), 0.0, 1.0);
        row[c] = static_cast<float>(black + width * unit);
      }
    }
  }
  return out;
}

struct AutoContrast {
  Range cutoff{0};
  bool by_channels = true;

  static constexpr std::string_view kName = "auto_contrast";
  static constexpr std::string_view kDoc =
      "Stretch levels so that the darkest becomes black and the lightest white.";
  static constexpr std::array<std::string_view, 2> kAliases{"AutoContrast", "RandomAutocontrast"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("cutoff", &AutoContrast::cutoff)
            .In(0, 50)
            .Unit("%")
            .Primary()
            .Doc("Share of the values, at either end, that become black or white."),
        Param("by_channels", &AutoContrast::by_channels)
            .Doc("Each channel by itself, which changes colours; false stretches all alike, by the "
                 "luma.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double percent = rng.Draw("cutoff", cutoff);
    return {[percent, own = by_channels](const cv::Mat& in,
                                         const FrameContext& context) -> Result<cv::Mat> {
      if (in.depth() == CV_32F) return StretchedFloats(in, context.range, own, percent);
      return ThroughTables(in, context.range, own ? ToneBy::kChannel : ToneBy::kLumaCurve,
                           [percent](std::span<const std::uint32_t> histogram) {
                             return Stretched(histogram, percent);
                           });
    }};
  }
};

}  // namespace

void RegisterAutoContrast(Registry& registry) { registry.AddOperator<AutoContrast>(); }

}  // namespace pixloom
