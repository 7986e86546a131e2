// SPDX-License-Identifier: Apache-2.0
// Formulas of fields of light and of lenses that split colours.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tests/reference/ref_geometry.h"
#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

// level(x, y, unit) on every value but alpha; unit scale.
template <class Level>
void Relight(Image64& image, Level level) {
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) {
      for (int c = 0; c < ColourChannels(image); ++c) {
        double& v = image.At(x, y, c);
        v = image.FromUnit(level(x, y, image.ToUnit(v)));
      }
    }
  }
}

// ---- illumination, vignetting -------------------------------------------------------------------

void CheckIllumination(const Arguments& args, const Draws& draws, const OpState&,
                       Problems& problems) {
  CheckHolds("intensity", args.Interval("intensity", {0.05, 0.3}), draws["intensity"], problems);
  CheckHolds("angle", args.Interval("angle", {0, 360}), draws["angle"], problems);
  CheckHolds("center_x", args.Interval("center_x", {0.1, 0.9}), draws["center_x"], problems);
  CheckHolds("center_y", args.Interval("center_y", {0.1, 0.9}), draws["center_y"], problems);
  CheckHolds("sigma", args.Interval("sigma", {0.2, 1}), draws["sigma"], problems);
}

// Of a point of a picture, from 0 to 1.
double Pattern(const std::string& mode, const Draws& draws, Size size, double x, double y) {
  const double w = size.width, h = size.height;
  if (mode == "corner") {
    const int corner = static_cast<int>(draws["corner"]);
    const double away = std::hypot(x - (corner % 2) * w, y - (corner / 2) * h);
    return 1 - away / std::hypot(w, h);
  }
  if (mode == "gaussian") {
    const double sigma = draws["sigma"] * std::max(w, h);
    const double away = std::hypot(x - draws["center_x"] * w, y - draws["center_y"] * h);
    return std::exp(-away * away / (2 * sigma * sigma));
  }
  const double a = Radians(draws["angle"]);
  const auto along = [&](double px, double py) { return px * std::cos(a) - py * std::sin(a); };
  const std::array corners{along(0, 0), along(w, 0), along(0, h), along(w, h)};
  const auto [low, high] = std::minmax_element(corners.begin(), corners.end());
  return (along(x, y) - *low) / (*high - *low);
}

std::vector<RefStep> Illumination(const Arguments& args, const Draws& draws, const OpState&) {
  const std::string mode = args.Text("mode", "linear");
  const std::string effect = args.Text("effect", "both");
  const bool brighter = effect == "brighten" || (effect == "both" && draws["brighten"] == 1);
  const double change = brighter ? draws["intensity"] : -draws["intensity"];
  RecipeEntry copy;
  for (const char* name : {"angle", "corner", "center_x", "center_y", "sigma"}) {
    copy.draws.emplace_back(name, draws[name]);
  }
  return {Picture([=](Image64& image) {
    const Draws drawn(copy);
    Relight(image, [&](int x, int y, double v) {
      return v * (1 + change * Pattern(mode, drawn, image.size, x + 0.5, y + 0.5));
    });
  })};
}

void CheckVignetting(const Arguments& args, const Draws& draws, const OpState&,
                     Problems& problems) {
  CheckHolds("intensity", args.Interval("intensity", {0.2, 0.5}), draws["intensity"], problems);
  CheckHolds("start", args.Interval("start", 0), draws["start"], problems);
}

std::vector<RefStep> Vignetting(const Arguments&, const Draws& draws, const OpState&) {
  const double intensity = draws["intensity"], start = draws["start"];
  const double cx = draws["center_x"], cy = draws["center_y"];
  return {Picture([=](Image64& image) {
    const double w = image.size.width, h = image.size.height;
    Relight(image, [&](int x, int y, double v) {
      const double r = std::hypot(x + 0.5 - cx * w, y + 0.5 - cy * h) / (std::hypot(w, h) / 2);
      const double t = std::clamp((r - start) / (1 - start), 0.0, 1.0);
      return v * (1 - intensity * t * t);
    });
  })};
}

// ---- plasma -------------------------------------------------------------------------------------

// The field at every pixel: octaves of bilinear noise, spread to [0, 1] by the extremes of the
// finest nodes that the picture sees.
std::vector<double> PlasmaField(Size size, int octaves, double roughness, const StreamKey& key) {
  const double side = std::max(size.width, size.height);
  const auto at = [&](double x, double y) {
    double sum = 0, amplitude = 1;
    std::uint32_t first = 0;
    for (int k = 1; k <= octaves; ++k) {
      const int cells = 1 << k;
      const double px = x / side * cells, py = y / side * cells;
      const int column = std::min(static_cast<int>(px), cells - 1);
      const int row = std::min(static_cast<int>(py), cells - 1);
      const auto node = [&](int dx, int dy) {
        const auto i = first + static_cast<std::uint32_t>((row + dy) * (cells + 1) + column + dx);
        return (key.Block(i / 4)[i % 4] >> 8) * 0x1p-23 - 1;
      };
      const double u = px - column, v = py - row;
      sum += amplitude * ((1 - v) * ((1 - u) * node(0, 0) + u * node(1, 0)) +
                          v * ((1 - u) * node(0, 1) + u * node(1, 1)));
      amplitude *= roughness;
      first += static_cast<std::uint32_t>((cells + 1) * (cells + 1));
    }
    return sum;
  };
  const double cell = side / (1 << octaves);
  const auto last = [&](int pixels) { return static_cast<int>((pixels - 0.5) / cell) + 1; };
  double low = 1e9, high = -1e9;
  for (int row = 0; row <= last(size.height); ++row) {
    for (int column = 0; column <= last(size.width); ++column) {
      const double v = at(std::min(column * cell, side), std::min(row * cell, side));
      low = std::min(low, v), high = std::max(high, v);
    }
  }
  std::vector<double> field;
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      field.push_back((at(x + 0.5, y + 0.5) - low) / (high - low));
    }
  }
  return field;
}

