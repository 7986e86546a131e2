// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <utility>

#include "ops/common.h"
#include "ops/geometry/field_grid.h"
#include "ops/kernels/thin_plate_rows.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Solves a * x = b in place by elimination with the largest pivot of each column; x is left in b.
// `a` is n x n, row by row, and not singular.
void Solve(std::vector<double>& a, std::vector<Point>& b) {
  const std::size_t n = b.size();
  const auto at = [&](std::size_t row, std::size_t column) -> double& {
    return a[row * n + column];
  };
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t row = k + 1; row < n; ++row) {
      if (std::abs(at(row, k)) > std::abs(at(pivot, k))) pivot = row;
    }
    PIXLOOM_CHECK(at(pivot, k) != 0, "control points of a grid lie on no line");
    if (pivot != k) {
      for (std::size_t column = k; column < n; ++column)
        std::swap(at(k, column), at(pivot, column));
      std::swap(b[k], b[pivot]);
    }
    for (std::size_t row = k + 1; row < n; ++row) {
      const double factor = at(row, k) / at(k, k);
      if (factor == 0) continue;
      for (std::size_t column = k; column < n; ++column) at(row, column) -= factor * at(k, column);
      b[row] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t column = k + 1; column < n; ++column) b[k] -= at(k, column) * b[column];
    b[k] *= 1 / at(k, k);
  }
}

// The smoothest map of the unit square onto the plane that displaces the points of an n x n grid as
// told: d(p) = sum w_k U(|p - p_k|) + a + b x + c y with U(r) = r^2 log r^2.
struct Spline {
  std::vector<double> knots;   // coordinates of the grid's lines
  std::vector<Point> weights;  // of the knots, row by row, then a, b, c

  explicit Spline(const std::vector<Point>& displacements) {
    const auto side = static_cast<std::size_t>(std::lround(std::sqrt(displacements.size())));
    for (std::size_t i = 0; i < side; ++i) {
      knots.push_back(static_cast<double>(i) / static_cast<double>(side - 1));
    }
    const std::size_t points = displacements.size();
    const std::size_t n = points + 3;
    weights = displacements;
    weights.resize(n);
    std::vector<double> system(n * n);
    for (std::size_t i = 0; i < points; ++i) {
      const Point p{knots[i % side], knots[i / side]};
      for (std::size_t j = 0; j < points; ++j) {
        const Point d = p - Point{knots[j % side], knots[j / side]};
        const double r2 = d.dot(d);
        system[i * n + j] = i == j ? 0 : r2 * exact::Log(r2);
      }
      const double affine[] = {1, p.x, p.y};
      for (std::size_t k = 0; k < 3; ++k) {
        system[i * n + points + k] = affine[k];
        system[(points + k) * n + i] = affine[k];
      }
    }
    Solve(system, weights);
  }
};

struct ThinPlateSpline : Warped {
  Range scale{0.2, 0.4};
  std::int64_t num_control_points = 4;

