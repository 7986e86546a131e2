// SPDX-License-Identifier: Apache-2.0
// Formulas of channels and colour spaces.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

using Colour = std::array<double, 3>;

void CheckNothing(const Arguments&, const Draws&, const OpState&, Problems&) {}

// ---- CIE, as IEC 61966-2-1 and CIE 15 define it
// --------------------------------------------------

double Linear(double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); }

Colour ToXyz(const Colour& rgb) {
  const double r = Linear(rgb[0]), g = Linear(rgb[1]), b = Linear(rgb[2]);
  return {0.412453 * r + 0.357580 * g + 0.180423 * b, 0.212671 * r + 0.715160 * g + 0.072169 * b,
          0.019334 * r + 0.119193 * g + 0.950227 * b};
}

double LabCurve(double t) {
  return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

constexpr double kWhiteX = 0.950456;
constexpr double kWhiteZ = 1.088754;

Colour ToLab(const Colour& rgb) {
  const Colour xyz = ToXyz(rgb);
  const double x = LabCurve(xyz[0] / kWhiteX), y = LabCurve(xyz[1]), z = LabCurve(xyz[2] / kWhiteZ);
  return {(116 * y - 16) / 100, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255};
}

Colour ToLuv(const Colour& rgb) {
  const auto [x, y, z] = ToXyz(rgb);
  const double light = 116 * LabCurve(y) - 16;
  const double sum = x + 15 * y + 3 * z;
  const double white = kWhiteX + 15 + 3 * kWhiteZ;
  const double u = sum <= 1e-6 ? 0 : 13 * light * (4 * x / sum - 4 * kWhiteX / white);
  const double v = sum <= 1e-6 ? 0 : 13 * light * (9 * y / sum - 9 / white);
  return {light / 100, (u + 134) / 354, (v + 140) / 262};
}

Colour ToHls(const Colour& rgb) {
  const double high = std::max({rgb[0], rgb[1], rgb[2]});
  const double low = std::min({rgb[0], rgb[1], rgb[2]});
  const double light = (high + low) / 2;
  const double room = light < 0.5 ? high + low : 2 - high - low;
  return {ToHsv(rgb).h, light, room > 0 ? (high - low) / room : 0};
}

Colour Encoded(const std::string& space, const Colour& rgb) {
  const double luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
  if (space == "bgr") return {rgb[2], rgb[1], rgb[0]};
  if (space == "gray") return {luma, luma, luma};
  if (space == "hsv") {
    const Hsv hsv = ToHsv(rgb);
    return {hsv.h, hsv.s, hsv.v};
  }
  if (space == "hls") return ToHls(rgb);
  if (space == "lab") return ToLab(rgb);
  if (space == "luv") return ToLuv(rgb);
  if (space == "ycrcb") {
    return {luma, 0.713 * (rgb[0] - luma) + 128.0 / 255, 0.564 * (rgb[2] - luma) + 128.0 / 255};
  }
  return rgb;
}

std::vector<RefStep> ColorSpace(const Arguments& args, const Draws&, const OpState&) {
  return {Picture([space = args.Text("to", "rgb")](Image64& image) {
    ApplyToColours(image, [&](const Colour& rgb) { return Encoded(space, rgb); });
  })};
}

// ---- gray and back ------------------------------------------------------------------------------

double GrayLevel(const std::string& method, const Image64& image, int x, int y) {
  const double r = image.At(x, y, 0), g = image.At(x, y, 1), b = image.At(x, y, 2);
  if (method == "bt709") return (2126 * r + 7152 * g + 722 * b) / 10000;
  if (method == "average") return (r + g + b) / 3;
  if (method == "desaturation") return (std::min({r, g, b}) + std::max({r, g, b})) / 2;
  if (method == "max") return std::max({r, g, b});
  if (method == "lab") {
    return image.FromUnit(ToLab({image.ToUnit(r), image.ToUnit(g), image.ToUnit(b)})[0]);
  }
  return LumaLevel(image, x, y);
}

// The first `kept` channels; `levels` gives each.
template <class Level>
void Rechannel(Image64& image, int count, Level level) {
  Image64 out(image.size, count, image.depth, image.range);
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) {
      for (int c = 0; c < count; ++c) out.At(x, y, c) = level(x, y, c);
    }
  }
  image = out;
}

std::vector<RefStep> RandomGrayscale(const Arguments&, const Draws& draws, const OpState&) {
  if (draws["gray"] == 0) return {};
  return {Picture([](Image64& image) {
    ApplyToColours(image, [](const std::array<double, 3>& rgb) {
      const double luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
      return std::array<double, 3>{luma, luma, luma};
    });
  })};
}

