// SPDX-License-Identifier: Apache-2.0
// Formulas of operators that cut a window out of the picture.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tests/reference/ref_geometry.h"

namespace pixloom::reference {

namespace {

std::vector<RefStep> Crop(const Arguments& args, const Draws&, const OpState& state) {
  const double x = args.Number("x_min", 0);
  const double y = args.Number("y_min", 0);
  const Size window{static_cast<int>(args.Number("x_max", 0) - x),
                    static_cast<int>(args.Number("y_max", 0) - y)};
  return {CutOut(x, y, window, state.size, args)};
}

void CheckOrigin(std::string_view name, double value, int whole, int part, Problems& problems) {
  CheckWhole(name, value, problems);
  if (whole >= part) {
    CheckHolds(name, {0, static_cast<double>(whole - part)}, value, problems);
  } else {
    CheckHolds(name, std::floor((whole - part) / 2.0), value, problems);
  }
}

void CheckRandomCrop(const Arguments& args, const Draws& draws, const OpState& state,
                     Problems& problems) {
  const Size window = args.Sides("size");
  CheckOrigin("x", draws["x"], state.size.width, window.width, problems);
  CheckOrigin("y", draws["y"], state.size.height, window.height, problems);
}

std::vector<RefStep> RandomCrop(const Arguments& args, const Draws& draws, const OpState& state) {
  return {CutOut(draws["x"], draws["y"], args.Sides("size"), state.size, args)};
}

// Some area and ratio of the ranges round to this window.
bool IsTry(const Arguments& args, const Size& in, double w, double h) {
  const double area = 1.0 * in.width * in.height;
  const Range scale = args.Interval("scale", {0.08, 1});
  const Range ratio = args.Interval("ratio", {0.75, 1.3333333333333333});
  constexpr double kHalf = 0.5 + 1e-9;
  return (w + kHalf) * (h + kHalf) >= scale.Min() * area &&
         (w - kHalf) * (h - kHalf) <= scale.Max() * area &&
         (w + kHalf) / (h - kHalf) >= ratio.Min() && (w - kHalf) / (h + kHalf) <= ratio.Max();
}

bool IsFallback(const Arguments& args, const Size& in, const Draws& draws) {
  const Range ratio = args.Interval("ratio", {0.75, 1.3333333333333333});
  const double own = 1.0 * in.width / in.height;
  double w = in.width;
  double h = in.height;
  if (own < ratio.Min()) h = std::floor(w / ratio.Min() + 0.5);
  if (own > ratio.Max()) w = std::floor(h * ratio.Max() + 0.5);
  // A side may be rounded either way when it falls on a half.
  return std::abs(draws["width"] - w) <= 1 && std::abs(draws["height"] - h) <= 1 &&
         std::abs(draws["x"] - (in.width - draws["width"]) / 2) < 1 &&
         std::abs(draws["y"] - (in.height - draws["height"]) / 2) < 1;
}

void CheckRandomResizedCrop(const Arguments& args, const Draws& draws, const OpState& state,
                            Problems& problems) {
  const double w = draws["width"];
  const double h = draws["height"];
  for (std::string_view name : {"x", "y", "width", "height"}) {
    CheckWhole(name, draws[name], problems);
  }
  CheckHolds("width", {1, 1.0 * state.size.width}, w, problems);
  CheckHolds("height", {1, 1.0 * state.size.height}, h, problems);
  CheckHolds("x", {0, state.size.width - w}, draws["x"], problems);
  CheckHolds("y", {0, state.size.height - h}, draws["y"], problems);
  if (!IsTry(args, state.size, w, h) && !IsFallback(args, state.size, draws)) {
    problems.push_back(fmt::format("a window of {} x {} has no area and ratio in range", w, h));
  }
}

std::vector<RefStep> RandomResizedCrop(const Arguments& args, const Draws& draws, const OpState&) {
  const Size window{static_cast<int>(draws["width"]), static_cast<int>(draws["height"])};
  return {MapStep{Shift(-draws["x"], -draws["y"]), window, {}, {}},
          ResizeTo(window, args.Sides("size"), args)};
}

}  // namespace

const std::vector<OpRule>& WindowRules() {
  static const std::vector<OpRule> rules{
      {"crop", false, {}, CheckNothing, Crop},
      {"random_crop", false, {"x", "y"}, CheckRandomCrop, RandomCrop},
      {"random_resized_crop",
       false,
       {"x", "y", "width", "height"},
       CheckRandomResizedCrop,
       RandomResizedCrop},
  };
  return rules;
}

}  // namespace pixloom::reference
