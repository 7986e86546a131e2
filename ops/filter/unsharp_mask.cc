// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/blur_kernel.h"
#include "ops/kernels/filter_2d.h"
#include "ops/kernels/filter_rows.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct UnsharpMask {
  Range sigma{0.5, 2};
  Range amount{0.2, 1};
  double threshold = 0.02;

  static constexpr std::string_view kName = "unsharp_mask";
  static constexpr std::string_view kDoc =
      "Sharpen by adding the difference from a Gaussian blur where it is large enough.";
  static constexpr std::array<std::string_view, 1> kAliases{"UnsharpMask"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("sigma", &UnsharpMask::sigma)
            .In(0, 100)
            .Unit("px")
            .Alias("sigma_limit")
            .Doc("Standard deviation of the blur; 0 leaves the picture as it is."),
        Param("amount", &UnsharpMask::amount)
            .In(0, 10)
            .Unit("factor")
            .Primary()
            .Alias("alpha")
            .Doc("Of the difference that is added."),
        Param("threshold", &UnsharpMask::threshold)
            .In(0, 1)
            .Unit("full scale")
            .Doc("Differences below it add nothing, from twice of it on the full amount.")};
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double s = rng.Draw("sigma", sigma);
    const double a = rng.Draw("amount", amount);
    if (s == 0 || a == 0) return {};
    return {ImageStep{
        [s, a, t = threshold](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
          cv::Mat floats;
          in.convertTo(floats, CV_32F);
          const cv::Mat blurred = GaussianBlur(floats, s, s);
          cv::Mat out(in.size(), in.type());
          const auto level = static_cast<float>(t * FullScale(in, context.range));
          const auto values = static_cast<std::size_t>(in.cols) *  //
                              static_cast<std::size_t>(in.channels());
          WithDepth(in, [&](auto zero) {
            using T = decltype(zero);
            for (int y = 0; y < in.rows; ++y) {
              AddDifference(in.ptr<T>(y), blurred.ptr<float>(y), static_cast<float>(a), level,
                            out.ptr<T>(y), values);
            }
          });
          return out;
        }}};
  }
};

}  // namespace

void RegisterUnsharpMask(Registry& registry) { registry.AddOperator<UnsharpMask>(); }

}  // namespace pixloom
