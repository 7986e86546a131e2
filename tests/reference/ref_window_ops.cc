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
  CheckInside(draws, state, problems);
  if (!IsTry(args, state.size, w, h) && !IsFallback(args, state.size, draws)) {
    problems.push_back(fmt::format("a window of {} x {} has no area and ratio in range", w, h));
  }
}

std::vector<RefStep> CenterCrop(const Arguments& args, const Draws&, const OpState& state) {
  const Size window = args.Sides("size");
  return {CutOut(std::floor((state.size.width - window.width) / 2.0),
                 std::floor((state.size.height - window.height) / 2.0), window, state.size, args)};
}

void CheckRandomSizedCrop(const Arguments& args, const Draws& draws, const OpState& state,
                          Problems& problems) {
  CheckInside(draws, state, problems);
  const double w = draws["width"];
  const double h = draws["height"];
  const Range height = args.Interval("height", 0);
  const double ratio = args.Number("w2h_ratio", 1);
  // Heights that were drawn and cut down to the picture's.
  const auto drawn = [&](double v) {
    if (v == state.size.height && height.Max() >= v) return true;
    if (height.choice.empty()) {
      return v >= std::floor(height.lo + 0.5) && v <= std::floor(height.hi + 0.5);
    }
    return std::any_of(height.choice.begin(), height.choice.end(),
                       [&](double c) { return std::floor(c + 0.5) == v; });
  };
  const bool as_drawn = drawn(h) && std::abs(w - std::max(1.0, std::floor(h * ratio + 0.5))) < 1e-9;
  const bool shrunk = w == state.size.width && h <= height.Max() && std::abs(w / ratio - h) <= 1;
  if (!as_drawn && !shrunk) {
    problems.push_back(fmt::format("a window of {} x {} has no height in range", w, h));
  }
}

// Two opposite sides grow by some amount of the ranges, or give back so that one pixel stays.
void CheckEnds(std::string_view names, double before, double after, int side, const Arguments& args,
               Problems& problems) {
  const Range px = args.Interval("px", 0);
  const Range fraction = args.Interval("fraction", 0);
  constexpr double kHalf = 0.5 + 1e-6;
  const double lo = px.Min() + fraction.Min() * side - kHalf;
  const double hi = px.Max() + fraction.Max() * side + kHalf;
  const bool last = std::min(before, 0.0) + std::min(after, 0.0) == 1 - side;
  for (const double v : {before, after}) {
    CheckWhole(names, v, problems);
    const bool given_back = last && v <= 0 && v >= lo;
    if ((v < lo || v > hi) && !given_back) {
      problems.push_back(fmt::format("{}: {} is outside [{}, {}]", names, v, lo, hi));
    }
  }
  const bool both = args.Flag("sample_independently", true) || before == after || last;
  if (!both) problems.push_back(fmt::format("{}: {} and {} differ", names, before, after));
  if (std::min(before, 0.0) + std::min(after, 0.0) < 1 - side) {
    problems.push_back(fmt::format("{}: nothing of the picture is left", names));
  }
}

void CheckCropAndPad(const Arguments& args, const Draws& draws, const OpState& state,
                     Problems& problems) {
  CheckEnds("top and bottom", draws["top"], draws["bottom"], state.size.height, args, problems);
  CheckEnds("left and right", draws["left"], draws["right"], state.size.width, args, problems);
}

std::vector<RefStep> CropAndPad(const Arguments& args, const Draws& draws, const OpState& state) {
  const Size grown{state.size.width + static_cast<int>(draws["left"] + draws["right"]),
                   state.size.height + static_cast<int>(draws["top"] + draws["bottom"])};
  std::vector<RefStep> steps{CutOut(-draws["left"], -draws["top"], grown, state.size, args)};
  if (args.Flag("keep_size", true)) steps.emplace_back(ResizeTo(grown, state.size, args));
  return steps;
}

