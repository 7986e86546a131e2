// SPDX-License-Identifier: Apache-2.0
// Arguments of operators, and what the formulas of several of them share.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include "tests/reference/ref_geometry.h"

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

std::vector<double> Arguments::Numbers(std::string_view name, std::vector<double> fallback) const {
  const Value* v = Find(name);
  if (v == nullptr) return fallback;
  if (v->IsNumber()) return {v->number};
  std::vector<double> numbers;
  for (const Value& item : v->items) numbers.push_back(item.number);
  return numbers;
}

BorderRule Arguments::Border() const {
  BorderRule rule;
  const std::string mode = Text("border", "constant");
  if (mode == "reflect") rule.mode = Border::kReflect;
  if (mode == "reflect101") rule.mode = Border::kReflect101;
  if (mode == "replicate") rule.mode = Border::kReplicate;
  if (mode == "wrap") rule.mode = Border::kWrap;
  rule.duplicate_labels = Text("mirror_labels", "ignore") == "duplicate" && rule.Repeats();
  if (const double index = Number("mask_fill", -1); index >= 0) {
    rule.mask_fill = static_cast<int>(index);
  }
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
  if (name == "cubic") return Resampling::kCubic;
  if (name == "area") return Resampling::kArea;
  if (name == "antialias") return Resampling::kAntialias;
  if (name == "antialias_cubic") return Resampling::kAntialiasCubic;
  if (name == "lanczos") return Resampling::kLanczos;
  return Resampling::kLinear;
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

const OpRule* FindRule(std::string_view name) {
  for (const std::vector<OpRule>* rules :
       {&ColourRules(), &ToneRules(), &ChannelRules(), &FilterRules(), &SharpenRules(),
        &LightRules(), &NoiseRules(), &DegradeRules(), &WeatherRules(), &EraseRules(),
        &EnhanceRules(), &RestoreRules(), &TypeRules(), &MatrixRules(), &SizeRules(),
        &WindowRules(), &FieldRules(), &GridRules()}) {
    for (const OpRule& rule : *rules) {
      if (rule.name == name) return &rule;
    }
  }
  return nullptr;
}

}  // namespace pixloom::reference
