// SPDX-License-Identifier: Apache-2.0
// Formulas of curves, HSV and colour jitter.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

// ---- brightness_contrast, gamma -----------------------------------------------------------------

void CheckBrightnessContrast(const Arguments& args, const Draws& draws, const OpState&,
                             Problems& problems) {
  for (std::string_view name : {"brightness", "contrast"}) {
    CheckHolds(name, args.Interval(name, {-0.2, 0.2}), draws[name], problems);
  }
}

std::vector<RefStep> BrightnessContrast(const Arguments& args, const Draws& draws, const OpState&) {
  const double b = draws["brightness"];
  const double a = 1 + draws["contrast"];
  const std::string center = args.Text("center", "zero");
  return {Picture([=](Image64& image) {
    const double c = center == "mean" ? GrayMean(image) : center == "middle" ? 0.5 : 0.0;
    ApplyCurve(image, [=](double x) { return a * (x - c) + c + b; });
  })};
}

void CheckGamma(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("gamma", args.Interval("gamma", {0.8, 1.2}), draws["gamma"], problems);
}

std::vector<RefStep> Gamma(const Arguments&, const Draws& draws, const OpState&) {
  const double gamma = draws["gamma"];
  return {Picture([=](Image64& image) {
    ApplyCurve(image, [=](double x) { return std::pow(std::max(x, 0.0), gamma); });
  })};
}

// ---- color_jitter, hue_saturation ---------------------------------------------------------------

void CheckColorJitter(const Arguments& args, const Draws& draws, const OpState&,
                      Problems& problems) {
  for (std::string_view name : {"brightness", "contrast", "saturation"}) {
    CheckHolds(name, args.Interval(name, {0.8, 1.2}), draws[name], problems);
  }
  CheckHolds("hue", args.Interval("hue", {-0.5, 0.5}), draws["hue"], problems);
  const double order = draws["order"];
  if (order != std::floor(order) || order < 0 || order > 23) {
    problems.push_back(fmt::format("order = {} is no permutation of four", order));
  }
}

std::optional<RefStep> JitterPart(int part, const Draws& draws, bool colour) {
  switch (part) {
    case 0: {
      const double f = draws["brightness"];
      if (f == 1) return {};
      return Picture([=](Image64& image) { ApplyCurve(image, [=](double x) { return f * x; }); });
    }
    case 1: {
      const double f = draws["contrast"];
      if (f == 1) return {};
      return Picture([=](Image64& image) {
        const double mean = GrayMean(image);
        ApplyCurve(image, [=](double x) { return f * x + (1 - f) * mean; });
      });
    }
    case 2: {
      const double f = draws["saturation"];
      if (f == 1 || !colour) return {};
      return Picture([=](Image64& image) {
        ApplyToColours(image, [=](std::array<double, 3> rgb) {
          const double luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
          for (double& v : rgb) v = f * v + (1 - f) * luma;
          return rgb;
        });
      });
    }
    default: {
      const double f = draws["hue"];
      if (f == 0 || !colour) return {};
      return Picture([=](Image64& image) {
        ApplyToColours(image, [=](const std::array<double, 3>& rgb) {
          Hsv hsv = ToHsv(rgb);
          hsv.h = Turned(hsv.h, f);
          return ToRgb(hsv);
        });
      });
    }
  }
}

std::vector<RefStep> ColorJitter(const Arguments&, const Draws& draws, const OpState& state) {
  std::array<int, 4> order{0, 1, 2, 3};
  for (int i = 0; i < static_cast<int>(draws["order"]); ++i) {
    std::next_permutation(order.begin(), order.end());
  }
  std::vector<RefStep> steps;
  for (int part : order) {
    if (auto step = JitterPart(part, draws, state.channels != 1)) steps.push_back(*step);
  }
  return steps;
}

void CheckHueSaturation(const Arguments& args, const Draws& draws, const OpState&,
                        Problems& problems) {
  CheckHolds("hue", args.Interval("hue", {-40, 40}), draws["hue"], problems);
  CheckHolds("saturation", args.Interval("saturation", {-30, 30}), draws["saturation"], problems);
  CheckHolds("value", args.Interval("value", {-20, 20}), draws["value"], problems);
}

std::vector<RefStep> HueSaturation(const Arguments&, const Draws& draws, const OpState&) {
  const double hue = draws["hue"] / 360;
  const double saturation = draws["saturation"] / 255;
  const double value = draws["value"] / 255;
  return {Picture([=](Image64& image) {
    const bool clamp_value = image.depth != Depth::kF32;
    ApplyToColours(image, [=](const std::array<double, 3>& rgb) {
      Hsv hsv = ToHsv(rgb);
      hsv.h = Turned(hsv.h, hue);
      // Grey stays grey: it has no hue that could come out.
      if (hsv.s > 0) hsv.s = std::clamp(hsv.s + saturation, 0.0, 1.0);
      hsv.v = std::max(hsv.v + value, 0.0);
      if (clamp_value) hsv.v = std::min(hsv.v, 1.0);
      return ToRgb(hsv);
    });
  })};
}

}  // namespace

const std::vector<OpRule>& ColourRules() {
  static const std::vector<OpRule> rules{
      {"brightness_contrast",
       true,
       {"brightness", "contrast"},
       CheckBrightnessContrast,
       BrightnessContrast},
      {"gamma", true, {"gamma"}, CheckGamma, Gamma},
      {"color_jitter",
       true,
       {"brightness", "contrast", "saturation", "hue", "order"},
       CheckColorJitter,
       ColorJitter},
      {"hue_saturation", true, {"hue", "saturation", "value"}, CheckHueSaturation, HueSaturation},
  };
  return rules;
}

}  // namespace pixloom::reference
