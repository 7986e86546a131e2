// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/filter/sides.h"
#include "ops/kernels/box_kernel.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct BoxBlur {
  Range kernel{3, 7};

  static constexpr std::string_view kName = "box_blur";
  static constexpr std::string_view kDoc = "Replace each pixel by the mean of a square around it.";
  static constexpr std::array<std::string_view, 3> kAliases{"Blur", "RandomBoxBlur", "AverageBlur"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("kernel", &BoxBlur::kernel)
                          .In(1, 255)
                          .Unit("px")
                          .Primary()
                          .Alias("blur_limit")
                          .Doc("Side of the square, one of the odd numbers in the range; 1 leaves "
                               "the picture as it is.")};
  }
  std::string Check() const { return CheckOdd("kernel", kernel); }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const int side = DrawOdd(rng, "kernel", kernel);
    if (side == 1) return {};
    return {ImageStep{[side](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      return BoxMean(in, side);
    }}};
  }
};

}  // namespace

void RegisterBoxBlur(Registry& registry) { registry.AddOperator<BoxBlur>(); }

}  // namespace pixloom
