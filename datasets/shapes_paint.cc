// SPDX-License-Identifier: Apache-2.0
#include "datasets/shapes_paint.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "datasets/shapes_raster.h"
#include "pipeline/exact_math.h"

namespace pixloom::shapes {

namespace {

// OKLab to linear sRGB (Ottosson 2020).
std::array<double, 3> LinearFromOklch(double lightness, double chroma, double hue) {
  const double angle = 2 * exact::kPi * hue;
  const double a = chroma * exact::Cos(angle);
  const double b = chroma * exact::Sin(angle);
  const double l = lightness + 0.3963377774 * a + 0.2158037573 * b;
  const double m = lightness - 0.1055613458 * a - 0.0638541728 * b;
  const double s = lightness - 0.0894841775 * a - 1.2914855480 * b;
  const double l3 = l * l * l;
  const double m3 = m * m * m;
  const double s3 = s * s * s;
  return {4.0767416621 * l3 - 3.3077115913 * m3 + 0.2309699292 * s3,
          -1.2684380046 * l3 + 2.6097574011 * m3 - 0.3413193965 * s3,
          -0.0041960863 * l3 - 0.7034186147 * m3 + 1.7076147010 * s3};
}

float Encode(double linear) {
  const double v = std::clamp(linear, 0.0, 1.0);
  const double encoded = v <= 0.0031308 ? 12.92 * v : 1.055 * exact::Pow(v, 1 / 2.4) - 0.055;
  return static_cast<float>(255 * encoded);
}

// A plane of integers; blurs stay exact whatever the order of summation.
struct Plane {
  int width = 0;
  int height = 0;
  std::vector<int> v;

