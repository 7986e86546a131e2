// SPDX-License-Identifier: Apache-2.0
// Formulas of operators that resize the picture, lay it on a larger canvas, or look at it from the
// side.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "tests/reference/ref_geometry.h"

namespace pixloom::reference {

namespace {

int HalfUp(double v) { return std::max(1, static_cast<int>(std::floor(v + 0.5))); }

// ---- Resizing -----------------------------------------------------------------------------------

std::vector<RefStep> Resize(const Arguments& args, const Draws&, const OpState& state) {
  return {ResizeTo(state.size, args.Sides("size"), args)};
}

void CheckSize(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("size", args.Interval("size", 0), draws["size"], problems);
}

// Side `given` gets `length` pixels, the other one follows.
std::vector<RefStep> GiveSide(bool width, int length, const Arguments& args, Size in) {
  const Size out = width ? Size{length, HalfUp(1.0 * in.height * length / in.width)}
                         : Size{HalfUp(1.0 * in.width * length / in.height), length};
  return {ResizeTo(in, out, args)};
}

std::vector<RefStep> LongestMaxSize(const Arguments& args, const Draws& draws,
                                    const OpState& state) {
  const bool width_is_longer = state.size.width > state.size.height;
  return GiveSide(width_is_longer, HalfUp(draws["size"]), args, state.size);
}

std::vector<RefStep> SmallestMaxSize(const Arguments& args, const Draws& draws,
                                     const OpState& state) {
  const bool width_is_longer = state.size.width > state.size.height;
  return GiveSide(!width_is_longer, HalfUp(draws["size"]), args, state.size);
}

std::vector<RefStep> RandomShortestSize(const Arguments& args, const Draws& draws,
                                        const OpState& state) {
  const double limit = args.Number("max_size", 0);
  const double shorter = std::min(state.size.width, state.size.height);
  const double longer = std::max(state.size.width, state.size.height);
  const bool width_is_longer = state.size.width > state.size.height;
  const int wanted = HalfUp(draws["size"]);
  if (limit > 0 && wanted * longer > limit * shorter) {
    return GiveSide(width_is_longer, static_cast<int>(limit), args, state.size);
  }
  return GiveSide(!width_is_longer, wanted, args, state.size);
}

void CheckRandomScale(const Arguments& args, const Draws& draws, const OpState&,
                      Problems& problems) {
  CheckHolds("scale_x", args.Interval("scale", {0.9, 1.1}), draws["scale_x"], problems);
  CheckHolds("scale_y", args.Interval("scale", {0.9, 1.1}), draws["scale_y"], problems);
  if (!args.Flag("per_axis", false) && draws["scale_x"] != draws["scale_y"]) {
    problems.push_back("scale_x and scale_y differ");
  }
}

std::vector<RefStep> RandomScale(const Arguments& args, const Draws& draws, const OpState& state) {
  const Size out{HalfUp(state.size.width * draws["scale_x"]),
                 HalfUp(state.size.height * draws["scale_y"])};
  return {ResizeTo(state.size, out, args)};
}

void CheckScaleJitter(const Arguments& args, const Draws& draws, const OpState&,
                      Problems& problems) {
  CheckHolds("scale", args.Interval("scale", {0.1, 2}), draws["scale"], problems);
}

std::vector<RefStep> ScaleJitter(const Arguments& args, const Draws& draws, const OpState& state) {
  const Size target = args.Sides("size");
  const double w = state.size.width;
  const double h = state.size.height;
  const double r = std::min(target.width / w, target.height / h) * draws["scale"];
  return {ResizeTo(state.size, {HalfUp(w * r), HalfUp(h * r)}, args)};
}

// ---- Canvases -----------------------------------------------------------------------------------

// What lies before the picture on an axis that leaves `room` pixels. `first` and `last` are the
// words that put it at an end.
void CheckPlace(std::string_view name, double before, int room, const std::string& position,
                std::string_view first, std::string_view last, Problems& problems) {
  CheckWhole(name, before, problems);
  double lo = std::floor(room / 2.0);
  double hi = lo;
  if (position.find(first) != std::string::npos) lo = hi = 0;
  if (position.find(last) != std::string::npos) lo = hi = room;
  if (position == "random") lo = 0, hi = room;
  CheckHolds(name, {lo, hi}, before, problems);
}

std::vector<RefStep> Pad(const Arguments& args, const Draws&, const OpState& state) {
  const auto on = [&](std::string_view side) {
    const double own = args.Number(side, -1);
    return own < 0 ? args.Number("all", 0) : own;
  };
  const double left = on("left");
  const double top = on("top");
  const Size canvas{static_cast<int>(left + state.size.width + on("right")),
                    static_cast<int>(top + state.size.height + on("bottom"))};
  return {CutOut(-left, -top, canvas, state.size, args)};
}

using CanvasOf = Size (*)(const Arguments&, Size);

Size AtLeast(const Arguments& args, Size in) {
  const auto side = [&](int own, const char* least, const char* divisor) {
    double n = std::max<double>(own, args.Number(least, 0));
    const double unit = args.Number(divisor, 0);
    while (unit > 0 && std::fmod(n, unit) != 0) ++n;
    return static_cast<int>(n);
  };
  return {side(in.width, "min_width", "width_divisor"),
          side(in.height, "min_height", "height_divisor")};
}

Size Square(const Arguments&, Size in) {
  return in.width > in.height ? Size{in.width, in.width} : Size{in.height, in.height};
}

Size OfAspect(const Arguments& args, Size in) {
  const double ratio = args.Number("ratio", 1);
  if (1.0 * in.width / in.height < ratio) {
    return {std::max(in.width, HalfUp(ratio * in.height)), in.height};
  }
  return {in.width, std::max(in.height, HalfUp(in.width / ratio))};
}

Size MultipleOf(const Arguments& args, Size in) {
  const Size of = args.Sides("of");
  const auto up = [](int n, int unit) { return n % unit == 0 ? n : n + unit - n % unit; };
  return {up(in.width, of.width), up(in.height, of.height)};
}

template <CanvasOf canvas_of>
void CheckLaidOn(const Arguments& args, const Draws& draws, const OpState& state,
                 Problems& problems) {
  const Size canvas = canvas_of(args, state.size);
  const std::string position = args.Text("position", "center");
  CheckPlace("left", draws["left"], canvas.width - state.size.width, position, "left", "right",
             problems);
  CheckPlace("top", draws["top"], canvas.height - state.size.height, position, "top", "bottom",
             problems);
}

template <CanvasOf canvas_of>
std::vector<RefStep> LaidOn(const Arguments& args, const Draws& draws, const OpState& state) {
  const Size canvas = canvas_of(args, state.size);
  return {CutOut(-draws["left"], -draws["top"], canvas, state.size, args)};
}

template <CanvasOf canvas_of>
OpRule LaysOn(std::string_view name) {
  return {name, false, {"left", "top"}, CheckLaidOn<canvas_of>, LaidOn<canvas_of>};
}

// The picture inside its letter box: the larger of the two sides, measured by the box, fills it.
Size InnerSize(const Arguments& args, Size in) {
  const Size box = args.Sides("size");
  const double x = 1.0 * box.width / in.width;
  const double y = 1.0 * box.height / in.height;
  if (!args.Flag("upscale", true) && x >= 1 && y >= 1) return in;
  return x < y ? Size{box.width, HalfUp(1.0 * in.height * box.width / in.width)}
               : Size{HalfUp(1.0 * in.width * box.height / in.height), box.height};
}

void CheckLetterBox(const Arguments& args, const Draws& draws, const OpState& state,
                    Problems& problems) {
  const Size box = args.Sides("size");
  const Size inner = InnerSize(args, state.size);
  CheckHolds("scale_x", 1.0 * inner.width / state.size.width, draws["scale_x"], problems);
  CheckHolds("scale_y", 1.0 * inner.height / state.size.height, draws["scale_y"], problems);
  const std::string position = args.Text("position", "center");
  CheckPlace("left", draws["left"], box.width - inner.width, position, "left", "right", problems);
  CheckPlace("top", draws["top"], box.height - inner.height, position, "top", "bottom", problems);
}

std::vector<RefStep> LetterBox(const Arguments& args, const Draws& draws, const OpState& state) {
  const Size inner = InnerSize(args, state.size);
  return {ResizeTo(state.size, inner, args),
          CutOut(-draws["left"], -draws["top"], args.Sides("size"), inner, args)};
}

// ---- Perspective --------------------------------------------------------------------------------

constexpr std::array<std::string_view, 4> kCorners{"top_left", "top_right", "bottom_right",
                                                   "bottom_left"};

// The four points, in pixels, clockwise from the upper left.
std::array<Point, 4> PointsInside(const Draws& draws, Size in) {
  std::array<Point, 4> points;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string name(kCorners[i]);
    const double x = draws[name + "_x"];
    const double y = draws[name + "_y"];
    points[i] = {in.width * (i == 1 || i == 2 ? 1 - x : x), in.height * (i >= 2 ? 1 - y : y)};
  }
  return points;
}

std::array<Point, 4> Box(double width, double height) {
  return {Point{0, 0}, Point{width, 0}, Point{width, height}, Point{0, height}};
}

// Eight equations for eight unknowns, by elimination with row pivots.
Matrix FromFourPoints(const std::array<Point, 4>& from, const std::array<Point, 4>& to) {
  double rows[8][9] = {};
  for (std::size_t i = 0; i < 4; ++i) {
    const Point& p = from[i];
    const Point& q = to[i];
    const double x[9] = {p.x, p.y, 1, 0, 0, 0, -p.x * q.x, -p.y * q.x, q.x};
    const double y[9] = {0, 0, 0, p.x, p.y, 1, -p.x * q.y, -p.y * q.y, q.y};
    std::copy_n(x, 9, rows[2 * i]);
    std::copy_n(y, 9, rows[2 * i + 1]);
  }
  for (std::size_t c = 0; c < 8; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < 8; ++r) {
      if (std::abs(rows[r][c]) > std::abs(rows[pivot][c])) pivot = r;
    }
    std::swap(rows[c], rows[pivot]);
    for (std::size_t r = 0; r < 8; ++r) {
      if (r == c) continue;
      const double factor = rows[r][c] / rows[c][c];
      for (std::size_t k = c; k < 9; ++k) rows[r][k] -= factor * rows[c][k];
    }
  }
  Matrix map;
  for (std::size_t i = 0; i < 8; ++i) map.m[i] = rows[i][8] / rows[i][i];
  map.m[8] = 1;
  return map;
}

