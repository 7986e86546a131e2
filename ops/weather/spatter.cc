// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "ops/weather/weather.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Liquid { kRain, kMud };

}  // namespace

template <>
struct EnumNames<Liquid> {
  static constexpr std::array kAll{std::pair{Liquid::kRain, "rain"},
                                   std::pair{Liquid::kMud, "mud"}};
};

namespace {

// Deviations of the liquid over which the edge of a drop rises.
constexpr float kEdge = 0.3F;
// What a drop of water shows of light from the upper left: full scale per deviation and cell.
constexpr float kShine = 0.35F;
constexpr float kShade = 0.8F;  // where it faces neither to the light nor away from it
// What shows of water that bends nothing; all of it shows where light changes by this much.
constexpr float kClear = 0.35F;
constexpr float kBend = 0.35F;
// Mud is darker where it lies thick: share of its colour lost per deviation.
constexpr float kThickness = 0.3F;

// A drop is about this many cells of the noise wide.
constexpr double kCellsPerDrop = 1.5;

std::vector<Octave> Splashes(double size) {
  const double cell = size / kCellsPerDrop;
  return {{cell, 0.9}, {cell * 0.45, 0.43589}};
}

// Rows of a field above, at and below one.
class ThreeRows {
 public:
  ThreeRows(const SoftField& field, Size picture) : field_(field), rows_(picture.height) {
    for (auto& line : lines_) line.resize(static_cast<std::size_t>(picture.width));
  }
  const float* Row(int y) {
    y = std::clamp(y, 0, rows_ - 1);
    const auto slot = static_cast<std::size_t>(y % 3);
    if (held_[slot] != y) {
      held_[slot] = y;
      field_.Row(y, lines_[slot].data());
    }
    return lines_[slot].data();
  }

 private:
  const SoftField& field_;
  int rows_;
  std::array<std::vector<float>, 3> lines_;
  std::array<int, 3> held_{-1, -1, -1};
};

struct Spatter {
  Liquid liquid = Liquid::kRain;
  Range coverage{0.08, 0.2};
  Range size{0.02, 0.05};
  Range intensity{0.6, 0.9};
  std::vector<double> rain_color{0.69, 0.93, 0.93};
  std::vector<double> mud_color{0.25, 0.165, 0.08};

  static constexpr std::string_view kName = "spatter";
  static constexpr std::string_view kDoc = "Splash drops of rain or mud onto the lens.";
  static constexpr std::array<std::string_view, 1> kAliases{"Spatter"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("liquid", &Spatter::liquid)
            .Primary()
            .Alias("mode")
            .Doc("Rain is clear and catches light from the upper left; mud is dull."),
        Param("coverage", &Spatter::coverage)
            .In(0, 0.9)
            .Unit("share")
            .Doc("Share of the lens under drops."),
        Param("size", &Spatter::size).In(0.006, 0.5).Unit(kLength).Doc("Usual width of a drop."),
        Param("intensity", &Spatter::intensity)
            .In(0, 1)
            .Unit("share")
            .Doc("How much of the picture a drop hides."),
        ColourParam<Spatter>("rain_color", &Spatter::rain_color,
                             "Colour of rain; a gray picture takes its luma, channels past the "
                             "last take that one."),
        ColourParam<Spatter>("mud_color", &Spatter::mud_color, "Colour of mud, in the same way.")};
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double covered = rng.Draw("coverage", coverage);
    const double width = rng.Draw("size", size);
    const double hidden = rng.Draw("intensity", intensity);
    if (covered == 0 || hidden == 0) return {};
    const bool wet = liquid == Liquid::kRain;
    return {ImageStep{[covered, width, hidden, wet, tint = wet ? rain_color : mud_color,
                       key = rng.Key().Pixels()](const cv::Mat& in,
                                                 const FrameContext& context) -> Result<cv::Mat> {
      const SoftField field(SizeOf(in), Splashes(width), key);
      ThreeRows rows(field, SizeOf(in));
      const auto threshold = static_cast<float>(NormalQuantileAbove(covered));
      const auto opacity = static_cast<float>(hidden);
      const std::vector<float> colour = OnChannels(tint, in.channels());
      // From the difference across two diagonal steps to that across a cell.
      const auto slope =
          static_cast<float>(kShine * width / kCellsPerDrop * LongerSide(in) / (2 * 1.4142135));
      return BlendValues(in, context.range, [&](int y, float* share, float* target) {
        const float* here = rows.Row(y);
        const float* above = rows.Row(y - 1);
        const float* below = rows.Row(y + 1);
        for (int x = 0; x < in.cols; ++x, share += in.channels(), target += in.channels()) {
          const float depth = here[x] - threshold;
          float cover = opacity * SmoothStep(-kEdge / 2, kEdge / 2, depth);
          float light = 1 - kThickness * std::min(std::max(depth, 0.0F), 2.0F);
          if (wet) {
            const float rise = below[std::min(x + 1, in.cols - 1)] - above[std::max(x - 1, 0)];
            light = std::min(std::max(kShade + slope * rise, 0.0F), 1.3F);
            const float bent = std::min(std::abs(light - kShade) / kBend, 1.0F);
            cover *= kClear + (1 - kClear) * bent;
          }
          for (int c = 0; c < in.channels(); ++c) share[c] = cover;
          if (in.channels() == 4) share[3] = 0;
          for (int c = 0; cover > 0 && c < in.channels(); ++c) {
            target[c] = std::min(colour[static_cast<std::size_t>(c)] * light, 1.0F);
          }
        }
      });
    }}};
  }
};

}  // namespace

void RegisterSpatter(Registry& registry) { registry.AddOperator<Spatter>(); }

}  // namespace pixloom