  static constexpr std::string_view kName = "thin_plate_spline";
  static constexpr std::string_view kDoc =
      "Bend the picture as a thin plate that is held at a grid of moved points; strong bends fold.";
  static constexpr std::array<std::string_view, 1> kAliases{"ThinPlateSpline"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{
            Param("scale", &ThinPlateSpline::scale)
                .In(0, 1)
                .Unit("tenths of a side")
                .Primary()
                .Alias("scale_range")
                .Doc("Standard deviation of a control point's way along either axis. With 4 x "
                     "4 points folds are very rare up to 0.4; at 1 some 2 % of the picture folds."),
            Param("num_control_points", &ThinPlateSpline::num_control_points)
                .In(2, 12)
                .Unit("points")
                .Doc("Control points along each side, from edge to edge.")},
        Warped::Table<ThinPlateSpline>());
  }

  WarpField Draw(Rng& rng, const Facts& facts) const {
    const double deviation = rng.Draw("scale", scale) / 10;
    const NodeNoise noise(rng);
    std::vector<Point> ways;
    for (std::int64_t i = 0; i < num_control_points * num_control_points; ++i) {
      ways.push_back(deviation * noise.Normal(static_cast<std::uint32_t>(i)));
    }
    return {Fill(Spline(ways), facts.size), Rule(), interpolation};
  }

 private:
  // Columns at a time whose sums stay in the cache.
  static constexpr std::size_t kBlock = 256;

  // Knots and pixels lie symmetrically in the unit square: the plate of a knot at a pixel is that
  // of the mirrored knot at the mirrored pixel. So half of the columns of knots and half of the
  // rows of pixels do; sums of mirrored knots run from right to left.
  static cv::Mat Fill(const Spline& spline, Size size) {
    const std::size_t side = spline.knots.size();
    const auto width = static_cast<std::size_t>(size.width);
    std::vector<double> unit_x;
    for (int x = 0; x < size.width; ++x) unit_x.push_back((x + 0.5) / size.width);
    std::vector<double> squares;  // of the distances of all columns to a column of knots
    for (std::size_t i = 0; i < (side + 1) / 2; ++i) {
      for (const double x : unit_x) {
        squares.push_back((x - spline.knots[i]) * (x - spline.knots[i]));
      }
    }
    // x and y of a row, of its mirrored knots, and the same of the mirrored row. Lines that start
    // at distances of a page would compete for the same places in the cache.
    const std::size_t stride = (width / 512 + 1) * 512 + 24;
    std::vector<double> sums(kPlateSums * stride);
    cv::Mat field(size.height, size.width, CV_32FC2);
    for (int y = 0; 2 * y < size.height; ++y) {
      const double unit_y = (y + 0.5) / size.height;
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t begin = 0; begin < width; begin += kBlock) {
        std::array<double*, kPlateSums> at{};
        for (std::size_t k = 0; k < at.size(); ++k) at[k] = sums.data() + k * stride + begin;
        for (std::size_t row = 0; row < side; ++row) {
          const double away = unit_y - spline.knots[row];
          for (std::size_t column = 0; 2 * column < side; ++column) {
            AddPlates(squares.data() + column * width + begin, away * away,
                      Weights(spline, column, row).data(), at.data(),
                      std::min(kBlock, width - begin));
          }
        }
      }
      Write(spline, size, y, sums.data(), stride, field);
      Write(spline, size, size.height - 1 - y, sums.data() + 4 * stride, stride, field);
    }
    return field;
  }

  // Of a knot, of the one mirrored in x, in y, in both. A knot in the middle counts once.
  static std::array<double, kPlateSums> Weights(const Spline& spline, std::size_t column,
                                                std::size_t row) {
    const std::size_t last = spline.knots.size() - 1;
    const auto at = [&](std::size_t i, std::size_t j) {
      return spline.weights[j * (last + 1) + i];
    };
    const bool middle = 2 * column == last;
    const Point none(0, 0);
    const Point a = at(column, row);
    const Point b = middle ? none : at(last - column, row);
    const Point c = at(column, last - row);
    const Point d = middle ? none : at(last - column, last - row);
    return {a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y};
  }

  // `sums`: four lines of a row.
  static void Write(const Spline& spline, Size size, int y, const double* sums, std::size_t stride,
                    cv::Mat& field) {
    const Point* affine = spline.weights.data() + spline.weights.size() - 3;
    const Point start = affine[0] + (y + 0.5) / size.height * affine[2];
    const double* mirrored = sums + 2 * stride + size.width - 1;
    auto* out = field.ptr<cv::Vec2f>(y);
    for (int x = 0; x < size.width; ++x, ++sums, --mirrored) {
      const double unit_x = (x + 0.5) / size.width;
      const double dx = start.x + unit_x * affine[1].x + (sums[0] + mirrored[0]);
      const double dy = start.y + unit_x * affine[1].y + (sums[stride] + mirrored[stride]);
      out[x] = ToFloat(dx * size.width, dy * size.height);
    }
  }
};

}  // namespace

void RegisterThinPlateSpline(Registry& registry) { registry.AddOperator<ThinPlateSpline>(); }

}  // namespace pixloom
