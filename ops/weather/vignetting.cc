// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "ops/kernels/light_field.h"
#include "ops/kernels/light_rows.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Gain 1 - intensity * t^2, where t goes from 0 at the radius `start` to 1 at half a diagonal.
LightRow Falloff(Size size, double intensity, Point centre, double start) {
  const double half =
      std::sqrt(1.0 * size.width * size.width + 1.0 * size.height * size.height) / 2;
  return [=, columns = size.width](int y, float* gain, float*) {
    const double dy = (y + 0.5 - centre.y) / half;
    const auto square = static_cast<float>(dy * dy);
    const auto first = static_cast<float>((0.5 - centre.x) / half);
    const auto step = static_cast<float>(1 / half);
    for (int x = 0; x < columns; ++x) {
      const float dx = first + step * static_cast<float>(x);
      gain[x] = dx * dx + square;
    }
    RootRow(gain, static_cast<std::size_t>(columns));
    const auto inner = static_cast<float>(start);
    const auto slope = static_cast<float>(1 / (1 - start));
    const auto loss = static_cast<float>(intensity);
    for (int x = 0; x < columns; ++x) {
      const float t = std::min(std::max((gain[x] - inner) * slope, 0.0F), 1.0F);
      gain[x] = 1 - loss * (t * t);
    }
  };
}

struct Vignetting {
  Range intensity{0.2, 0.5};
  Range start{0};
  Range center_x{0.5};
  Range center_y{0.5};

  static constexpr std::string_view kName = "vignetting";
  static constexpr std::string_view kDoc =
      "Darken the picture towards its corners, as a lens does.";
  static constexpr std::array<std::string_view, 1> kAliases{"Vignetting"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("intensity", &Vignetting::intensity)
                          .In(0, 1)
                          .Unit("fraction")
                          .Primary()
                          .Alias("intensity_range")
                          .Doc("Light that is lost half a diagonal from the middle."),
                      Param("start", &Vignetting::start)
                          .In(0, 0.95)
                          .Unit("half diagonals")
                          .Doc("Radius up to which nothing is lost; from there the loss grows with "
                               "the square of the distance."),
                      Param("center_x", &Vignetting::center_x)
                          .In(0, 1)
                          .Unit("fraction of the width")
                          .Doc("Middle of the lens."),
                      Param("center_y", &Vignetting::center_y)
                          .In(0, 1)
                          .Unit("fraction of the height")
                          .Doc("Middle of the lens.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double loss = rng.Draw("intensity", intensity);
    const double inner = rng.Draw("start", start);
    const double x = rng.Draw("center_x", center_x);
    const double y = rng.Draw("center_y", center_y);
    return {[=](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      const Size size{in.cols, in.rows};
      return Relight(in, context.range,
                     Falloff(size, loss, {x * size.width, y * size.height}, inner));
    }};
  }
};

}  // namespace

void RegisterVignetting(Registry& registry) { registry.AddOperator<Vignetting>(); }

}  // namespace pixloom