constexpr const char* kStrengths[] = {"brightness", "contrast", "intensity"};

template <int kKind>
void CheckPlasma(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  const char* name = kStrengths[kKind];
  const Range usual = kKind == 2 ? Range{0.3, 0.7} : Range{-0.3, 0.3};
  CheckHolds(name, args.Interval(name, usual), draws[name], problems);
  CheckHolds("roughness", args.Interval("roughness", {0.4, 0.6}), draws["roughness"], problems);
}

template <int kKind>
std::vector<RefStep> PlasmaStep(const Arguments& args, const Draws& draws, const OpState& state) {
  const double strength = draws[kStrengths[kKind]];
  const double roughness = draws["roughness"];
  const int octaves = static_cast<int>(args.Number("octaves", 6));
  return {Picture([=, key = state.key.Pixels()](Image64& image) {
    const std::vector<double> field = PlasmaField(image.size, octaves, roughness, key);
    const double mean = GrayMean(image);
    Relight(image, [&](int x, int y, double v) {
      const double f = field[static_cast<std::size_t>(y * image.size.width + x)];
      if (kKind == 0) return v + strength * f;
      if (kKind == 1) return mean + (v - mean) * (1 + strength * f);
      return v * (1 - strength * f);
    });
  })};
}

// ---- chromatic_aberration -----------------------------------------------------------------------

void CheckAberration(const Arguments& args, const Draws& draws, const OpState&,
                     Problems& problems) {
  for (const char* name : {"primary_red", "primary_blue"}) {
    CheckHolds(name, args.Interval("primary", {-0.02, 0.02}), draws[name], problems);
  }
  for (const char* name : {"secondary_red", "secondary_blue"}) {
    CheckHolds(name, args.Interval("secondary", {-0.05, 0.05}), draws[name], problems);
  }
}

double Bilinear(const Image64& image, double x, double y, int c) {
  const double px = std::clamp(x - 0.5, 0.0, image.size.width - 1.0);
  const double py = std::clamp(y - 0.5, 0.0, image.size.height - 1.0);
  const int x0 = static_cast<int>(px), y0 = static_cast<int>(py);
  const int x1 = std::min(x0 + 1, image.size.width - 1);
  const int y1 = std::min(y0 + 1, image.size.height - 1);
  const double u = px - x0, v = py - y0;
  return (1 - v) * ((1 - u) * image.At(x0, y0, c) + u * image.At(x1, y0, c)) +
         v * ((1 - u) * image.At(x0, y1, c) + u * image.At(x1, y1, c));
}

std::vector<RefStep> Aberration(const Arguments& args, const Draws& draws, const OpState&) {
  const std::string mode = args.Text("mode", "green_purple");
  const std::array red{draws["primary_red"], draws["secondary_red"]};
  std::array blue{draws["primary_blue"], draws["secondary_blue"]};
  for (std::size_t i = 0; i < 2; ++i) {
    if (mode == "green_purple") blue[i] = std::copysign(blue[i], red[i]);
    if (mode == "red_blue") blue[i] = std::copysign(blue[i], -red[i]);
  }
  return {Picture([=](Image64& image) {
    const Image64 in = image;
    const double w = in.size.width, h = in.size.height;
    for (int y = 0; y < in.size.height; ++y) {
      for (int x = 0; x < in.size.width; ++x) {
        const double dx = x + 0.5 - w / 2, dy = y + 0.5 - h / 2;
        const double r2 = dx * dx / (w * w) + dy * dy / (h * h);
        for (const auto& [c, k] : {std::pair{0, red}, std::pair{2, blue}}) {
          const double growth = 1 + k[0] * r2 + k[1] * r2 * r2;
          image.At(x, y, c) = Bilinear(in, w / 2 + dx * growth, h / 2 + dy * growth, c);
        }
      }
    }
  })};
}

}  // namespace

const std::vector<OpRule>& LightRules() {
  static const std::vector<OpRule> rules{
      {"chromatic_aberration",
       true,
       {"primary_red", "secondary_red", "primary_blue", "secondary_blue"},
       CheckAberration,
       Aberration},
      {"illumination",
       true,
       {"intensity", "brighten", "angle", "corner", "center_x", "center_y", "sigma"},
       CheckIllumination,
       Illumination},
      {"plasma_brightness", true, {"brightness", "roughness"}, CheckPlasma<0>, PlasmaStep<0>},
      {"plasma_contrast", true, {"contrast", "roughness"}, CheckPlasma<1>, PlasmaStep<1>},
      {"plasma_shadow", true, {"intensity", "roughness"}, CheckPlasma<2>, PlasmaStep<2>},
      {"vignetting",
       true,
       {"intensity", "start", "center_x", "center_y"},
       CheckVignetting,
       Vignetting},
  };
  return rules;
}

}  // namespace pixloom::reference