std::vector<RefStep> ToGray(const Arguments& args, const Draws&, const OpState&) {
  const std::string method = args.Text("method", "weighted_average");
  const bool single = args.Flag("single", false);
  return {Picture([=](Image64& image) {
    if (!HasColour(image)) return;
    const Image64 in = image;
    Rechannel(image, single ? 1 : in.channels, [&](int x, int y, int c) {
      return c == 3 ? in.At(x, y, 3) : GrayLevel(method, in, x, y);
    });
  })};
}

std::vector<RefStep> ToRgb(const Arguments&, const Draws&, const OpState&) {
  return {Picture([](Image64& image) {
    const Image64 in = image;
    Rechannel(image, 3, [&](int x, int y, int c) { return in.At(x, y, in.channels == 1 ? 0 : c); });
  })};
}

void CheckSepia(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("amount", args.Interval("amount", 1), draws["amount"], problems);
}

std::vector<RefStep> ToSepia(const Arguments&, const Draws& draws, const OpState&) {
  return {Picture([part = draws["amount"]](Image64& image) {
    ApplyToColours(image, [&](const Colour& rgb) {
      const auto [r, g, b] = rgb;
      const Colour brown{0.393 * r + 0.769 * g + 0.189 * b, 0.349 * r + 0.686 * g + 0.168 * b,
                         0.272 * r + 0.534 * g + 0.131 * b};
      Colour mixed{};
      for (std::size_t c = 0; c < 3; ++c) mixed[c] = (1 - part) * rgb[c] + part * brown[c];
      return mixed;
    });
  })};
}

// ---- channels -----------------------------------------------------------------------------------

std::vector<RefStep> ChannelShuffle(const Arguments&, const Draws& draws, const OpState&) {
  return {Picture([order = draws["order"]](Image64& image) {
    const Image64 in = image;
    const int colours = ColourChannels(in);
    const KeyedPermutation shuffled(static_cast<std::uint64_t>(order),
                                    static_cast<std::uint64_t>(colours));
    Rechannel(image, in.channels, [&](int x, int y, int c) {
      const auto from = static_cast<std::uint64_t>(c);
      return in.At(x, y, c < colours ? static_cast<int>(shuffled(from)) : c);
    });
  })};
}

std::vector<RefStep> ChannelSwap(const Arguments& args, const Draws&, const OpState&) {
  const std::vector<double> order = args.Numbers("order", {2, 1, 0});
  return {Picture([order](Image64& image) {
    const Image64 in = image;
    Rechannel(image, in.channels, [&](int x, int y, int c) {
      const auto at = static_cast<std::size_t>(c);
      return in.At(x, y, at < order.size() ? static_cast<int>(order[at]) : c);
    });
  })};
}

void CheckDropout(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("count", args.Interval("count", 1), draws["count"], problems);
}

std::vector<RefStep> ChannelDropout(const Arguments& args, const Draws& draws,
                                    const OpState& state) {
  const int colours = state.channels == 4 ? 3 : state.channels;
  const KeyedPermutation shuffled(static_cast<std::uint64_t>(draws["which"]),
                                  static_cast<std::uint64_t>(colours));
  std::vector<int> gone;
  for (int i = 0; i < std::min<int>(std::lround(draws["count"]), colours - 1); ++i) {
    gone.push_back(static_cast<int>(shuffled(static_cast<std::uint64_t>(i))));
  }
  return {Picture([gone, fill = args.Number("fill", 0)](Image64& image) {
    for (int y = 0; y < image.size.height; ++y) {
      for (int x = 0; x < image.size.width; ++x) {
        for (const int c : gone) {
          if (c < image.channels) image.At(x, y, c) = image.FromUnit(fill);
        }
      }
    }
  })};
}

// ---- fancy_pca ----------------------------------------------------------------------------------

void CheckFancyPca(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("alpha", args.Interval("alpha", 0.1), draws["alpha"], problems);
}

struct Spread {
  Colour variance;
  std::array<Colour, 3> axis;
};

