// SPDX-License-Identifier: Apache-2.0
// Formulas of operators that lay a grid over the picture: strips, quads and triangles between moved
// nodes, cells that trade places.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include "tests/reference/ref_geometry.h"

namespace pixloom::reference {

double PlaceUnit(const OpState& state, int index, int pair) {
  const PhiloxBlock words = state.key.Pixels().Block(static_cast<std::uint32_t>(index));
  const auto at = static_cast<std::size_t>(2 * pair);
  return std::ldexp(words[at] >> 5, -27) + std::ldexp(words[at + 1] >> 6, -53);
}

Point PlaceNormal(const OpState& state, int index) {
  const double r = std::sqrt(-2 * std::log(1 - PlaceUnit(state, index, 0)));
  const double turn = 2 * std::numbers::pi * PlaceUnit(state, index, 1);
  return {r * std::cos(turn), r * std::sin(turn)};
}

double InRange(const Range& range, double unit) {
  if (range.choice.empty()) return (1 - unit) * range.lo + unit * range.hi;
  const double n = static_cast<double>(range.choice.size());
  return range.choice[static_cast<std::size_t>(std::floor(unit * n))];
}

Field64 FieldOf(Size size, const std::function<Point(Point centre)>& displacement) {
  Field64 field;
  field.size = size;
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const Point d = displacement({x + 0.5, y + 0.5});
      field.dx.push_back(d.x);
      field.dy.push_back(d.y);
    }
  }
  return field;
}

namespace {

// How far a node may go, in cells.
constexpr double kReach = 0.23;

// ---- Strips -------------------------------------------------------------------------------------

// What each strip of one axis shows, in shares of an equal strip.
std::vector<double> Shares(const Arguments& args, const OpState& state, int axis) {
  const int n = static_cast<int>(args.Number("num_steps", 5));
  std::vector<double> shares;
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    const double unit = PlaceUnit(state, i, axis);
    shares.push_back(1 + InRange(args.Interval("distort", {-0.3, 0.3}), unit));
    sum += shares.back();
  }
  if (args.Flag("normalized", true)) {
    for (double& s : shares) s *= n / sum;
  }
  return shares;
}

void CheckDistortion(const Arguments& args, const Draws& draws, const OpState& state,
                     Problems& problems) {
  const auto same = [&](std::string_view name, double expected) {
    if (std::abs(draws[name] - expected) < 1e-12) return;
    problems.push_back(fmt::format("{} = {} instead of {}", name, draws[name], expected));
  };
  const std::vector<double> columns = Shares(args, state, 0);
  const std::vector<double> rows = Shares(args, state, 1);
  same("narrowest_column", *std::min_element(columns.begin(), columns.end()));
  same("widest_column", *std::max_element(columns.begin(), columns.end()));
  same("lowest_row", *std::min_element(rows.begin(), rows.end()));
  same("highest_row", *std::max_element(rows.begin(), rows.end()));
}

// The source position of a position on one axis.
double ShownAt(const std::vector<double>& shares, double position, double side) {
  const double strip = side / static_cast<double>(shares.size());
  double source = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double inside = std::clamp(position - static_cast<double>(i) * strip, 0.0, strip);
    source += inside * shares[i];
  }
  return source;
}

std::vector<RefStep> GridDistortion(const Arguments& args, const Draws&, const OpState& state) {
  const std::vector<double> columns = Shares(args, state, 0);
  const std::vector<double> rows = Shares(args, state, 1);
  const Field64 field = FieldOf(state.size, [&](Point p) {
    return Point{ShownAt(columns, p.x, state.size.width), ShownAt(rows, p.y, state.size.height)} -
           p;
  });
  return {FieldStep{field, args.Border(), args.Interpolation()}};
}

// ---- Moved nodes --------------------------------------------------------------------------------

struct Mesh {
  Size size;
  int columns = 1;
  int rows = 1;
  std::function<Point(int column, int row)> node;  // displacement

  int Number(int column, int row) const { return row * (columns + 1) + column; }
  Point Corner(int column, int row) const {
    return {static_cast<double>(size.width) * column / columns,
            static_cast<double>(size.height) * row / rows};
  }
  // The cell of a point, as its column and row.
  std::array<int, 2> CellOf(Point p) const {
    return {std::min(columns - 1, static_cast<int>(std::floor(p.x / size.width * columns))),
            std::min(rows - 1, static_cast<int>(std::floor(p.y / size.height * rows)))};
  }
};

void CheckElasticGrid(const Arguments& args, const Draws& draws, const OpState&,
                      Problems& problems) {
  CheckHolds("magnitude", args.Interval("magnitude", 10), draws["magnitude"], problems);
}

