// SPDX-License-Identifier: Apache-2.0
// What the formulas of several operators that change values share. Pure functions.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tests/reference/parts.h"

namespace pixloom::reference {

using Problems = std::vector<std::string>;

// Alpha is no colour.
inline int ColourChannels(const Image64& image) { return image.channels == 4 ? 3 : image.channels; }
inline bool HasColour(const Image64& image) { return image.channels == 3 || image.channels == 4; }

// `curve` gets and gives unit scale.
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

// BT.601 in levels; whole levels on integer images.
double LumaLevel(const Image64& image, int x, int y);
// Mean of LumaLevel, unit scale.
double GrayMean(const Image64& image);

// Hue in turns, saturation and value in unit scale.
struct Hsv {
  double h = 0, s = 0, v = 0;
};
Hsv ToHsv(const std::array<double, 3>& rgb);
std::array<double, 3> ToRgb(const Hsv& hsv);
// `h` turned and brought back to [0, 1).
double Turned(double h, double by);

std::vector<double> GaussianTaps(double sigma, int kernel);
// Correlation along one axis, reflect101.
Image64 Convolved(const Image64& in, const std::vector<double>& taps, bool along_x);

// Four words make four normal values by two Box-Muller transforms: 24 bits of one word are a number
// of (0, 1]; of the other 23 bits are an angle within an eighth of a turn, the top bit is the sign
// of its cosine and the next one swaps the pair.
std::array<double, 4> Normals(const PhiloxBlock& bits);

template <class Change>
PictureStep Picture(Change change) {
  return {[change](Image64& image, const StreamKey&, std::string&) { change(image); }};
}

}  // namespace pixloom::reference
