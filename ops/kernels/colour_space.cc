// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/colour_space.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

#include "ops/kernels/hsv_kernel.h"

namespace pixloom {
namespace {

// Chroma of gray.
constexpr float kNeutral = 128.0F / 255.0F;

// Both values are computed, and one is taken by its bits: compilers turn this into vectors, where a
// choice between formulas would become a branch.
inline float Select(bool first, float a, float b) {
  const std::int32_t mask = -static_cast<std::int32_t>(first);
  return std::bit_cast<float>((std::bit_cast<std::int32_t>(a) & mask) |
                              (std::bit_cast<std::int32_t>(b) & ~mask));
}

inline float AtLeast(float v, float least) { return Select(v > least, v, least); }

// ---- powers -------------------------------------------------------------------------------------

// Roots by Newton's method from a guess that divides the exponent; x is positive and normal. Three
// or four steps take the guess, a few percent off, to the last place.
inline float CubeRoot(float x) {
  const auto bits = static_cast<float>(std::bit_cast<std::int32_t>(x));
  float y = std::bit_cast<float>(static_cast<std::int32_t>(bits * (1.0F / 3)) + 709'982'000);
  for (int i = 0; i < 3; ++i) y = (2.0F / 3) * y + (1.0F / 3) * x / (y * y);
  return y;
}

inline float FourthRoot(float x) {
  const auto bits = static_cast<float>(std::bit_cast<std::int32_t>(x));
  float y = std::bit_cast<float>(static_cast<std::int32_t>(bits * 0.25F) + 798'650'000);
  for (int i = 0; i < 3; ++i) y = 0.75F * y + 0.25F * x / (y * y * y);
  return y;
}

inline float FifthRoot(float x) {
  const auto bits = static_cast<float>(std::bit_cast<std::int32_t>(x));
  float y = std::bit_cast<float>(static_cast<std::int32_t>(bits * 0.2F) + 851'900'000);
  for (int i = 0; i < 4; ++i) {
    const float square = y * y;
    y = 0.8F * y + 0.2F * x / (square * square);
  }
  return y;
}

constexpr float kLeast = 1e-6F;  // below this every curve is a straight line

inline float SrgbToLinear(float v) {
  const float x = (AtLeast(v, kLeast) + 0.055F) / 1.055F;
  const float root = FifthRoot(x);
  const float power = x * x * (root * root);  // x^2.4
  return Select(v <= 0.04045F, v / 12.92F, power);
}

inline float LinearToSrgb(float v) {
  const float x = AtLeast(v, kLeast);
  const float root = CubeRoot(x);
  const float power = root * FourthRoot(root);  // x^(1/2.4)
  return Select(v <= 0.0031308F, v * 12.92F, 1.055F * power - 0.055F);
}

// ---- CIE ----------------------------------------------------------------------------------------

constexpr float kEpsilon = 216.0F / 24389;
constexpr float kKappa = 24389.0F / 27;
constexpr float kWhiteX = 0.950456F;
constexpr float kWhiteZ = 1.088754F;
constexpr float kWhiteU = 4 * kWhiteX / (kWhiteX + 15 + 3 * kWhiteZ);
constexpr float kWhiteV = 9 / (kWhiteX + 15 + 3 * kWhiteZ);

// sRGB to CIE XYZ of D65, white at Y = 1; in place.
void ToXyz(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const float r = SrgbToLinear(s.a[i]);
    const float g = SrgbToLinear(s.b[i]);
    const float b = SrgbToLinear(s.c[i]);
    s.a[i] = 0.412453F * r + 0.357580F * g + 0.180423F * b;
    s.b[i] = 0.212671F * r + 0.715160F * g + 0.072169F * b;
    s.c[i] = 0.019334F * r + 0.119193F * g + 0.950227F * b;
  }
}

void FromXyz(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const float x = s.a[i], y = s.b[i], z = s.c[i];
    s.a[i] = LinearToSrgb(3.240479F * x - 1.537150F * y - 0.498535F * z);
    s.b[i] = LinearToSrgb(-0.969256F * x + 1.875991F * y + 0.041556F * z);
    s.c[i] = LinearToSrgb(0.055648F * x - 0.204043F * y + 1.057311F * z);
  }
}

inline float LabCurve(float t) {
  const float root = CubeRoot(AtLeast(t, kLeast));
  return Select(t <= kEpsilon, (kKappa * t + 16) / 116, root);
}

inline float LabCurveBack(float f) {
  const float cube = f * f * f;
  return Select(cube <= kEpsilon, (116 * f - 16) / kKappa, cube);
}

inline float Lightness(float y) { return 116 * LabCurve(y) - 16; }

void XyzToLab(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const float x = LabCurve(s.a[i] / kWhiteX);
    const float y = LabCurve(s.b[i]);
    const float z = LabCurve(s.c[i] / kWhiteZ);
    s.a[i] = (116 * y - 16) / 100;
    s.b[i] = (500 * (x - y) + 128) / 255;
    s.c[i] = (200 * (y - z) + 128) / 255;
  }
}

void LabToXyz(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const float y = (100 * s.a[i] + 16) / 116;
    const float x = y + (255 * s.b[i] - 128) / 500;
    const float z = y - (255 * s.c[i] - 128) / 200;
    s.a[i] = kWhiteX * LabCurveBack(x);
    s.b[i] = LabCurveBack(y);
    s.c[i] = kWhiteZ * LabCurveBack(z);
  }
}