std::vector<RefStep> GridElastic(const Arguments& args, const Draws& draws, const OpState& state) {
  const Size grid = args.Sides("num_grid");
  Mesh mesh{state.size, grid.width, grid.height, {}};
  const Point cell = mesh.Corner(1, 1);
  mesh.node = [&](int column, int row) {
    const bool frame = column == 0 || row == 0 || column == mesh.columns || row == mesh.rows;
    if (frame) return Point{0, 0};
    const int n = mesh.Number(column, row);
    const double x = 2 * PlaceUnit(state, n, 0) - 1;
    const double y = 2 * PlaceUnit(state, n, 1) - 1;
    return Point{x * std::min(draws["magnitude"], kReach * cell.x),
                 y * std::min(draws["magnitude"], kReach * cell.y)};
  };
  const Field64 field = FieldOf(state.size, [&](Point p) {
    const auto [column, row] = mesh.CellOf(p);
    Point sum{0, 0};
    for (int j = row; j <= row + 1; ++j) {
      for (int i = column; i <= column + 1; ++i) {
        const Point away = p - mesh.Corner(i, j);
        sum += (1 - std::abs(away.x) / cell.x) * (1 - std::abs(away.y) / cell.y) * mesh.node(i, j);
      }
    }
    return sum;
  });
  return {FieldStep{field, args.Border(), args.Interpolation()}};
}

int Whole(double v) { return static_cast<int>(std::floor(v + 0.5)); }

void CheckPiecewise(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("scale", args.Interval("scale", {0.03, 0.05}), draws["scale"], problems);
  CheckHolds("nb_rows", args.Interval("nb_rows", 4), draws["nb_rows"], problems);
  CheckHolds("nb_cols", args.Interval("nb_cols", 4), draws["nb_cols"], problems);
}

std::vector<RefStep> PiecewiseAffine(const Arguments& args, const Draws& draws,
                                     const OpState& state) {
  Mesh mesh{state.size, Whole(draws["nb_cols"]) - 1, Whole(draws["nb_rows"]) - 1, {}};
  const Point cell = mesh.Corner(1, 1);
  mesh.node = [&](int column, int row) {
    const Point normal = PlaceNormal(state, mesh.Number(column, row));
    Point way{normal.x * draws["scale"] * state.size.width,
              normal.y * draws["scale"] * state.size.height};
    way.x = std::max(-kReach * cell.x, std::min(kReach * cell.x, way.x));
    way.y = std::max(-kReach * cell.y, std::min(kReach * cell.y, way.y));
    if (column == 0 || column == mesh.columns) way.x = 0;
    if (row == 0 || row == mesh.rows) way.y = 0;
    return way;
  };
  const Field64 field = FieldOf(state.size, [&](Point p) {
    const auto [column, row] = mesh.CellOf(p);
    // Barycentric coordinates in the triangle whose corners are the ends of the falling diagonal
    // and the corner of the cell on the point's side of it.
    const Point a = mesh.Corner(column, row);
    const Point c = mesh.Corner(column + 1, row + 1);
    const bool above = (p.x - a.x) * cell.y >= (p.y - a.y) * cell.x;
    const int i = above ? column + 1 : column;
    const int j = above ? row : row + 1;
    const Point b = mesh.Corner(i, j);
    const auto area = [](Point u, Point v, Point w) {
      return (v.x - u.x) * (w.y - u.y) - (v.y - u.y) * (w.x - u.x);
    };
    const double all = area(a, b, c);
    return mesh.node(column, row) * (area(p, b, c) / all) +
           mesh.node(i, j) * (area(a, p, c) / all) +
           mesh.node(column + 1, row + 1) * (area(a, b, p) / all);
  });
  return {FieldStep{field, args.Border(), args.Interpolation()}};
}

// ---- Cells that trade places --------------------------------------------------------------------

// source[i]: the cell that cell i shows. Fisher and Yates, from the last cell down.
std::vector<int> Shuffled(const Arguments& args, const OpState& state) {
  std::vector<int> source;
  for (int i = 0; i < args.Sides("grid").Area(); ++i) source.push_back(i);
  for (int i = static_cast<int>(source.size()) - 1; i > 0; --i) {
    const int other = static_cast<int>(std::floor(PlaceUnit(state, i, 0) * (i + 1)));
    std::swap(source[static_cast<std::size_t>(i)], source[static_cast<std::size_t>(other)]);
  }
  return source;
}

void CheckShuffle(const Arguments& args, const Draws& draws, const OpState& state,
                  Problems& problems) {
  const std::vector<int> source = Shuffled(args, state);
  int moved = 0;
  for (int i = 0; i < static_cast<int>(source.size()); ++i) {
    if (source[static_cast<std::size_t>(i)] != i) ++moved;
  }
  if (draws["first"] != source.front() || draws["last"] != source.back() ||
      draws["moved"] != moved) {
    problems.emplace_back("first, last or moved do not tell the order of the cells");
  }
}

