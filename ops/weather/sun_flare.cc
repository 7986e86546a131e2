// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "ops/weather/weather.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// The bright core of the halo, as a share of its radius.
constexpr double kCore = 0.3;
// Circles fade over this share of their squared radius, and are this bright in the middle, where a
// rim has 1.
constexpr float kRim = 0.2F;
constexpr float kMiddle = 0.55F;

struct Circle {
  Point centre;
  double radius;
  std::array<float, 3> light;  // what it adds to each channel
};

struct SunFlare {
  Range x{0, 1};
  Range y{0, 0.5};
  Range radius{0.3, 0.5};
  Range intensity{0.7, 1};
  Range circles{6, 10};
  Range circle_opacity{0.1, 0.25};
  Range angle{-15, 15};
  std::vector<double> color{1, 0.98, 0.92};

  static constexpr std::string_view kName = "sun_flare";
  static constexpr std::string_view kDoc =
      "Let the sun shine into the lens, with a halo and a line of circles.";
  static constexpr std::array<std::string_view, 2> kAliases{"RandomSunFlare", "LensFlare"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("x", &SunFlare::x).In(-1, 2).Unit("of the width").Doc("Where the sun is, from left."),
        Param("y", &SunFlare::y).In(-1, 2).Unit("of the height").Doc("Where the sun is, from top."),
        Param("radius", &SunFlare::radius).In(0.01, 2).Unit(kLength).Doc("Of the halo."),
        Param("intensity", &SunFlare::intensity)
            .In(0, 1)
            .Unit("share")
            .Primary()
            .Doc("How much of what is missing to white the middle of the halo adds; circles "
                 "follow."),
        Param("circles", &SunFlare::circles)
            .In(0, 32)
            .Unit("circles")
            .Alias("num_flare_circles_range")
            .Doc("How many, rounded."),
        Param("circle_opacity", &SunFlare::circle_opacity)
            .In(0, 1)
            .Unit("share")
            .Doc("Of the most visible circle."),
        Param("angle", &SunFlare::angle)
            .In(-180, 180)
            .Unit("deg")
            .Doc("Turn of the line of circles from the one through the middle of the picture, "
                 "where a lens puts them."),
        ColourParam<SunFlare>("color", &SunFlare::color,
                              "Colour of the light; a gray picture takes its luma, channels past "
                              "the last take that one.")};
  }

  // Circle i takes blocks 2 i and 2 i + 1: place, size, opacity, and three of its tint.
  Circle CircleOf(std::uint32_t i, Point sun, Point way, double reach, double opacity,
                  const StreamKey& key) const {
    const PhiloxBlock shape = key.Block(2 * i);
    const PhiloxBlock tint = key.Block(2 * i + 1);
    Circle circle;
    circle.centre = sun + way * Between(0.2, 2.2, shape[0]);
    circle.radius = reach * Between(0.04, 0.25, shape[1]);
    const double strength = opacity * Between(0.3, 1, shape[2]);
    for (std::size_t c = 0; c < 3; ++c) {
      circle.light[c] = static_cast<float>(strength * Between(0.3, 1, tint[c]));
    }
    return circle;
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double u = rng.Draw("x", x);
    const double v = rng.Draw("y", y);
    const double size = rng.Draw("radius", radius);
    const double light = rng.Draw("intensity", intensity);
    const int count = WholeOf(rng.Draw("circles", circles));
    const double visible = rng.Draw("circle_opacity", circle_opacity);
    const double turn = -Radians(rng.Draw("angle", angle));
    if (light == 0) return {};
    return {
        ImageStep{[op = *this, u, v, size, light, count, visible, turn, key = rng.Key().Pixels()](
                      const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
          const Point sun{u * in.cols, v * in.rows};
          const Point middle = Point{in.cols / 2.0, in.rows / 2.0} - sun;
          const double cosine = exact::Cos(turn);
          const double sine = exact::Sin(turn);
          const Point way{cosine * middle.x - sine * middle.y, sine * middle.x + cosine * middle.y};
          const double reach = size * LongerSide(in);
          std::vector<Circle> circles_drawn;
          for (int i = 0; i < count; ++i) {
            circles_drawn.push_back(
                op.CircleOf(static_cast<std::uint32_t>(i), sun, way, reach, light * visible, key));
          }
          return Shine(in, context.range, op.color, sun, reach, light, circles_drawn);
        }}};
  }

  // Lights add as on a screen: each takes its share of what is left to white.
  static cv::Mat Shine(const cv::Mat& in, ValueRange range, const std::vector<double>& colour,
                       Point sun, double reach, double light, const std::vector<Circle>& circles) {
    const int channels = in.channels();
    const auto width = static_cast<std::size_t>(in.cols);
    const std::vector<float> tint = OnChannels(colour, channels);
    std::vector<float> halo(width);
    std::vector<float> left(3 * width);  // by the circles, one plane per colour
    return BlendValues(in, range, [&](int y, float* share, float*) {
      std::fill(left.begin(), left.end(), 1.0F);
      for (const Circle& circle : circles) Dim(circle, y, width, left.data());
      Halo(y, sun, reach, light, halo);
      for (std::size_t x = 0; x < width; ++x, share += channels) {
        for (int c = 0; c < channels; ++c) {
          if (channels == 4 && c == 3) continue;
          const std::size_t own = static_cast<std::size_t>(std::min(c, 2)) * width + x;
          const float rest = channels > 1 ? left[own]
                                          : 0.299F * left[x] + 0.587F * left[width + x] +
                                                0.114F * left[2 * width + x];
          share[c] = 1 - rest * (1 - tint[static_cast<std::size_t>(c)] * halo[x]);
        }
      }
    });
  }

  // Multiplies what is left of row y by what the circle lets through.
  static void Dim(const Circle& circle, int y, std::size_t width, float* left) {
    const double up = (y + 0.5 - circle.centre.y) / circle.radius;
    if (up * up >= 1) return;
    const double half = circle.radius * std::sqrt(1 - up * up);
    const double columns = static_cast<double>(width);
    const auto from = static_cast<int>(std::clamp(circle.centre.x - half - 1, 0.0, columns));
    const auto to = static_cast<int>(std::clamp(circle.centre.x + half + 1, 0.0, columns));
    for (int x = from; x < to; ++x) {
      const double across = (x + 0.5 - circle.centre.x) / circle.radius;
      const auto square = static_cast<float>(across * across + up * up);
      if (square >= 1) continue;
      const float edge = std::min((1 - square) / kRim, 1.0F);
      const float cover = edge * (kMiddle + (1 - kMiddle) * square);
      for (std::size_t c = 0; c < 3; ++c) {
        left[c * width + static_cast<std::size_t>(x)] *= 1 - circle.light[c] * cover;
      }
    }
  }

  // A wide glow and a core.
  static void Halo(int y, Point sun, double reach, double light, std::vector<float>& halo) {
    const auto scale = static_cast<float>(1 / reach);
    const float up = static_cast<float>(y + 0.5 - sun.y) * scale;
    const auto start = static_cast<float>(0.5 - sun.x);
    const auto strength = static_cast<float>(light);
    constexpr auto kCoreSquare = static_cast<float>(kCore * kCore);
    for (std::size_t x = 0; x < halo.size(); ++x) {
      const float across = (start + static_cast<float>(static_cast<int>(x))) * scale;
      const float square = across * across + up * up;
      const float wide = square < 1 ? 1 - square : 0;
      const float narrow = square < kCoreSquare ? 1 - square / kCoreSquare : 0;
      halo[x] = strength * (1 - (1 - 0.6F * wide * wide * wide) * (1 - narrow * narrow));
    }
  }
};

}  // namespace

void RegisterSunFlare(Registry& registry) { registry.AddOperator<SunFlare>(); }

}  // namespace pixloom
