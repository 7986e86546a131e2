// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/filter/sides.h"
#include "ops/kernels/bilateral_kernel.h"
#include "ops/kernels/filter_2d.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Bilateral {
  Range diameter{5, 9};
  Range sigma_color{0.05, 0.3};
  Range sigma_space{1.5, 4};

  static constexpr std::string_view kName = "bilateral";
  static constexpr std::string_view kDoc =
      "Smooth areas and keep edges: neighbours count less the further away and the more different "
      "they are.";
  static constexpr std::array<std::string_view, 2> kAliases{"BilateralBlur", "BilateralFilter"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("diameter", &Bilateral::diameter)
            .In(1, 31)
            .Unit("px")
            .Alias("d")
            .Doc("Of the disk of neighbours, one of the odd numbers in the range; 1 leaves the "
                 "picture as it is."),
        Param("sigma_color", &Bilateral::sigma_color)
            .In(0.001, 10)
            .Unit("full scale")
            .Primary()
            .Doc("Difference, added up over the channels but alpha, at which a neighbour still "
                 "counts 0.6."),
        Param("sigma_space", &Bilateral::sigma_space)
            .In(0.1, 100)
            .Unit("px")
            .Doc("Distance at which a neighbour still counts 0.6.")};
  }
  std::string Check() const { return CheckOdd("diameter", diameter); }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const int side = DrawOdd(rng, "diameter", diameter);
    const double colour = rng.Draw("sigma_color", sigma_color);
    const double space = rng.Draw("sigma_space", sigma_space);
    if (side == 1) return {};
    return {ImageStep{
        [side, colour, space](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
          return BilateralFilter(in, side, colour * FullScale(in, context.range), space);
        }}};
  }
};

}  // namespace

void RegisterBilateral(Registry& registry) { registry.AddOperator<Bilateral>(); }

}  // namespace pixloom
