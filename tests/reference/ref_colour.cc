// SPDX-License-Identifier: Apache-2.0
// Formulas of the operators that change values and leave every pixel where it is.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "tests/reference/parts.h"

namespace pixloom::reference {

namespace {

using Problems = std::vector<std::string>;

// Alpha is no colour.
int ColourChannels(const Image64& image) { return image.channels == 4 ? 3 : image.channels; }
bool HasColour(const Image64& image) { return image.channels == 3 || image.channels == 4; }

template <class Curve>
void ApplyCurve(Image64& image, Curve curve) {
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) {
      for (int c = 0; c < ColourChannels(image); ++c) {
        double& level = image.At(x, y, c);
        level = image.FromUnit(curve(image.ToUnit(level)));
      }
    }
  }
}

// `change` gets and gives {r, g, b} in unit scale.
template <class Change>
void ApplyToColours(Image64& image, Change change) {
  if (!HasColour(image)) return;
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) {
      std::array<double, 3> rgb{};
      for (int c = 0; c < 3; ++c) {
        rgb[static_cast<std::size_t>(c)] = image.ToUnit(image.At(x, y, c));
      }
      rgb = change(rgb);
      for (int c = 0; c < 3; ++c) {
        image.At(x, y, c) = image.FromUnit(rgb[static_cast<std::size_t>(c)]);
      }
    }
  }
}

// BT.601 in levels; whole levels on integer images, by integer arithmetic so that a half is a half.
double LumaLevel(const Image64& image, int x, int y) {
  if (!HasColour(image)) {
    double sum = 0;
    for (int c = 0; c < image.channels; ++c) sum += image.At(x, y, c);
    return sum / image.channels;
  }
  const double r = image.At(x, y, 0);
  const double g = image.At(x, y, 1);
  const double b = image.At(x, y, 2);
  if (image.depth == Depth::kF32) return 0.299 * r + 0.587 * g + 0.114 * b;
  const auto whole = static_cast<std::int64_t>(299 * r + 587 * g + 114 * b);
  return static_cast<double>((whole + 500) / 1000);
}

double GrayMean(const Image64& image) {
  double sum = 0;
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) sum += LumaLevel(image, x, y);
  }
  return image.ToUnit(sum / static_cast<double>(image.size.Area()));
}

// Hue in turns, saturation and value in unit scale.
struct Hsv {
  double h = 0, s = 0, v = 0;
};

Hsv ToHsv(const std::array<double, 3>& rgb) {
  const auto [r, g, b] = rgb;
  const double high = std::max({r, g, b});
  const double spread = high - std::min({r, g, b});
  Hsv hsv{0, 0, high};
  if (spread <= 0 || high <= 0) return hsv;
  hsv.s = spread / high;
  double sector = 0;
  if (high == r) {
    sector = (g - b) / spread;
  } else if (high == g) {
    sector = 2 + (b - r) / spread;
  } else {
    sector = 4 + (r - g) / spread;
  }
  hsv.h = sector / 6 - std::floor(sector / 6);
  return hsv;
}

// Each channel falls from v to v * (1 - s) with its distance from its own third of the circle.
std::array<double, 3> ToRgb(const Hsv& hsv) {
  std::array<double, 3> rgb{};
  const std::array<double, 3> offset{5, 3, 1};
  for (std::size_t c = 0; c < 3; ++c) {
    const double k = std::fmod(offset[c] + 6 * hsv.h, 6.0);
    rgb[c] = hsv.v - hsv.v * hsv.s * std::clamp(std::min(k, 4 - k), 0.0, 1.0);
  }
  return rgb;
}

double Turned(double h, double by) {
  const double turned = h + by;
  return turned - std::floor(turned);
}

template <class Change>
PictureStep Picture(Change change) {
  return {[change](Image64& image, const StreamKey&, std::string&) { change(image); }};
}

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

// ---- Blur, noise, JPEG --------------------------------------------------------------------------

void CheckBlur(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("sigma", args.Interval("sigma", {0.5, 3}), draws["sigma"], problems);
}

std::vector<double> GaussianTaps(double sigma, int kernel) {
  std::vector<double> taps;
  double total = 0;
  for (int i = 0; i < kernel; ++i) {
    const double x = i - kernel / 2;
    taps.push_back(x == 0 ? 1 : std::exp(-x * x / (2 * sigma * sigma)));
    total += taps.back();
  }
  for (double& tap : taps) tap /= total;
  return taps;
}

