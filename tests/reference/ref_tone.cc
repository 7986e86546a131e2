// SPDX-License-Identifier: Apache-2.0
// Formulas of single colour changes, curves, and what follows a picture's histogram. Where an
// operator promises OpenCV's result, OpenCV is asked.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

void CheckNothing(const Arguments&, const Draws&, const OpState&, Problems&) {}

// ---- Curves -------------------------------------------------------------------------------------

std::vector<RefStep> Curve(const std::function<double(double)>& curve) {
  return {Picture([=](Image64& image) { ApplyCurve(image, curve); })};
}

void CheckFactor(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("factor", args.Interval("factor", {0.8, 1.2}), draws["factor"], problems);
}

std::vector<RefStep> Brightness(const Arguments&, const Draws& draws, const OpState&) {
  return Curve([f = draws["factor"]](double x) { return f * x; });
}

RefStep Contrasted(double factor, const std::string& center) {
  return Picture([=](Image64& image) {
    const double c = center == "mean" ? GrayMean(image) : center == "middle" ? 0.5 : 0.0;
    ApplyCurve(image, [=](double x) { return c + factor * (x - c); });
  });
}

std::vector<RefStep> Contrast(const Arguments& args, const Draws& draws, const OpState&) {
  return {Contrasted(draws["factor"], args.Text("center", "mean"))};
}

void CheckSigmoid(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("gain", args.Interval("gain", {5, 6}), draws["gain"], problems);
  CheckHolds("cutoff", args.Interval("cutoff", {0.3, 0.6}), draws["cutoff"], problems);
}

std::vector<RefStep> Sigmoid(const Arguments&, const Draws& draws, const OpState&) {
  const double gain = draws["gain"];
  const double cutoff = draws["cutoff"];
  return Curve([=](double x) { return 0.5 + 0.5 * std::tanh(gain * (x - cutoff) / 2); });
}

void CheckLog(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("gain", args.Interval("gain", {0.6, 1.4}), draws["gain"], problems);
}

std::vector<RefStep> Log(const Arguments&, const Draws& draws, const OpState&) {
  return Curve([gain = draws["gain"]](double x) { return x > 0 ? gain * std::log2(1 + x) : 0; });
}

// de Casteljau's construction on 0, low, high, 1; straight on beyond the ends.
double Bezier(double low, double high, double x) {
  if (x < 0) return 3 * low * x;
  if (x > 1) return 1 + 3 * (1 - high) * (x - 1);
  const auto mix = [x](double a, double b) { return (1 - x) * a + x * b; };
  const double a = mix(0, low), b = mix(low, high), c = mix(high, 1);
  return mix(mix(a, b), mix(b, c));
}

std::vector<RefStep> ToneCurve(const Arguments& args, const Draws& draws, const OpState&) {
  const bool own = args.Flag("per_channel", false);
  std::vector<std::array<double, 2>> points;
  for (const char* suffix : {"", "_g", "_b"}) {
    const double low = draws["low" + std::string(suffix)];
    const double high = draws["high" + std::string(suffix)];
    points.push_back({std::clamp(low, 0.0, 1.0), std::clamp(high, 0.0, 1.0)});
  }
  return {Picture([=](Image64& image) {
    for (int y = 0; y < image.size.height; ++y) {
      for (int x = 0; x < image.size.width; ++x) {
        for (int c = 0; c < ColourChannels(image); ++c) {
          const auto [low, high] = points[own ? static_cast<std::size_t>(c % 3) : 0];
          double& v = image.At(x, y, c);
          v = image.FromUnit(Bezier(low, high, image.ToUnit(v)));
        }
      }
    }
  })};
}

void CheckPosterize(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  const double bits = draws["bits"];
  CheckHolds("bits", args.Interval("bits", 4), bits, problems);
  if (bits != std::floor(bits))
    problems.push_back(fmt::format("bits = {} is no whole number", bits));
}

std::vector<RefStep> Posterize(const Arguments&, const Draws& draws, const OpState&) {
  const double bits = draws["bits"];
  return {Picture([=](Image64& image) {
    const bool is_float = image.depth == Depth::kF32;
    const double step = std::exp2((image.depth == Depth::kU16 ? 16 : 8) - bits);
    ApplyCurve(image, [=, &image](double x) {
      if (is_float) return std::floor((x * 255 + 1.0 / 1024) / step) * step / 255;
      const double level = std::round(x * image.Span());
      return std::floor(level / step) * step / image.Span();
    });
  })};
}

void CheckSolarize(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("threshold", args.Interval("threshold", 0.5), draws["threshold"], problems);
}

