// SPDX-License-Identifier: Apache-2.0
// What operators that displace pixels share: random numbers of the nodes of a grid, and fields that
// are given at such nodes. Pure functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/exact_math.h"
#include "pipeline/geometry.h"
#include "pipeline/rng.h"

namespace pixloom {

// The part of a cell by which a node may move along either axis. Two nodes of an edge that move
// against each other shorten it and tilt its neighbour: below one quarter no cell folds, whatever
// is drawn, and at this value areas shrink to 1 - 4 * 0.23 = 8 % at worst.
inline constexpr double kMostJitter = 0.23;

// Random numbers of node number `index`: a stream of its own, keyed by position, so that more nodes
// shift no other draw.
class NodeNoise {
 public:
  explicit NodeNoise(const Rng& rng) : key_(rng.Key().Pixels()) {}

  // Two numbers in [0, 1).
  Point Unit(std::uint32_t index) const {
    const PhiloxBlock words = key_.Block(index);
    return {Fraction(words[0], words[1]), Fraction(words[2], words[3])};
  }
  // Two numbers in [-1, 1).
  Point Signed(std::uint32_t index) const { return 2 * Unit(index) - Point(1, 1); }
  // Two standard normal numbers.
  Point Normal(std::uint32_t index) const {
    const Point unit = Unit(index);
    const double radius = std::sqrt(-2.0 * exact::Log(1.0 - unit.x));
    const double angle = 2 * exact::kPi * unit.y;
    return {radius * exact::Cos(angle), radius * exact::Sin(angle)};
  }

 private:
  static double Fraction(std::uint32_t high, std::uint32_t low) {
    const std::uint64_t bits = (std::uint64_t{high >> 5} << 26) | (low >> 6);
    return static_cast<double>(bits) * 0x1p-53;
  }

  StreamKey key_;
};

// What `range` gives for a number in [0, 1).
inline double FromUnit(const Range& range, double unit) {
  if (range.choice.empty()) return range.lo + (range.hi - range.lo) * unit;
  const auto n = static_cast<double>(range.choice.size());
  return range.choice[static_cast<std::size_t>(unit * n)];
}

// Where the centres of a line of pixels lie in a line of equal cells.
struct CellLine {
  std::vector<int> cell;
  std::vector<double> at;  // 0 at the left end of the cell, 1 at its right end

  CellLine(int pixels, int cells) {
    cell.reserve(static_cast<std::size_t>(pixels));
    at.reserve(static_cast<std::size_t>(pixels));
    for (int i = 0; i < pixels; ++i) {
      const double position = (i + 0.5) * cells / pixels;
      cell.push_back(std::min(static_cast<int>(position), cells - 1));
      at.push_back(position - cell.back());
    }
  }
};

// Displacements at the corners of a grid of cells that covers the picture; row by row.
struct NodeGrid {
  int columns = 1;  // cells
  int rows = 1;
  std::vector<Point> nodes;  // (columns + 1) * (rows + 1)

  NodeGrid(int cells_wide, int cells_high)
      : columns(cells_wide),
        rows(cells_high),
        nodes(static_cast<std::size_t>(cells_wide + 1) * static_cast<std::size_t>(cells_high + 1)) {
  }

  int Index(int column, int row) const { return row * (columns + 1) + column; }
  Point& At(int column, int row) { return nodes[static_cast<std::size_t>(Index(column, row))]; }
  const Point* Row(int row) const { return nodes.data() + Index(0, row); }
};

inline cv::Vec2f ToFloat(double dx, double dy) {
  return {static_cast<float>(dx), static_cast<float>(dy)};
}

}  // namespace pixloom