Image64 Convolved(const Image64& in, const std::vector<double>& taps, bool along_x) {
  Image64 out(in.size, in.channels, in.depth, in.range);
  const int radius = static_cast<int>(taps.size()) / 2;
  for (int y = 0; y < in.size.height; ++y) {
    for (int x = 0; x < in.size.width; ++x) {
      for (int c = 0; c < in.channels; ++c) {
        for (int k = -radius; k <= radius; ++k) {
          const int sx = along_x ? BorderIndex(Border::kReflect101, x + k, in.size.width) : x;
          const int sy = along_x ? y : BorderIndex(Border::kReflect101, y + k, in.size.height);
          out.At(x, y, c) += taps[static_cast<std::size_t>(k + radius)] * in.At(sx, sy, c);
        }
      }
    }
  }
  return out;
}

std::vector<RefStep> GaussianBlur(const Arguments& args, const Draws& draws, const OpState&) {
  const double sigma = draws["sigma"];
  int kernel = static_cast<int>(args.Number("kernel", 0));
  if (kernel == 0) kernel = 2 * static_cast<int>(3.5 * sigma) + 1;
  const std::vector<double> taps = GaussianTaps(sigma, kernel);
  return {Picture(
      [=](Image64& image) { image = Convolved(Convolved(image, taps, true), taps, false); })};
}

void CheckNoise(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("std", args.Interval("std", {0.02, 0.1}), draws["std"], problems);
  CheckHolds("mean", args.Interval("mean", 0), draws["mean"], problems);
}

// Four words make four normal values: two Box-Muller pairs from 24 bits each, (0, 1] and a turn.
std::array<double, 4> Normals(const PhiloxBlock& bits) {
  std::array<double, 4> normals{};
  for (std::size_t i = 0; i < 4; i += 2) {
    const double u = ((bits[i] >> 8) + 1) * 0x1p-24;
    const double angle = 2 * std::numbers::pi * ((bits[i + 1] >> 8) * 0x1p-24);
    normals[i] = std::sqrt(-2 * std::log(u)) * std::cos(angle);
    normals[i + 1] = std::sqrt(-2 * std::log(u)) * std::sin(angle);
  }
  return normals;
}

std::vector<RefStep> GaussianNoise(const Arguments& args, const Draws& draws, const OpState&) {
  const double deviation = draws["std"];
  const double mean = draws["mean"];
  const bool per_channel = args.Flag("per_channel", true);
  return {PictureStep{[=](Image64& image, const StreamKey& noise, std::string&) {
    const int drawn = per_channel ? image.channels : 1;
    for (int y = 0; y < image.size.height; ++y) {
      for (int x = 0; x < image.size.width; ++x) {
        const std::int64_t pixel = static_cast<std::int64_t>(y) * image.size.width + x;
        for (int c = 0; c < ColourChannels(image); ++c) {
          const std::int64_t value = pixel * drawn + (per_channel ? c : 0);
          const auto normals = Normals(noise.Block(static_cast<std::uint32_t>(value / 4)));
          image.At(x, y, c) +=
              (mean + deviation * normals[static_cast<std::size_t>(value % 4)]) * image.Span();
        }
      }
    }
  }}};
}

void CheckJpeg(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("quality", args.Interval("quality", {60, 95}), draws["quality"], problems);
}

std::vector<RefStep> Jpeg(const Arguments& args, const Draws& draws, const OpState& state) {
  EncodeRequest request;
  request.format = ImageFormat::kJpeg;
  request.quality = static_cast<int>(std::floor(draws["quality"] + 0.5));
  request.subsample = args.Flag("subsampling", true);
  return {PictureStep{
      [request, codec = state.codec](Image64& image, const StreamKey&, std::string& problem) {
        if (codec == nullptr) {
          problem = "the jpeg operator needs a codec";
          return;
        }
        const auto bytes = codec->Encode(ToMat(image), request);
        if (!bytes) {
          problem = bytes.Error().message;
          return;
        }
        const auto header = codec->ReadHeader(*bytes);
        if (!header) {
          problem = header.Error().message;
          return;
        }
        DecodeRequest decode;
        decode.channels = image.channels;
        const auto decoded = codec->Decode(*bytes, *header, decode);
        if (!decoded) {
          problem = decoded.Error().message;
          return;
        }
        image = FromMat(decoded->pixels, image.range);
      }}};
}

}  // namespace

const std::vector<OpRule>& PhotometricRules() {
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
      {"gaussian_blur", true, {"sigma"}, CheckBlur, GaussianBlur},
      {"gaussian_noise", true, {"std", "mean"}, CheckNoise, GaussianNoise},
      {"jpeg", true, {"quality"}, CheckJpeg, Jpeg},
  };
  return rules;
}

}  // namespace pixloom::reference
