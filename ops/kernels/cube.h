// SPDX-License-Identifier: Apache-2.0
// Tables of colours as colour graders exchange them (.cube, Adobe and Resolve), and looking up in
// them. Tables are immutable once read; the rest is pure but for reading the file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.h"

namespace pixloom {

inline constexpr int kMostCurveEntries = 65'536;
inline constexpr int kMostCubeSide = 129;

// One curve per channel: entry i of n is what low + (high - low) * i / (n - 1) becomes.
struct CubeCurves {
  int size = 0;
  std::array<double, 3> low{0, 0, 0};
  std::array<double, 3> high{1, 1, 1};
  std::vector<float> values;  // r, g, b of each entry

  // Linear between entries; inputs outside are clamped.
  double At(int channel, double x) const;
};

// size^3 colours over the box from low to high, red fastest.
struct ColourCube {
  int size = 0;
  std::array<double, 3> low{0, 0, 0};
  std::array<double, 3> high{1, 1, 1};
  std::vector<float> values;  // r, g, b of each node

  // Changes r, g, b of `pixels` pixels, `channels` values apart. Inputs outside are clamped;
  // between nodes either the eight of a cell are blended, or the four of one of its six tetrahedra.
  void Apply(float* values, int pixels, int channels, bool tetrahedral) const;
};

// What a .cube file holds: curves, a cube, or curves before a cube.
struct CubeFile {
  std::optional<CubeCurves> curves;
  std::optional<ColourCube> cube;
};

// The text of a .cube file, or what is wrong: "line 7: ...".
Result<CubeFile, std::string> ParseCube(std::string_view text);

// The same of a file, whose name opens the message.
Result<CubeFile, std::string> ReadCube(const std::string& path);

}  // namespace pixloom
