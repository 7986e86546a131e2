// SPDX-License-Identifier: Apache-2.0
// Formulas of weather.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

// ---- Soft noise ---------------------------------------------------------------------------------

double Spline(double x) {
  x = std::abs(x);
  if (x >= 2) return 0;
  return x >= 1 ? std::pow(2 - x, 3) / 6 : 2.0 / 3 - x * x + x * x * x / 2;
}

// Octaves of normal noise on square lattices, each of root mean square `deviation`.
struct SoftNoise {
  struct Layer {
    double cell, deviation;  // cell in px
    int stride;
    std::vector<double> nodes;
  };
  std::vector<Layer> layers;

  // `octaves`: cells as fractions of the longer side, and deviations.
  SoftNoise(Size size, const std::vector<std::pair<double, double>>& octaves, StreamKey key) {
    const int longer = std::max(size.width, size.height);
    for (const auto& [fraction, deviation] : octaves) {
      const double cell = fraction * longer;
      const auto needed = [&](int pixels) {
        return static_cast<int>(std::floor((pixels - 0.5) / cell)) + 4;
      };
      Layer layer{cell, deviation, (needed(longer) + 3) / 4 * 4, {}};
      const auto first = static_cast<std::uint32_t>(layers.size()) * (1u << 22);
      const auto blocks = static_cast<std::uint32_t>(layer.stride / 4 * needed(size.height));
      for (std::uint32_t block = 0; block < blocks; ++block) {
        for (const double n : Normals(key.Block(first + block))) layer.nodes.push_back(n);
      }
      layers.push_back(std::move(layer));
    }
  }

  // Lattices begin one node above and to the left of the picture.
  double Node(std::size_t layer, int column, int row) const {
    return layers[layer]
        .nodes[static_cast<std::size_t>((row + 1) * layers[layer].stride + column + 1)];
  }

  double At(int x, int y) const {
    double sum = 0;
    for (std::size_t k = 0; k < layers.size(); ++k) {
      const double u = (x + 0.5) / layers[k].cell;
      const double v = (y + 0.5) / layers[k].cell;
      double value = 0;
      for (int row = static_cast<int>(v) - 1; row <= static_cast<int>(v) + 2; ++row) {
        for (int column = static_cast<int>(u) - 1; column <= static_cast<int>(u) + 2; ++column) {
          value += Spline(u - column) * Spline(v - row) * Node(k, column, row);
        }
      }
      // A cubic spline squared has the integral 151/315.
      sum += layers[k].deviation * value / (151.0 / 315.0);
    }
    return sum;
  }
};

// v + share * (colour - v), colours in unit scale.
void Cover(Image64& image, int x, int y, int c, double share, double colour) {
  double& level = image.At(x, y, c);
  level += share * (image.FromUnit(colour) - level);
}

double ColourOf(const std::vector<double>& colour, int channel, int channels) {
  if (channels == 1 && colour.size() >= 3) {
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
  }
  return colour[std::min(static_cast<std::size_t>(channel), colour.size() - 1)];
}

template <class Change>
void ForEachPixel(Image64& image, Change change) {
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) change(x, y);
  }
}

void CheckAll(const Arguments& args, const Draws& draws, std::initializer_list<const char*> names,
              Problems& problems) {
  for (const char* name : names) CheckHolds(name, args.Interval(name, {}), draws[name], problems);
}

double Unit(std::uint32_t word) { return word / 4294967296.0; }