void XyzToLuv(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const float x = s.a[i], y = s.b[i], z = s.c[i];
    const float sum = x + 15 * y + 3 * z;
    const bool dark = sum <= kLeast;
    const float scale = 1 / Select(dark, 1, sum);
    const float light = Lightness(y);
    const float u = Select(dark, 0, 13 * light * (4 * x * scale - kWhiteU));
    const float v = Select(dark, 0, 13 * light * (9 * y * scale - kWhiteV));
    s.a[i] = light / 100;
    s.b[i] = (u + 134) / 354;
    s.c[i] = (v + 140) / 262;
  }
}

void LuvToXyz(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const float light = 100 * s.a[i];
    const bool dark = light <= 1e-3F;
    const float scale = Select(dark, 0, 1 / (13 * Select(dark, 1, light)));
    const float u = (354 * s.b[i] - 134) * scale + kWhiteU;
    // No colour lies below; what was never one stays finite.
    const float v = AtLeast((262 * s.c[i] - 140) * scale + kWhiteV, 0.01F);
    const float y = LabCurveBack((light + 16) / 116);
    s.a[i] = y * 9 * u / (4 * v);
    s.b[i] = y;
    s.c[i] = y * (12 - 3 * u - 20 * v) / (4 * v);
  }
}

// ---- others -------------------------------------------------------------------------------------

inline float Luma(float r, float g, float b) { return 0.299F * r + 0.587F * g + 0.114F * b; }

void RgbToYCrCb(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const float r = s.a[i], b = s.c[i];
    const float y = Luma(r, s.b[i], b);
    s.a[i] = y;
    s.b[i] = (r - y) * 0.713F + kNeutral;
    s.c[i] = (b - y) * 0.564F + kNeutral;
  }
}

void YCrCbToRgb(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const float y = s.a[i];
    const float r = y + (s.b[i] - kNeutral) / 0.713F;
    const float b = y + (s.c[i] - kNeutral) / 0.564F;
    s.a[i] = r;
    s.b[i] = (y - 0.299F * r - 0.114F * b) / 0.587F;
    s.c[i] = b;
  }
}

void RgbToHsvStrip(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const Hsv hsv = RgbToHsv({s.a[i], s.b[i], s.c[i]});
    s.a[i] = hsv.h, s.b[i] = hsv.s, s.c[i] = hsv.v;
  }
}

void HsvToRgbStrip(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const Rgb rgb = HsvToRgb({TurnHue(s.a[i], 0), s.b[i], s.c[i]});
    s.a[i] = rgb.r, s.b[i] = rgb.g, s.c[i] = rgb.b;
  }
}

void RgbToHls(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const float r = s.a[i], g = s.b[i], b = s.c[i];
    const float high = std::max(r, std::max(g, b));
    const float low = std::min(r, std::min(g, b));
    // The farther of two ways loses digits near black, or near white.
    const float most = high + low < 1 ? high + low : (1 - high) + (1 - low);
    const float hue = RgbToHsv({r, g, b}).h;
    s.a[i] = hue;
    s.b[i] = (high + low) * 0.5F;
    s.c[i] = most > 0 ? (high - low) / most : 0;
  }
}

void HlsToRgb(ColourStrip& s, int pixels) {
  for (int i = 0; i < pixels; ++i) {
    const float light = s.b[i];
    const float chroma = s.c[i] * (1 - std::abs(2 * light - 1));
    const Rgb hue = HsvToRgb({TurnHue(s.a[i], 0), 1, 1});
    const float low = light - 0.5F * chroma;
    s.a[i] = low + chroma * hue.r;
    s.b[i] = low + chroma * hue.g;
    s.c[i] = low + chroma * hue.b;
  }
}

}  // namespace

void FromRgb(ColourSpace space, ColourStrip& strip, int pixels) {
  switch (space) {
    case ColourSpace::kRgb:
      return;
    case ColourSpace::kBgr:
      std::swap_ranges(strip.a, strip.a + pixels, strip.c);
      return;
    case ColourSpace::kGray:
      for (int i = 0; i < pixels; ++i) {
        strip.a[i] = strip.b[i] = strip.c[i] = Luma(strip.a[i], strip.b[i], strip.c[i]);
      }
      return;
    case ColourSpace::kHsv:
      return RgbToHsvStrip(strip, pixels);
    case ColourSpace::kHls:
      return RgbToHls(strip, pixels);
    case ColourSpace::kLab:
      ToXyz(strip, pixels);
      return XyzToLab(strip, pixels);
    case ColourSpace::kLuv:
      ToXyz(strip, pixels);
      return XyzToLuv(strip, pixels);
    case ColourSpace::kYCrCb:
      return RgbToYCrCb(strip, pixels);
  }
}

void ToRgb(ColourSpace space, ColourStrip& strip, int pixels) {
  switch (space) {
    case ColourSpace::kRgb:
      return;
    case ColourSpace::kBgr:
      std::swap_ranges(strip.a, strip.a + pixels, strip.c);
      return;
    case ColourSpace::kGray:
      std::copy_n(strip.a, pixels, strip.b);
      std::copy_n(strip.a, pixels, strip.c);
      return;
    case ColourSpace::kHsv:
      return HsvToRgbStrip(strip, pixels);
    case ColourSpace::kHls:
      return HlsToRgb(strip, pixels);
    case ColourSpace::kLab:
      LabToXyz(strip, pixels);
      return FromXyz(strip, pixels);
    case ColourSpace::kLuv:
      LuvToXyz(strip, pixels);
      return FromXyz(strip, pixels);
    case ColourSpace::kYCrCb:
      return YCrCbToRgb(strip, pixels);
  }
}

}  // namespace pixloom
