// SPDX-License-Identifier: Apache-2.0
// RGB to HSV and back for one pixel in unit scale, as torchvision defines them for float tensors
// but without clamping: float pictures may leave [0, 1] and come back as they were. float32 in a
// fixed order of operations: the same bits on every CPU. Pure functions.
#pragma once

#include <algorithm>
#include <cmath>

namespace pixloom {

struct Hsv {
  float h = 0;  // [0, 1), 0 is red
  float s = 0;
  float v = 0;
};

struct Rgb {
  float r = 0;
  float g = 0;
  float b = 0;
};

inline Hsv RgbToHsv(Rgb rgb) {
  const float high = std::max(rgb.r, std::max(rgb.g, rgb.b));
  const float low = std::min(rgb.r, std::min(rgb.g, rgb.b));
  // Gray has no hue, and nothing at or below black has (float pictures may go there).
  if (high == low || high <= 0) return {0, 0, high};
  const float chroma = high - low;
  const float saturation = chroma / high;
  const float rc = (high - rgb.r) / chroma;
  const float gc = (high - rgb.g) / chroma;
  const float bc = (high - rgb.b) / chroma;
  float sextant = 0;
  if (high == rgb.r) {
    sextant = bc - gc;
  } else if (high == rgb.g) {
    sextant = 2.0F + rc - bc;
  } else {
    sextant = 4.0F + gc - rc;
  }
  const float turn = sextant / 6.0F + 1.0F;
  return {turn >= 1.0F ? turn - 1.0F : turn, saturation, high};
}

inline Rgb HsvToRgb(Hsv hsv) {
  const float sixth = std::floor(hsv.h * 6.0F);
  const float f = hsv.h * 6.0F - sixth;
  const float p = hsv.v * (1.0F - hsv.s);
  const float q = hsv.v * (1.0F - hsv.s * f);
  const float t = hsv.v * (1.0F - hsv.s * (1.0F - f));
  const float v = hsv.v;
  switch (static_cast<int>(sixth) % 6) {
    case 0:
      return {v, t, p};
    case 1:
      return {q, v, p};
    case 2:
      return {p, v, t};
    case 3:
      return {p, q, v};
    case 4:
      return {t, p, v};
    default:
      return {v, p, q};
  }
}

// A hue moved by any number of turns, back in [0, 1).
inline float TurnHue(float hue, float turns) {
  const float moved = hue + turns;
  const float rest = moved - std::floor(moved);
  return rest < 1.0F ? rest : 0.0F;
}

}  // namespace pixloom
