// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "ops/kernels/light_field.h"
#include "ops/kernels/light_rows.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class LightShape { kLinear, kCorner, kGaussian };
enum class LightEffect { kBoth, kBrighten, kDarken };

}  // namespace

template <>
struct EnumNames<LightShape> {
  static constexpr std::array kAll{std::pair{LightShape::kLinear, "linear"},
                                   std::pair{LightShape::kCorner, "corner"},
                                   std::pair{LightShape::kGaussian, "gaussian"}};
};

template <>
struct EnumNames<LightEffect> {
  static constexpr std::array kAll{std::pair{LightEffect::kBoth, "both"},
                                   std::pair{LightEffect::kBrighten, "brighten"},
                                   std::pair{LightEffect::kDarken, "darken"}};
};

namespace {

// Gains 1 + change * pattern; the pattern reaches from 0 to 1.

// Rises along a direction, 0 and 1 at the outermost corners.
LightRow Ramp(Size size, double change, double degrees) {
  const double across = exact::Cos(Radians(degrees));
  const double down = -exact::Sin(Radians(degrees));
  const double reach = std::abs(across) * size.width + std::abs(down) * size.height;
  const double first = std::min(across, 0.0) * size.width + std::min(down, 0.0) * size.height;
  return [=, columns = size.width](int y, float* gain, float*) {
    const double start = (0.5 * across + (y + 0.5) * down - first) / reach;
    const auto base = static_cast<float>(1 + change * start);
    const auto slope = static_cast<float>(change * across / reach);
    for (int x = 0; x < columns; ++x) gain[x] = base + slope * static_cast<float>(x);
  };
}

// 1 at a corner, falls with the distance to 0 at the opposite one.
LightRow Corner(Size size, double change, std::uint32_t corner) {
  const double at_x = corner % 2 == 0 ? 0 : size.width;
  const double at_y = corner < 2 ? 0 : size.height;
  const double diagonal =
      std::sqrt(1.0 * size.width * size.width + 1.0 * size.height * size.height);
  return [=, columns = size.width](int y, float* gain, float*) {
    const double dy = (y + 0.5 - at_y) / diagonal;
    const auto square = static_cast<float>(dy * dy);
    const auto start = static_cast<float>((0.5 - at_x) / diagonal);
    const auto step = static_cast<float>(1 / diagonal);
    for (int x = 0; x < columns; ++x) {
      const float dx = start + step * static_cast<float>(x);
      gain[x] = dx * dx + square;
    }
    RootRow(gain, static_cast<std::size_t>(columns));
    const auto most = static_cast<float>(1 + change);
    const auto fall = static_cast<float>(change);
    for (int x = 0; x < columns; ++x) gain[x] = most - fall * gain[x];
  };
}

// A spot.
LightRow Spot(Size size, double change, Point centre, double sigma) {
  const auto bell = [sigma](double distance) {
    return exact::Exp(-distance * distance / (2 * sigma * sigma));
  };
  std::vector<float> across;
  for (int x = 0; x < size.width; ++x) {
    across.push_back(static_cast<float>(bell(x + 0.5 - centre.x)));
  }
  return [=](int y, float* gain, float*) {
    const auto down = static_cast<float>(change * bell(y + 0.5 - centre.y));
    for (std::size_t x = 0; x < across.size(); ++x) gain[x] = 1 + down * across[x];
  };
}

struct Illumination {
  LightShape mode = LightShape::kLinear;
  Range intensity{0.05, 0.3};
  LightEffect effect = LightEffect::kBoth;
  Range angle{0, 360};
  Range center_x{0.1, 0.9};
  Range center_y{0.1, 0.9};
  Range sigma{0.2, 1};

  static constexpr std::string_view kName = "illumination";
  static constexpr std::string_view kDoc =
      "Brighten or darken the picture unevenly: along a direction, from a corner, or in a spot.";
  static constexpr std::array<std::string_view, 1> kAliases{"Illumination"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("mode", &Illumination::mode).Primary().Doc("Shape of the light."),
                      Param("intensity", &Illumination::intensity)
                          .In(0, 1)
                          .Unit("fraction")
                          .Alias("intensity_range")
                          .Doc("Change of the levels where it is strongest."),
                      Param("effect", &Illumination::effect)
                          .Alias("effect_type")
                          .Doc("Whether light is added, taken away, or either by chance."),
                      Param("angle", &Illumination::angle)
                          .In(-360, 360)
                          .Unit("deg")
                          .Alias("angle_range")
                          .Doc("linear: where the change grows to; 0 is right, 90 up."),
                      Param("center_x", &Illumination::center_x)
                          .In(0, 1)
                          .Unit("fraction of the width")
                          .Doc("gaussian: middle of the spot."),
                      Param("center_y", &Illumination::center_y)
                          .In(0, 1)
                          .Unit("fraction of the height")
                          .Doc("gaussian: middle of the spot."),
                      Param("sigma", &Illumination::sigma)
                          .In(0.01, 10)
                          .Unit("fraction of the longer side")
                          .Alias("sigma_range")
                          .Doc("gaussian: standard deviation of the spot.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double strength = rng.Draw("intensity", intensity);
    const bool coin = rng.Chance("brighten", 0.5);
    const double degrees = rng.Draw("angle", angle);
    const std::uint32_t corner = rng.Below("corner", 4);
    const double x = rng.Draw("center_x", center_x);
    const double y = rng.Draw("center_y", center_y);
    const double spread = rng.Draw("sigma", sigma);
    const bool brighter = effect == LightEffect::kBoth ? coin : effect == LightEffect::kBrighten;
    const double change = brighter ? strength : -strength;
    return {[=, shape = mode](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      const Size size{in.cols, in.rows};
      switch (shape) {
        case LightShape::kLinear:
          return Relight(in, context.range, Ramp(size, change, degrees));
        case LightShape::kCorner:
          return Relight(in, context.range, Corner(size, change, corner));
        case LightShape::kGaussian:
          break;
      }
      const double longer = std::max(size.width, size.height);
      return Relight(in, context.range,
                     Spot(size, change, {x * size.width, y * size.height}, spread * longer));
    }};
  }
};

}  // namespace

void RegisterIllumination(Registry& registry) { registry.AddOperator<Illumination>(); }

}  // namespace pixloom