double Rise(double t) {
  t = std::clamp(t, 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

// What a normal variate exceeds with probability `share`.
double Exceeded(double share) {
  double lo = -10;
  double hi = 10;
  for (int i = 0; i < 200; ++i) {
    const double middle = (lo + hi) / 2;
    (std::erfc(middle / std::numbers::sqrt2) / 2 > share ? lo : hi) = middle;
  }
  return lo;
}

// `count` octaves of total deviation 1, each half as large as the one before.
std::vector<std::pair<double, double>> Halving(double cell, int count, double falloff) {
  std::vector<std::pair<double, double>> octaves;
  double power = 0;
  for (int k = 0; k < count; ++k) {
    octaves.emplace_back(cell / (1 << k), std::pow(falloff, k));
    power += std::pow(falloff, 2 * k);
  }
  for (auto& octave : octaves) octave.second /= std::sqrt(power);
  return octaves;
}

// ---- fog ----------------------------------------------------------------------------------------

void CheckFog(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckAll(args, draws, {"density", "patchiness", "horizon"}, problems);
}

std::vector<RefStep> Fog(const Arguments& args, const Draws& draws, const OpState& state) {
  const double density = draws["density"];
  const double patchiness = draws["patchiness"];
  const double horizon = draws["horizon"];
  const double cell = args.Number("cell", 0);
  const std::string depth = args.Text("depth", "");
  const std::vector<double> colour = args.Numbers("color", {});
  const StreamKey key = state.key.Pixels();
  return {Picture([=](Image64& image) {
    const SoftNoise noise(image.size, Halving(cell, 4, 0.5), key);
    ForEachPixel(image, [&](int x, int y) {
      const double v = (y + 0.5) / image.size.height;
      double distance = 1;
      if (depth == "linear") distance = 1 - v;
      if (depth == "ground" && v > horizon) {
        distance = 0.08 / (0.08 + 0.92 * (v - horizon) / (1 - horizon));
      }
      const double hidden = 1 - std::pow(1 - density, distance);
      const double share = std::clamp(hidden * (1 + patchiness * noise.At(x, y)), 0.0, 1.0);
      for (int c = 0; c < ColourChannels(image); ++c) {
        Cover(image, x, y, c, share, ColourOf(colour, c, image.channels));
      }
    });
  })};
}

// ---- clouds -------------------------------------------------------------------------------------

void CheckClouds(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckAll(args, draws, {"coverage", "opacity", "horizon"}, problems);
}

std::vector<RefStep> Clouds(const Arguments& args, const Draws& draws, const OpState& state) {
  const double threshold = Exceeded(draws["coverage"]);
  const double opacity = draws["opacity"];
  const double horizon = draws["horizon"];
  const double cell = args.Number("cell", 0);
  const std::vector<double> colour = args.Numbers("color", {});
  const StreamKey key = state.key.Pixels();
  return {Picture([=](Image64& image) {
    const SoftNoise noise(image.size, Halving(cell, 5, 0.55), key);
    ForEachPixel(image, [&](int x, int y) {
      const double down = (y + 0.5) / image.size.height / horizon;
      if (down >= 1) return;
      const double share =
          opacity * (1 - down * down) * Rise((noise.At(x, y) - threshold) / 1.2 + 0.5);
      for (int c = 0; c < ColourChannels(image); ++c) {
        Cover(image, x, y, c, share, ColourOf(colour, c, image.channels));
      }
    });
  })};
}

// ---- shadow -------------------------------------------------------------------------------------

void CheckShadow(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckAll(args, draws, {"count", "intensity", "softness"}, problems);
}

double DistanceToSegment(Point p, Point a, Point b) {
  const Point d = b - a;
  const double square = d.dot(d);
  const double t = square > 0 ? std::clamp((p - a).dot(d) / square, 0.0, 1.0) : 0;
  const Point off = p - (a + d * t);
  return std::sqrt(off.dot(off));
}

// Positive inside, by the even-odd rule.
double SignedDistance(Point p, const std::vector<Point>& ring) {
  double distance = 1e18;
  bool inside = false;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = ring[i];
    const Point b = ring[(i + 1) % ring.size()];
    distance = std::min(distance, DistanceToSegment(p, a, b));
    if ((a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x)) {
      inside = !inside;
    }
  }
  return inside ? distance : -distance;
}

std::vector<RefStep> Shadow(const Arguments& args, const Draws& draws, const OpState& state) {
  const int count = static_cast<int>(std::floor(draws["count"] + 0.5));
  const double intensity = draws["intensity"];
  const double softness = draws["softness"];
  const int corners = static_cast<int>(args.Number("corners", 0));
  const double x0 = args.Number("x_min", 0);
  const double y0 = args.Number("y_min", 0);
  const double x1 = args.Number("x_max", 0);
  const double y1 = args.Number("y_max", 0);
  const StreamKey key = state.key.Pixels();
  return {Picture([=](Image64& image) {
    const double w = image.size.width;
    const double h = image.size.height;
    std::vector<std::vector<Point>> rings;
    for (int s = 0; s < count; ++s) {
      std::vector<Point> ring;
      Point middle;
      for (int c = 0; c < corners; ++c) {
        const auto words = key.Block(static_cast<std::uint32_t>(16 * s + c));
        ring.emplace_back((x0 + (x1 - x0) * Unit(words[0])) * w,
                          (y0 + (y1 - y0) * Unit(words[1])) * h);
        middle += ring.back() / corners;
      }
      std::sort(ring.begin(), ring.end(), [&](Point a, Point b) {
        return std::atan2(a.y - middle.y, a.x - middle.x) <
               std::atan2(b.y - middle.y, b.x - middle.x);
      });
      rings.push_back(ring);
    }
    const double edge = std::max(1.0, softness * std::max(w, h));
    ForEachPixel(image, [&](int x, int y) {
      double dark = 0;
      for (const auto& ring : rings) {
        dark = std::max(dark, Rise(0.5 + SignedDistance({x + 0.5, y + 0.5}, ring) / edge));
      }
      for (int c = 0; c < ColourChannels(image); ++c) {
        Cover(image, x, y, c, intensity * dark, 0);
      }
    });
  })};
}

// ---- snow ---------------------------------------------------------------------------------------

void CheckSnow(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckAll(args, draws, {"snow_point", "gain"}, problems);
}

struct Hls {
  double h = 0, l = 0, s = 0;
};

// By way of HLS as a textbook has it.
Hls ToHls(const std::array<double, 3>& rgb) {
  const double high = std::max({rgb[0], rgb[1], rgb[2]});
  const double low = std::min({rgb[0], rgb[1], rgb[2]});
  const double chroma = high - low;
  Hls hls;
  hls.l = (high + low) / 2;
  if (chroma == 0) return hls;
  hls.s = chroma / (1 - std::abs(2 * hls.l - 1));
  if (high == rgb[0])
    hls.h = (rgb[1] - rgb[2]) / chroma;
  else if (high == rgb[1])
    hls.h = 2 + (rgb[2] - rgb[0]) / chroma;
  else
    hls.h = 4 + (rgb[0] - rgb[1]) / chroma;
  if (hls.h < 0) hls.h += 6;
  return hls;
}

std::array<double, 3> FromHls(const Hls& hls) {
  const double chroma = (1 - std::abs(2 * hls.l - 1)) * hls.s;
  const double low = hls.l - chroma / 2;
  std::array<double, 3> rgb{};
  for (std::size_t c = 0; c < 3; ++c) {
    // Distance of the hue from red, green, blue in sixths of a turn.
    double d = std::abs(hls.h - 2.0 * static_cast<double>(c));
    d = std::min(d, 6 - d);
    rgb[c] = low + chroma * std::clamp(2 - d, 0.0, 1.0);
  }
  return rgb;
}

std::vector<RefStep> Snow(const Arguments& args, const Draws& draws, const OpState&) {
  const double point = draws["snow_point"];
  const double gain = draws["gain"];
  const double softness = args.Number("softness", 0);
  const auto bleached = [=](double l) {
    const double share =
        softness > 0 ? 1 - Rise((l - point) / softness + 0.5) : (l < point ? 1.0 : 0.0);
    return l + share * (std::min(gain * l, 1.0) - l);
  };
  return {Picture([=](Image64& image) {
    if (image.channels == 1) {
      ApplyCurve(image, [=](double v) { return v > 0 && v < 1 ? bleached(v) : v; });
      return;
    }
    ApplyToColours(image, [=](const std::array<double, 3>& rgb) {
      Hls hls = ToHls(rgb);
      if (hls.l <= 0 || hls.l >= 1) return rgb;
      hls.l = bleached(hls.l);
      return FromHls(hls);
    });
  })};
}

// ---- sun_flare ----------------------------------------------------------------------------------

void CheckSunFlare(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckAll(args, draws, {"x", "y", "radius", "intensity", "circles", "circle_opacity", "angle"},
           problems);
}

std::vector<RefStep> SunFlare(const Arguments& args, const Draws& draws, const OpState& state) {
  const double u = draws["x"];
  const double v = draws["y"];
  const double radius = draws["radius"];
  const double intensity = draws["intensity"];
  const int circles = static_cast<int>(std::floor(draws["circles"] + 0.5));
  const double opacity = draws["circle_opacity"];
  const double turn = draws["angle"] * std::numbers::pi / 180;
  const std::vector<double> colour = args.Numbers("color", {});
  const StreamKey key = state.key.Pixels();
  return {Picture([=](Image64& image) {
    const double w = image.size.width;
    const double h = image.size.height;
    const double reach = radius * std::max(w, h);
    const Point sun{u * w, v * h};
    const Point to_middle = Point(w / 2, h / 2) - sun;
    // Counter-clockwise on a screen whose y points down.
    const Point way{std::cos(turn) * to_middle.x + std::sin(turn) * to_middle.y,
                    -std::sin(turn) * to_middle.x + std::cos(turn) * to_middle.y};
    ForEachPixel(image, [&](int x, int y) {
      const Point at{x + 0.5, y + 0.5};
      std::array<double, 3> left{1, 1, 1};
      for (int i = 0; i < circles; ++i) {
        const auto shape = key.Block(static_cast<std::uint32_t>(2 * i));
        const auto tint = key.Block(static_cast<std::uint32_t>(2 * i + 1));
        const Point off = at - (sun + way * (0.2 + 2 * Unit(shape[0])));
        const double size = reach * (0.04 + 0.21 * Unit(shape[1]));
        const double q = off.dot(off) / (size * size);
        if (q >= 1) continue;
        const double cover = std::min((1 - q) / 0.2, 1.0) * (0.55 + 0.45 * q);
        const double strength = intensity * opacity * (0.3 + 0.7 * Unit(shape[2]));
        for (std::size_t c = 0; c < 3; ++c) {
          left[c] *= 1 - strength * (0.3 + 0.7 * Unit(tint[c])) * cover;
        }
      }
      const Point off = at - sun;
      const double q = off.dot(off) / (reach * reach);
      const double wide = 0.6 * std::pow(std::max(1 - q, 0.0), 3);
      const double narrow = std::pow(std::max(1 - q / 0.09, 0.0), 2);
      const double halo = intensity * (1 - (1 - wide) * (1 - narrow));
      for (int c = 0; c < ColourChannels(image); ++c) {
        const double rest = image.channels == 1
                                ? 0.299 * left[0] + 0.587 * left[1] + 0.114 * left[2]
                                : left[static_cast<std::size_t>(std::min(c, 2))];
        const double dark = rest * (1 - ColourOf(colour, c, image.channels) * halo);
        Cover(image, x, y, c, 1 - dark, 1);
      }
    });
  })};
}

// ---- spatter ------------------------------------------------------------------------------------

void CheckSpatter(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckAll(args, draws, {"coverage", "size", "intensity"}, problems);
}

std::vector<RefStep> Spatter(const Arguments& args, const Draws& draws, const OpState& state) {
  const double threshold = Exceeded(draws["coverage"]);
  const double cell = draws["size"] / 1.5;
  const double intensity = draws["intensity"];
  const bool rain = args.Text("liquid", "") == "rain";
  const std::vector<double> colour = args.Numbers(rain ? "rain_color" : "mud_color", {});
  const StreamKey key = state.key.Pixels();
  return {Picture([=](Image64& image) {
    const Size size = image.size;
    const SoftNoise noise(size, {{cell, 0.9}, {0.45 * cell, 0.43589}}, key);
    const double longer = std::max(size.width, size.height);
    ForEachPixel(image, [&](int x, int y) {
      const double depth = noise.At(x, y) - threshold;
      double share = intensity * Rise(depth / 0.3 + 0.5);
      double light = 1 - 0.3 * std::clamp(depth, 0.0, 2.0);
      if (rain) {
        const double lower =
            noise.At(std::min(x + 1, size.width - 1), std::min(y + 1, size.height - 1));
        const double upper = noise.At(std::max(x - 1, 0), std::max(y - 1, 0));
        const double per_cell = (lower - upper) / (2 * std::numbers::sqrt2) * cell * longer;
        light = std::clamp(0.8 + 0.35 * per_cell, 0.0, 1.3);
        share *= 0.35 + 0.65 * std::min(std::abs(light - 0.8) / 0.35, 1.0);
      }
      for (int c = 0; c < ColourChannels(image); ++c) {
        Cover(image, x, y, c, share, std::min(ColourOf(colour, c, image.channels) * light, 1.0));
      }
    });
  })};
}

}  // namespace

const std::vector<OpRule>& WeatherRules() {
  static const std::vector<OpRule> rules{
      {"clouds", true, {"coverage", "opacity", "horizon"}, CheckClouds, Clouds},
      {"fog", true, {"density", "patchiness", "horizon"}, CheckFog, Fog},
      {"shadow", true, {"count", "intensity", "softness"}, CheckShadow, Shadow},
      {"snow", true, {"snow_point", "gain"}, CheckSnow, Snow},
      {"sun_flare",
       true,
       {"x", "y", "radius", "intensity", "circles", "circle_opacity", "angle"},
       CheckSunFlare,
       SunFlare},
      {"spatter", true, {"coverage", "size", "intensity"}, CheckSpatter, Spatter},
  };
  return rules;
}

}  // namespace pixloom::reference
