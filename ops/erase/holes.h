// SPDX-License-Identifier: Apache-2.0
// Holes in a picture: sets of whole pixels, kept as pieces of rows. Fields and masks of another
// size get the same holes at their own scale. Values and pure functions.
#pragma once

#include <vector>

#include "ops/geometry/field_grid.h"
#include "ops/geometry/window.h"
#include "ops/kernels/fill.h"
#include "pipeline/operator.h"

namespace pixloom {

struct Holes {
  Size picture;           // they were made for
  std::vector<Run> runs;  // may overlap

  explicit Holes(Size size) : picture(size) {}

  // The part of the rectangle inside the picture.
  void Add(const cv::Rect& rect, std::uint32_t hole);
  // Set pixels; of another size than the picture they are stretched to it.
  void Add(const cv::Mat& bits, std::uint32_t hole);

  // A pixel belongs to a hole when the pixel of the picture that holds its centre does.
  std::vector<Run> RunsFor(Size size) const;
  // The same as bits: CV_8U, 0 or 255.
  cv::Mat Bits(Size size) const;
};

cv::Mat BitsOf(const std::vector<Run>& runs, Size size);

// The same rule for a rectangle of a picture of size `from`: its pixels in one of size `to`.
cv::Rect Rescaled(const cv::Rect& rect, Size from, Size to);

// ---- What draws of holes share ------------------------------------------------------------------

enum class HoleUnit { kFraction, kPixels };

template <>
struct EnumNames<HoleUnit> {
  static constexpr std::array kAll{std::pair{HoleUnit::kFraction, "fraction"},
                                   std::pair{HoleUnit::kPixels, "px"}};
};

// "" or why the range cannot be fractions of a side.
std::string CheckLength(std::string_view name, const Range& range, HoleUnit unit);

// Whole pixels of a side: at least one, at most all.
int LengthOf(double value, HoleUnit unit, int side);

// A whole number of the range, with equal chance; takes one draw.
int DrawWhole(Rng& rng, std::string_view name, const Range& range);
// "" or what is wrong with a range of whole numbers.
std::string CheckWhole(std::string_view name, const Range& range);

// Where `length` pixels start on a side when they may lie anywhere inside.
inline int StartOf(double unit, int side, int length) {
  return std::min(static_cast<int>(unit * (side - length + 1)), side - length);
}

}  // namespace pixloom
