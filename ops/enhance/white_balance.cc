// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "ops/common.h"
#include "ops/enhance/tones.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class BalanceMethod { kGrayWorld, kShadesOfGray, kWhitePatch };
enum class BalanceKeeps { kLuma, kHighlights };

}  // namespace

template <>
struct EnumNames<BalanceMethod> {
  static constexpr std::array kAll{std::pair{BalanceMethod::kWhitePatch, "white_patch"},
                                   std::pair{BalanceMethod::kGrayWorld, "gray_world"},
                                   std::pair{BalanceMethod::kShadesOfGray, "shades_of_gray"}};
};

template <>
struct EnumNames<BalanceKeeps> {
  static constexpr std::array kAll{std::pair{BalanceKeeps::kLuma, "luma"},
                                   std::pair{BalanceKeeps::kHighlights, "highlights"}};
};

namespace {

using Rgb = std::array<double, 3>;

// The Minkowski mean of each channel, clamped to [0, 1].
Rgb MinkowskiMean(const cv::Mat& pixels, int power, ValueRange range) {
  // Tones would do for integers; floats need all of their values.
  Rgb mean{};
  const auto raised = [power](double x) {
    double product = x;
    for (int i = 1; i < power; ++i) product *= x;
    return product;
  };
  WithDepth(pixels, [&](auto zero) {
    using T = decltype(zero);
    Rgb sum{};
    std::vector<double> table;
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      for (int i = 0; i < 256; ++i) table.push_back(raised(i / kLevels<T>));
    }
    const int channels = pixels.channels();
    for (int y = 0; y < pixels.rows; ++y) {
      const T* row = pixels.ptr<T>(y);
      for (int x = 0; x < pixels.cols; ++x, row += channels) {
        for (std::size_t c = 0; c < 3; ++c) {
          if constexpr (std::is_same_v<T, std::uint8_t>) {
            sum[c] += table[row[c]];
          } else if constexpr (std::is_integral_v<T>) {
            sum[c] += raised(row[c] / kLevels<T>);
          } else {
            const double unit = (double{row[c]} - range.lo) / (double{range.hi} - range.lo);
            sum[c] += raised(std::clamp(unit, 0.0, 1.0));
          }
        }
      }
    }
    for (std::size_t c = 0; c < 3; ++c) {
      const double level = sum[c] / static_cast<double>(pixels.total());
      mean[c] = level > 0 ? exact::Pow(level, 1.0 / power) : 0;
    }
  });
  return mean;
}

Rgb BrightLevel(const cv::Mat& pixels, double share, ValueRange range) {
  Rgb level{};
  for (std::size_t c = 0; c < 3; ++c) {
    SortedLevels sorted(pixels, static_cast<int>(c), range);
    level[c] = std::clamp(sorted.High(share), 0.0, 1.0);
  }
  return level;
}

struct WhiteBalance {
  BalanceMethod method = BalanceMethod::kWhitePatch;
  std::int64_t norm = 6;
  double clip = 0.01;
  double max_gain = 4;
  BalanceKeeps keep = BalanceKeeps::kLuma;
  Range strength{1};

  static constexpr std::string_view kName = "white_balance";
  static constexpr std::string_view kDoc = "Take a colour cast out by a gain for each channel.";
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("method", &WhiteBalance::method)
            .Primary()
            .Doc("What is taken for gray: the brightest levels, the mean of the picture, or a "
                 "Minkowski mean between the two."),
        Param("norm", &WhiteBalance::norm)
            .In(1, 20)
            .Unit("power")
            .Doc("Power of the mean of shades_of_gray; the higher, the more bright pixels count."),
        Param("clip", &WhiteBalance::clip)
            .In(0, 0.5)
            .Unit("fraction")
            .Doc("Share of each channel's values that white_patch ignores above its brightest "
                 "level."),
        Param("max_gain", &WhiteBalance::max_gain)
            .In(1, 100)
            .Unit("factor")
            .Doc("Largest gain of a channel; the smallest is its inverse."),
        Param("keep", &WhiteBalance::keep)
            .Doc("What the gains leave alone: the luma of the cast, or highlights, with no gain "
                 "below 1, so that clipped white stays white."),
        Param("strength", &WhiteBalance::strength)
            .In(0, 1)
            .Unit("fraction")
            .Doc("Share of the correction that is applied.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double share = rng.Draw("strength", strength);
    return {[op = *this, share](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      const Rgb gains = op.Gains(in, context.range);
      Lut lut;
      lut.per_channel = true;
      lut.curve = [gains, share](int channel, double x) {
        return x * (1 + share * (gains[static_cast<std::size_t>(channel)] - 1));
      };
      return WithCurve(in, lut, context.range);
    }};
  }

 private:
  Rgb Gains(const cv::Mat& in, ValueRange range) const {
    const int power = method == BalanceMethod::kGrayWorld ? 1 : static_cast<int>(norm);
    const Rgb light = method == BalanceMethod::kWhitePatch ? BrightLevel(in, clip, range)
                                                           : MinkowskiMean(in, power, range);
    const double wanted = keep == BalanceKeeps::kHighlights
                              ? std::max({light[0], light[1], light[2]})
                              : 0.299 * light[0] + 0.587 * light[1] + 0.114 * light[2];
    Rgb gains{1, 1, 1};
    if (!(wanted > 0)) return gains;  // a black picture has no cast
    for (std::size_t c = 0; c < 3; ++c) {
      const double gain = light[c] > 0 ? wanted / light[c] : max_gain;
      gains[c] = std::clamp(gain, 1 / max_gain, max_gain);
    }
    return gains;
  }
};

}  // namespace

void RegisterWhiteBalance(Registry& registry) { registry.AddOperator<WhiteBalance>(); }

}  // namespace pixloom
