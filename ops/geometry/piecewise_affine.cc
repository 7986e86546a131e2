// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/common.h"
#include "ops/geometry/field_grid.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

int Rounded(double v) { return static_cast<int>(std::floor(v + 0.5)); }

struct PiecewiseAffine : Warped {
  Range scale{0.03, 0.05};
  Range nb_rows{4};
  Range nb_cols{4};

  static constexpr std::string_view kName = "piecewise_affine";
  static constexpr std::string_view kDoc =
      "Move the nodes of a grid at random and the triangles between them along; never folds.";
  static constexpr std::array<std::string_view, 1> kAliases{"PiecewiseAffine"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("scale", &PiecewiseAffine::scale)
                       .In(0, 1)
                       .Unit("sides")
                       .Primary()
                       .Doc("Standard deviation of a node's way, relative to height and width; 23 "
                            "% of a cell is the limit, so that no triangle folds."),
                   Param("nb_rows", &PiecewiseAffine::nb_rows)
                       .In(2, 256)
                       .Unit("nodes")
                       .Doc("Rows of nodes, rounded to a whole number; the outer ones lie on the "
                            "frame and move only along it."),
                   Param("nb_cols", &PiecewiseAffine::nb_cols)
                       .In(2, 256)
                       .Unit("nodes")
                       .Doc("Columns of nodes, rounded to a whole number.")},
        Warped::Table<PiecewiseAffine>());
  }

  WarpField Draw(Rng& rng, const Facts& facts) const {
    const double far = rng.Draw("scale", scale);
    const int rows = Rounded(rng.Draw("nb_rows", nb_rows));
    const int columns = Rounded(rng.Draw("nb_cols", nb_cols));
    const NodeNoise noise(rng);
    NodeGrid grid(columns - 1, rows - 1);
    const auto way = [&](double normal, int side, int cells) {
      const double most = kMostJitter * side / cells;
      return std::clamp(far * side * normal, -most, most);
    };
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        const Point normal = noise.Normal(static_cast<std::uint32_t>(grid.Index(column, row)));
        const bool edge_x = column == 0 || column == grid.columns;
        const bool edge_y = row == 0 || row == grid.rows;
        grid.At(column, row) = {edge_x ? 0 : way(normal.x, facts.size.width, grid.columns),
                                edge_y ? 0 : way(normal.y, facts.size.height, grid.rows)};
      }
    }
    return {Fill(grid, facts.size), Rule(), interpolation};
  }

 private:
  // The diagonal from upper left to lower right parts every cell.
  static cv::Mat Fill(const NodeGrid& grid, Size size) {
    const CellLine columns(size.width, grid.columns);
    const CellLine rows(size.height, grid.rows);
    cv::Mat field(size.height, size.width, CV_32FC2);
    for (int y = 0; y < size.height; ++y) {
      const auto row = static_cast<std::size_t>(y);
      const Point* upper = grid.Row(rows.cell[row]);
      const Point* lower = grid.Row(rows.cell[row] + 1);
      const double v = rows.at[row];
      auto* out = field.ptr<cv::Vec2f>(y);
      for (std::size_t x = 0; x < columns.at.size(); ++x) {
        const int cell = columns.cell[x];
        const double u = columns.at[x];
        // The corner between the diagonal's ends, and the parts of the way to it and beyond.
        const bool right = u >= v;
        const Point& a = upper[cell];
        const Point& b = right ? upper[cell + 1] : lower[cell];
        const Point& c = lower[cell + 1];
        const double first = right ? u : v;
        const double second = right ? v : u;
        out[x] = ToFloat(a.x + first * (b.x - a.x) + second * (c.x - b.x),
                         a.y + first * (b.y - a.y) + second * (c.y - b.y));
      }
    }
    return field;
  }
};

}  // namespace

void RegisterPiecewiseAffine(Registry& registry) { registry.AddOperator<PiecewiseAffine>(); }

}  // namespace pixloom
