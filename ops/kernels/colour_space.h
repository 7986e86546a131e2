// SPDX-License-Identifier: Apache-2.0
// Colour spaces, in float32 and in a fixed order of operations: the same bits on every CPU. Pure
// functions.
//
// All channels are in unit scale, so that every space fills the range of an integer picture:
//   hsv, hls     hue in turns (1 is red again, as 0 is); the rest from 0 to 1
//   lab          L / 100, (a + 128) / 255, (b + 128) / 255; CIE 1976, D65, from sRGB
//   luv          L / 100, (u + 134) / 354, (v + 140) / 262
//   ycrcb        BT.601 luma, differences times 0.713 and 0.564 about 128 / 255
//   gray         BT.601 luma in all three channels
// These are OpenCV's conventions for uint8 (of its "full" kind, but for the hue: a turn is 255
// levels here, 256 there).
#pragma once

namespace pixloom {

enum class ColourSpace { kRgb, kBgr, kGray, kHsv, kHls, kLab, kLuv, kYCrCb };

// Some pixels, one plane after the other.
struct ColourStrip {
  static constexpr int kPixels = 256;
  alignas(64) float a[kPixels];
  alignas(64) float b[kPixels];
  alignas(64) float c[kPixels];
};

// The first `pixels` of the strip, in place. Nothing is clamped; where a space has no answer (the
// hue of gray, chroma of black) it gives 0.
void FromRgb(ColourSpace space, ColourStrip& strip, int pixels);
void ToRgb(ColourSpace space, ColourStrip& strip, int pixels);

}  // namespace pixloom
