// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class BlockUnit { kPixels, kFraction };

}  // namespace

template <>
struct EnumNames<BlockUnit> {
  static constexpr std::array kAll{std::pair{BlockUnit::kPixels, "px"},
                                   std::pair{BlockUnit::kFraction, "fraction"}};
};

namespace {

// Round half up; sums of integers are exact.
template <class T, class Sum>
T MeanOf(Sum sum, std::int64_t count) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(sum / static_cast<double>(count));
  } else {
    const auto n = static_cast<Sum>(count);
    return static_cast<T>((2 * sum + n) / (2 * n));
  }
}

// Blocks from the top left; those at the right and the bottom may be smaller.
template <class T>
void Pixelate(const cv::Mat& in, cv::Mat& out, int side) {
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;
  const int channels = in.channels();
  const auto values = static_cast<std::size_t>(in.cols) * static_cast<std::size_t>(channels);
  const std::size_t block = static_cast<std::size_t>(side) * static_cast<std::size_t>(channels);
  std::vector<Sum> columns(values);
  std::vector<T> row(values);
  for (int top = 0; top < in.rows; top += side) {
    const int height = std::min(side, in.rows - top);
    std::fill(columns.begin(), columns.end(), Sum{0});
    for (int y = top; y < top + height; ++y) {
      const T* from = in.ptr<T>(y);
      for (std::size_t i = 0; i < values; ++i) columns[i] += static_cast<Sum>(from[i]);
    }
    for (std::size_t left = 0; left < values; left += block) {
      const std::size_t end = std::min(left + block, values);
      const auto width = static_cast<std::int64_t>((end - left) / static_cast<unsigned>(channels));
      for (std::size_t c = left; c < left + static_cast<unsigned>(channels); ++c) {
        Sum sum{0};
        for (std::size_t i = c; i < end; i += static_cast<unsigned>(channels)) sum += columns[i];
        const T mean = MeanOf<T>(sum, width * height);
        for (std::size_t i = c; i < end; i += static_cast<unsigned>(channels)) row[i] = mean;
      }
    }
    for (int y = top; y < top + height; ++y) std::copy(row.begin(), row.end(), out.ptr<T>(y));
  }
}

struct PixelateOp {
  Range block{4, 16};
  BlockUnit unit = BlockUnit::kPixels;

  static constexpr std::string_view kName = "pixelate";
  static constexpr std::string_view kDoc = "Replace square blocks of pixels by their mean colour.";
  static constexpr std::array<std::string_view, 1> kAliases{"Pixelate"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("block", &PixelateOp::block)
                          .In(0, kMaxSide)
                          .Unit("px or fraction")
                          .Primary()
                          .Doc("Side of a block, rounded to whole pixels; 1 changes nothing."),
                      Param("unit", &PixelateOp::unit)
                          .Doc("Pixels, or parts of the picture's shorter side (0 to 1).")};
  }
  std::string Check() const {
    if (unit == BlockUnit::kPixels || block.Max() <= 1) return "";
    return fmt::format(
        "block: {} is more than the whole side (unit: fraction); take at most 1, or unit: px",
        block.Max());
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts& facts) const {
    const double drawn = rng.Draw("block", block);
    const double pixels =
        unit == BlockUnit::kPixels ? drawn : drawn * std::min(facts.size.width, facts.size.height);
    const int side = static_cast<int>(std::floor(std::min(pixels, kMaxSide) + 0.5));
    if (side <= 1) return {};
    return {ImageStep{[side](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      cv::Mat out(in.size(), in.type());
      WithDepth(in, [&](auto zero) { Pixelate<decltype(zero)>(in, out, side); });
      return out;
    }}};
  }
};

}  // namespace

void RegisterPixelate(Registry& registry) { registry.AddOperator<PixelateOp>(); }

}  // namespace pixloom
