// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "ops/common.h"
#include "ops/kernels/tone_kernel.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ClaheOp {
  Range clip_limit{1, 4};
  Size grid{8, 8};
  bool by_channels = false;

  static constexpr std::string_view kName = "clahe";
  static constexpr std::string_view kDoc =
      "Equalize the histograms of small tiles, their contrast limited, and blend between the "
      "tiles.";
  static constexpr std::array<std::string_view, 2> kAliases{"CLAHE", "RandomClahe"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("clip_limit", &ClaheOp::clip_limit)
            .In(0, 1000)
            .Unit("mean counts")
            .Primary()
            .Doc("A level counts at most this many times the mean of all levels of its tile; 0 "
                 "limits nothing."),
        Param("grid", &ClaheOp::grid)
            .In(1, 16)
            .Unit("tiles")
            .Alias("tile_grid_size")
            .Doc("Tiles down and across."),
        Param("by_channels", &ClaheOp::by_channels)
            .Doc("Each channel by itself, which changes colours; false works on the luma and moves "
                 "all three channels as far.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double limit = rng.Draw("clip_limit", clip_limit);
    const ToneBy by = by_channels ? ToneBy::kChannel : ToneBy::kLuma;
    const cv::Size tiles(grid.width, grid.height);
    return {[limit, by, tiles](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      return ThroughPlanes(in, context.range, by,
                           [&](const cv::Mat& plane) { return Clahe(plane, limit, tiles); });
    }};
  }
};

}  // namespace

void RegisterClahe(Registry& registry) { registry.AddOperator<ClaheOp>(); }

}  // namespace pixloom
