// SPDX-License-Identifier: Apache-2.0
// Formulas of operators that displace every pixel on its own.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "tests/reference/ref_geometry.h"

namespace pixloom::reference {

namespace {

// The sum of reflected neighbours along one axis, weights normalised.
std::vector<double> SmoothAxis(const std::vector<double>& in, Size size, double sigma, bool rows) {
  const int radius = static_cast<int>(3.5 * sigma);
  std::vector<double> out(in.size());
  const auto at = [&](int x, int y) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(size.width) +
           static_cast<std::size_t>(x);
  };
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      double sum = 0;
      double total = 0;
      for (int k = -radius; k <= radius; ++k) {
        const double weight = k == 0 ? 1 : std::exp(-k * k / (2 * sigma * sigma));
        total += weight;
        sum += weight * (rows ? in[at(BorderIndex(Border::kReflect101, x + k, size.width), y)]
                              : in[at(x, BorderIndex(Border::kReflect101, y + k, size.height))]);
      }
      out[at(x, y)] = sum / total;
    }
  }
  return out;
}

std::vector<double> SmoothNoise(const OpState& state, std::size_t word, double alpha,
                                double sigma) {
  const StreamKey noise = state.key.Pixels();
  std::vector<double> values(static_cast<std::size_t>(state.size.Area()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    // A block of four words makes two pixels.
    const std::uint32_t bits = noise.Block(static_cast<std::uint32_t>(i / 2))[i % 2 * 2 + word];
    values[i] = 2 * ((bits >> 8) * 0x1p-24) - 1;
  }
  values = SmoothAxis(SmoothAxis(values, state.size, sigma, true), state.size, sigma, false);
  for (double& v : values) v *= alpha;
  return values;
}

void CheckElastic(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("alpha", args.Interval("alpha", 50), draws["alpha"], problems);
  CheckHolds("sigma", args.Interval("sigma", 5), draws["sigma"], problems);
}

std::vector<RefStep> Elastic(const Arguments& args, const Draws& draws, const OpState& state) {
  Field64 field;
  field.size = state.size;
  field.dx = SmoothNoise(state, 0, draws["alpha"], draws["sigma"]);
  const std::size_t down = args.Flag("same_dxdy", false) ? 0 : 1;
  field.dy = SmoothNoise(state, down, draws["alpha"], draws["sigma"]);
  return {FieldStep{std::move(field), args.Border(), args.Interpolation()}};
}

// ---- Lenses, plates, waves ----------------------------------------------------------------------

void CheckOptical(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("distort", args.Interval("distort", {-0.05, 0.05}), draws["distort"], problems);
}

std::vector<RefStep> OpticalDistortion(const Arguments& args, const Draws& draws,
                                       const OpState& state) {
  const double w = state.size.width;
  const double h = state.size.height;
  const double k = draws["distort"];
  const bool camera = args.Text("model", "camera") == "camera";
  const Field64 field = FieldOf(state.size, [&](Point p) {
    const Point centre{w / 2, h / 2};
    const Point away = p - centre;
    const double r = camera ? std::hypot(away.x / w, away.y / h)
                            : std::hypot(away.x, away.y) / std::hypot(w / 2, h / 2);
    const double factor = camera ? 1 + k * std::pow(r, 2) + k * std::pow(r, 4) : 1 + k * r * r;
    return centre + away * factor - p;
  });
  return {FieldStep{field, args.Border(), args.Interpolation()}};
}

void CheckPlate(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("scale", args.Interval("scale", {0.2, 0.4}), draws["scale"], problems);
}

// r^2 log r of the distance between two points.
double Plate(Point a, Point b) {
  const double r = std::hypot(a.x - b.x, a.y - b.y);
  return r > 0 ? r * r * std::log(r) : 0;
}

// Weights of the knots and of 1, x, y. Gauss and Jordan in long double.
std::vector<Point> PlateWeights(const std::vector<Point>& knots, const std::vector<Point>& ways) {
  using Line = std::vector<long double>;
  const std::size_t n = knots.size() + 3;
  std::vector<Line> lines(n, Line(n + 2, 0));
  for (std::size_t i = 0; i < knots.size(); ++i) {
    for (std::size_t j = 0; j < knots.size(); ++j) lines[i][j] = Plate(knots[i], knots[j]);
    const double linear[] = {1, knots[i].x, knots[i].y};
    for (std::size_t k = 0; k < 3; ++k) {
      lines[i][n - 3 + k] = linear[k];
      lines[n - 3 + k][i] = linear[k];
    }
    lines[i][n] = ways[i].x;
    lines[i][n + 1] = ways[i].y;
  }
  for (std::size_t k = 0; k < n; ++k) {
    const auto best = std::max_element(
        lines.begin() + static_cast<std::ptrdiff_t>(k), lines.end(),
        [&](const Line& a, const Line& b) { return std::abs(a[k]) < std::abs(b[k]); });
    std::swap(lines[k], *best);
    const long double pivot = lines[k][k];
    for (long double& v : lines[k]) v /= pivot;
    for (std::size_t i = 0; i < n; ++i) {
      const long double factor = lines[i][k];
      for (std::size_t j = 0; i != k && j < n + 2; ++j) lines[i][j] -= factor * lines[k][j];
    }
  }
  std::vector<Point> weights;
  for (const Line& line : lines) {
    weights.emplace_back(static_cast<double>(line[n]), static_cast<double>(line[n + 1]));
  }
  return weights;
}

std::vector<RefStep> ThinPlateSpline(const Arguments& args, const Draws& draws,
                                     const OpState& state) {
  const int side = static_cast<int>(args.Number("num_control_points", 4));
  std::vector<Point> knots;
  std::vector<Point> ways;
  for (int i = 0; i < side * side; ++i) {
    knots.emplace_back(i % side / (side - 1.0), i / side / (side - 1.0));
    ways.push_back(draws["scale"] / 10 * PlaceNormal(state, i));
  }
  const std::vector<Point> weights = PlateWeights(knots, ways);
  const Field64 field = FieldOf(state.size, [&](Point p) {
    const Point unit{p.x / state.size.width, p.y / state.size.height};
    Point d = weights[knots.size()] + unit.x * weights[knots.size() + 1] +
              unit.y * weights[knots.size() + 2];
    for (std::size_t i = 0; i < knots.size(); ++i) d += Plate(unit, knots[i]) * weights[i];
    return Point{d.x * state.size.width, d.y * state.size.height};
  });
  return {FieldStep{field, args.Border(), args.Interpolation()}};
}

void CheckWater(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  for (const char* name : {"ampl_x", "ampl_y", "freq_x", "freq_y", "phase_x", "phase_y"}) {
    CheckHolds(name, args.Interval(name, {}), draws[name], problems);
  }
}

std::vector<RefStep> Water(const Arguments& args, const Draws& draws, const OpState& state) {
  const Field64 field = FieldOf(state.size, [&](Point p) {
    return Point{draws["ampl_x"] * std::sin(draws["freq_x"] * p.y + draws["phase_x"]),
                 draws["ampl_y"] * std::cos(draws["freq_y"] * p.x + draws["phase_y"])};
  });
  return {FieldStep{field, args.Border(), args.Interpolation()}};
}

// ---- Neighbours ---------------------------------------------------------------------------------

void CheckSpread(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("radius", args.Interval("radius", 2), draws["radius"], problems);
}

std::vector<RefStep> PixelSpread(const Arguments&, const Draws& draws, const OpState& state) {
  const double radius = std::floor(draws["radius"] + 0.5);
  const auto moved = [&](double centre, std::uint32_t word, int side) {
    const double offset = std::floor(std::ldexp(word, -32) * (2 * radius + 1)) - radius;
    return std::clamp(centre + offset, 0.5, side - 0.5) - centre;
  };
  const Field64 field = FieldOf(state.size, [&](Point p) {
    const auto pixel =
        static_cast<std::uint32_t>(std::floor(p.y) * state.size.width + std::floor(p.x));
    const PhiloxBlock words = state.key.Pixels().Block(pixel / 2);
    const std::size_t half = pixel % 2 * 2;
    return Point{moved(p.x, words[half], state.size.width),
                 moved(p.y, words[half + 1], state.size.height)};
  });
  FieldStep step{field, {}, Resampling::kNearest};
  step.moves_labels = false;
  return {step};
}

// ---- Maps in files ------------------------------------------------------------------------------

// Displacements in px of a picture of the map's size.
Field64 ReadMap(const std::string& path, bool absolute) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  Field64 field;
  const std::size_t shape = bytes.find("'shape': (");
  PIXLOOM_CHECK(shape != std::string::npos, "no map in " + path);
  std::sscanf(bytes.c_str() + shape, "'shape': (%d, %d, 2)", &field.size.height, &field.size.width);
  const bool is_double = bytes.find("'<f8'") < shape;
  std::size_t at = bytes.find('\n', shape) + 1;
  const auto next = [&] {
    double value = 0;
    if (is_double) {
      std::memcpy(&value, bytes.data() + at, 8);
    } else {
      float narrow = 0;
      std::memcpy(&narrow, bytes.data() + at, 4);
      value = narrow;
    }
    at += is_double ? 8 : 4;
    return value;
  };
  for (int y = 0; y < field.size.height; ++y) {
    for (int x = 0; x < field.size.width; ++x) {
      field.dx.push_back(next() - (absolute ? x : 0));
      field.dy.push_back(next() - (absolute ? y : 0));
    }
  }
  return field;
}

