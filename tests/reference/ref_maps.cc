// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "tests/reference/parts.h"

namespace pixloom::reference {

Matrix Multiply(const Matrix& second, const Matrix& first) {
  Matrix product;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      double sum = 0;
      for (std::size_t k = 0; k < 3; ++k) sum += second.m[3 * row + k] * first.m[3 * k + column];
      product.m[3 * row + column] = sum;
    }
  }
  return product;
}

bool IsProjective(const Matrix& map) { return map.m[6] != 0 || map.m[7] != 0 || map.m[8] != 1; }

// Gauss-Jordan with row pivots: nothing in common with a cofactor formula.
Matrix Invert(const Matrix& map) {
  double rows[3][6];
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) {
      rows[r][c] = map.m[3 * r + c];
      rows[r][3 + c] = r == c ? 1 : 0;
    }
  }
  for (std::size_t c = 0; c < 3; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < 3; ++r) {
      if (std::abs(rows[r][c]) > std::abs(rows[pivot][c])) pivot = r;
    }
    std::swap(rows[c], rows[pivot]);
    PIXLOOM_CHECK(rows[c][c] != 0, "inverse of a singular map");
    const double scale = rows[c][c];
    for (double& v : rows[c]) v /= scale;
    for (std::size_t r = 0; r < 3; ++r) {
      const double factor = rows[r][c];
      if (r == c || factor == 0) continue;
      for (std::size_t k = 0; k < 6; ++k) rows[r][k] -= factor * rows[c][k];
    }
  }
  Matrix inverse;
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) inverse.m[3 * r + c] = rows[r][3 + c];
  }
  return inverse;
}

Point Apply(const Matrix& map, Point p) {
  const auto& m = map.m;
  const double w = m[6] * p.x + m[7] * p.y + m[8];
  return {(m[0] * p.x + m[1] * p.y + m[2]) / w, (m[3] * p.x + m[4] * p.y + m[5]) / w};
}

double Determinant2(const Matrix& map) { return map.m[0] * map.m[4] - map.m[1] * map.m[3]; }

double Determinant3(const Matrix& map) {
  const auto& m = map.m;
  return m[0] * m[4] * m[8] + m[1] * m[5] * m[6] + m[2] * m[3] * m[7] - m[2] * m[4] * m[6] -
         m[1] * m[3] * m[8] - m[0] * m[5] * m[7];
}

double LargestStretch(const Matrix& map) {
  // The sum of the lengths of the rotating and the mirroring part; free of the cancellation that
  // the root of the characteristic polynomial suffers for pure rotations.
  const auto& m = map.m;
  const double rotating = std::hypot(m[0] + m[4], m[3] - m[1]);
  const double mirroring = std::hypot(m[0] - m[4], m[3] + m[1]);
  return (rotating + mirroring) / 2;
}

namespace {

bool Near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; }
bool NearWhole(double v, double tolerance) { return Near(v, std::round(v), tolerance); }

// How much a linear coefficient may be off so that no point of the picture moves by kSnap.
double CoefficientSlack(Size in) { return kSnap / std::max({in.width, in.height, 1}); }

}  // namespace

bool IsAligned(const Matrix& map, Size in) {
  if (IsProjective(map)) return false;
  const double slack = CoefficientSlack(in);
  const auto& m = map.m;
  return (Near(m[1], 0, slack) && Near(m[3], 0, slack)) ||
         (Near(m[0], 0, slack) && Near(m[4], 0, slack));
}

bool IsCopy(const Matrix& map, Size in, Size out) {
  if (!IsAligned(map, in) || out.Empty()) return false;
  const double slack = CoefficientSlack(in);
  for (std::size_t i : {0u, 1u, 3u, 4u}) {
    const double size = std::abs(map.m[i]);
    if (!Near(size, 0, slack) && !Near(size, 1, slack)) return false;
  }
  return NearWhole(map.m[2], kSnap) && NearWhole(map.m[5], kSnap);
}

bool IsCut(const Matrix& map, Size in, Size out) {
  if (out == in || !IsCopy(map, in, out)) return false;
  const double slack = CoefficientSlack(in);
  if (!Near(map.m[0], 1, slack) || !Near(map.m[4], 1, slack)) return false;
  const double left = -std::round(map.m[2]);
  const double top = -std::round(map.m[5]);
  return left >= 0 && top >= 0 && left + out.width <= in.width && top + out.height <= in.height;
}

bool IsWholeRectangle(const Matrix& map, Size in, Size out) {
  if (!IsAligned(map, in)) return false;
  const Point a = Apply(map, {0, 0});
  const Point b = Apply(map, {static_cast<double>(in.width), static_cast<double>(in.height)});
  return Near(std::min(a.x, b.x), 0, kSnap) && Near(std::max(a.x, b.x), out.width, kSnap) &&
         Near(std::min(a.y, b.y), 0, kSnap) && Near(std::max(a.y, b.y), out.height, kSnap);
}

Matrix Stretch(double x, double y) { return {{x, 0, 0, 0, y, 0, 0, 0, 1}}; }

}  // namespace pixloom::reference
