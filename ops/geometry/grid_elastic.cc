// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/geometry/field_grid.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Peers write the grid as (x, y).
Value HeightFirst(const Value& value) {
  if (value.kind != Value::Kind::kList || value.items.size() != 2) return value;
  return Value::List({value.items[1], value.items[0]}, value.at);
}

struct GridElastic : Warped {
  Range magnitude{10};
  Size num_grid{4, 4};

  static constexpr std::string_view kName = "grid_elastic";
  static constexpr std::string_view kDoc =
      "Move the inner nodes of a grid at random and everything between them along; never folds.";
  static constexpr std::array<std::string_view, 1> kAliases{"GridElasticDeform"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("magnitude", &GridElastic::magnitude)
                       .In(0, 10'000)
                       .Unit("px")
                       .Primary()
                       .Doc("How far a node moves at most along either axis; 23 % of a cell is the "
                            "limit, so that no cell folds."),
                   Param("num_grid", &GridElastic::num_grid)
                       .In(1, 256)
                       .Unit("cells")
                       .Alias("num_grid_xy", HeightFirst)
                       .Doc("Rows and columns of the grid.")},
        Warped::Table<GridElastic>());
  }

  WarpField Draw(Rng& rng, const Facts& facts) const {
    const double far = rng.Draw("magnitude", magnitude);
    const NodeNoise noise(rng);
    NodeGrid grid(num_grid.width, num_grid.height);
    const double reach_x = std::min(far, kMostJitter * facts.size.width / grid.columns);
    const double reach_y = std::min(far, kMostJitter * facts.size.height / grid.rows);
    for (int row = 1; row < grid.rows; ++row) {
      for (int column = 1; column < grid.columns; ++column) {
        const Point part = noise.Signed(static_cast<std::uint32_t>(grid.Index(column, row)));
        grid.At(column, row) = {reach_x * part.x, reach_y * part.y};
      }
    }
    return {Fill(grid, facts.size), Rule(), interpolation};
  }

 private:
  static cv::Mat Fill(const NodeGrid& grid, Size size) {
    const CellLine columns(size.width, grid.columns);
    const CellLine rows(size.height, grid.rows);
    cv::Mat field(size.height, size.width, CV_32FC2);
    std::vector<Point> across(static_cast<std::size_t>(grid.columns) + 1);
    for (int y = 0; y < size.height; ++y) {
      const auto row = static_cast<std::size_t>(y);
      const Point* upper = grid.Row(rows.cell[row]);
      const Point* lower = grid.Row(rows.cell[row] + 1);
      for (std::size_t i = 0; i < across.size(); ++i) {
        across[i] = upper[i] + (lower[i] - upper[i]) * rows.at[row];
      }
      auto* out = field.ptr<cv::Vec2f>(y);
      for (std::size_t x = 0; x < columns.at.size(); ++x) {
        const Point* node = across.data() + columns.cell[x];
        const double t = columns.at[x];
        out[x] = ToFloat(node[0].x + t * (node[1].x - node[0].x),
                         node[0].y + t * (node[1].y - node[0].y));
      }
    }
    return field;
  }
};

}  // namespace

void RegisterGridElastic(Registry& registry) { registry.AddOperator<GridElastic>(); }

}  // namespace pixloom