std::vector<RefStep> Solarize(const Arguments&, const Draws& draws, const OpState&) {
  return Curve([t = draws["threshold"]](double x) { return x < t ? x : 1 - x; });
}

void CheckSolarizeAdd(const Arguments& args, const Draws& draws, const OpState& state,
                      Problems& problems) {
  CheckSolarize(args, draws, state, problems);
  CheckHolds("add", args.Interval("add", {0, 0.43}), draws["add"], problems);
}

std::vector<RefStep> SolarizeAdd(const Arguments&, const Draws& draws, const OpState&) {
  const double t = draws["threshold"];
  return Curve([t, add = draws["add"]](double x) { return x < t ? x + add : x; });
}

std::vector<RefStep> Invert(const Arguments&, const Draws&, const OpState&) {
  return Curve([](double x) { return 1 - x; });
}

// ---- Colours ------------------------------------------------------------------------------------

using Rgb = std::array<double, 3>;

RefStep Colours(const std::function<Rgb(const Rgb&)>& change) {
  return Picture([=](Image64& image) { ApplyToColours(image, change); });
}

double Luma(const Rgb& rgb) { return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]; }

RefStep Saturated(double factor) {
  return Colours([factor](Rgb rgb) {
    const double gray = Luma(rgb);
    for (double& v : rgb) v = gray + factor * (v - gray);
    return rgb;
  });
}

RefStep Turning(double turns) {
  return Colours([turns](const Rgb& rgb) {
    Hsv hsv = ToHsv(rgb);
    hsv.h = Turned(hsv.h, turns);
    return ToRgb(hsv);
  });
}

void CheckSaturation(const Arguments& args, const Draws& draws, const OpState&,
                     Problems& problems) {
  CheckHolds("factor", args.Interval("factor", {0.7, 1.3}), draws["factor"], problems);
}

std::vector<RefStep> Saturation(const Arguments&, const Draws& draws, const OpState&) {
  return {Saturated(draws["factor"])};
}

void CheckHue(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("turns", args.Interval("turns", {-0.1, 0.1}), draws["turns"], problems);
}

std::vector<RefStep> Hue(const Arguments&, const Draws& draws, const OpState&) {
  return {Turning(draws["turns"])};
}

constexpr std::array kRgbNames{"red", "green", "blue"};

void CheckRgbShift(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  for (const char* name : kRgbNames) {
    CheckHolds(name, args.Interval(name, {-0.08, 0.08}), draws[name], problems);
  }
}

std::vector<RefStep> RgbShift(const Arguments&, const Draws& draws, const OpState&) {
  Rgb shift{};
  for (std::size_t c = 0; c < 3; ++c) shift[c] = draws[kRgbNames[c]];
  return {Colours([shift](Rgb rgb) {
    for (std::size_t c = 0; c < 3; ++c) rgb[c] += shift[c];
    return rgb;
  })};
}

void CheckDistort(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("brightness", args.Interval("brightness", {0.875, 1.125}), draws["brightness"],
             problems);
  CheckHolds("contrast", args.Interval("contrast", {0.5, 1.5}), draws["contrast"], problems);
  CheckHolds("saturation", args.Interval("saturation", {0.5, 1.5}), draws["saturation"], problems);
  CheckHolds("hue", args.Interval("hue", {-0.05, 0.05}), draws["hue"], problems);
}

