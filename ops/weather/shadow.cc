// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "ops/kernels/layer_draw.h"
#include "ops/weather/weather.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

constexpr std::uint32_t kMostShadows = 16;
constexpr std::uint32_t kMostCorners = 16;
constexpr std::array kBlack{0.0};

struct Shadow : Roi {
  Range count{1, 2};
  std::int64_t corners = 5;
  Range intensity{0.3, 0.6};
  Range softness{0.005, 0.03};

  Shadow() { y_min = 0.5; }

  static constexpr std::string_view kName = "shadow";
  static constexpr std::string_view kDoc = "Cast soft-edged polygons of shadow.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomShadow"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("count", &Shadow::count)
                       .In(0, kMostShadows)
                       .Unit("shadows")
                       .Alias("num_shadows_limit")
                       .Doc("How many, rounded."),
                   Param("corners", &Shadow::corners)
                       .In(3, kMostCorners)
                       .Unit("corners")
                       .Alias("shadow_dimension")
                       .Doc("Of each; they lie anywhere in the region, in the order of their "
                            "directions from its middle."),
                   Param("intensity", &Shadow::intensity)
                       .In(0, 1)
                       .Unit("share")
                       .Primary()
                       .Alias("shadow_intensity_range")
                       .Doc("How much of the light is missing; where shadows overlap the darker "
                            "one counts."),
                   Param("softness", &Shadow::softness)
                       .In(0, 0.5)
                       .Unit(kLength)
                       .Doc("Width of the edge; at least a pixel.")},
        Roi::Table<Shadow>());
  }

  // Corner c of shadow s takes half of block s * kMostCorners + c.
  std::vector<Point> Outline(const StreamKey& key, std::uint32_t shadow, Size picture) const {
    std::vector<std::pair<double, Point>> around;
    Point middle{0, 0};
    for (std::uint32_t c = 0; c < static_cast<std::uint32_t>(corners); ++c) {
      const PhiloxBlock words = key.Block(shadow * kMostCorners + c);
      around.emplace_back(0, Place(picture, words[0], words[1]));
      middle += around.back().second;
    }
    middle = middle * (1.0 / static_cast<double>(corners));
    for (auto& [angle, p] : around) angle = exact::Atan2(p.y - middle.y, p.x - middle.x);
    std::stable_sort(around.begin(), around.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Point> outline;
    for (const auto& corner : around) outline.push_back(corner.second);
    return outline;
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const int shadows = WholeOf(rng.Draw("count", count));
    const double dark = rng.Draw("intensity", intensity);
    const double edge = rng.Draw("softness", softness);
    if (shadows == 0 || dark == 0) return {};
    return {ImageStep{[op = *this, shadows, dark, edge, key = rng.Key().Pixels()](
                          const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      std::vector<SoftPolygon> polygons;
      for (int s = 0; s < shadows; ++s) {
        polygons.emplace_back(op.Outline(key, static_cast<std::uint32_t>(s), SizeOf(in)),
                              edge * LongerSide(in));
      }
      const auto width = static_cast<std::size_t>(in.cols);
      std::vector<float> cover(width);
      return BlendTowards(in, context.range, kBlack, [&](int y, float* share) {
        std::fill_n(share, width, 0.0F);
        for (const SoftPolygon& polygon : polygons) {
          if (!polygon.Row(y, in.cols, cover.data())) continue;
          for (std::size_t x = 0; x < width; ++x) {
            const float shade = static_cast<float>(dark) * cover[x];
            share[x] = share[x] > shade ? share[x] : shade;
          }
        }
      });
    }}};
  }
};

}  // namespace

void RegisterShadow(Registry& registry) { registry.AddOperator<Shadow>(); }

}  // namespace pixloom
