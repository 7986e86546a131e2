// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Peers count in levels of 255, and read a lone number n as [-n, n].
Value FromLevels(const Value& value) {
  if (value.IsNumber()) return FromLevels(Symmetric(value));
  if (value.kind != Value::Kind::kList) return value;
  std::vector<Value> parts;
  for (const Value& v : value.items) {
    parts.push_back(v.IsNumber() ? schema::To(v.number / 255) : v);
  }
  return Value::List(std::move(parts));
}

struct RgbShift {
  Range red{-0.08, 0.08};
  Range green{-0.08, 0.08};
  Range blue{-0.08, 0.08};

  static constexpr std::string_view kName = "rgb_shift";
  static constexpr std::string_view kDoc = "Add a constant to each of red, green and blue.";
  static constexpr std::array<std::string_view, 1> kAliases{"RGBShift"};
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("red", &RgbShift::red)
                          .In(-1, 1)
                          .Unit("full scale")
                          .Alias("r_shift_limit", FromLevels)
                          .Doc("Added to red."),
                      Param("green", &RgbShift::green)
                          .In(-1, 1)
                          .Unit("full scale")
                          .Alias("g_shift_limit", FromLevels)
                          .Doc("Added to green."),
                      Param("blue", &RgbShift::blue)
                          .In(-1, 1)
                          .Unit("full scale")
                          .Alias("b_shift_limit", FromLevels)
                          .Doc("Added to blue.")};
  }

  ColorMatrix Draw(Rng& rng, const Facts&) const {
    ColorMatrix matrix;
    matrix.m[3] = rng.Draw("red", red);
    matrix.m[7] = rng.Draw("green", green);
    matrix.m[11] = rng.Draw("blue", blue);
    return matrix;
  }
};

}  // namespace

void RegisterRgbShift(Registry& registry) { registry.AddOperator<RgbShift>(); }

}  // namespace pixloom