Spread OwnSpread(const Image64& image) {
  cv::Mat samples(static_cast<int>(image.size.Area()), 3, CV_64F);
  for (int i = 0; i < samples.rows; ++i) {
    for (int c = 0; c < 3; ++c) {
      samples.at<double>(i, c) =
          image.ToUnit(image.At(i % image.size.width, i / image.size.width, c));
    }
  }
  cv::Mat covariance, mean, values, vectors;
  cv::calcCovarMatrix(samples, covariance, mean,
                      cv::COVAR_NORMAL | cv::COVAR_ROWS | cv::COVAR_SCALE, CV_64F);
  cv::eigen(covariance, values, vectors);
  Spread spread{};
  for (int k = 0; k < 3; ++k) {
    double sign = 0;
    for (int c = 0; c < 3 && sign == 0; ++c) {
      const double part = vectors.at<double>(k, c);
      if (std::abs(part) > 1e-9) sign = part > 0 ? 1 : -1;
    }
    const auto row = static_cast<std::size_t>(k);
    spread.variance[row] = std::max(values.at<double>(k, 0), 0.0);
    for (int c = 0; c < 3; ++c) {
      spread.axis[row][static_cast<std::size_t>(c)] = sign * vectors.at<double>(k, c);
    }
  }
  return spread;
}

std::vector<RefStep> FancyPca(const Arguments& args, const Draws& draws, const OpState&) {
  const double alpha = draws["alpha"];
  const Colour factor{alpha * draws["first"], alpha * draws["second"], alpha * draws["third"]};
  const bool own = args.Text("basis", "imagenet") == "image";
  return {Picture([=](Image64& image) {
    if (!HasColour(image)) return;
    const Spread spread = own ? OwnSpread(image)
                              : Spread{{0.2175, 0.0188, 0.0045},
                                       {{{-0.5675, -0.5808, -0.5836},
                                         {0.7192, -0.0045, -0.6948},
                                         {0.4009, -0.8140, 0.4203}}}};
    ApplyToColours(image, [&](Colour rgb) {
      for (std::size_t k = 0; k < 3; ++k) {
        for (std::size_t c = 0; c < 3; ++c) {
          rgb[c] += spread.axis[k][c] * spread.variance[k] * factor[k];
        }
      }
      return rgb;
    });
  })};
}

// ---- few levels, tables -------------------------------------------------------------------------

void CheckQuantize(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("colors", args.Interval("colors", {4, 16}), draws["colors"], problems);
  CheckHolds("bits", args.Interval("bits", {2, 5}), draws["bits"], problems);
}

std::vector<RefStep> ColorQuantize(const Arguments& args, const Draws& draws, const OpState&) {
  const double top = std::floor(draws["colors"] + 0.5) - 1;
  const double parts = std::pow(2, std::floor(draws["bits"] + 0.5));
  const bool bits = args.Text("method", "kmeans") == "bits";
  return {Picture([=](Image64& image) {
    ApplyCurve(image, [=](double x) {
      if (!bits) return std::round(std::clamp(x, 0.0, 1.0) * top) / top;
      return (std::clamp(std::floor(x * parts), 0.0, parts - 1) + 0.5) / parts;
    });
  })};
}

std::vector<RefStep> LookUp(const Arguments& args, const Draws&, const OpState&) {
  const std::vector<double> levels = args.Numbers("levels", {});
  return {Picture([levels](Image64& image) {
    ApplyCurve(image, [&](double x) {
      const double n = static_cast<double>(levels.size()) - 1;
      double sum = 0;  // of hats, one at each level
      for (std::size_t i = 0; i < levels.size(); ++i) {
        const double away = std::abs(std::clamp(x, 0.0, 1.0) * n - static_cast<double>(i));
        sum += levels[i] * std::max(1 - away, 0.0);
      }
      return sum;
    });
  })};
}

}  // namespace

const std::vector<OpRule>& ChannelRules() {
  static const std::vector<OpRule> rules{
      {"channel_dropout", true, {"count", "which"}, CheckDropout, ChannelDropout},
      {"channel_shuffle", true, {"order"}, CheckNothing, ChannelShuffle},
      {"channel_swap", true, {}, CheckNothing, ChannelSwap},
      {"color_quantize", true, {"colors", "bits", "seed"}, CheckQuantize, ColorQuantize},
      {"color_space", true, {}, CheckNothing, ColorSpace},
      {"fancy_pca", true, {"alpha", "first", "second", "third"}, CheckFancyPca, FancyPca},
      {"lut", true, {}, CheckNothing, LookUp},
      {"random_grayscale", true, {"gray"}, CheckNothing, RandomGrayscale},
      {"to_gray", true, {}, CheckNothing, ToGray},
      {"to_rgb", true, {}, CheckNothing, ToRgb},
      {"to_sepia", true, {"amount"}, CheckSepia, ToSepia},
  };
  return rules;
}

}  // namespace pixloom::reference
