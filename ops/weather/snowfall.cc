// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "ops/weather/falling.h"
#include "ops/weather/weather.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Snowfall {
  Range density{0.04, 0.12};
  Range size{0.006, 0.014};
  Range slant{-30, 30};
  Range streak{0, 0.8};
  Range blur{0.6, 1.2};
  Range opacity{0.7, 0.95};
  std::vector<double> color{0.97, 0.98, 1};

  static constexpr std::string_view kName = "snowfall";
  static constexpr std::string_view kDoc = "Let flakes of snow fall in front of the picture.";
  static constexpr std::array<std::string_view, 1> kAliases{"Snowflakes"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("density", &Snowfall::density)
            .In(0, 0.9)
            .Unit("share")
            .Primary()
            .Doc("Share of the picture behind flakes."),
        Param("size", &Snowfall::size)
            .In(0.002, 0.2)
            .Unit(kLength)
            .Doc("Diameter of the nearest flakes; the farthest measure a quarter of it."),
        Param("slant", &Snowfall::slant)
            .In(-80, 80)
            .Unit("deg")
            .Doc("Angle from straight down; positive falls to the right."),
        Param("streak", &Snowfall::streak)
            .In(0, 20)
            .Unit("diameters")
            .Doc("How far a flake moves while the picture is taken."),
        Param("blur", &Snowfall::blur)
            .In(0, 4)
            .Unit("diameters")
            .Doc("Over how much of its diameter the edge of a flake fades."),
        Param("opacity", &Snowfall::opacity)
            .In(0, 1)
            .Unit("share")
            .Doc("How much the nearest flakes hide; the farthest hide half of that."),
        ColourParam<Snowfall>("color", &Snowfall::color,
                              "Colour of the flakes; a gray picture takes its luma, channels past "
                              "the last take that one.")};
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    Falling flakes;
    flakes.farthest = 0.25;
    flakes.mostly_far = true;
    flakes.density = rng.Draw("density", density);
    flakes.width = rng.Draw("size", size);
    flakes.slant = Radians(rng.Draw("slant", slant));
    flakes.length = flakes.width * (1 + rng.Draw("streak", streak));
    flakes.blur = rng.Draw("blur", blur);
    flakes.opacity = rng.Draw("opacity", opacity);
    if (flakes.density == 0 || flakes.opacity == 0) return {};
    return {ImageStep{
        [flakes, tint = color](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
          const cv::Mat layer = DrawFalling(SizeOf(in), flakes, context.noise);
          return BlendLayerTowards(in, context.range, tint, layer);
        }}};
  }
};

}  // namespace

void RegisterSnowfall(Registry& registry) { registry.AddOperator<Snowfall>(); }

}  // namespace pixloom
