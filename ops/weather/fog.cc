// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "ops/weather/weather.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Depths { kFlat, kLinear, kGround };

}  // namespace

template <>
struct EnumNames<Depths> {
  static constexpr std::array kAll{std::pair{Depths::kFlat, "flat"},
                                   std::pair{Depths::kLinear, "linear"},
                                   std::pair{Depths::kGround, "ground"}};
};

namespace {

// The ground's distance falls off quickly below the horizon: at the bottom of the picture it is
// this much of the farthest that is told apart.
constexpr double kNearest = 0.08;

struct Fog {
  Range density{0.3, 0.7};
  Range patchiness{0.15, 0.4};
  double cell = 0.25;
  Depths depth = Depths::kFlat;
  Range horizon{0.35};
  std::vector<double> color{0.85, 0.86, 0.87};

  static constexpr std::string_view kName = "fog";
  static constexpr std::string_view kDoc = "Veil the picture in drifting fog.";
  static constexpr std::array<std::string_view, 3> kAliases{"RandomFog", "AtmosphericFog", "Fog"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("density", &Fog::density)
            .In(0, 1)
            .Unit("share")
            .Primary()
            .Alias("fog_coef_range")
            .Doc("How much of the picture the fog hides where it is farthest."),
        Param("patchiness", &Fog::patchiness)
            .In(0, 1)
            .Unit("share")
            .Doc("Standard deviation of the fog's thickness, as a share of it; 0 is even fog."),
        Param("cell", &Fog::cell).In(0.02, 1).Unit(kLength).Doc("Size of the largest patches."),
        Param("depth", &Fog::depth)
            .Doc("What lies far away: all alike; the top, evenly less towards the bottom; or the "
                 "horizon and what is above it, with ground below."),
        Param("horizon", &Fog::horizon)
            .In(0, 0.9)
            .Unit("of the height")
            .Doc("Where the horizon is when depth is ground."),
        ColourParam<Fog>("color", &Fog::color,
                         "Colour of the fog; a gray picture takes its luma, channels past the "
                         "last take that one.")};
  }

  // Distance of a height in the picture, 1 the farthest.
  double Distance(double v, double line) const {
    if (depth == Depths::kFlat) return 1;
    if (depth == Depths::kLinear) return 1 - v;
    const double below = v > line ? (v - line) / (1 - line) : 0;
    return kNearest / (kNearest + (1 - kNearest) * below);
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double thickness = rng.Draw("density", density);
    const double patches = rng.Draw("patchiness", patchiness);
    const double line = rng.Draw("horizon", horizon);
    // Fog stands still while a clip runs: it is keyed by the step, not by the frame.
    return {[op = *this, thickness, patches, line, key = rng.Key().Pixels()](
                const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      const SoftField field(SizeOf(in), HalvingOctaves(op.cell, 4, 0.5), key);
      const auto width = static_cast<std::size_t>(in.cols);
      const auto spread = static_cast<float>(patches);
      return BlendTowards(in, context.range, op.color, [&](int y, float* share) {
        field.Row(y, share);
        // What gets through falls by the same factor with every step of distance.
        const double distance = op.Distance((y + 0.5) / in.rows, line);
        const auto hidden = static_cast<float>(1 - exact::Pow(1 - thickness, distance));
        for (std::size_t x = 0; x < width; ++x) {
          const float here = hidden * (1 + spread * share[x]);
          const float above = here > 0 ? here : 0;
          share[x] = above < 1 ? above : 1;
        }
      });
    }};
  }
};

}  // namespace

void RegisterFog(Registry& registry) { registry.AddOperator<Fog>(); }

}  // namespace pixloom