// The grid on a picture of some size.
struct Tiles {
  Size grid;
  int width;  // of a cell
  int height;
  std::vector<int> source;

  Tiles(Size own, Size cells, std::vector<int> order)
      : grid(cells),
        width(own.width / cells.width),
        height(own.height / cells.height),
        source(std::move(order)) {}
  bool Any() const {
    return width >= 1 && height >= 1 && !std::is_sorted(source.begin(), source.end());
  }
  // The cell with a pixel; -1: none.
  int CellAt(double x, double y) const {
    if (x < 0 || y < 0 || x >= width * grid.width || y >= height * grid.height) return -1;
    return static_cast<int>(y / height) * grid.width + static_cast<int>(x / width);
  }
  Point Origin(int cell) const {
    return {1.0 * (cell % grid.width) * width, 1.0 * (cell / grid.width) * height};
  }
  // Where the content of a cell goes, less where it was.
  Point Way(int cell) const {
    if (cell < 0) return {0, 0};
    const auto to = std::find(source.begin(), source.end(), cell) - source.begin();
    return Origin(static_cast<int>(to)) - Origin(cell);
  }
  // The source pixel of an output pixel.
  Point SourceOf(int x, int y) const {
    const int cell = CellAt(x, y);
    if (cell < 0) return {1.0 * x, 1.0 * y};
    return Point{1.0 * x, 1.0 * y} + Origin(source[static_cast<std::size_t>(cell)]) - Origin(cell);
  }
};

struct Box {
  double x1, y1, x2, y2;
};

using Ring = std::vector<Point>;

// One side of a box after the other: left, right, top, bottom.
Ring Cut(const Ring& ring, const Box& box) {
  Ring current = ring;
  for (int side = 0; side < 4; ++side) {
    const auto depth = [&](Point p) {  // how far inside
      return side == 0   ? p.x - box.x1
             : side == 1 ? box.x2 - p.x
             : side == 2 ? p.y - box.y1
                         : box.y2 - p.y;
    };
    Ring next;
    for (std::size_t i = 0; i < current.size(); ++i) {
      const Point from = current[i];
      const Point to = current[i + 1 < current.size() ? i + 1 : 0];
      const double d0 = depth(from);
      const double d1 = depth(to);
      if (d0 >= 0) next.push_back(from);
      if (d0 * d1 < 0) {
        const double t = d0 / (d0 - d1);
        next.push_back({from.x + t * (to.x - from.x), from.y + t * (to.y - from.y)});
      }
    }
    current = next;
  }
  return current;
}

bool Within(const Ring& ring, const Box& box) {
  for (const Point& p : ring) {
    if (p.x < box.x1 || p.x > box.x2 || p.y < box.y1 || p.y > box.y2) return false;
  }
  return true;
}

// A large finite number: products of it with zero are zero.
constexpr double kVeryFar = 1e30;

class Cutter {
 public:
  explicit Cutter(const Tiles& tiles) : tiles_(tiles) {
    const int cells = tiles.grid.width * tiles.grid.height;
    for (int i = 0; i < cells; ++i) {
      const Point o = tiles.Origin(i);
      parts_.push_back({{o.x, o.y, o.x + tiles.width, o.y + tiles.height}, tiles.Way(i)});
    }
    const double right = 1.0 * tiles.width * tiles.grid.width;
    const double bottom = 1.0 * tiles.height * tiles.grid.height;
    parts_.push_back({{-kVeryFar, -kVeryFar, 0, kVeryFar}, {0, 0}});
    parts_.push_back({{right, -kVeryFar, kVeryFar, kVeryFar}, {0, 0}});
    parts_.push_back({{0, -kVeryFar, right, 0}, {0, 0}});
    parts_.push_back({{0, bottom, right, kVeryFar}, {0, 0}});
  }

  // Polygons whose outline is a piece of the outline.
  std::vector<Polygon> Pieces(const Polygon& polygon) const {
    for (const auto& [box, way] : parts_) {
      if (Within(polygon.rings[0], box)) return {Moved(polygon, way)};
    }
    std::vector<Polygon> pieces;
    for (const auto& [box, way] : parts_) {
      Polygon piece;
      for (const Ring& ring : polygon.rings) {
        const Ring part = Cut(ring, box);
        if (std::abs(SignedArea(part)) > 1e-6) {
          piece.rings.push_back(part);
        } else if (piece.rings.empty()) {
          break;
        }
      }
      if (!piece.rings.empty()) pieces.push_back(Moved(piece, way));
    }
    const Point first = polygon.rings[0][0];
    if (pieces.empty()) return {Moved(polygon, tiles_.Way(tiles_.CellAt(first.x, first.y)))};
    return pieces;
  }

