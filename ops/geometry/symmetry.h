// SPDX-License-Identifier: Apache-2.0
// The eight ways to lay a picture on itself: quarter turns and mirrors, as exact copies of pixels.
// Pure functions.
#pragma once

#include <array>

#include "pipeline/step.h"

namespace pixloom {

// Numbered as albumentations lists the elements of D4: e, r90, r180, r270, v, hvt, h, t.
enum class Symmetry {
  kIdentity,
  kTurn90,  // counter-clockwise
  kTurn180,
  kTurn270,
  kMirrorY,        // top and bottom trade places
  kAntiTranspose,  // along the diagonal from the lower left to the upper right
  kMirrorX,        // left and right trade places
  kTranspose,      // along the diagonal from the upper left to the lower right
};
inline constexpr int kSymmetries = 8;

constexpr bool SwapsSides(Symmetry s) {
  return s == Symmetry::kTurn90 || s == Symmetry::kTurn270 || s == Symmetry::kAntiTranspose ||
         s == Symmetry::kTranspose;
}

inline AffineStep SymmetryStep(Symmetry symmetry, Size size) {
  // Signs of x and y in the output; a negative one counts from the far edge.
  struct Row {
    int x, y;
  };
  using Rows = std::array<Row, 2>;
  static constexpr std::array<Rows, kSymmetries> kRows{
      Rows{Row{1, 0}, Row{0, 1}},  Rows{Row{0, 1}, Row{-1, 0}}, Rows{Row{-1, 0}, Row{0, -1}},
      Rows{Row{0, -1}, Row{1, 0}}, Rows{Row{1, 0}, Row{0, -1}}, Rows{Row{0, -1}, Row{-1, 0}},
      Rows{Row{-1, 0}, Row{0, 1}}, Rows{Row{0, 1}, Row{1, 0}}};
  Matrix map;
  for (std::size_t i = 0; i < 2; ++i) {
    const Row& row = kRows[static_cast<std::size_t>(symmetry)][i];
    map.m[3 * i] = row.x;
    map.m[3 * i + 1] = row.y;
    map.m[3 * i + 2] = row.x < 0 ? size.width : row.y < 0 ? size.height : 0;
  }
  const Size out = SwapsSides(symmetry) ? Size{size.height, size.width} : size;
  return {map, out, std::nullopt, std::nullopt};
}

}  // namespace pixloom
