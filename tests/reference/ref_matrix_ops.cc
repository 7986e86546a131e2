// SPDX-License-Identifier: Apache-2.0
// Formulas of operators that are one map of the whole picture: flips, turns, warps, resizes, pads.
#include <algorithm>
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

std::vector<RefStep> Rotate(const Arguments& args, const Draws& draws, const OpState& state) {
  return {MapStep{About(state.size, Turn(draws["angle"])), state.size, args.Border(),
                  args.Interpolation()}};
}

void CheckAffine(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("scale_x", args.Interval("scale", 1), draws["scale_x"], problems);
  CheckHolds("scale_y", args.Interval("scale", 1), draws["scale_y"], problems);
  if (args.Flag("keep_ratio", false) && draws["scale_x"] != draws["scale_y"]) {
    problems.push_back("scale_x and scale_y differ although the ratio is kept");
  }
  for (std::string_view name : {"translate_x", "translate_y", "rotate", "shear_x", "shear_y"}) {
    CheckHolds(name, args.Interval(name, 0), draws[name], problems);
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
  const Matrix map = Multiply(shift, Multiply(shear, Multiply(turn, stretch)));
  return {MapStep{About(state.size, map), state.size, args.Border(), args.Interpolation()}};
}

std::vector<RefStep> Resize(const Arguments& args, const Draws&, const OpState& state) {
  return {ResizeTo(state.size, args.Sides("size"), args)};
}

}  // namespace

const std::vector<OpRule>& MatrixRules() {
  static const std::vector<OpRule> rules{
      {"affine",
       false,
       {"scale_x", "scale_y", "translate_x", "translate_y", "rotate", "shear_x", "shear_y"},
       CheckAffine,
       Affine},
      {"hflip", false, {}, CheckNothing, HFlip},
      {"resize", false, {}, CheckNothing, Resize},
      {"rotate", false, {"angle"}, CheckRotate, Rotate},
      {"vflip", false, {}, CheckNothing, VFlip},
  };
  return rules;
}

}  // namespace pixloom::reference
