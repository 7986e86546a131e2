// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/noise_words.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Speckle {
  Range std{0.1, 0.3};
  bool per_channel = true;

  static constexpr std::string_view kName = "speckle";
  static constexpr std::string_view kDoc =
      "Add normally distributed noise in proportion to the level, as radar and ultrasound have it.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("std", &Speckle::std)
                          .In(0, 2)
                          .Unit("of the level")
                          .Primary()
                          .Doc("Standard deviation as a part of the level: x becomes x + x * n."),
                      Param("per_channel", &Speckle::per_channel)
                          .Doc("Other noise in each channel; false keeps the colours.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double deviation = rng.Draw("std", std);
    return {[deviation, own = per_channel](const cv::Mat& in,
                                           const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      const float black = BlackLevel(in, context.range);
      const auto sigma = static_cast<float>(deviation);
      ChangeByNoise(
          out, own, [&](auto... range) { FillNormals(context.noise, range...); },
          [=](float v, float n) { return v + (v - black) * (sigma * n); });
      return out;
    }};
  }
};

}  // namespace

void RegisterSpeckle(Registry& registry) { registry.AddOperator<Speckle>(); }

}  // namespace pixloom
