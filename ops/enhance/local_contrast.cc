// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/guided_filter.h"
#include "ops/kernels/unit_image.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct LocalContrast {
  Range strength{0.4, 0.8};
  double window = 0.08;
  double edge = 0.1;

  static constexpr std::string_view kName = "local_contrast";
  static constexpr std::string_view kDoc =
      "Amplify or soften local detail and leave strong edges without halos.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("strength", &LocalContrast::strength)
                          .In(-1, 5)
                          .Unit("gain - 1")
                          .Primary()
                          .Doc("Detail of the luma is multiplied by 1 + strength; -1 removes it."),
                      Param("window", &LocalContrast::window)
                          .In(0.002, 1)
                          .Unit("short side")
                          .Doc("Side of the window in which detail is told from the base."),
                      Param("edge", &LocalContrast::edge)
                          .In(0.001, 1)
                          .Unit("full scale")
                          .Doc("Standard deviation in a window from which it counts as an edge.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double gain = rng.Draw("strength", strength);
    return {[op = *this, gain](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat unit = ToUnit(in, context.range);
      const cv::Mat luma = UnitLuma(unit);
      const cv::Mat base = GuidedFilter(luma, WindowRadius(op.window, in), op.edge * op.edge);
      const auto by = static_cast<float>(gain);
      const int channels = unit.channels();
      const int colours = ColourCount(channels);
      cv::Mat out(unit.size(), unit.type());
      for (int y = 0; y < unit.rows; ++y) {
        const float* from = unit.ptr<float>(y);
        const float* whole = luma.ptr<float>(y);
        const float* smooth = base.ptr<float>(y);
        float* to = out.ptr<float>(y);
        for (int x = 0; x < unit.cols; ++x, from += channels, to += channels) {
          const float detail = by * (whole[x] - smooth[x]);
          for (int c = 0; c < channels; ++c) to[c] = c < colours ? from[c] + detail : from[c];
        }
      }
      return FromUnit(out, in, context.range);
    }};
  }
};

}  // namespace

void RegisterLocalContrast(Registry& registry) { registry.AddOperator<LocalContrast>(); }

}  // namespace pixloom