// The corners turn to the same side, and stay in front of the viewer.
void CheckPerspective(const Arguments& args, const Draws& draws, const OpState& state,
                      Problems& problems) {
  CheckHolds("scale", args.Interval("scale", {0.05, 0.1}), draws["scale"], problems);
  const bool distorts = args.Text("sampler", "jitter") == "distortion";
  const double reach = distorts ? args.Number("distortion_scale", 0.5) / 2 : 0.32;
  for (std::string_view corner : kCorners) {
    for (const char* axis : {"_x", "_y"}) {
      const std::string name = std::string(corner) + axis;
      CheckHolds(name, {0, reach}, draws[name], problems);
    }
  }
  const auto inside = PointsInside(draws, state.size);
  for (std::size_t i = 0; i < 4; ++i) {
    const Point a = inside[(i + 1) % 4] - inside[i];
    const Point b = inside[(i + 2) % 4] - inside[(i + 1) % 4];
    if (!(a.x * b.y - a.y * b.x > 0)) problems.push_back("the four points fold the picture");
  }
}

std::vector<RefStep> Perspective(const Arguments& args, const Draws& draws, const OpState& state) {
  const Size in = state.size;
  const auto whole = Box(in.width, in.height);
  const auto inside = PointsInside(draws, in);
  const bool fit = args.Flag("fit_output", false);
  const auto side = [&](std::size_t i, std::size_t j) {
    return std::hypot(inside[i].x - inside[j].x, inside[i].y - inside[j].y);
  };
  double width = in.width;
  double height = in.height;
  Matrix map;
  if (args.Text("sampler", "jitter") == "distortion") {
    map = FromFourPoints(whole, inside);
  } else {
    width = std::max(side(0, 1), side(2, 3));
    height = std::max(side(1, 2), side(3, 0));
    map = FromFourPoints(inside, Box(width, height));
  }
  Point origin{0, 0};
  if (fit) {
    const Point first = Apply(map, whole[0]);
    Point low = first;
    Point high = first;
    for (const Point& corner : whole) {
      const Point p = Apply(map, corner);
      low = {std::min(low.x, p.x), std::min(low.y, p.y)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
    origin = low;
    width = high.x - low.x;
    height = high.y - low.y;
  }
  const Size out = args.Flag("keep_size", true) ? in : Size{HalfUp(width), HalfUp(height)};
  const Matrix view =
      Multiply(Stretch(out.width / width, out.height / height), Shift(-origin.x, -origin.y));
  MapStep step{Multiply(view, map), out, args.Border(), args.Interpolation()};
  if (args.Text("sampler", "jitter") == "jitter" && !fit) step.border.reset();
  return {step};
}

}  // namespace

const std::vector<OpRule>& SizeRules() {
  static const std::vector<OpRule> rules{
      {"letter_box", false, {"scale_x", "scale_y", "left", "top"}, CheckLetterBox, LetterBox},
      {"longest_max_size", false, {"size"}, CheckSize, LongestMaxSize},
      {"pad", false, {}, CheckNothing, Pad},
      LaysOn<AtLeast>("pad_if_needed"),
      LaysOn<OfAspect>("pad_to_aspect"),
      LaysOn<MultipleOf>("pad_to_multiple"),
      LaysOn<Square>("pad_to_square"),
      {"perspective",
       false,
       {"scale", "top_left_x", "top_left_y", "top_right_x", "top_right_y", "bottom_right_x",
        "bottom_right_y", "bottom_left_x", "bottom_left_y"},
       CheckPerspective,
       Perspective},
      {"random_scale", false, {"scale_x", "scale_y"}, CheckRandomScale, RandomScale},
      {"random_shortest_size", false, {"size"}, CheckSize, RandomShortestSize},
      {"resize", false, {}, CheckNothing, Resize},
      {"scale_jitter", false, {"scale"}, CheckScaleJitter, ScaleJitter},
      {"smallest_max_size", false, {"size"}, CheckSize, SmallestMaxSize},
  };
  return rules;
}

}  // namespace pixloom::reference
