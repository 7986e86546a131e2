// SPDX-License-Identifier: Apache-2.0
// Arguments of operators and the formulas of those that move pixels.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include "tests/reference/parts.h"

namespace pixloom::reference {

// ---- Arguments and draws ------------------------------------------------------------------------

const Value* Arguments::Find(std::string_view name) const {
  return values_.kind == Value::Kind::kMap ? values_.Find(name) : nullptr;
}

bool Arguments::Flag(std::string_view name, bool fallback) const {
  const Value* v = Find(name);
  return v == nullptr ? fallback : v->boolean;
}

double Arguments::Number(std::string_view name, double fallback) const {
  const Value* v = Find(name);
  return v == nullptr ? fallback : v->number;
}

std::string Arguments::Text(std::string_view name, std::string fallback) const {
  const Value* v = Find(name);
  return v == nullptr ? fallback : v->text;
}

Range Arguments::Interval(std::string_view name, Range fallback) const {
  const Value* v = Find(name);
  if (v == nullptr) return fallback;
  if (v->IsNumber()) return v->number;
  if (v->kind == Value::Kind::kList) {
    return {v->items.front().number, v->items.back().number};
  }
  Range set;
  for (const Value& item : v->Find("choice")->items) set.choice.push_back(item.number);
  return set;
}

Size Arguments::Sides(std::string_view name) const {
  const Value* v = Find(name);
  PIXLOOM_CHECK(v != nullptr, "size is required");
  if (v->IsNumber()) return {static_cast<int>(v->integer), static_cast<int>(v->integer)};
  return {static_cast<int>(v->items.back().integer), static_cast<int>(v->items.front().integer)};
}

BorderRule Arguments::Border() const {
  BorderRule rule;
  const std::string mode = Text("border", "constant");
  if (mode == "reflect") rule.mode = Border::kReflect;
  if (mode == "reflect101") rule.mode = Border::kReflect101;
  if (mode == "replicate") rule.mode = Border::kReplicate;
  if (mode == "wrap") rule.mode = Border::kWrap;
  const Value* fill = Find("fill");
  if (fill == nullptr) return rule;
  for (std::size_t i = 0; i < rule.fill.size(); ++i) {
    if (fill->IsNumber()) rule.fill[i] = fill->number;
    if (fill->items.empty()) continue;
    rule.fill[i] = fill->items[std::min(i, fill->items.size() - 1)].number;
  }
  return rule;
}

Resampling Arguments::Interpolation() const {
  const std::string name = Text("interpolation", "linear");
  if (name == "nearest") return Resampling::kNearest;
  return name == "antialias" ? Resampling::kAntialias : Resampling::kLinear;
}

double Draws::operator[](std::string_view name) const {
  for (const auto& [key, value] : entry_.draws) {
    if (key == name) return value;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

bool Holds(const Range& range, double value) {
  if (!range.choice.empty()) {
    return std::find(range.choice.begin(), range.choice.end(), value) != range.choice.end();
  }
  // lo + (hi - lo) * u may round past an end.
  const double slack = 1e-12 * std::max({1.0, std::abs(range.lo), std::abs(range.hi)});
  return value >= range.lo - slack && value <= range.hi + slack;
}

void CheckHolds(std::string_view name, const Range& range, double value,
                std::vector<std::string>& problems) {
  if (Holds(range, value)) return;
  problems.push_back(fmt::format("{} = {} is outside its range [{}, {}]{}", name, value, range.lo,
                                 range.hi, range.choice.empty() ? "" : " (choice)"));
}

// ---- Geometry -----------------------------------------------------------------------------------

namespace {

using Problems = std::vector<std::string>;

double Radians(double degrees) { return degrees * std::numbers::pi / 180; }

Matrix Shift(double x, double y) { return {{1, 0, x, 0, 1, y, 0, 0, 1}}; }

// `degrees` counter-clockwise on a screen whose y points down.
Matrix Turn(double degrees) {
  const double c = std::cos(Radians(degrees));
  const double s = std::sin(Radians(degrees));
  return {{c, s, 0, -s, c, 0, 0, 0, 1}};
}

Matrix About(Size size, const Matrix& map) {
  const double x = size.width / 2.0;
  const double y = size.height / 2.0;
  return Multiply(Shift(x, y), Multiply(map, Shift(-x, -y)));
}

void CheckWhole(std::string_view name, double value, Problems& problems) {
  if (value != std::floor(value)) {
    problems.push_back(fmt::format("{} = {} is not a whole number", name, value));
  }
}

MapStep CutOut(double x, double y, Size window, Size in, const Arguments& args) {
  MapStep step{Shift(-x, -y), window, {}, {}};
  const bool leaves =
      x < 0 || y < 0 || x + window.width > in.width || y + window.height > in.height;
  if (leaves) step.border = args.Border();
  return step;
}

MapStep ResizeTo(Size in, Size out, const Arguments& args) {
  const double x = static_cast<double>(out.width) / in.width;
  const double y = static_cast<double>(out.height) / in.height;
  return {Stretch(x, y), out, {}, args.Interpolation()};
}

void CheckNothing(const Arguments&, const Draws&, const OpState&, Problems&) {}

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

std::vector<RefStep> Resize(const Arguments& args, const Draws&, const OpState& state) {
  return {ResizeTo(state.size, args.Sides("size"), args)};
}

// ---- Elastic ------------------------------------------------------------------------------------

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
    const std::uint32_t bits = noise.Block(static_cast<std::uint32_t>(i))[word];
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
  field.dy = SmoothNoise(state, 1, draws["alpha"], draws["sigma"]);
  return {FieldStep{std::move(field), args.Border(), args.Interpolation()}};
}

}  // namespace

const std::vector<OpRule>& GeometryRules() {
  static const std::vector<OpRule> rules{
      {"hflip", false, {}, CheckNothing, HFlip},
      {"vflip", false, {}, CheckNothing, VFlip},
      {"rotate", false, {"angle"}, CheckRotate, Rotate},
      {"affine",
       false,
       {"scale_x", "scale_y", "translate_x", "translate_y", "rotate", "shear_x", "shear_y"},
       CheckAffine,
       Affine},
      {"crop", false, {}, CheckNothing, Crop},
      {"random_crop", false, {"x", "y"}, CheckRandomCrop, RandomCrop},
      {"random_resized_crop",
       false,
       {"x", "y", "width", "height"},
       CheckRandomResizedCrop,
       RandomResizedCrop},
      {"resize", false, {}, CheckNothing, Resize},
      {"elastic", false, {"alpha", "sigma"}, CheckElastic, Elastic},
  };
  return rules;
}

const OpRule* FindRule(std::string_view name) {
  for (const std::vector<OpRule>* rules : {&GeometryRules(), &PhotometricRules()}) {
    for (const OpRule& rule : *rules) {
      if (rule.name == name) return &rule;
    }
  }
  return nullptr;
}

}  // namespace pixloom::reference