void CheckRandomCropFromBorders(const Arguments& args, const Draws& draws, const OpState& state,
                                Problems& problems) {
  CheckInside(draws, state, problems);
  const auto strip = [&](std::string_view name, double cut, int side) {
    CheckHolds(name, {0, args.Number(name, 0.1) * side}, cut, problems);
  };
  const Size& in = state.size;
  strip("left", draws["x"], in.width);
  strip("right", in.width - draws["x"] - draws["width"], in.width);
  strip("top", draws["y"], in.height);
  strip("bottom", in.height - draws["y"] - draws["height"], in.height);
}

Size Canvas(const Draws& draws, const OpState& state) {
  return {static_cast<int>(std::floor(state.size.width * draws["side_range"])),
          static_cast<int>(std::floor(state.size.height * draws["side_range"]))};
}

void CheckRandomZoomOut(const Arguments& args, const Draws& draws, const OpState& state,
                        Problems& problems) {
  CheckHolds("side_range", args.Interval("side_range", {1, 4}), draws["side_range"], problems);
  const Size canvas = Canvas(draws, state);
  CheckOrigin("x", draws["x"], canvas.width, state.size.width, problems);
  CheckOrigin("y", draws["y"], canvas.height, state.size.height, problems);
}

std::vector<RefStep> RandomZoomOut(const Arguments& args, const Draws& draws,
                                   const OpState& state) {
  return {CutOut(-draws["x"], -draws["y"], Canvas(draws, state), state.size, args)};
}

}  // namespace

void CheckInside(const Draws& draws, const OpState& state, Problems& problems) {
  for (std::string_view name : {"x", "y", "width", "height"}) {
    CheckWhole(name, draws[name], problems);
  }
  CheckHolds("width", {1, 1.0 * state.size.width}, draws["width"], problems);
  CheckHolds("height", {1, 1.0 * state.size.height}, draws["height"], problems);
  CheckHolds("x", {0, state.size.width - draws["width"]}, draws["x"], problems);
  CheckHolds("y", {0, state.size.height - draws["height"]}, draws["y"], problems);
}

std::vector<RefStep> CutDrawn(const Arguments&, const Draws& draws, const OpState&) {
  const Size window{static_cast<int>(draws["width"]), static_cast<int>(draws["height"])};
  return {MapStep{Shift(-draws["x"], -draws["y"]), window, {}, {}}};
}

std::vector<RefStep> CutDrawnAndResize(const Arguments& args, const Draws& draws, const OpState&) {
  const Size window{static_cast<int>(draws["width"]), static_cast<int>(draws["height"])};
  return {MapStep{Shift(-draws["x"], -draws["y"]), window, {}, {}},
          ResizeTo(window, args.Sides("size"), args)};
}

const std::vector<OpRule>& WindowRules() {
  static const std::vector<std::string_view> window{"x", "y", "width", "height"};
  static const std::vector<OpRule> rules = [] {
    std::vector<OpRule> own{
        {"center_crop", false, {}, CheckNothing, CenterCrop},
        {"crop", false, {}, CheckNothing, Crop},
        {"crop_and_pad", false, {"top", "right", "bottom", "left"}, CheckCropAndPad, CropAndPad},
        {"random_crop_from_borders", false, window, CheckRandomCropFromBorders, CutDrawn},
        {"random_sized_crop", false, window, CheckRandomSizedCrop, CutDrawnAndResize},
        {"random_zoom_out", false, {"side_range", "x", "y"}, CheckRandomZoomOut, RandomZoomOut},
        {"random_crop", false, {"x", "y"}, CheckRandomCrop, RandomCrop},
        {"random_resized_crop", false, window, CheckRandomResizedCrop, CutDrawnAndResize},
    };
    own.insert(own.end(), BoxCropRules().begin(), BoxCropRules().end());
    return own;
  }();
  return rules;
}

}  // namespace pixloom::reference
