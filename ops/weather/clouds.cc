// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "ops/weather/weather.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Deviations of the field over which a cloud gets thick.
constexpr float kFluff = 1.2F;

struct Clouds {
  Range coverage{0.35, 0.65};
  Range opacity{0.7, 0.95};
  Range horizon{0.5, 0.8};
  double cell = 0.35;
  std::vector<double> color{0.95, 0.96, 0.97};

  static constexpr std::string_view kName = "clouds";
  static constexpr std::string_view kDoc = "Draw clouds over the sky.";
  static constexpr std::array<std::string_view, 1> kAliases{"Clouds"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("coverage", &Clouds::coverage)
            .In(0, 0.99)
            .Unit("share")
            .Primary()
            .Doc("Share of the top of the picture that is at least half in a cloud."),
        Param("opacity", &Clouds::opacity)
            .In(0, 1)
            .Unit("share")
            .Doc("How much the thickest clouds hide."),
        Param("horizon", &Clouds::horizon)
            .In(0.01, 1)
            .Unit("of the height")
            .Doc("How far down clouds reach, ever thinner."),
        Param("cell", &Clouds::cell).In(0.02, 1).Unit(kLength).Doc("Size of the largest clouds."),
        ColourParam<Clouds>("color", &Clouds::color,
                            "Colour of the clouds; a gray picture takes its luma, channels past "
                            "the last take that one.")};
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double covered = rng.Draw("coverage", coverage);
    const double thickest = rng.Draw("opacity", opacity);
    const double line = rng.Draw("horizon", horizon);
    if (covered == 0 || thickest == 0) return {};
    return {ImageStep{[covered, thickest, line, op = *this, key = rng.Key().Pixels()](
                          const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      const SoftField field(SizeOf(in), HalvingOctaves(op.cell, 5, 0.55), key);
      const auto width = static_cast<std::size_t>(in.cols);
      const auto threshold = static_cast<float>(NormalQuantileAbove(covered));
      return BlendTowards(in, context.range, op.color, [&](int y, float* share) {
        const auto down = static_cast<float>((y + 0.5) / in.rows / line);
        if (down >= 1) {
          std::fill_n(share, width, 0.0F);
          return;
        }
        field.Row(y, share);
        const float most = static_cast<float>(thickest) * (1 - down * down);
        for (std::size_t x = 0; x < width; ++x) {
          const float t =
              std::min(std::max((share[x] - threshold) * (1 / kFluff) + 0.5F, 0.0F), 1.0F);
          share[x] = most * (t * t * (3 - 2 * t));
        }
      });
    }}};
  }
};

}  // namespace

void RegisterClouds(Registry& registry) { registry.AddOperator<Clouds>(); }

}  // namespace pixloom
