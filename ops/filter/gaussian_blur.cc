// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "ops/common.h"
#include "ops/kernels/blur_kernel.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Peers read a lone sigma s as the interval [0, s].
Value FromZero(const Value& value) {
  if (!value.IsNumber()) return value;
  return Value::List({schema::To(0.0), schema::To(value.number)});
}

struct GaussianBlurOp {
  Range sigma{0.5, 3};
  std::int64_t kernel = 0;

  static constexpr std::string_view kName = "gaussian_blur";
  static constexpr std::string_view kDoc = "Blur with a Gaussian.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("sigma", &GaussianBlurOp::sigma)
                          .In(0, 100)
                          .Unit("px")
                          .Primary()
                          .Alias("sigma_limit", FromZero)
                          .Doc("Standard deviation; 0 leaves the picture as it is."),
                      Param("kernel", &GaussianBlurOp::kernel)
                          .In(0, 999)
                          .Unit("px")
                          .Doc("Side of the kernel, odd; 0 takes 2 * int(3.5 * sigma) + 1.")};
  }
  std::string Check() const {
    if (kernel == 0 || kernel % 2 == 1) return "";
    return fmt::format("kernel: {} is even; take an odd side, or 0 to follow sigma", kernel);
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double s = rng.Draw("sigma", sigma);
    if (s == 0) return {};
    const int side = kernel > 0 ? static_cast<int>(kernel) : 2 * static_cast<int>(3.5 * s) + 1;
    return {ImageStep{[s, side](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      return GaussianBlur(in, s, s, side, Border::kReflect101);
    }}};
  }
};

}  // namespace

void RegisterGaussianBlur(Registry& registry) { registry.AddOperator<GaussianBlurOp>(); }

}  // namespace pixloom
