// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/filter/sides.h"
#include "ops/kernels/filter_2d.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct AdvancedBlur {
  Range kernel{3, 7};
  Range sigma_x{0.2, 1.5};
  Range sigma_y{0.2, 1.5};
  Range angle{-90, 90};
  Range beta{0.5, 4};
  Range noise{0.9, 1.1};

  static constexpr std::string_view kName = "advanced_blur";
  static constexpr std::string_view kDoc =
      "Blur with a turned Gaussian of two widths, more pointed or flatter than normal, whose "
      "weights are noisy.";
  static constexpr std::array<std::string_view, 1> kAliases{"AdvancedBlur"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("kernel", &AdvancedBlur::kernel)
            .In(1, 51)
            .Unit("px")
            .Primary()
            .Alias("blur_limit")
            .Doc("Side of the kernel, one of the odd numbers in the range; 1 leaves the picture as "
                 "it is."),
        Param("sigma_x", &AdvancedBlur::sigma_x)
            .In(0.05, 100)
            .Unit("px")
            .Alias("sigma_x_limit")
            .Doc("Standard deviation along the first axis."),
        Param("sigma_y", &AdvancedBlur::sigma_y)
            .In(0.05, 100)
            .Unit("px")
            .Alias("sigma_y_limit")
            .Doc("Standard deviation along the second axis."),
        Param("angle", &AdvancedBlur::angle)
            .In(-360, 360)
            .Unit("deg")
            .Alias("rotate_limit", Symmetric)
            .Doc("Of the first axis, counter-clockwise from the right."),
        Param("beta", &AdvancedBlur::beta)
            .In(0.1, 20)
            .Unit("exponent")
            .Alias("beta_limit")
            .Doc("Shape: 1 is a Gaussian, less has a sharper peak and longer tails, more comes "
                 "close to a flat ellipse."),
        Param("noise", &AdvancedBlur::noise)
            .In(0.01, 2)
            .Unit("factor")
            .Alias("noise_limit")
            .Doc("Each weight is multiplied by a number of its own from this range.")};
  }
  std::string Check() const { return CheckOdd("kernel", kernel); }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const int side = DrawOdd(rng, "kernel", kernel);
    const double sx = rng.Draw("sigma_x", sigma_x);
    const double sy = rng.Draw("sigma_y", sigma_y);
    const double turn = Radians(rng.Draw("angle", angle));
    const double shape = rng.Draw("beta", beta);
    if (side == 1) return {};
    Kernel2d made(side, side);
    const double cosine = exact::Cos(turn);
    const double sine = exact::Sin(turn);
    const StreamKey key = rng.Key().Pixels();
    PhiloxBlock words{};
    std::uint32_t i = 0;
    for (int y = -side / 2; y <= side / 2; ++y) {
      for (int x = -side / 2; x <= side / 2; ++x, ++i) {
        if (i % 4 == 0) words = key.Block(i / 4);
        const double u = (cosine * x - sine * y) / sx;  // y points down
        const double v = (sine * x + cosine * y) / sy;
        const double power = exact::Pow(u * u + v * v, shape);
        // Beyond that the weight is nothing in float32.
        const double weight = power < 200 ? exact::Exp(-0.5 * power) : 0.0;
        made.At(x, y) = weight * Factor(words[i % 4]);
      }
    }
    return {ImageStep{[made = made.Normalised()](const cv::Mat& in, const FrameContext&)
                          -> Result<cv::Mat> { return Filter2d(in, made); }}};
  }

 private:
  double Factor(std::uint32_t word) const {
    const double unit = (word >> 8) * 0x1p-24;
    if (noise.choice.empty()) return noise.lo + (noise.hi - noise.lo) * unit;
    return noise.choice[static_cast<std::size_t>(unit * static_cast<double>(noise.choice.size()))];
  }
};

}  // namespace

void RegisterAdvancedBlur(Registry& registry) { registry.AddOperator<AdvancedBlur>(); }

}  // namespace pixloom
