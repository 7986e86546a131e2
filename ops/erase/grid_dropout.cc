// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/erase/erase.h"
#include "pipeline/exact_math.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Tiles in a plane turned about its origin, each with a hole in its corner.
struct Tiling {
  double width = 2;  // of a tile, px
  double height = 2;
  double hole_x = 0.5;  // of a tile
  double hole_y = 0.5;
  double phase_x = 0;  // where the first tile starts, in tiles
  double phase_y = 0;
  double angle = 0;  // radians, clockwise on screen
};

// The tile that holds a place on an axis, and whether the place lies in its hole.
struct Axis {
  std::int64_t tile = 0;
  bool hole = false;

  Axis(double at, double share) {
    const double start = std::floor(at);
    tile = static_cast<std::int64_t>(start);
    hole = at - start < share;
  }
};

// One number per tile: zig-zag by zig-zag, so that tiles left of and above the origin count too.
std::uint32_t HoleNumber(std::int64_t column, std::int64_t row) {
  const auto fold = [](std::int64_t v) {
    return static_cast<std::uint32_t>(v >= 0 ? 2 * v : -2 * v - 1);
  };
  return (fold(row) << 16) | (fold(column) & 0xFFFFu);
}

Holes Pierce(const Tiling& tiling, Size size) {
  Holes holes(size);
  const double c = exact::Cos(tiling.angle);
  const double s = exact::Sin(tiling.angle);
  const double cx = size.width / 2.0;
  const double cy = size.height / 2.0;
  for (int y = 0; y < size.height; ++y) {
    const double v = y + 0.5 - cy;
    Run run{y, 0, 0, 0};
    for (int x = 0; x < size.width; ++x) {
      const double u = x + 0.5 - cx;
      const Axis column((u * c + v * s + cx) / tiling.width - tiling.phase_x, tiling.hole_x);
      const Axis row((v * c - u * s + cy) / tiling.height - tiling.phase_y, tiling.hole_y);
      if (!column.hole || !row.hole) continue;
      const std::uint32_t number = HoleNumber(column.tile, row.tile);
      if (run.x1 != x || run.hole != number) {
        if (run.x1 > run.x0) holes.runs.push_back(run);
        run = {y, x, x, number};
      }
      run.x1 = x + 1;
    }
    if (run.x1 > run.x0) holes.runs.push_back(run);
  }
  return holes;
}

struct GridDropout : Erases {
  Range tile{0.1, 0.25};
  HoleUnit unit = HoleUnit::kFraction;
  Size grid{0, 0};
  Range ratio{0.5};
  Range angle{0};
  bool random_offset = true;
  double shift_x = 0;
  double shift_y = 0;

  static constexpr std::string_view kName = "grid_dropout";
  static constexpr std::string_view kDoc =
      "Erase the holes of a regular grid, which may be turned.";
  static constexpr std::array<std::string_view, 3> kAliases{"GridDropout", "GridMask", "grid_mask"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = GridDropout;
    return std::tuple_cat(
        std::tuple{
            Param("tile", &Op::tile)
                .In(0, kMaxSide)
                .Unit("shorter sides or px")
                .Primary()
                .Alias("unit_size_range")
                .Doc("Side of a tile, at least two pixels."),
            Param("unit", &Op::unit)
                .Doc("Whether tile is a fraction of the picture's shorter side, or pixels."),
            Param("grid", &Op::grid)
                .In(0, 4096)
                .Unit("tiles")
                .Alias("holes_number_xy")
                .Doc("Rows and columns of tiles in the picture; 0 goes by tile."),
            Param("ratio", &Op::ratio)
                .In(0, 1)
                .Unit("tiles")
                .Doc("Side of a hole, at least one pixel; 0 erases nothing."),
            Param("angle", &Op::angle)
                .In(-360, 360)
                .Unit("deg")
                .Alias("rotation_range")
                .Doc("Turn of the grid about the centre, counter-clockwise."),
            Param("random_offset", &Op::random_offset)
                .Doc("Start the grid anywhere; otherwise at the shift."),
            Param("shift_x", &Op::shift_x)
                .In(-1, 1)
                .Unit("tiles")
                .Doc("Where the first hole starts without a random offset."),
            Param("shift_y", &Op::shift_y).In(-1, 1).Unit("tiles").Doc("The same, downwards.")},
        Erases::Table<Op>());
  }
  std::string Check() const {
    const std::string problem = CheckLength("tile", tile, unit);
    return problem.empty() ? Erases::Check() : problem;
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts& facts) const {
    const Size size = facts.size;
    double side = rng.Draw("tile", tile);
    if (unit == HoleUnit::kFraction) side *= std::min(size.width, size.height);
    side = std::max(side, 2.0);
    const double share = rng.Draw("ratio", ratio);
    const double turn = rng.Draw("angle", angle);
    const double start_x = rng.Uniform("offset_x", 0, 1);
    const double start_y = rng.Uniform("offset_y", 0, 1);
    Tiling tiling;
    tiling.width = grid.width > 0 ? std::max(1.0 * size.width / grid.width, 1.0) : side;
    tiling.height = grid.height > 0 ? std::max(1.0 * size.height / grid.height, 1.0) : side;
    tiling.hole_x = std::max(share, 1 / tiling.width);
    tiling.hole_y = std::max(share, 1 / tiling.height);
    tiling.phase_x = random_offset ? start_x : shift_x;
    tiling.phase_y = random_offset ? start_y : shift_y;
    tiling.angle = -Radians(turn);
    return Erase(share > 0 ? Pierce(tiling, size) : Holes(size));
  }
};

}  // namespace

void RegisterGridDropout(Registry& registry) { registry.AddOperator<GridDropout>(); }

}  // namespace pixloom
