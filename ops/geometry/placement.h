// SPDX-License-Identifier: Apache-2.0
// Where a picture lies on a larger canvas: nine places and a random one. Pure functions.
#pragma once

#include <cmath>
#include <tuple>

#include "ops/common.h"

namespace pixloom {

enum class Spot {
  kCenter,
  kTopLeft,
  kTop,
  kTopRight,
  kLeft,
  kRight,
  kBottomLeft,
  kBottom,
  kBottomRight,
  kRandom
};

template <>
struct EnumNames<Spot> {
  static constexpr std::array kAll{std::pair{Spot::kCenter, "center"},
                                   std::pair{Spot::kTopLeft, "top_left"},
                                   std::pair{Spot::kTop, "top"},
                                   std::pair{Spot::kTopRight, "top_right"},
                                   std::pair{Spot::kLeft, "left"},
                                   std::pair{Spot::kRight, "right"},
                                   std::pair{Spot::kBottomLeft, "bottom_left"},
                                   std::pair{Spot::kBottom, "bottom"},
                                   std::pair{Spot::kBottomRight, "bottom_right"},
                                   std::pair{Spot::kRandom, "random"}};
};

inline constexpr std::string_view kSpotDoc =
    "Where the picture lies on the canvas; an odd pixel goes to the right and the bottom.";

// What lies to the left of and above a picture that leaves `room` pixels free; recorded as `left`
// and `top`. Takes two draws whatever the position.
inline cv::Point Place(Rng& rng, Spot position, Size room) {
  const auto anywhere = [&](int free) {
    return static_cast<int>(rng.Below("", static_cast<std::uint32_t>(free) + 1));
  };
  const cv::Point random{anywhere(room.width), anywhere(room.height)};
  using enum Spot;
  const auto is = [position](auto... any) { return ((position == any) || ...); };
  cv::Point at{room.width / 2, room.height / 2};
  if (is(kTopLeft, kLeft, kBottomLeft)) at.x = 0;
  if (is(kTopRight, kRight, kBottomRight)) at.x = room.width;
  if (is(kTopLeft, kTop, kTopRight)) at.y = 0;
  if (is(kBottomLeft, kBottom, kBottomRight)) at.y = room.height;
  if (position == kRandom) at = random;
  rng.Note("left", at.x);
  rng.Note("top", at.y);
  return at;
}

// Lays the picture on a canvas that is nowhere smaller.
inline AffineStep LayOn(Rng& rng, Spot position, Size picture, Size canvas,
                        const BorderRule& border) {
  const Size room{canvas.width - picture.width, canvas.height - picture.height};
  const cv::Point at = Place(rng, position, room);
  return CutWindow(-at.x, -at.y, canvas, picture, border);
}

// Parameters of operators that lay the picture on a canvas.
struct Placed : Outside {
  Spot position = Spot::kCenter;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple_cat(std::tuple{Param<Op, Spot>("position", &Op::position).Doc(kSpotDoc)},
                          Outside::Table<Op>());
  }

  AffineStep LayOnCanvas(Rng& rng, Size picture, Size canvas) const {
    return LayOn(rng, position, picture, canvas, Rule());
  }
};

}  // namespace pixloom
