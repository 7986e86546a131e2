// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/common.h"
#include "ops/enhance/tones.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class ExposureMethod { kGamma, kGain };

}  // namespace

template <>
struct EnumNames<ExposureMethod> {
  static constexpr std::array kAll{std::pair{ExposureMethod::kGamma, "gamma"},
                                   std::pair{ExposureMethod::kGain, "gain"}};
};

namespace {

struct AutoExposure {
  Range target{0.4, 0.5};
  ExposureMethod method = ExposureMethod::kGamma;
  double limit = 4;

  static constexpr std::string_view kName = "auto_exposure";
  static constexpr std::string_view kDoc = "Bring the mean luma to a target.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("target", &AutoExposure::target)
            .In(0.01, 0.99)
            .Unit("full scale")
            .Primary()
            .Doc("Mean luma of the result; of channels without colour, the mean of all."),
        Param("method", &AutoExposure::method)
            .Doc("A power of the level, which keeps black and white, or a factor, which clips."),
        Param("limit", &AutoExposure::limit)
            .In(1, 100)
            .Unit("factor")
            .Doc("Largest exponent or factor; the smallest is its inverse.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double wanted = rng.Draw("target", target);
    return {[op = *this, wanted](const cv::Mat& in,
                                 const FrameContext& context) -> Result<cv::Mat> {
      const auto tones = MeasureTones(in, context.range);
      Lut lut;
      if (op.method == ExposureMethod::kGamma) {
        const double exponent = ExponentFor(tones, wanted, 1 / op.limit, op.limit);
        lut.curve = [exponent](int, double x) { return exact::Pow(std::max(x, 0.0), exponent); };
      } else {
        const double factor = FactorFor(tones, wanted, 1 / op.limit, op.limit);
        lut.curve = [factor](int, double x) { return factor * x; };
      }
      return WithCurve(in, lut, context.range);
    }};
  }
};

}  // namespace

void RegisterAutoExposure(Registry& registry) { registry.AddOperator<AutoExposure>(); }

}  // namespace pixloom
