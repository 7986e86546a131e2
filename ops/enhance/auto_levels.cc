// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "ops/common.h"
#include "ops/enhance/tones.h"
#include "ops/kernels/unit_image.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class StretchOf { kLuma, kChannels };

}  // namespace

template <>
struct EnumNames<StretchOf> {
  static constexpr std::array kAll{std::pair{StretchOf::kLuma, "luma"},
                                   std::pair{StretchOf::kChannels, "channels"}};
};

namespace {

// Levels that become black and white.
struct Ends {
  double low = 0;
  double high = 1;
  double Stretched(double x) const { return (x - low) / (high - low); }
};

struct AutoLevels {
  StretchOf stretch = StretchOf::kLuma;
  double low = 0.005;
  double high = 0.005;
  double max_gain = 10;
  double target_mean = 0;
  Range strength{1};

  static constexpr std::string_view kName = "auto_levels";
  static constexpr std::string_view kDoc =
      "Stretch levels so that the darkest become black and the brightest white.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("stretch", &AutoLevels::stretch)
            .Primary()
            .Doc("One stretch by the luma, which keeps hues, or one for each channel, which also "
                 "takes casts out."),
        Param("low", &AutoLevels::low)
            .In(0, 0.49)
            .Unit("fraction")
            .Doc("Share of the values that become black."),
        Param("high", &AutoLevels::high)
            .In(0, 0.49)
            .Unit("fraction")
            .Doc("Share of the values that become white."),
        Param("max_gain", &AutoLevels::max_gain)
            .In(1, 1000)
            .Unit("factor")
            .Doc("Largest stretch, so that a flat picture does not turn into noise."),
        Param("target_mean", &AutoLevels::target_mean)
            .In(0, 0.99)
            .Unit("full scale")
            .Doc("Mean luma that a power of the stretched levels then aims at, with an exponent "
                 "from 0.25 to 4; 0 leaves the mean alone."),
        Param("strength", &AutoLevels::strength)
            .In(0, 1)
            .Unit("fraction")
            .Doc("Share of the correction that is applied.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double share = rng.Draw("strength", strength);
    return {[op = *this, share](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      return op.Run(in, share, context.range);
    }};
  }

 private:
  cv::Mat Run(const cv::Mat& in, double share, ValueRange range) const {
    std::vector<Ends> ends(static_cast<std::size_t>(in.channels()));
    const bool each = stretch == StretchOf::kChannels;
    for (int c = 0; c < ColourCount(in.channels()); ++c) {
      auto& own = ends[static_cast<std::size_t>(c)];
      own = c > 0 && !each ? ends[0] : Measured(in, each ? c : SortedLevels::kLuma, range);
    }
    double exponent = 1;
    if (target_mean > 0) {
      auto tones = MeasureTones(in, range);
      for (Tone& tone : tones) {
        const Ends& own = ends[static_cast<std::size_t>(tone.channel)];
        tone.level = std::clamp(own.Stretched(tone.level), 0.0, 1.0);
      }
      exponent = ExponentFor(tones, target_mean, 0.25, 4);
    }
    Lut lut;
    lut.per_channel = each;
    lut.curve = [ends, exponent, share](int channel, double x) {
      double y = ends[static_cast<std::size_t>(channel)].Stretched(x);
      if (exponent != 1) y = exact::Pow(std::max(y, 0.0), exponent);
      return x + share * (y - x);
    };
    return WithCurve(in, lut, range);
  }

  Ends Measured(const cv::Mat& in, int channel, ValueRange range) const {
    SortedLevels sorted(in, channel, range);
    Ends ends{sorted.Low(low), sorted.High(high)};
    // A narrower stretch is widened about its middle, within full scale.
    const double least = 1 / max_gain;
    if (ends.high - ends.low < least) {
      const double start = (ends.low + ends.high - least) / 2;
      ends.low = std::clamp(start, 0.0, 1 - least);
      ends.high = ends.low + least;
    }
    return ends;
  }
};

}  // namespace

void RegisterAutoLevels(Registry& registry) { registry.AddOperator<AutoLevels>(); }

}  // namespace pixloom
