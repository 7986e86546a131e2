// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/geometry/field_grid.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Displacement of each pixel of a line: strips of equal width show strips of the given widths,
// which are parts of an equal strip's.
std::vector<float> DisplaceLine(int pixels, const std::vector<double>& widths) {
  const auto strips = static_cast<int>(widths.size());
  const double strip = static_cast<double>(pixels) / strips;
  std::vector<double> start;  // of what each strip shows, less where the strip starts
  double sum = 0;
  for (int i = 0; i < strips; ++i) {
    start.push_back((sum - i) * strip);
    sum += widths[static_cast<std::size_t>(i)];
  }
  const CellLine line(pixels, strips);
  std::vector<float> displacement;
  for (std::size_t i = 0; i < line.cell.size(); ++i) {
    const auto c = static_cast<std::size_t>(line.cell[i]);
    displacement.push_back(static_cast<float>(start[c] + line.at[i] * (widths[c] - 1) * strip));
  }
  return displacement;
}

struct GridDistortion : Warped {
  Range distort{-0.3, 0.3};
  std::int64_t num_steps = 5;
  bool normalized = true;

  static constexpr std::string_view kName = "grid_distortion";
  static constexpr std::string_view kDoc =
      "Stretch and squeeze columns and rows of a grid at random; never folds.";
  static constexpr std::array<std::string_view, 1> kAliases{"GridDistortion"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{
            Param("distort", &GridDistortion::distort)
                .In(-0.9, 0.9)
                .Unit("widths")
                .Primary()
                .Alias("distort_limit", Symmetric)
                .Doc(
                    "How much more than its share of the picture a column or row shows, each drawn "
                    "on its own."),
            Param("num_steps", &GridDistortion::num_steps)
                .In(1, 256)
                .Unit("cells")
                .Doc("Columns and rows of the grid."),
            Param("normalized", &GridDistortion::normalized)
                .Doc("Scale the widths so that together they fill the picture.")},
        Warped::Table<GridDistortion>());
  }

  WarpField Draw(Rng& rng, const Facts& facts) const {
    const NodeNoise noise(rng);
    std::vector<double> columns;
    std::vector<double> rows;
    for (std::int64_t i = 0; i < num_steps; ++i) {
      const Point unit = noise.Unit(static_cast<std::uint32_t>(i));
      columns.push_back(1 + FromUnit(distort, unit.x));
      rows.push_back(1 + FromUnit(distort, unit.y));
    }
    if (normalized) {
      Normalise(columns);
      Normalise(rows);
    }
    const auto [narrowest, widest] = std::minmax_element(columns.begin(), columns.end());
    rng.Note("narrowest_column", *narrowest);
    rng.Note("widest_column", *widest);
    const auto [lowest, highest] = std::minmax_element(rows.begin(), rows.end());
    rng.Note("lowest_row", *lowest);
    rng.Note("highest_row", *highest);

    const std::vector<float> dx = DisplaceLine(facts.size.width, columns);
    const std::vector<float> dy = DisplaceLine(facts.size.height, rows);
    cv::Mat field(facts.size.height, facts.size.width, CV_32FC2);
    for (int y = 0; y < field.rows; ++y) {
      auto* row = field.ptr<float>(y);
      const float down = dy[static_cast<std::size_t>(y)];
      for (std::size_t x = 0; x < dx.size(); ++x) {
        row[2 * x] = dx[x];
        row[2 * x + 1] = down;
      }
    }
    return {field, Rule(), interpolation};
  }

 private:
  static void Normalise(std::vector<double>& widths) {
    double sum = 0;
    for (const double w : widths) sum += w;
    const double mean = sum / static_cast<double>(widths.size());
    for (double& w : widths) w /= mean;
  }
};

}  // namespace

void RegisterGridDistortion(Registry& registry) { registry.AddOperator<GridDistortion>(); }

}  // namespace pixloom
