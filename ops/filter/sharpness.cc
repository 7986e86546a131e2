// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/filter_rows.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

template <class T>
void Blend(const cv::Mat& in, float factor, cv::Mat& out) {
  const std::ptrdiff_t channels = in.channels();
  const std::ptrdiff_t values = in.cols * channels;
  for (int y = 1; y + 1 < in.rows; ++y) {
    const T* above = in.ptr<T>(y - 1);
    const T* row = in.ptr<T>(y);
    const T* below = in.ptr<T>(y + 1);
    T* to = out.ptr<T>(y);
    if (values <= 2 * channels) continue;
    BlendWithSmooth(above + channels, row + channels, below + channels,
                    static_cast<std::size_t>(channels), factor, to + channels,
                    static_cast<std::size_t>(values - 2 * channels));
    if (channels != 4) continue;
    for (std::ptrdiff_t i = 3; i < values; i += 4) to[i] = row[i];
  }
}

struct Sharpness {
  Range factor{0.5, 2};

  static constexpr std::string_view kName = "sharpness";
  static constexpr std::string_view kDoc =
      "Move between a smoothed picture, the picture and beyond, as Pillow and torchvision do.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomAdjustSharpness"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("factor", &Sharpness::factor)
                          .In(0, 20)
                          .Unit("factor")
                          .Primary()
                          .Alias("sharpness_factor")
                          .Doc("0 is smoothed, 1 the picture as it is, 2 twice as sharp; pixels at "
                               "the edge and alpha stay.")};
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double f = rng.Draw("factor", factor);
    if (f == 1) return {};
    return {ImageStep{[f](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      WithDepth(in, [&](auto zero) { Blend<decltype(zero)>(in, static_cast<float>(f), out); });
      return out;
    }}};
  }
};

}  // namespace

void RegisterSharpness(Registry& registry) { registry.AddOperator<Sharpness>(); }

}  // namespace pixloom
