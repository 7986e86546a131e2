// SPDX-License-Identifier: Apache-2.0
// Formulas of enhancers of light, contrast and colour.
#include <algorithm>
#include <array>
#include <cmath>

#include "tests/reference/ref_geometry.h"
#include "tests/reference/ref_planes.h"

namespace pixloom::reference {

namespace {

using Rgb = std::array<double, 3>;

void CheckStrengthOne(const Arguments& args, const Draws& draws, const OpState&,
                      Problems& problems) {
  CheckHolds("strength", args.Interval("strength", {1}), draws["strength"], problems);
}

// ---- Curves from the distribution of levels -----------------------------------------------------

double MeanLuma(const std::vector<Plane>& planes, int channels) {
  const Plane luma = LumaOf(planes, channels);
  double sum = 0;
  for (double v : luma.v) sum += v;
  return sum / static_cast<double>(luma.v.size());
}

// The mean luma of clamped levels after `curve`.
template <class Curve>
double MeanAfter(std::vector<Plane> planes, int channels, Curve curve) {
  for (Plane& plane : planes) {
    for (double& v : plane.v) v = curve(std::clamp(v, 0.0, 1.0));
  }
  return MeanLuma(planes, channels);
}

double Exponent(const std::vector<Plane>& planes, int channels, double target, double least,
                double most) {
  for (int i = 0; i < 60; ++i) {
    const double g = (least + most) / 2;
    const double mean = MeanAfter(planes, channels, [g](double x) { return std::pow(x, g); });
    (mean > target ? least : most) = g;
  }
  return least;
}

void CheckAutoExposure(const Arguments& args, const Draws& draws, const OpState&,
                       Problems& problems) {
  CheckHolds("target", args.Interval("target", {0.4, 0.5}), draws["target"], problems);
}

std::vector<RefStep> AutoExposure(const Arguments& args, const Draws& draws, const OpState&) {
  const double target = draws["target"];
  const double limit = args.Number("limit", 4);
  const bool gain = args.Text("method", "gamma") == "gain";
  return {Picture([=](Image64& image) {
    const auto planes = UnitPlanes(image);
    if (!gain) {
      const double g = Exponent(planes, image.channels, target, 1 / limit, limit);
      return ApplyCurve(image, [g](double x) { return std::pow(std::max(x, 0.0), g); });
    }
    double least = 1 / limit;
    double most = limit;
    for (int i = 0; i < 60; ++i) {
      const double f = (least + most) / 2;
      const auto clipped = [f](double x) { return std::min(f * x, 1.0); };
      (MeanAfter(planes, image.channels, clipped) < target ? least : most) = f;
    }
    ApplyCurve(image, [least](double x) { return least * x; });
  })};
}

std::vector<RefStep> AutoLevels(const Arguments& args, const Draws& draws, const OpState&) {
  const bool each = args.Text("stretch", "luma") == "channels";
  const double low = args.Number("low", 0.005);
  const double high = args.Number("high", 0.005);
  const double widest = 1 / args.Number("max_gain", 10);
  const double target = args.Number("target_mean", 0);
  const double share = draws["strength"];
  return {Picture([=](Image64& image) {
    std::vector<Plane> planes = UnitPlanes(image);
    const std::vector<Plane> before = planes;
    std::vector<double> luma;
    for (int y = 0; y < image.size.height; ++y) {
      for (int x = 0; x < image.size.width; ++x) {
        if (HasColour(image)) {
          luma.push_back(image.ToUnit(LumaLevel(image, x, y)));
        } else {
          for (const Plane& plane : planes) luma.push_back(plane.At(x, y));
        }
      }
    }
    for (Plane& plane : planes) {
      double black = FromBelow(each ? plane.v : luma, low);
      double white = FromAbove(each ? plane.v : luma, high);
      if (white - black < widest) {
        black = std::clamp((black + white - widest) / 2, 0.0, 1 - widest);
        white = black + widest;
      }
      for (double& v : plane.v) v = (v - black) / (white - black);
    }
    if (target > 0) {
      const double g = Exponent(planes, image.channels, target, 0.25, 4);
      for (Plane& plane : planes) {
        for (double& v : plane.v) v = std::pow(std::max(v, 0.0), g);
      }
    }
    for (std::size_t c = 0; c < planes.size(); ++c) {
      planes[c] = Combined(before[c], planes[c],
                           [share](double from, double to) { return from + share * (to - from); });
    }
    PutPlanes(planes, image);
  })};
}

std::vector<RefStep> WhiteBalance(const Arguments& args, const Draws& draws, const OpState&) {
  const std::string method = args.Text("method", "white_patch");
  const double power = method == "gray_world" ? 1 : args.Number("norm", 6);
  const double clip = args.Number("clip", 0.01);
  const double limit = args.Number("max_gain", 4);
  const bool highlights = args.Text("keep", "luma") == "highlights";
  const double share = draws["strength"];
  return {Picture([=](Image64& image) {
    std::vector<Plane> planes = UnitPlanes(image);
    Rgb light{};
    for (std::size_t c = 0; c < 3; ++c) {
      const Plane seen = ClampedUnit(planes[c]);
      if (method == "white_patch") {
        light[c] = FromAbove(seen.v, clip);
        continue;
      }
      double sum = 0;
      for (double v : seen.v) sum += std::pow(v, power);
      light[c] = std::pow(sum / static_cast<double>(seen.v.size()), 1 / power);
    }
    const double wanted = highlights ? std::max({light[0], light[1], light[2]})
                                     : 0.299 * light[0] + 0.587 * light[1] + 0.114 * light[2];
    if (wanted == 0) return;
    for (std::size_t c = 0; c < 3; ++c) {
      const double gain = std::clamp(wanted / light[c], 1 / limit, limit);
      for (double& v : planes[c].v) v += share * (gain - 1) * v;
    }
    PutPlanes(planes, image);
  })};
}

// ---- Light that varies over the picture ---------------------------------------------------------

void CheckLowLight(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("strength", args.Interval("strength", {0.6, 0.8}), draws["strength"], problems);
}

std::vector<RefStep> LowLight(const Arguments& args, const Draws& draws, const OpState&) {
  const double strength = draws["strength"];
  const bool lime = args.Text("method", "lime") == "lime";
  const double target = args.Number("target", 0.45);
  const double window = args.Number("window", 0.06);
  const double edge = args.Number("edge", 0.1);
  const double floor = args.Number("floor", 0.05);
  return {Picture([=](Image64& image) {
    std::vector<Plane> planes = UnitPlanes(image);
    if (!lime) {
      const double full = Exponent(planes, image.channels, target, 0.1, 1);
      const double g = 1 + strength * (full - 1);
      return ApplyCurve(image, [g](double x) { return std::pow(std::max(x, 0.0), g); });
    }
    Plane brightest = planes[0];
    for (const Plane& plane : planes) {
      brightest = Combined(brightest, plane, [](double a, double b) { return std::max(a, b); });
    }
    brightest = ClampedUnit(brightest);
    const Plane light = Guided(brightest, brightest, RadiusOf(window, image.size), edge * edge);
    for (Plane& plane : planes) {
      plane = Combined(plane, light, [=](double v, double falls) {
        return v / std::pow(std::clamp(falls, floor, 1.0), strength);
      });
    }
    PutPlanes(planes, image);
  })};
}

void CheckLocalContrast(const Arguments& args, const Draws& draws, const OpState&,
                        Problems& problems) {
  CheckHolds("strength", args.Interval("strength", {0.4, 0.8}), draws["strength"], problems);
}

std::vector<RefStep> LocalContrast(const Arguments& args, const Draws& draws, const OpState&) {
  const double strength = draws["strength"];
  const double window = args.Number("window", 0.08);
  const double edge = args.Number("edge", 0.1);
  return {Picture([=](Image64& image) {
    std::vector<Plane> planes = UnitPlanes(image);
    const Plane luma = LumaOf(planes, image.channels);
    const Plane base = Guided(luma, luma, RadiusOf(window, image.size), edge * edge);
    const Plane detail = Combined(luma, base, [](double a, double b) { return a - b; });
    for (Plane& plane : planes) {
      plane = Combined(plane, detail, [=](double v, double d) { return v + strength * d; });
    }
    PutPlanes(planes, image);
  })};
}

void CheckDehaze(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("strength", args.Interval("strength", {0.8, 0.95}), draws["strength"], problems);
}

std::vector<RefStep> Dehaze(const Arguments& args, const Draws& draws, const OpState&) {
  const double omega = draws["strength"];
  const double window = args.Number("window", 0.03);
  const double air = args.Number("air", 0.001);
  const double least = args.Number("least_transmission", 0.1);
  return {Picture([=](Image64& image) {
    std::vector<Plane> planes = UnitPlanes(image);
    std::vector<Plane> seen;
    for (const Plane& plane : planes) seen.push_back(ClampedUnit(plane));
    const int radius = RadiusOf(window, image.size);
    const int w = image.size.width;
    const int h = image.size.height;
    const auto darkest = [&](const Rgb& by) {
      return WindowLeast(
          MakePlane(w, h,
                    [&](int x, int y) {
                      return std::min({seen[0].At(x, y) / by[0], seen[1].At(x, y) / by[1],
                                       seen[2].At(x, y) / by[2]});
                    }),
          radius);
    };
    const Plane dark = darkest({1, 1, 1});
    const double bright = FromAbove(dark.v, air);
    Rgb haze{};
    double count = 0;
    for (std::size_t i = 0; i < dark.v.size(); ++i) {
      if (dark.v[i] < bright) continue;
      for (std::size_t c = 0; c < 3; ++c) haze[c] += seen[c].v[i];
      ++count;
    }
    for (double& v : haze) v = std::max(v / count, 0.1);
    const Plane thick = Guided(LumaOf(seen, 3), darkest(haze), 4 * radius, 1e-3);
    for (std::size_t c = 0; c < 3; ++c) {
      planes[c] = Combined(planes[c], thick, [&, c](double v, double t) {
        return (v - haze[c]) / std::clamp(1 - omega * t, least, 1.0) + haze[c];
      });
    }
    PutPlanes(planes, image);
  })};
}

// ---- Retinex ------------------------------------------------------------------------------------

// Three box means whose variance is nearest to sigma^2, of widths w, w, w + 2 or the like; of two
// equally near the narrower.
Plane Surroundings(const Plane& plane, double sigma) {
  int w = 1;
  while ((w + 2) * (w + 2) <= 4 * sigma * sigma + 1) w += 2;
  const auto variance = [](double side) { return (side * side - 1) / 12; };
  int narrow = 0;
  double best = 1e300;
  for (int n = 0; n <= 3; ++n) {
    const double off = std::abs(n * variance(w) + (3 - n) * variance(w + 2) - sigma * sigma);
    if (off < best + 1e-9) narrow = n;
    best = std::min(best, off);
  }
  Plane out = plane;
  for (int i = 0; i < 3; ++i) out = WindowMean(out, i < narrow ? w / 2 : w / 2 + 1);
  return out;
}

void CheckRetinex(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("strength", args.Interval("strength", {0.5, 1}), draws["strength"], problems);
}

std::vector<RefStep> Retinex(const Arguments& args, const Draws& draws, const OpState&) {
  const bool each = args.Text("of", "intensity") == "channels";
  const std::vector<double> scales = args.Numbers("scales", {0.02, 0.1, 0.3});
  const double clip = args.Number("clip", 0.01);
  const double share = draws["strength"];
  return {Picture([=](Image64& image) {
    const std::vector<Plane> planes = UnitPlanes(image);
    const auto n = static_cast<double>(planes.size());
    std::vector<Plane> seen;
    for (const Plane& plane : planes) seen.push_back(ClampedUnit(plane));
    Plane sum(image.size.width, image.size.height);
    for (const Plane& plane : seen) {
      sum = Combined(sum, plane, [](double a, double b) { return a + b; });
    }
    const auto compared = [&](const Plane& plane) {
      Plane total(plane.width, plane.height);
      for (const double scale : scales) {
        const double sigma = scale * std::min(plane.width, plane.height);
        const Plane around = Surroundings(plane, sigma);
        for (std::size_t i = 0; i < total.v.size(); ++i) {
          total.v[i] += std::log(255 * plane.v[i] + 1) - std::log(255 * around.v[i] + 1);
        }
      }
      for (double& v : total.v) v /= static_cast<double>(scales.size());
      return total;
    };
    const auto balance = [&](Plane& plane) {
      const double low = FromBelow(plane.v, clip);
      const double high = FromAbove(plane.v, clip);
      if (high - low <= 1e-6) return false;
      for (double& v : plane.v) v = std::clamp((v - low) / (high - low), 0.0, 1.0);
      return true;
    };
    std::vector<Plane> after = seen;
    if (each) {
      for (Plane& plane : after) {
        Plane r = compared(plane);
        for (std::size_t i = 0; i < r.v.size(); ++i) {
          r.v[i] *= std::log(125 * (255 * plane.v[i] + 1)) - std::log(255 * sum.v[i] + n);
        }
        if (balance(r)) plane = r;
      }
    } else {
      Plane mean = sum;
      for (double& v : mean.v) v /= n;
      Plane wanted = compared(mean);
      if (balance(wanted)) {
        for (std::size_t i = 0; i < mean.v.size(); ++i) {
          double largest = 1.0 / 255;
          for (const Plane& plane : seen) largest = std::max(largest, plane.v[i]);
          const double factor = wanted.v[i] / std::max(mean.v[i], 1.0 / 255);
          for (Plane& plane : after) plane.v[i] *= std::min(1 / largest, factor);
        }
      }
    }
    for (std::size_t c = 0; c < after.size(); ++c) {
      after[c] = Combined(planes[c], after[c],
                          [share](double from, double to) { return from + share * (to - from); });
    }
    PutPlanes(after, image);
  })};
}

// ---- Magnification ------------------------------------------------------------------------------

void CheckUpscale(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("factor", args.Interval("factor", {2}), draws["factor"], problems);
}

std::vector<RefStep> Upscale(const Arguments& args, const Draws& draws, const OpState& state) {
  const auto side = [&](int n) { return static_cast<int>(std::floor(n * draws["factor"] + 0.5)); };
  MapStep step = ResizeTo(state.size, {side(state.size.width), side(state.size.height)}, args);
  if (args.Text("interpolation", "").empty()) step.resampling = Resampling::kLanczos;
  return {step};
}

}  // namespace

const std::vector<OpRule>& EnhanceRules() {
  static const std::vector<OpRule> rules{
      {"auto_exposure", true, {"target"}, CheckAutoExposure, AutoExposure},
      {"auto_levels", true, {"strength"}, CheckStrengthOne, AutoLevels},
      {"dehaze", true, {"strength"}, CheckDehaze, Dehaze},
      {"local_contrast", true, {"strength"}, CheckLocalContrast, LocalContrast},
      {"low_light", true, {"strength"}, CheckLowLight, LowLight},
      {"retinex", true, {"strength"}, CheckRetinex, Retinex},
      {"upscale", false, {"factor"}, CheckUpscale, Upscale},
      {"white_balance", true, {"strength"}, CheckStrengthOne, WhiteBalance},
  };
  return rules;
}

}  // namespace pixloom::reference
