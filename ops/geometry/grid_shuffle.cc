// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <numeric>
#include <utility>

#include "ops/common.h"
#include "ops/geometry/field_grid.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Pieces of outlines below this many square pixels come from rounding, or from outlines that only
// touch a cell.
constexpr double kLeastArea = 1e-6;

// The cells of a picture: equal, whole pixels; what remains at the right and the bottom belongs to
// none.
struct Cells {
  int columns;
  int rows;
  int width;
  int height;

  Cells(Size picture, Size grid)
      : columns(grid.width),
        rows(grid.height),
        width(picture.width / grid.width),
        height(picture.height / grid.height) {}
  bool Empty() const { return width == 0 || height == 0; }
  cv::Point Corner(std::size_t cell) const {
    const auto c = static_cast<int>(cell);
    return {c % columns * width, c / columns * height};
  }
};

cv::Mat ShufflePixels(const cv::Mat& in, Size grid, const std::vector<std::size_t>& shown) {
  const Cells cells({in.cols, in.rows}, grid);
  if (cells.Empty()) return in;
  cv::Mat out = in.clone();
  const cv::Size size(cells.width, cells.height);
  for (std::size_t to = 0; to < shown.size(); ++to) {
    if (shown[to] == to) continue;
    in(cv::Rect(cells.Corner(shown[to]), size)).copyTo(out(cv::Rect(cells.Corner(to), size)));
  }
  return out;
}

// A part of the plane that moves as one.
struct Region {
  double left, top, right, bottom;
  Point shift;

  bool Holds(Point p) const { return p.x >= left && p.x < right && p.y >= top && p.y < bottom; }
  bool Covers(const std::vector<Point>& ring) const {
    return std::all_of(ring.begin(), ring.end(), [&](const Point& p) {
      return p.x >= left && p.x <= right && p.y >= top && p.y <= bottom;
    });
  }
};

// The part of the ring inside the region, where the region moves to; empty when there is none.
std::vector<Point> MovedPiece(const std::vector<Point>& ring, const Region& region) {
  std::vector<Point> r = ClipHalfPlane(ring, [&](Point p) { return p.x - region.left; });
  r = ClipHalfPlane(r, [&](Point p) { return region.right - p.x; });
  r = ClipHalfPlane(r, [&](Point p) { return p.y - region.top; });
  r = ClipHalfPlane(r, [&](Point p) { return region.bottom - p.y; });
  if (std::abs(SignedArea(r)) <= kLeastArea) return {};
  for (Point& p : r) p += region.shift;
  return r;
}

class LabelShuffle {
 public:
  LabelShuffle(const Cells& cells, const std::vector<std::size_t>& shown) {
    std::vector<std::size_t> to(shown.size());
    for (std::size_t i = 0; i < shown.size(); ++i) to[shown[i]] = i;
    for (std::size_t from = 0; from < to.size(); ++from) {
      const cv::Point a = cells.Corner(from);
      const cv::Point shift = cells.Corner(to[from]) - a;
      regions_.push_back({1.0 * a.x, 1.0 * a.y, 1.0 * a.x + cells.width, 1.0 * a.y + cells.height,
                          Point(shift.x, shift.y)});
    }
    // Everything else stays: left, right, above, below.
    constexpr double kFar = std::numeric_limits<double>::infinity();
    const double width = 1.0 * cells.columns * cells.width;
    const double height = 1.0 * cells.rows * cells.height;
    regions_.push_back({-kFar, -kFar, 0, kFar, {}});
    regions_.push_back({width, -kFar, kFar, kFar, {}});
    regions_.push_back({0, -kFar, width, 0, {}});
    regions_.push_back({0, height, width, kFar, {}});
  }

  void Move(Instance& instance) const {
    if (instance.quad) MoveQuad(instance);
    std::vector<Polygon> moved;
    for (const Polygon& polygon : instance.polygons) MovePolygon(polygon, moved);
    instance.polygons = std::move(moved);
    for (Keypoint& k : instance.keypoints) k.at += ShiftOf(k.at);
  }

 private:
  Point ShiftOf(Point p) const {
    for (const Region& region : regions_) {
      if (region.Holds(p)) return region.shift;
    }
    return {};
  }

  // The first region that covers the ring.
  const Region* Around(const std::vector<Point>& ring) const {
    const auto found = std::find_if(regions_.begin(), regions_.end(),
                                    [&](const Region& region) { return region.Covers(ring); });
    return found == regions_.end() ? nullptr : &*found;
  }

