// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "ops/common.h"
#include "ops/enhance/tones.h"
#include "ops/kernels/guided_filter.h"
#include "ops/kernels/unit_image.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class LowLightMethod { kLime, kHistogram };

}  // namespace

template <>
struct EnumNames<LowLightMethod> {
  static constexpr std::array kAll{std::pair{LowLightMethod::kLime, "lime"},
                                   std::pair{LowLightMethod::kHistogram, "histogram"}};
};

namespace {

// light^-power for light in [floor, 1]: linear between close points, far below one level.
class GainTable {
 public:
  GainTable(double floor, double power) : floor_(static_cast<float>(floor)) {
    for (int i = 0; i <= kSteps; ++i) {
      const double light = floor + (1 - floor) * i / kSteps;
      gains_.push_back(static_cast<float>(1 / exact::Pow(light, power)));
    }
    gains_.push_back(gains_.back());
    scale_ = static_cast<float>(kSteps / (1 - floor));
  }

  float At(float light) const {
    const float position = (std::min(std::max(light, floor_), 1.0F) - floor_) * scale_;
    const auto below = static_cast<std::size_t>(position);
    const float part = position - static_cast<float>(below);
    return gains_[below] + part * (gains_[below + 1] - gains_[below]);
  }

 private:
  static constexpr int kSteps = 1 << 14;
  float floor_;
  float scale_;
  std::vector<float> gains_;
};

struct LowLight {
  LowLightMethod method = LowLightMethod::kLime;
  Range strength{0.6, 0.8};
  double target = 0.45;
  double window = 0.06;
  double edge = 0.1;
  double floor = 0.05;

  static constexpr std::string_view kName = "low_light";
  static constexpr std::string_view kDoc = "Brighten what is dark and leave the bright as it is.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("method", &LowLight::method)
            .Primary()
            .Doc("Divide by a map of the light that falls on each place, or raise all levels to "
                 "one power."),
        Param("strength", &LowLight::strength)
            .In(0, 1)
            .Unit("fraction")
            .Doc("Power of the light that lime divides by; of histogram, how far towards the "
                 "target."),
        Param("target", &LowLight::target)
            .In(0.01, 0.99)
            .Unit("full scale")
            .Doc("Mean luma histogram aims at; brighter pictures stay as they are."),
        Param("window", &LowLight::window)
            .In(0.002, 1)
            .Unit("short side")
            .Doc("Side of the window in which the map of light is smoothed."),
        Param("edge", &LowLight::edge)
            .In(0.001, 1)
            .Unit("full scale")
            .Doc("Standard deviation in a window from which the map keeps its edges."),
        Param("floor", &LowLight::floor)
            .In(0.001, 0.9)
            .Unit("full scale")
            .Doc("Least light that is assumed: limits how much noise is amplified.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double power = rng.Draw("strength", strength);
    return {[op = *this, power](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      return op.method == LowLightMethod::kLime ? op.Lime(in, power, context.range)
                                                : op.Raised(in, power, context.range);
    }};
  }

 private:
  cv::Mat Lime(const cv::Mat& in, double power, ValueRange range) const {
    const cv::Mat unit = ToUnit(in, range);
    const cv::Mat brightest = Clamped(LargestColour(unit));
    const cv::Mat light = GuidedFilter(brightest, WindowRadius(window, in), edge * edge);
    const GainTable gains(floor, power);
    const int channels = unit.channels();
    const int colours = ColourCount(channels);
    cv::Mat out(unit.size(), unit.type());
    for (int y = 0; y < unit.rows; ++y) {
      const float* from = unit.ptr<float>(y);
      const float* falls = light.ptr<float>(y);
      float* to = out.ptr<float>(y);
      for (int x = 0; x < unit.cols; ++x, from += channels, to += channels) {
        const float gain = gains.At(falls[x]);
        for (int c = 0; c < channels; ++c) to[c] = c < colours ? from[c] * gain : from[c];
      }
    }
    return FromUnit(out, in, range);
  }

  cv::Mat Raised(const cv::Mat& in, double power, ValueRange range) const {
    const double full = ExponentFor(MeasureTones(in, range), target, 0.1, 1);
    const double exponent = 1 + power * (full - 1);
    return WithCurve(
        in, Lut{[exponent](int, double x) { return exact::Pow(std::max(x, 0.0), exponent); }},
        range);
  }
};

}  // namespace

void RegisterLowLight(Registry& registry) { registry.AddOperator<LowLight>(); }

}  // namespace pixloom