  int* Row(int y) { return v.data() + static_cast<std::ptrdiff_t>(y) * width; }
  const int* Row(int y) const { return v.data() + static_cast<std::ptrdiff_t>(y) * width; }
};

// Sums over (2r+1)x(2r+1) windows; outside counts as zero.
Plane BoxSum(const Plane& in, int r) {
  Plane across{in.width, in.height, std::vector<int>(in.v.size())};
  for (int y = 0; y < in.height; ++y) {
    const int* src = in.Row(y);
    int* dst = across.Row(y);
    int sum = 0;
    for (int x = 0; x < std::min(r, in.width); ++x) sum += src[x];
    for (int x = 0; x < in.width; ++x) {
      if (x + r < in.width) sum += src[x + r];
      if (x - r - 1 >= 0) sum -= src[x - r - 1];
      dst[x] = sum;
    }
  }
  Plane out{in.width, in.height, std::vector<int>(in.v.size())};
  std::vector<int> sums(static_cast<std::size_t>(in.width), 0);
  const auto accumulate = [&](int y, int sign) {
    if (y < 0 || y >= in.height) return;
    const int* src = across.Row(y);
    for (std::size_t x = 0; x < sums.size(); ++x) sums[x] += sign * src[x];
  };
  for (int y = 0; y < r; ++y) accumulate(y, 1);
  for (int y = 0; y < in.height; ++y) {
    accumulate(y + r, 1);
    accumulate(y - r - 1, -1);
    std::copy(sums.begin(), sums.end(), out.Row(y));
  }
  return out;
}

// Distance to the nearest whole number, 0..0.5.
float ToWhole(float v) {
  const float f = v - std::floor(v);
  return f < 0.5F ? f : 1 - f;
}

// Share of the second colour at texture position (u, v) in periods; edges are softened over one
// pixel. The softening differs from box filtering by less than shows.
float Pattern(Texture texture, float u, float v, float duty, float period) {
  const auto soft = [](float distance) { return Clamp(distance + 0.5F, 0, 1); };
  switch (texture) {
    case Texture::kStripes:
      return soft((duty / 2 - ToWhole(u)) * period);
    case Texture::kChecker: {
      const float a = soft((0.25F - ToWhole(u)) * period);
      const float b = soft((0.25F - ToWhole(v)) * period);
      return a + b - 2 * a * b;
    }
    case Texture::kDots: {
      // Two square grids, the second in the gaps of the first.
      const float x0 = ToWhole(u), y0 = ToWhole(v);
      const float x1 = 0.5F - x0, y1 = 0.5F - y0;
      const float nearest = std::min(x0 * x0 + y0 * y0, x1 * x1 + y1 * y1);
      return soft((0.5F * duty - std::sqrt(nearest)) * period);
    }
  }
  return 0;
}

}  // namespace

const char* TextureName(Texture texture) {
  static constexpr std::array<const char*, kTextures> kNames{"stripes", "checker", "dots"};
  return kNames[static_cast<std::size_t>(texture)];
}

Colour FromOklch(double lightness, double chroma, double hue) {
  std::array<double, 3> rgb{};
  for (int step = 0; step < 12; ++step) {
    rgb = LinearFromOklch(lightness, chroma, hue);
    const auto [lo, hi] = std::minmax_element(rgb.begin(), rgb.end());
    if (*lo >= -1e-4 && *hi <= 1 + 1e-4) break;
    chroma *= 0.88;
  }
  return {Encode(rgb[0]), Encode(rgb[1]), Encode(rgb[2])};
}

Mood DrawMood(const SceneStreams& streams) {
  Rng rng(streams.Mood());
  Mood mood;
  mood.dark = rng.Unit() < 0.5;
  // Dark yellows look like mud; dark backdrops run from teal over blue to red.
  mood.hue = mood.dark ? rng.Uniform({}, 0.45, 1.05) : rng.Unit();
  mood.spread = rng.Unit();
  // From above, as the eye expects.
  const double angle = rng.Uniform({}, -0.75, -0.25) * exact::kPi;
  mood.light = {exact::Cos(angle), exact::Sin(angle)};
  return mood;
}

Look DrawLook(const SceneStreams& streams, const Mood& mood, int index, double length) {
  Rng rng(streams.Look(index));
  Look look;
  look.texture = static_cast<Texture>(rng.Below({}, kTextures));
  // Golden-ratio steps keep neighbours apart; the band around the backdrop's hue is left out.
  const double step = mood.spread + index * 0.61803398875 + rng.Uniform({}, -0.03, 0.03);
  const double hue = mood.hue + 0.14 + 0.72 * (step - std::floor(step));
  // Yellows only look like themselves when light.
  const double off_yellow = std::fabs(hue - 0.27 - std::floor(hue - 0.27 + 0.5));
  const double lift = 0.14 * std::max(0.0, 1 - off_yellow / 0.14);
  const double lightness =
      lift + (mood.dark ? rng.Uniform({}, 0.62, 0.76) : rng.Uniform({}, 0.5, 0.66));
  const double chroma = rng.Uniform({}, 0.13, 0.2);
  const double contrast = rng.Uniform({}, 0.1, 0.17);
  const double turn = rng.Uniform({}, -0.07, 0.07);
  const bool pale = rng.Unit() < 0.3;
  look.first = FromOklch(lightness, chroma, hue);
  look.second = pale ? FromOklch(0.95, 0.03, hue + turn)
                     : FromOklch(lightness + (lightness < 0.66 ? contrast : -contrast),
                                 chroma * 0.9, hue + turn);
  look.turn = rng.Below({}, 4) * exact::kPi / 4;
  const double repeats = rng.Uniform({}, 4, 7.5);
  const double scale = look.texture == Texture::kChecker ? 1.5 : 1;
  look.period = std::max(6.0, scale * length / repeats);
  look.duty = rng.Uniform({}, 0.35, 0.55);
  look.shift = {rng.Unit(), rng.Unit()};
  return look;
}

void PaintObject(const Object& object, const Look& look, const Mood& mood, cv::Mat& picture) {
  // The window holds the outline, its blur and its shadow.
  const double depth = std::max(2.0, object.length * 0.06);
  const int blur = std::clamp(static_cast<int>(object.length * 0.045), 2, 40);
  const int drop_x = static_cast<int>(std::floor(-mood.light.x * depth + 0.5));
  const int drop_y = static_cast<int>(std::floor(-mood.light.y * depth + 0.5));
  const int margin = 2 * blur + static_cast<int>(depth) + 2;
  const auto floor_int = [](double v) { return static_cast<int>(std::floor(v)); };
  const int half = floor_int(object.radius) + 1 + margin;
  const cv::Rect window = cv::Rect(floor_int(object.centre.x) - half,
                                   floor_int(object.centre.y) - half, 2 * half + 1, 2 * half + 1) &
                          cv::Rect(0, 0, picture.cols, picture.rows);

  const std::vector<std::uint8_t> coverage = Coverage(object.polygon, window);
  Plane plane{window.width, window.height, std::vector<int>(coverage.begin(), coverage.end())};
  const Plane soft = BoxSum(BoxSum(plane, blur), blur);
  const float taps = static_cast<float>(2 * blur + 1);
  const float unit = 1 / (kFullCoverage * taps * taps * taps * taps);
  const auto softness = [&](int x, int y) {
    x = std::clamp(x, 0, window.width - 1);
    y = std::clamp(y, 0, window.height - 1);
    return static_cast<float>(soft.Row(y)[x]) * unit;
  };

  const double c = exact::Cos(object.angle + look.turn) / look.period;
  const double s = exact::Sin(object.angle + look.turn) / look.period;
  const float cu = static_cast<float>(c), su = static_cast<float>(s);
  const float period = static_cast<float>(look.period);
  const float duty = static_cast<float>(look.duty);
  const float light_x = static_cast<float>(mood.light.x);
  const float light_y = static_cast<float>(mood.light.y);
  const float sheen = 0.16F / static_cast<float>(object.length);
  const float bevel = 0.55F;
  const float shadow_depth = mood.dark ? 0.6F : 0.42F;
  const int ridge = std::max(1, blur / 2);
  const int ridge_x = static_cast<int>(std::floor(mood.light.x * ridge + 0.5));
  const int ridge_y = static_cast<int>(std::floor(mood.light.y * ridge + 0.5));

  for (int y = 0; y < window.height; ++y) {
    std::uint8_t* out = picture.ptr(window.y + y) + 3 * window.x;
    const float py = static_cast<float>(window.y + y + 0.5 - object.centre.y);
    for (int x = 0; x < window.width; ++x, out += 3) {
      const int covered =
          coverage[static_cast<std::size_t>(y) * static_cast<std::size_t>(window.width) +
                   static_cast<std::size_t>(x)];
      if (covered < kFullCoverage) {
        const float dim = 1 - shadow_depth * softness(x - drop_x, y - drop_y);
        for (int k = 0; k < 3; ++k) out[k] = ToByte(static_cast<float>(out[k]) * dim);
      }
      if (covered == 0) continue;

      const float px = static_cast<float>(window.x + x + 0.5 - object.centre.x);
      const float u = px * cu + py * su + static_cast<float>(look.shift.x);
      const float v = py * cu - px * su + static_cast<float>(look.shift.y);
      const float mix = Pattern(look.texture, u, v, duty, period);
      // Brighter towards the light, with a rounded edge.
      const float slope = softness(x - ridge_x, y - ridge_y) - softness(x + ridge_x, y + ridge_y);
      const float shade = 1 + sheen * (px * light_x + py * light_y) + bevel * slope;
      const float alpha = static_cast<float>(covered) / kFullCoverage;
      const std::array<float, 3> colour{look.first.r + mix * (look.second.r - look.first.r),
                                        look.first.g + mix * (look.second.g - look.first.g),
                                        look.first.b + mix * (look.second.b - look.first.b)};
      for (int k = 0; k < 3; ++k) {
        const float below = static_cast<float>(out[k]);
        const float top = Clamp(colour[static_cast<std::size_t>(k)] * shade, 0, 255);
        out[k] = ToByte(below + alpha * (top - below));
      }
    }
  }
}

}  // namespace pixloom::shapes