 private:
  static Polygon Moved(Polygon polygon, Point way) {
    for (Ring& ring : polygon.rings) {
      for (Point& p : ring) p += way;
    }
    return polygon;
  }

  struct Part {
    Box box;
    Point way;
  };
  const Tiles& tiles_;
  std::vector<Part> parts_;
};

void CutInstance(const Tiles& tiles, const Cutter& cutter, Instance& instance) {
  for (Keypoint& k : instance.keypoints) k.at += tiles.Way(tiles.CellAt(k.at.x, k.at.y));
  std::vector<Polygon> polygons;
  for (const Polygon& polygon : instance.polygons) {
    for (Polygon& piece : cutter.Pieces(polygon)) polygons.push_back(std::move(piece));
  }
  instance.polygons = std::move(polygons);
  if (!instance.quad) return;
  const Ring before(instance.quad->begin(), instance.quad->end());
  const std::vector<Polygon> pieces = cutter.Pieces({{before}});
  const Ring& only = pieces[0].rings[0];
  const auto shape = [](const Ring& ring) {
    Ring relative;
    for (const Point& p : ring) relative.push_back(p - ring[0]);
    return relative;
  };
  // In one piece with its shape: not cut.
  bool cut = pieces.size() > 1 || only.size() != 4;
  for (std::size_t i = 0; !cut && i < 4; ++i) {
    cut = cv::norm(shape(only)[i] - shape(before)[i]) > 1e-9;
  }
  if (!cut) {
    std::copy(only.begin(), only.end(), instance.quad->begin());
    return;
  }
  Box bounds{kVeryFar, kVeryFar, -kVeryFar, -kVeryFar};
  for (const Polygon& piece : pieces) {
    for (const Point& p : piece.rings[0]) {
      bounds = {std::min(bounds.x1, p.x), std::min(bounds.y1, p.y), std::max(bounds.x2, p.x),
                std::max(bounds.y2, p.y)};
    }
  }
  instance.quad = Quad{Point{bounds.x1, bounds.y1}, Point{bounds.x2, bounds.y1},
                       Point{bounds.x2, bounds.y2}, Point{bounds.x1, bounds.y2}};
  instance.oriented = false;
}

std::vector<RefStep> GridShuffle(const Arguments& args, const Draws&, const OpState& state) {
  const Size grid = args.Sides("grid");
  const std::vector<int> source = Shuffled(args, state);
  WholeStep step;
  step.picture = [=](Image64& image) {
    const Tiles tiles(image.size, grid, source);
    if (!tiles.Any()) return;
    const Image64 before = image;
    for (int y = 0; y < image.size.height; ++y) {
      for (int x = 0; x < image.size.width; ++x) {
        const Point p = tiles.SourceOf(x, y);
        for (int c = 0; c < image.channels; ++c) {
          image.At(x, y, c) = before.At(static_cast<int>(p.x), static_cast<int>(p.y), c);
        }
      }
    }
  };
  step.mask = [=](cv::Mat& mask) {
    const Tiles tiles({mask.cols, mask.rows}, grid, source);
    if (!tiles.Any()) return;
    const cv::Mat before = mask;
    mask = cv::Mat(before.rows, before.cols, before.type());
    for (int y = 0; y < mask.rows; ++y) {
      for (int x = 0; x < mask.cols; ++x) {
        const Point p = tiles.SourceOf(x, y);
        const cv::Rect from(static_cast<int>(p.x), static_cast<int>(p.y), 1, 1);
        before(from).copyTo(mask(cv::Rect(x, y, 1, 1)));
      }
    }
  };
  step.objects = [=, size = state.size](std::vector<Instance>& instances) {
    const Tiles tiles(size, grid, source);
    if (!tiles.Any()) return;
    const Cutter cutter(tiles);
    for (Instance& instance : instances) CutInstance(tiles, cutter, instance);
  };
  return {step};
}

}  // namespace

const std::vector<OpRule>& GridRules() {
  static const std::vector<OpRule> rules{
      {"grid_distortion",
       false,
       {"narrowest_column", "widest_column", "lowest_row", "highest_row"},
       CheckDistortion,
       GridDistortion},
      {"grid_elastic", false, {"magnitude"}, CheckElasticGrid, GridElastic},
      {"grid_shuffle", false, {"first", "last", "moved"}, CheckShuffle, GridShuffle},
      {"piecewise_affine", false, {"scale", "nb_rows", "nb_cols"}, CheckPiecewise, PiecewiseAffine},
  };
  return rules;
}

}  // namespace pixloom::reference
