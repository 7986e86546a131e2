// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// The Bernstein cubic from 0 to 1 with these two control values: it never falls. Beyond its ends it
// goes on straight, so that float pictures outside their range keep their order.
struct Tone {
  double low = 0;
  double high = 0;

  double At(double x) const {
    if (x < 0) return 3 * low * x;
    if (x > 1) return 1 + 3 * (1 - high) * (x - 1);
    const double y = 1 - x;
    return 3 * y * x * (y * low + x * high) + x * x * x;
  }
};

struct ToneCurve {
  double scale = 0.1;
  bool per_channel = false;

  static constexpr std::string_view kName = "tone_curve";
  static constexpr std::string_view kDoc =
      "Bend levels along a random S-shaped curve that keeps black and white.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomToneCurve"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("scale", &ToneCurve::scale)
            .In(0, 1)
            .Unit("full scale")
            .Primary()
            .Doc("Standard deviation of the curve's two control points about 1/4 and 3/4."),
        Param("per_channel", &ToneCurve::per_channel)
            .Doc("A curve for each of red, green and blue; of more channels every third has the "
                 "same.")};
  }

  Lut Draw(Rng& rng, const Facts&) const {
    std::array<Tone, 3> tones;
    constexpr std::array<std::array<std::string_view, 2>, 3> kNames{
        {{"low", "high"}, {"low_g", "high_g"}, {"low_b", "high_b"}}};
    for (std::size_t c = 0; c < tones.size(); ++c) {
      tones[c].low = std::clamp(rng.Normal(kNames[c][0], 0.25, scale), 0.0, 1.0);
      tones[c].high = std::clamp(rng.Normal(kNames[c][1], 0.75, scale), 0.0, 1.0);
    }
    if (!per_channel) return {[tone = tones[0]](int, double x) { return tone.At(x); }};
    return {[tones](int channel, double x) {
              return tones[static_cast<std::size_t>(channel) % tones.size()].At(x);
            },
            true};
  }
};

}  // namespace

void RegisterToneCurve(Registry& registry) { registry.AddOperator<ToneCurve>(); }

}  // namespace pixloom
