// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/filter_2d.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Sharpen {
  Range alpha{0.2, 0.5};
  Range lightness{1};

  static constexpr std::string_view kName = "sharpen";
  static constexpr std::string_view kDoc =
      "Add what differs from the eight neighbours, and blend with the picture.";
  static constexpr std::array<std::string_view, 1> kAliases{"Sharpen"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("alpha", &Sharpen::alpha)
            .In(0, 1)
            .Unit("share")
            .Primary()
            .Doc("Of the sharpened picture in the result; 0 leaves it as it is."),
        Param("lightness", &Sharpen::lightness)
            .In(0, 3)
            .Unit("factor")
            .Doc("Of the picture within the sharpened one: 1 keeps it as light as it was.")};
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double a = rng.Draw("alpha", alpha);
    const double light = rng.Draw("lightness", lightness);
    if (a == 0) return {};
    Kernel2d kernel(3, 3, std::vector<double>(9, -a));
    kernel.At(0, 0) = (1 - a) + a * (8 + light);
    return {ImageStep{[kernel](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      return FilterUnit(in, kernel, 0, context.range);
    }}};
  }
};

}  // namespace

void RegisterSharpen(Registry& registry) { registry.AddOperator<Sharpen>(); }

}  // namespace pixloom
