// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/zoom_kernel.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ZoomBlur {
  Range max_factor{1, 1.31};
  Range step{0.01, 0.03};

  static constexpr std::string_view kName = "zoom_blur";
  static constexpr std::string_view kDoc =
      "Blur as zooming in during the exposure does: the mean of the picture at growing scales.";
  static constexpr std::array<std::string_view, 1> kAliases{"ZoomBlur"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("max_factor", &ZoomBlur::max_factor)
            .In(1, 3)
            .Unit("factor")
            .Primary()
            .Doc("Scales are 1, 1 + step, ... below it; 1 leaves the picture as it is."),
        Param("step", &ZoomBlur::step)
            .In(0.005, 1)
            .Unit("factor")
            .Alias("step_factor")
            .Doc("Between two scales.")};
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double most = rng.Draw("max_factor", max_factor);
    const double each = rng.Draw("step", step);
    // As in ImageNet-C, the picture counts once more than scale 1 alone gives.
    std::vector<double> factors;
    for (int i = 0; 1 + i * each < most; ++i) factors.push_back(1 + i * each);
    if (factors.size() < 2) return {};
    factors.push_back(1);
    return {ImageStep{[factors = std::move(factors)](const cv::Mat& in, const FrameContext&)
                          -> Result<cv::Mat> { return MeanOfZooms(in, factors); }}};
  }
};

}  // namespace

void RegisterZoomBlur(Registry& registry) { registry.AddOperator<ZoomBlur>(); }

}  // namespace pixloom