std::vector<RefStep> Remap(const Arguments& args, const Draws&, const OpState& state) {
  const Field64 map = ReadMap(args.Text("map", ""), args.Text("kind", "absolute") == "absolute");
  const double x = static_cast<double>(state.size.width) / map.size.width;
  const double y = static_cast<double>(state.size.height) / map.size.height;
  const Field64 field = FieldOf(state.size, [&](Point p) {
    const Point d = map.At({p.x / x, p.y / y});
    return Point{d.x * x, d.y * y};
  });
  return {FieldStep{field, args.Border(), args.Interpolation()}};
}

}  // namespace

const std::vector<OpRule>& FieldRules() {
  static const std::vector<OpRule> rules{
      {"elastic", false, {"alpha", "sigma"}, CheckElastic, Elastic},
      {"optical_distortion", false, {"distort"}, CheckOptical, OpticalDistortion},
      {"pixel_spread", false, {"radius"}, CheckSpread, PixelSpread},
      {"remap", false, {}, CheckNothing, Remap},
      {"thin_plate_spline", false, {"scale"}, CheckPlate, ThinPlateSpline},
      {"water",
       false,
       {"ampl_x", "ampl_y", "freq_x", "freq_y", "phase_x", "phase_y"},
       CheckWater,
       Water},
  };
  return rules;
}

}  // namespace pixloom::reference
