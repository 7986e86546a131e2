// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "ops/weather/falling.h"
#include "ops/weather/weather.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Rain {
  Range density{0.05, 0.15};
  Range slant{-15, 15};
  Range length{0.04, 0.09};
  Range width{0.002, 0.004};
  Range blur{0.5, 1.5};
  Range opacity{0.4, 0.7};
  Range brightness{0.65, 0.85};
  std::vector<double> color{0.8, 0.82, 0.85};

  static constexpr std::string_view kName = "rain";
  static constexpr std::string_view kDoc = "Darken the picture and let it rain.";
  static constexpr std::array<std::string_view, 2> kAliases{"RandomRain", "Rain"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("density", &Rain::density)
            .In(0, 0.9)
            .Unit("share")
            .Primary()
            .Doc("Share of the picture behind drops: 0.02 is drizzle, 0.2 heavy, 0.4 a downpour."),
        Param("slant", &Rain::slant)
            .In(-80, 80)
            .Unit("deg")
            .Alias("slant_range")
            .Doc("Angle from straight down; positive falls to the right."),
        Param("length", &Rain::length).In(0.005, 0.5).Unit(kLength).Doc("Of the nearest drops."),
        Param("width", &Rain::width).In(0.0005, 0.05).Unit(kLength).Doc("Of the nearest drops."),
        Param("blur", &Rain::blur)
            .In(0, 4)
            .Unit("widths")
            .Doc("Over how much of its width the edge of a drop fades."),
        Param("opacity", &Rain::opacity)
            .In(0, 1)
            .Unit("share")
            .Doc("How much the nearest drops hide; the farthest hide half of that."),
        Param("brightness", &Rain::brightness)
            .In(0, 2)
            .Unit("factor")
            .Alias("brightness_coefficient")
            .Doc("Levels of the picture are multiplied by this before it rains."),
        ColourParam<Rain>("color", &Rain::color,
                          "Colour of the drops; a gray picture takes its luma, channels past "
                          "the last take that one.")};
  }

  Steps<Lut, ImageStep> Draw(Rng& rng, const Facts&) const {
    Falling drops;
    drops.density = rng.Draw("density", density);
    drops.slant = Radians(rng.Draw("slant", slant));
    drops.length = rng.Draw("length", length);
    drops.width = rng.Draw("width", width);
    drops.blur = rng.Draw("blur", blur);
    drops.opacity = rng.Draw("opacity", opacity);
    const double light = rng.Draw("brightness", brightness);
    Steps<Lut, ImageStep> steps;
    if (light != 1) steps.emplace_back(Lut{[light](int, double v) { return light * v; }});
    if (drops.density == 0 || drops.opacity == 0) return steps;
    steps.emplace_back(ImageStep{
        [drops, tint = color](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
          const cv::Mat layer = DrawFalling(SizeOf(in), drops, context.noise);
          return BlendLayerTowards(in, context.range, tint, layer);
        }});
    return steps;
  }
};

}  // namespace

void RegisterRain(Registry& registry) { registry.AddOperator<Rain>(); }

}  // namespace pixloom
