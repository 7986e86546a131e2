// SPDX-License-Identifier: Apache-2.0
// Windows of whole pixels: where operators that cut put them, and what they do with them. Pure
// functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "ops/common.h"
#include "pipeline/operator.h"

namespace pixloom {

// Round half up. REQUIRES: |v| < 2^31.
inline int Rounded(double v) { return static_cast<int>(std::floor(v + 0.5)); }

// A whole number of [lo, hi], with equal chance; one draw. REQUIRES: lo <= hi.
inline int Whole(Rng& rng, int lo, int hi) {
  return lo + static_cast<int>(rng.Below("", static_cast<std::uint32_t>(hi - lo) + 1));
}

// Where a window larger than the picture starts on an axis, so that the picture is in its middle;
// also where a smaller one starts in the middle of the picture. An odd pixel stays at the end.
constexpr int CentredStart(int picture, int window) {
  return (picture - window) >> 1;  // rounds down, also below zero
}

// Start of a window of `window` pixels on an axis of `picture` pixels: anywhere inside, or centred
// when the window is the larger. Takes one draw either way.
inline int RandomStart(Rng& rng, int picture, int window) {
  const int room = picture - window;
  const int start = Whole(rng, 0, std::max(0, room));
  return room >= 0 ? start : CentredStart(picture, window);
}

inline void NoteWindow(Rng& rng, const cv::Rect& window) {
  rng.Note("x", window.x);
  rng.Note("y", window.y);
  rng.Note("width", window.width);
  rng.Note("height", window.height);
}

// A window inside the picture.
inline AffineStep Cut(const cv::Rect& window, Size picture) {
  return CutWindow(window.x, window.y, {window.width, window.height}, picture, {});
}

inline AffineStep Stretch(Size from, Size to, Resampling interpolation) {
  return {Matrix::Scale(static_cast<double>(to.width) / from.width,
                        static_cast<double>(to.height) / from.height),
          to, std::nullopt, interpolation};
}

inline Steps<AffineStep> CutAndStretch(const cv::Rect& window, Size picture, Size to,
                                       Resampling interpolation) {
  return {Cut(window, picture), Stretch({window.width, window.height}, to, interpolation)};
}

// What a result of a size that varies, or is always the same, makes of what is known.
inline Meta OfSize(const Meta& in, std::optional<Size> size) {
  Meta out = in;
  out.size = size;
  return out;
}

}  // namespace pixloom
