// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/colour_steps.h"
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Peers measure hue in steps of two degrees, and read a lone number n as [-n, n].
Value FromTwoDegrees(const Value& value) {
  if (value.IsNumber()) return FromTwoDegrees(Symmetric(value));
  if (value.kind != Value::Kind::kList) return value;
  std::vector<Value> doubled;
  for (const Value& v : value.items) doubled.push_back(v.IsNumber() ? schema::To(2 * v.number) : v);
  return Value::List(std::move(doubled));
}

struct HueSaturation {
  Range hue{-40, 40};
  Range saturation{-30, 30};
  Range value{-20, 20};

  static constexpr std::string_view kName = "hue_saturation";
  static constexpr std::string_view kDoc =
      "Shift hue, saturation and value in HSV; grays stay gray.";
  static constexpr std::array<std::string_view, 2> kAliases{"hue_saturation_value",
                                                            "HueSaturationValue"};
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("hue", &HueSaturation::hue)
                          .In(-360, 360)
                          .Unit("deg")
                          .Alias("hue_shift_limit", FromTwoDegrees)
                          .Doc("Turn of the colour wheel."),
                      Param("saturation", &HueSaturation::saturation)
                          .In(-255, 255)
                          .Unit("levels of 255")
                          .Alias("sat_shift_limit", Symmetric)
                          .Doc("Added to the saturation."),
                      Param("value", &HueSaturation::value)
                          .In(-255, 255)
                          .Unit("levels of 255")
                          .Alias("val_shift_limit", Symmetric)
                          .Doc("Added to the value, the largest of the three channels.")};
  }

  PixelStep Draw(Rng& rng, const Facts&) const {
    const double turns = rng.Draw("hue", hue) / 360;
    const double stronger = rng.Draw("saturation", saturation) / 255;
    const double lighter = rng.Draw("value", value) / 255;
    return ShiftHsvStep(turns, stronger, lighter);
  }
};

}  // namespace

void RegisterHueSaturation(Registry& registry) { registry.AddOperator<HueSaturation>(); }

}  // namespace pixloom