  void MoveQuad(Instance& instance) const {
    Quad& quad = *instance.quad;
    const std::vector<Point> ring(quad.begin(), quad.end());
    if (const Region* whole = Around(ring)) {
      for (Point& p : quad) p += whole->shift;
      return;
    }
    std::vector<Point> pieces;
    for (const Region& region : regions_) {
      const std::vector<Point> piece = MovedPiece(ring, region);
      pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    if (pieces.empty()) {  // no area: nothing to cut
      const Point shift = ShiftOf(quad[0]);
      for (Point& p : quad) p += shift;
      return;
    }
    Point low = pieces[0];
    Point high = pieces[0];
    for (const Point& p : pieces) {
      low = {std::min(low.x, p.x), std::min(low.y, p.y)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
    quad = BoxQuad(low.x, low.y, high.x, high.y);
    instance.oriented = false;
  }

  void MovePolygon(const Polygon& polygon, std::vector<Polygon>& moved) const {
    if (polygon.rings.empty() || polygon.rings[0].empty()) {
      moved.push_back(polygon);
      return;
    }
    const std::size_t before = moved.size();
    const Region* whole = Around(polygon.rings[0]);
    for (const Region& region : regions_) {
      if (whole != nullptr) break;
      Polygon piece;
      for (const std::vector<Point>& ring : polygon.rings) {
        std::vector<Point> part = MovedPiece(ring, region);
        if (part.empty() && piece.rings.empty()) break;  // no outline, no holes
        if (!part.empty()) piece.rings.push_back(std::move(part));
      }
      if (!piece.rings.empty()) moved.push_back(std::move(piece));
    }
    if (moved.size() > before) return;
    // Inside one cell, or without area: nothing to cut.
    const Point shift = whole != nullptr ? whole->shift : ShiftOf(polygon.rings[0][0]);
    Polygon& copy = moved.emplace_back(polygon);
    for (auto& ring : copy.rings) {
      for (Point& p : ring) p += shift;
    }
  }

  std::vector<Region> regions_;
};

void ShuffleSample(Sample& sample, Size grid, Size picture, const std::vector<std::size_t>& shown) {
  for (auto& [name, field] : sample.images) {
    for (Frame& frame : field.frames) frame.pixels = ShufflePixels(frame.pixels, grid, shown);
  }
  for (auto& [name, mask] : sample.masks) mask.pixels = ShufflePixels(mask.pixels, grid, shown);
  for (Instance& instance : sample.instances) {
    if (instance.HasMask()) instance.SetBits(ShufflePixels(instance.Bits(), grid, shown));
  }
  const Cells cells(picture, grid);
  if (cells.Empty()) return;
  const LabelShuffle labels(cells, shown);
  for (Instance& instance : sample.instances) labels.Move(instance);
}

struct GridShuffle {
  Size grid{3, 3};

  static constexpr std::string_view kName = "grid_shuffle";
  static constexpr std::string_view kDoc =
      "Cut the picture into equal cells and put them together in random order; outlines are cut "
      "with it.";
  static constexpr std::array<std::string_view, 3> kAliases{"RandomGridShuffle", "RandomJigsaw",
                                                            "Jigsaw"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("grid", &GridShuffle::grid)
                          .In(1, 256)
                          .Unit("cells")
                          .Primary()
                          .Doc("Rows and columns; pixels that remain at the right and the bottom "
                               "stay, a picture with less than a pixel per cell stays whole.")};
  }

  SampleStep Draw(Rng& rng, const Facts& facts) const {
    // Which cell each cell shows, shuffled from the end.
    std::vector<std::size_t> shown(static_cast<std::size_t>(grid.Area()));
    std::iota(shown.begin(), shown.end(), std::size_t{0});
    const NodeNoise noise(rng);
    for (std::size_t left = shown.size(); left > 1; --left) {
      const double unit = noise.Unit(static_cast<std::uint32_t>(left - 1)).x;
      std::swap(shown[left - 1], shown[static_cast<std::size_t>(unit * static_cast<double>(left))]);
    }
    std::size_t moved = 0;
    for (std::size_t i = 0; i < shown.size(); ++i) moved += shown[i] == i ? 0 : 1;
    rng.Note("first", static_cast<double>(shown[0]));
    rng.Note("last", static_cast<double>(shown.back()));
    rng.Note("moved", static_cast<double>(moved));

    SampleStep step;
    if (moved == 0) {
      step.touches = kTargetNone;
      step.run = [](Sample&) { return std::optional<DataError>(); };
      return step;
    }
    step.touches = kTargetAll;
    step.run = [grid = grid, picture = facts.size,
                shown = std::move(shown)](Sample& sample) -> std::optional<DataError> {
      ShuffleSample(sample, grid, picture, shown);
      return std::nullopt;
    };
    return step;
  }
};

}  // namespace

void RegisterGridShuffle(Registry& registry) { registry.AddOperator<GridShuffle>(); }

}  // namespace pixloom
