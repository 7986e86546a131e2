// SPDX-License-Identifier: Apache-2.0
// Formulas of operators that are one map of the whole picture: flips, turns, warps.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "tests/reference/ref_geometry.h"

namespace pixloom::reference {

namespace {

std::vector<RefStep> HFlip(const Arguments&, const Draws&, const OpState& state) {
  return {MapStep{{{-1, 0, 1.0 * state.size.width, 0, 1, 0, 0, 0, 1}}, state.size, {}, {}}};
}

std::vector<RefStep> VFlip(const Arguments&, const Draws&, const OpState& state) {
  return {MapStep{{{1, 0, 0, 0, -1, 1.0 * state.size.height, 0, 0, 1}}, state.size, {}, {}}};
}

void CheckRotate(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("angle", args.Interval("angle", {-90, 90}), draws["angle"], problems);
}

// Where the corners of the picture go when `linear` is applied about its centre.
std::array<Point, 4> CornersAbout(const Matrix& linear, Size in) {
  const double x = in.width / 2.0;
  const double y = in.height / 2.0;
  return {Apply(linear, {-x, -y}), Apply(linear, {x, -y}), Apply(linear, {x, y}),
          Apply(linear, {-x, y})};
}

// Width and height of the box around them.
Point BoxAround(const std::array<Point, 4>& corners) {
  const auto [left, right] = std::minmax({corners[0].x, corners[1].x, corners[2].x, corners[3].x});
  const auto [top, bottom] = std::minmax({corners[0].y, corners[1].y, corners[2].y, corners[3].y});
  return {right - left, bottom - top};
}

// The canvas grows or shrinks about its centre.
MapStep OnCanvas(const Matrix& linear, Size in, Size out, const Arguments& args) {
  const Matrix map = Multiply(Shift(out.width / 2.0, out.height / 2.0),
                              Multiply(linear, Shift(-in.width / 2.0, -in.height / 2.0)));
  return {map, out, args.Border(), args.Interpolation()};
}

// Whole pixels around a box; a side that is whole but for rounding stays so.
Size PixelsAround(Point box) {
  return {static_cast<int>(std::ceil(box.x - 1e-9)), static_cast<int>(std::ceil(box.y - 1e-9))};
}

// The upright rectangle of greatest area inside the turned picture, searched for: of a rectangle
// that is `x` wide, the height follows from the four edges of the picture.
Point LargestInside(double degrees, Size in) {
  const double c = std::abs(std::cos(Radians(degrees)));
  const double s = std::abs(std::sin(Radians(degrees)));
  const auto height = [&](double width) {
    double most = 1e300;
    if (s > 1e-12) most = std::min(most, (in.width - c * width) / s);
    if (c > 1e-12) most = std::min(most, (in.height - s * width) / c);
    return most;
  };
  double lo = 0;
  double hi = std::min(c > 1e-12 ? in.width / c : 1e300, s > 1e-12 ? in.height / s : 1e300);
  if (s <= 1e-12 || c <= 1e-12) return {hi, height(hi)};
  // Height falls with width, first slowly, then fast: area has one peak.
  for (int i = 0; i < 300; ++i) {
    const double a = lo + (hi - lo) / 3;
    const double b = hi - (hi - lo) / 3;
    const bool rises = a * height(a) < b * height(b);
    lo = rises ? a : lo;
    hi = rises ? hi : b;
  }
  return {lo, height(lo)};
}

std::vector<RefStep> Rotate(const Arguments& args, const Draws& draws, const OpState& state) {
  const Matrix turn = Turn(draws["angle"]);
  if (args.Flag("expand", false)) {
    const Size out = PixelsAround(BoxAround(CornersAbout(turn, state.size)));
    return {OnCanvas(turn, state.size, out, args)};
  }
  if (args.Flag("crop_border", false)) {
    // The search finds the peak to half the digits of a double.
    const Point inside = LargestInside(draws["angle"], state.size);
    const auto whole = [](double v) { return std::max(1, static_cast<int>(std::floor(v + 1e-5))); };
    MapStep step = OnCanvas(turn, state.size, {whole(inside.x), whole(inside.y)}, args);
    if (inside.x > 1 - 1e-5 && inside.y > 1 - 1e-5) step.border.reset();
    return {step};
  }
  return {OnCanvas(turn, state.size, state.size, args)};
}

void CheckSafeRotate(const Arguments& args, const Draws& draws, const OpState& state,
                     Problems& problems) {
  CheckHolds("angle", args.Interval("angle", {-90, 90}), draws["angle"], problems);
  // Everything fits, and on one axis nothing is left over.
  const double s = draws["scale"];
  const Matrix map = Multiply(Turn(draws["angle"]), Stretch(s, s));
  const Point box = BoxAround(CornersAbout(map, state.size));
  const double slack = 1e-9 * std::max(state.size.width, state.size.height);
  const double room = std::min(state.size.width - box.x, state.size.height - box.y);
  if (std::abs(room) > slack) {
    problems.push_back(fmt::format("scale {} leaves {} px of the canvas", s, room));
  }
}

std::vector<RefStep> SafeRotate(const Arguments& args, const Draws& draws, const OpState& state) {
  const Matrix map = Multiply(Turn(draws["angle"]), Stretch(draws["scale"], draws["scale"]));
  return {OnCanvas(map, state.size, state.size, args)};
}

void CheckAffine(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("scale_x", args.Interval("scale", 1), draws["scale_x"], problems);
  CheckHolds("scale_y", args.Interval("scale", 1), draws["scale_y"], problems);
  if (args.Flag("keep_ratio", false) && draws["scale_x"] != draws["scale_y"]) {
    problems.push_back("scale_x and scale_y differ although the ratio is kept");
  }
  for (std::string_view name : {"translate_x", "translate_y", "rotate", "shear_x", "shear_y"}) {
    Range range = args.Interval(name, 0);
    if (name.starts_with("translate") && range == Range(0)) range = args.Interval("translate", 0);
    CheckHolds(name, range, draws[name], problems);
  }
}

std::vector<RefStep> Affine(const Arguments& args, const Draws& draws, const OpState& state) {
  const Matrix shift =
      Shift(draws["translate_x"] * state.size.width, draws["translate_y"] * state.size.height);
  Matrix shear;
  shear.m[1] = std::tan(Radians(draws["shear_x"]));
  shear.m[3] = std::tan(Radians(draws["shear_y"]));
  const Matrix turn = Turn(draws["rotate"]);
  const Matrix stretch = Stretch(draws["scale_x"], draws["scale_y"]);
  const Matrix linear = Multiply(shear, Multiply(turn, stretch));
  if (args.Flag("fit_output", false)) {
    const Size out = PixelsAround(BoxAround(CornersAbout(linear, state.size)));
    return {OnCanvas(linear, state.size, out, args)};
  }
  const Matrix map = Multiply(shift, linear);
  return {MapStep{About(state.size, map), state.size, args.Border(), args.Interpolation()}};
}

void CheckShiftScaleRotate(const Arguments& args, const Draws& draws, const OpState&,
                           Problems& problems) {
  CheckHolds("shift_x", args.Interval("shift", {-0.0625, 0.0625}), draws["shift_x"], problems);
  CheckHolds("shift_y", args.Interval("shift", {-0.0625, 0.0625}), draws["shift_y"], problems);
  CheckHolds("scale", args.Interval("scale", {0.9, 1.1}), draws["scale"], problems);
  CheckHolds("rotate", args.Interval("rotate", {-45, 45}), draws["rotate"], problems);
}

// Turning and scaling both axes alike commute.
std::vector<RefStep> ShiftScaleRotate(const Arguments& args, const Draws& draws,
                                      const OpState& state) {
  const Matrix shift =
      Shift(draws["shift_x"] * state.size.width, draws["shift_y"] * state.size.height);
  const Matrix zoom = Multiply(Stretch(draws["scale"], draws["scale"]), Turn(draws["rotate"]));
  return {MapStep{Multiply(shift, About(state.size, zoom)), state.size, args.Border(),
                  args.Interpolation()}};
}

void CheckShear(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("x", args.Interval("x", {-30, 30}), draws["x"], problems);
  CheckHolds("y", args.Interval("y", 0), draws["y"], problems);
}

// A point moves in proportion to its distance from the lines through the anchor.
std::vector<RefStep> Shear(const Arguments& args, const Draws& draws, const OpState& state) {
  const bool corner = args.Text("anchor", "center") == "top_left";
  const double x0 = corner ? 0 : state.size.width / 2.0;
  const double y0 = corner ? 0 : state.size.height / 2.0;
  const double a = std::tan(Radians(draws["x"]));
  const double b = std::tan(Radians(draws["y"]));
  return {MapStep{
      {{1, a, -a * y0, b, 1, -b * x0, 0, 0, 1}}, state.size, args.Border(), args.Interpolation()}};
}

void CheckTranslate(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("x", args.Interval("x", {-0.1, 0.1}), draws["x"], problems);
  CheckHolds("y", args.Interval("y", {-0.1, 0.1}), draws["y"], problems);
}

std::vector<RefStep> Translate(const Arguments& args, const Draws& draws, const OpState& state) {
  const bool pixels = args.Text("unit", "fraction") == "px";
  double x = pixels ? std::floor(draws["x"] + 0.5) : draws["x"] * state.size.width;
  double y = pixels ? std::floor(draws["y"] + 0.5) : draws["y"] * state.size.height;
  if (args.Flag("whole", false)) {
    for (double* shift : {&x, &y}) *shift = std::trunc(*shift + std::copysign(1e-9, *shift));
  }
  return {MapStep{Shift(x, y), state.size, args.Border(), args.Interpolation()}};
}

// ---- Symmetries of the square -------------------------------------------------------------------

// One quarter turn counter-clockwise takes the right edge to the top.
MapStep QuarterTurn(Size in) {
  return {{{0, 1, 0, -1, 0, 1.0 * in.width, 0, 0, 1}}, {in.height, in.width}, {}, {}};
}

// Quarter turns, then the mirror: all eight are made of these two.
std::vector<RefStep> TurnsAndMirror(int turns, bool mirror, Size size) {
  MapStep all{{}, size, {}, {}};
  for (int i = 0; i < turns; ++i) {
    const MapStep turn = QuarterTurn(all.out);
    all.map = Multiply(turn.map, all.map);
    all.out = turn.out;
  }
  if (mirror) all.map = Multiply({{-1, 0, 1.0 * all.out.width, 0, 1, 0, 0, 0, 1}}, all.map);
  return {all};
}

std::vector<RefStep> Transpose(const Arguments&, const Draws&, const OpState& state) {
  return TurnsAndMirror(3, true, state.size);
}

void CheckRotate90(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckWhole("k", draws["k"], problems);
  CheckHolds("k", args.Interval("k", {0, 3}), draws["k"], problems);
}

std::vector<RefStep> Rotate90(const Arguments&, const Draws& draws, const OpState& state) {
  return TurnsAndMirror(static_cast<int>(draws["k"]), false, state.size);
}

void CheckD4(const Arguments&, const Draws& draws, const OpState&, Problems& problems) {
  CheckWhole("element", draws["element"], problems);
  CheckHolds("element", {0, 7}, draws["element"], problems);
}

// e, r90, r180, r270, v, hvt, h, t.
std::vector<RefStep> D4(const Arguments&, const Draws& draws, const OpState& state) {
  const int element = static_cast<int>(draws["element"]);
  const int turns[] = {0, 1, 2, 3, 2, 1, 0, 3};
  return TurnsAndMirror(turns[element], element >= 4, state.size);
}

}  // namespace

const std::vector<OpRule>& MatrixRules() {
  static const std::vector<OpRule> rules{
      {"affine",
       false,
       {"scale_x", "scale_y", "translate_x", "translate_y", "rotate", "shear_x", "shear_y"},
       CheckAffine,
       Affine},
      {"d4", false, {"element"}, CheckD4, D4},
      {"hflip", false, {}, CheckNothing, HFlip},
      {"rotate", false, {"angle"}, CheckRotate, Rotate},
      {"rotate90", false, {"k"}, CheckRotate90, Rotate90},
      {"safe_rotate", false, {"angle", "scale"}, CheckSafeRotate, SafeRotate},
      {"shear", false, {"x", "y"}, CheckShear, Shear},
      {"shift_scale_rotate",
       false,
       {"shift_x", "shift_y", "scale", "rotate"},
       CheckShiftScaleRotate,
       ShiftScaleRotate},
      {"translate", false, {"x", "y"}, CheckTranslate, Translate},
      {"transpose", false, {}, CheckNothing, Transpose},
      {"vflip", false, {}, CheckNothing, VFlip},
  };
  return rules;
}

}  // namespace pixloom::reference
