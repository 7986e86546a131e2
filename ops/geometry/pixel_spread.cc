// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct PixelSpread {
  Range radius{2};

  static constexpr std::string_view kName = "pixel_spread";
  static constexpr std::string_view kDoc =
      "Give every pixel the colour of a random neighbour; outlines and points stay.";
  static constexpr std::array<std::string_view, 1> kAliases{"PixelSpread"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("radius", &PixelSpread::radius)
                          .In(0, 1000)
                          .Unit("px")
                          .Primary()
                          .Alias("radius_range")
                          .Doc("How far the neighbour lies at most along either axis, rounded to a "
                               "whole number; at the frame the pixels inside it.")};
  }

  WarpField Draw(Rng& rng, const Facts& facts) const {
    const auto reach = static_cast<int>(std::floor(rng.Draw("radius", radius) + 0.5));
    const StreamKey key = rng.Key().Pixels();
    const auto count = static_cast<std::uint64_t>(2 * reach + 1);
    const auto offset = [&](std::uint32_t word) {
      return static_cast<int>((word * count) >> 32) - reach;
    };
    const int width = facts.size.width;
    const int height = facts.size.height;
    cv::Mat field(height, width, CV_32FC2);
    // A block of random words serves two pixels.
    std::uint32_t index = 0;
    PhiloxBlock words{};
    for (int y = 0; y < height; ++y) {
      auto* row = field.ptr<cv::Vec2f>(y);
      for (int x = 0; x < width; ++x, ++index) {
        const bool even = (index & 1) == 0;
        if (even) words = key.Block(index >> 1);
        const int dx = offset(words[even ? 0 : 2]);
        const int dy = offset(words[even ? 1 : 3]);
        row[x] = {static_cast<float>(std::clamp(x + dx, 0, width - 1) - x),
                  static_cast<float>(std::clamp(y + dy, 0, height - 1) - y)};
      }
    }
    WarpField result{field, {}, Resampling::kNearest};
    result.moves_labels = false;
    return result;
  }
};

}  // namespace

void RegisterPixelSpread(Registry& registry) { registry.AddOperator<PixelSpread>(); }

}  // namespace pixloom