std::vector<RefStep> Distort(const Arguments&, const Draws& draws, const OpState& state) {
  const bool colour = state.channels == 3 || state.channels == 4;
  std::vector<RefStep> steps;
  const auto contrast = [&](bool first) {
    if (draws["with_contrast"] == 0 || (draws["contrast_first"] != 0) != first) return;
    steps.push_back(Contrasted(draws["contrast"], "mean"));
  };
  if (draws["with_brightness"] != 0)
    steps.push_back(Curve([f = draws["brightness"]](double x) { return f * x; })[0]);
  contrast(true);
  if (draws["with_saturation"] != 0 && colour) steps.push_back(Saturated(draws["saturation"]));
  if (draws["with_hue"] != 0 && colour) steps.push_back(Turning(draws["hue"]));
  contrast(false);
  if (draws["with_permutation"] != 0 && colour) {
    constexpr std::array<std::array<std::size_t, 3>, 6> kOrders{
        {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};
    const auto order = kOrders.at(static_cast<std::size_t>(draws["permutation"]));
    steps.push_back(Colours([order](const Rgb& rgb) {
      return Rgb{rgb[order[0]], rgb[order[1]], rgb[order[2]]};
    }));
  }
  return steps;
}

void CheckColorize(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("mid_at", args.Interval("mid_at", {0.4, 0.6}), draws["mid_at"], problems);
  CheckHolds("strength", args.Interval("strength", 1), draws["strength"], problems);
}

std::vector<RefStep> Colorize(const Arguments& args, const Draws& draws, const OpState&) {
  const auto colour = [&](const char* name, const std::vector<double>& fallback) {
    std::vector<double> v = args.Numbers(name, fallback);
    if (v.size() == 1) v.assign(3, v[0]);
    return v;
  };
  const auto black = colour("black", {0, 0, 0.2});
  const auto mid = colour("mid", {0.6, 0.35, 0.3});
  const auto white = colour("white", {1, 0.95, 0.8});
  const double at = draws["mid_at"];
  const double strength = draws["strength"];
  return {Colours([=](Rgb rgb) {
    const double luma = Luma(rgb);
    for (std::size_t c = 0; c < 3; ++c) {
      const double shade = luma < at ? (black[c] * (at - luma) + mid[c] * luma) / at
                                     : (mid[c] * (1 - luma) + white[c] * (luma - at)) / (1 - at);
      rgb[c] = strength * shade + (1 - strength) * rgb[c];
    }
    return rgb;
  })};
}

// ---- Histograms ---------------------------------------------------------------------------------

// Calls change(plane) for each channel without alpha, or for the luma, whose change all three
// channels follow. Float pictures have 65535 steps.
void ChangePlanes(Image64& image, bool by_channels,
                  const std::function<cv::Mat(const cv::Mat&)>& change) {
  const bool is_float = image.depth == Depth::kF32;
  const double steps = is_float ? 65535 : image.Span();
  const bool luma = !by_channels && HasColour(image);
  const auto level = [&](double v) {
    return std::floor(std::clamp(image.ToUnit(v), 0.0, 1.0) * steps + 0.5);
  };
  for (int channel = 0; channel < (luma ? 1 : ColourChannels(image)); ++channel) {
    cv::Mat plane(image.size.height, image.size.width, CV_64F);
    for (int y = 0; y < plane.rows; ++y) {
      for (int x = 0; x < plane.cols; ++x) {
        plane.at<double>(y, x) = level(luma ? LumaLevel(image, x, y) : image.At(x, y, channel));
      }
    }
    cv::Mat levels;
    plane.convertTo(levels, image.depth == Depth::kU8 ? CV_8U : CV_16U);
    cv::Mat changed;
    change(levels).convertTo(changed, CV_64F);
    for (int y = 0; y < plane.rows; ++y) {
      for (int x = 0; x < plane.cols; ++x) {
        const double by = (changed.at<double>(y, x) - plane.at<double>(y, x)) / steps;
        for (int c = luma ? 0 : channel; c < (luma ? 3 : channel + 1); ++c) {
          image.At(x, y, c) += by * image.Span();
        }
      }
    }
  }
}

// How many of the values lie below each level; one entry more than levels.
std::vector<double> Below(const cv::Mat& plane, int levels) {
  cv::Mat wide;
  plane.convertTo(wide, CV_32S);
  std::vector<double> count(static_cast<std::size_t>(levels) + 1);
  for (const int level : cv::Mat_<int>(wide)) ++count[static_cast<std::size_t>(level) + 1];
  std::partial_sum(count.begin(), count.end(), count.begin());
  return count;
}

cv::Mat Equalized(const cv::Mat& plane, bool pil) {
  const bool bytes = plane.depth() == CV_8U;
  cv::Mat result;
  if (bytes && !pil) {
    cv::equalizeHist(plane, result);
    return result;
  }
  const double top = bytes ? 255 : 65535;
  const std::vector<double> below = Below(plane, static_cast<int>(top) + 1);
  double darkest = 0;
  double lightest = 0;
  cv::minMaxLoc(plane, &darkest, &lightest);
  const double total = below.back();
  const double up_to_first = below[static_cast<std::size_t>(darkest) + 1];
  const double others = pil ? below[static_cast<std::size_t>(lightest)] : total - up_to_first;
  const double step = std::floor(others / 255);
  if (others == 0 || (bytes && step == 0)) return plane.clone();
  plane.convertTo(result, CV_64F);
  for (double& v : cv::Mat_<double>(result)) {
    const auto level = static_cast<std::size_t>(v);
    if (bytes) {
      v = std::min(std::floor((below[level] + std::floor(step / 2)) / step), top);
    } else {
      const double rank = pil ? below[level] : below[level + 1] - up_to_first;
      v = std::floor(rank * top / others + 0.5);
    }
  }
  cv::Mat levels;
  result.convertTo(levels, plane.depth());
  return levels;
}

std::vector<RefStep> Equalize(const Arguments& args, const Draws&, const OpState&) {
  const bool pil = args.Text("mode", "opencv") == "pil";
  const bool own = args.Flag("by_channels", true);
  return {Picture([=](Image64& image) {
    ChangePlanes(image, own, [pil](const cv::Mat& plane) { return Equalized(plane, pil); });
  })};
}

void CheckClahe(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("clip_limit", args.Interval("clip_limit", {1, 4}), draws["clip_limit"], problems);
}

std::vector<RefStep> Clahe(const Arguments& args, const Draws& draws, const OpState&) {
  const std::vector<double> grid = args.Numbers("grid", {8});
  const cv::Size tiles(static_cast<int>(grid.back()), static_cast<int>(grid.front()));
  const double limit = draws["clip_limit"];
  const bool own = args.Flag("by_channels", false);
  return {Picture([=](Image64& image) {
    ChangePlanes(image, own, [&](const cv::Mat& plane) {
      cv::Mat result;
      cv::createCLAHE(limit, tiles)->apply(plane, result);
      return result;
    });
  })};
}

void CheckAutoContrast(const Arguments& args, const Draws& draws, const OpState&,
                       Problems& problems) {
  CheckHolds("cutoff", args.Interval("cutoff", 0), draws["cutoff"], problems);
}

std::vector<RefStep> AutoContrast(const Arguments& args, const Draws& draws, const OpState&) {
  const double percent = draws["cutoff"];
  const bool own = args.Flag("by_channels", true);
  return {Picture([=](Image64& image) {
    const bool luma = !own && HasColour(image);
    const Image64 before = image;
    for (int c = 0; c < ColourChannels(image); ++c) {
      std::vector<double> sorted;
      for (int y = 0; y < image.size.height; ++y) {
        for (int x = 0; x < image.size.width; ++x) {
          sorted.push_back(luma ? LumaLevel(before, x, y) : before.At(x, y, c));
        }
      }
      std::sort(sorted.begin(), sorted.end());
      const auto cut =
          static_cast<std::size_t>(std::floor(static_cast<double>(sorted.size()) * percent / 100));
      if (2 * cut >= sorted.size()) continue;
      const double lo = sorted[cut];
      const double hi = sorted[sorted.size() - 1 - cut];
      if (hi <= lo) continue;
      for (int y = 0; y < image.size.height; ++y) {
        for (int x = 0; x < image.size.width; ++x) {
          const double v = std::clamp(before.At(x, y, c), lo, hi);
          image.At(x, y, c) = image.Low() + (v - lo) * image.Span() / (hi - lo);
        }
      }
    }
  })};
}

}  // namespace

