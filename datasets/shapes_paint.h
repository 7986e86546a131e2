// SPDX-License-Identifier: Apache-2.0
// The looks of a scene of the `shapes` source: colours, backdrop, textures, light and shadow.
//
// Nothing here moves a label: objects are laid over the backdrop by the coverage of their exact
// outline. Pure functions; colours are sRGB in 0..255.
#pragma once

#include <cstdint>

#include <opencv2/core.hpp>

#include "datasets/shapes_scene.h"
#include "pipeline/geometry.h"
#include "pipeline/rng.h"

namespace pixloom::shapes {

enum class Texture { kStripes, kChecker, kDots };
inline constexpr int kTextures = 3;

const char* TextureName(Texture texture);

struct Colour {
  float r = 0;
  float g = 0;
  float b = 0;
};

// Without references to temporaries, which compilers turn into branches.
inline float Clamp(float v, float lo, float hi) {
  v = v < lo ? lo : v;
  return v > hi ? hi : v;
}

// Rounds half up and saturates. REQUIRES: |v| < 2^31.
inline std::uint8_t ToByte(float v) {
  const int i = static_cast<int>(v + 0.5F);
  return static_cast<std::uint8_t>(i < 0 ? 0 : i > 255 ? 255 : i);
}

// From lightness 0..1, chroma (0 = grey, 0.2 = vivid) and hue in turns, in the OKLCH space, whose
// equal steps look equal; chroma gives way where sRGB has no such colour.
Colour FromOklch(double lightness, double chroma, double hue);

// What all parts of one scene share, so that they look as if they belonged together.
struct Mood {
  bool dark = false;
  double hue = 0;     // of the backdrop, turns
  double spread = 0;  // rotates the hues of objects
  Point light;        // unit vector towards the light
};

struct Look {
  Texture texture = Texture::kStripes;
  Colour first;
  Colour second;
  double turn = 0;    // of the texture against the object's frame, radians
  double period = 0;  // px
  double duty = 0.5;  // share of the period in the second colour
  Point shift;        // of the texture, in periods
};

Mood DrawMood(const SceneStreams& streams);
Look DrawLook(const SceneStreams& streams, const Mood& mood, int index, double length);

// CV_8UC3, RGB.
cv::Mat PaintBackdrop(Size size, const SceneStreams& streams, const Mood& mood);

void PaintObject(const Object& object, const Look& look, const Mood& mood, cv::Mat& picture);

}  // namespace pixloom::shapes
