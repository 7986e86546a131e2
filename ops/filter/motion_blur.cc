// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "ops/filter/sides.h"
#include "ops/kernels/filter_2d.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// A line through the middle, `side` long: along its steeper axis every pixel counts as far as the
// line covers it, across it is shared by the two nearest.
Kernel2d LineKernel(int side, double radians, double direction) {
  double along = exact::Cos(radians);
  double across = -exact::Sin(radians);  // y points down
  const bool upright = std::abs(across) > std::abs(along);
  if (upright) std::swap(along, across);
  const double slope = across / along;
  const double half = side / 2.0;
  double from = -half * (1 - std::max(direction, 0.0)) * along;
  double to = half * (1 + std::min(direction, 0.0)) * along;
  if (from > to) std::swap(from, to);
  Kernel2d kernel(side, side);
  const int radius = side / 2;
  for (int i = -radius; i <= radius; ++i) {
    const double begin = std::max(from, i - 0.5);
    const double end = std::min(to, i + 0.5);
    if (end <= begin) continue;
    const double offset = slope * ((begin + end) / 2);
    const double whole = std::floor(offset);
    const double share = offset - whole;
    const auto add = [&](int j, double weight) {
      if (weight == 0) return;
      (upright ? kernel.At(j, i) : kernel.At(i, j)) += weight * (end - begin);
    };
    add(static_cast<int>(whole), 1 - share);
    add(static_cast<int>(whole) + 1, share);
  }
  return kernel.Normalised();
}

struct MotionBlur {
  Range kernel{3, 7};
  Range angle{0, 180};
  Range direction{0};

  static constexpr std::string_view kName = "motion_blur";
  static constexpr std::string_view kDoc =
      "Smear the picture along a straight line, as a moving camera does.";
  static constexpr std::array<std::string_view, 2> kAliases{"MotionBlur", "RandomMotionBlur"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("kernel", &MotionBlur::kernel)
            .In(1, 255)
            .Unit("px")
            .Primary()
            .Alias("blur_limit")
            .Doc("Length of the line, one of the odd numbers in the range; 1 leaves the picture as "
                 "it is."),
        Param("angle", &MotionBlur::angle)
            .In(-360, 360)
            .Unit("deg")
            .Alias("angle_range")
            .Doc("Of the line, counter-clockwise from the right."),
        Param("direction", &MotionBlur::direction)
            .In(-1, 1)
            .Unit("half length")
            .Alias("direction_range")
            .Doc("0 keeps the middle where it is; 1 and -1 leave only the half of the line ahead "
                 "or behind, which moves things away from their labels by up to a quarter of it.")};
  }
  std::string Check() const { return CheckOdd("kernel", kernel); }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const int side = DrawOdd(rng, "kernel", kernel);
    const double turn = rng.Draw("angle", angle);
    const double lean = rng.Draw("direction", direction);
    if (side == 1) return {};
    return {ImageStep{[line = LineKernel(side, Radians(turn), lean)](
                          const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      return Filter2d(in, line);
    }}};
  }
};

}  // namespace

void RegisterMotionBlur(Registry& registry) { registry.AddOperator<MotionBlur>(); }

}  // namespace pixloom