const std::vector<OpRule>& ToneRules() {
  static const std::vector<OpRule> rules{
      {"brightness", true, {"factor"}, CheckFactor, Brightness},
      {"contrast", true, {"factor"}, CheckFactor, Contrast},
      {"saturation", true, {"factor"}, CheckSaturation, Saturation},
      {"hue", true, {"turns"}, CheckHue, Hue},
      {"rgb_shift", true, {"red", "green", "blue"}, CheckRgbShift, RgbShift},
      {"sigmoid_contrast", true, {"gain", "cutoff"}, CheckSigmoid, Sigmoid},
      {"log_contrast", true, {"gain"}, CheckLog, Log},
      {"tone_curve",
       true,
       {"low", "high", "low_g", "high_g", "low_b", "high_b"},
       CheckNothing,
       ToneCurve},
      {"posterize", true, {"bits"}, CheckPosterize, Posterize},
      {"solarize", true, {"threshold"}, CheckSolarize, Solarize},
      {"solarize_add", true, {"add", "threshold"}, CheckSolarizeAdd, SolarizeAdd},
      {"invert", true, {}, CheckNothing, Invert},
      {"photometric_distort",
       true,
       {"brightness", "contrast", "saturation", "hue", "with_brightness", "with_contrast",
        "contrast_first", "with_saturation", "with_hue", "with_permutation", "permutation"},
       CheckDistort,
       Distort},
      {"colorize", true, {"mid_at", "strength"}, CheckColorize, Colorize},
      {"equalize", true, {}, CheckNothing, Equalize},
      {"clahe", true, {"clip_limit"}, CheckClahe, Clahe},
      {"auto_contrast", true, {"cutoff"}, CheckAutoContrast, AutoContrast},
  };
  return rules;
}

}  // namespace pixloom::reference
