// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>

#include "ops/common.h"
#include "ops/kernels/colour_stats.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

using Colour = std::array<float, 3>;

struct Colorize {
  std::vector<double> black{0, 0, 0.2};
  std::vector<double> mid{0.6, 0.35, 0.3};
  std::vector<double> white{1, 0.95, 0.8};
  Range mid_at{0.4, 0.6};
  Range strength{1};

  static constexpr std::string_view kName = "colorize";
  static constexpr std::string_view kDoc =
      "Paint the picture in the shades between three colours, by its luma.";
  static constexpr std::array<std::string_view, 1> kAliases{"Colorize"};
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("black", &Colorize::black)
            .In(0, 1)
            .Unit("full scale")
            .Doc("What black becomes: red, green and blue; one number is a gray."),
        Param("mid", &Colorize::mid)
            .In(0, 1)
            .Unit("full scale")
            .Doc("What the level of mid_at becomes."),
        Param("white", &Colorize::white).In(0, 1).Unit("full scale").Doc("What white becomes."),
        Param("mid_at", &Colorize::mid_at)
            .In(0.01, 0.99)
            .Unit("full scale")
            .Doc("The level of the middle colour."),
        Param("strength", &Colorize::strength)
            .In(0, 1)
            .Unit("fraction")
            .Doc("1 paints over the picture's own colours, 0 keeps them.")};
  }
  std::string Check() const {
    for (const auto& [name, colour] :
         {std::pair{"black", &black}, std::pair{"mid", &mid}, std::pair{"white", &white}}) {
      if (colour->size() == 1 || colour->size() == 3) continue;
      return std::string(name) + ": takes red, green and blue, or one gray; got " +
             std::to_string(colour->size()) + " numbers";
    }
    return "";
  }

  PixelStep Draw(Rng& rng, const Facts&) const {
    const auto middle = static_cast<float>(rng.Draw("mid_at", mid_at));
    const auto share = static_cast<float>(rng.Draw("strength", strength));
    return MakePixelStep(StatsKind::kNone,
                         [middle, share, low = Rgb(black), centre = Rgb(mid), high = Rgb(white)](
                             float* rgb, int pixels, int channels, const Stats&) {
                           if (channels != 3 && channels != 4)
                             return;  // another field of the sample may be gray
                           for (int i = 0; i < pixels; ++i, rgb += channels) {
                             const float luma = GrayLevel<float>(rgb[0], rgb[1], rgb[2]);
                             const bool dark = luma < middle;
                             const float t = dark ? luma / middle : (luma - middle) / (1 - middle);
                             const Colour& from = dark ? low : centre;
                             const Colour& to = dark ? centre : high;
                             for (std::size_t c = 0; c < 3; ++c) {
                               const float painted = from[c] + t * (to[c] - from[c]);
                               rgb[c] += share * (painted - rgb[c]);
                             }
                           }
                         });
  }

 private:
  static Colour Rgb(const std::vector<double>& v) {
    Colour colour{};
    for (std::size_t c = 0; c < 3; ++c)
      colour[c] = static_cast<float>(v[std::min(c, v.size() - 1)]);
    return colour;
  }
};

}  // namespace

void RegisterColorize(Registry& registry) { registry.AddOperator<Colorize>(); }

}  // namespace pixloom
