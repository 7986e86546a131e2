// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/filter_2d.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Emboss {
  Range alpha{0.2, 0.5};
  Range strength{0.2, 0.7};

  static constexpr std::string_view kName = "emboss";
  static constexpr std::string_view kDoc =
      "Make edges stand out as if lit from the lower right, and blend with the picture.";
  static constexpr std::array<std::string_view, 1> kAliases{"Emboss"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("alpha", &Emboss::alpha)
                          .In(0, 1)
                          .Unit("share")
                          .Primary()
                          .Doc("Of the embossed picture in the result; 0 leaves it as it is."),
                      Param("strength", &Emboss::strength)
                          .In(0, 10)
                          .Unit("factor")
                          .Doc("How much steeper the relief is than a plain difference.")};
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double a = rng.Draw("alpha", alpha);
    const double s = rng.Draw("strength", strength);
    if (a == 0) return {};
    Kernel2d kernel(3, 3, {-1 - s, -s, 0, -s, 1, s, 0, s, 1 + s});
    for (double& weight : kernel.weights) weight *= a;
    kernel.At(0, 0) += 1 - a;
    return {ImageStep{[kernel](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      return Filter2d(in, kernel);
    }}};
  }
};

}  // namespace

void RegisterEmboss(Registry& registry) { registry.AddOperator<Emboss>(); }

}  // namespace pixloom
