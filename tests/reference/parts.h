// SPDX-License-Identifier: Apache-2.0
// The parts of the reference interpreter: steps, sampling, labels, formulas of the operators.
// Values and pure functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/contracts.h"
#include "pipeline/rng.h"
#include "pipeline/sample.h"
#include "pipeline/step.h"
#include "tests/reference/interpreter.h"

namespace pixloom::reference {

// ---- Maps ---------------------------------------------------------------------------------------

Matrix Multiply(const Matrix& second, const Matrix& first);  // apply `first`, then `second`
Matrix Invert(const Matrix& map);
Point Apply(const Matrix& map, Point p);
double Determinant2(const Matrix& map);  // of the linear part
double Determinant3(const Matrix& map);
double LargestStretch(const Matrix& map);  // largest singular value of the linear part
bool IsProjective(const Matrix& map);

// Deviations from whole pixels and right angles below this many pixels across the picture are
// rounding noise of composed matrices.
inline constexpr double kSnap = 1e-6;

// Every output centre falls on a source centre.
bool IsCopy(const Matrix& map, Size in, Size out);
// Rows and columns stay rows and columns, possibly swapped.
bool IsAligned(const Matrix& map, Size in);
// Cuts a part out of the source, by whole pixels, and something away.
bool IsCut(const Matrix& map, Size in, Size out);
// Takes the rectangle of the source onto that of the output.
bool IsWholeRectangle(const Matrix& map, Size in, Size out);

Matrix Stretch(double x, double y);

// ---- Steps --------------------------------------------------------------------------------------

struct MapStep {
  Matrix map;
  Size out;
  std::optional<BorderRule> border;
  std::optional<Resampling> resampling;
};

// Source position = output position + displacement, at pixel centres, in pixels.
struct Field64 {
  Size size;
  std::vector<double> dx, dy;
  // Bilinear between centres, constant beyond them.
  Point At(Point p) const;
};

struct FieldStep {
  Field64 field;
  BorderRule border;
  Resampling resampling = Resampling::kLinear;
  bool moves_labels = true;
};

// Anything that changes one frame in place. Results are rounded by the caller.
struct PictureStep {
  std::function<void(Image64& image, const StreamKey& noise, std::string& problem)> run;
};

// Changes objects where they are.
struct ObjectStep {
  std::function<void(std::vector<Instance>& instances)> run;
};

// Anything that moves pixels and labels and is no map: one function for pictures, one for masks,
// one for objects without their bits.
struct WholeStep {
  std::function<void(Image64& image)> picture;
  std::function<void(cv::Mat& mask)> mask;
  std::function<void(std::vector<Instance>& instances)> objects;
};

using RefStep = std::variant<MapStep, FieldStep, PictureStep, ObjectStep, WholeStep>;

// ---- Sampling -----------------------------------------------------------------------------------

// `shift`: Context::rounding_shift.
void RoundToDepth(Image64& image, double shift = 0);

// Position of a tap in a line of `n` pixels; -1: the fill value.
int BorderIndex(Border mode, int index, int n);

struct Sampling {
  Matrix map;  // source -> output
  Size out;
  std::optional<BorderRule> border;  // none: nobody looks outside
  Resampling resampling = Resampling::kLinear;
  std::optional<cv::Rect> window;
  Point nearest_shift{0, 0};
};

Image64 Resample(const Image64& source, const Sampling& sampling);
Image64 Displace(const Image64& source, const FieldStep& step, Point nearest_shift);

// The pixel that holds each mapped centre; `uncovered` where there is none.
cv::Mat MapMask(const cv::Mat& mask, const Matrix& map, Size out, int uncovered,
                Point nearest_shift, Border mode = Border::kConstant);
cv::Mat DisplaceMask(const cv::Mat& mask, const Field64& field, int uncovered, Point nearest_shift);

// ---- Labels -------------------------------------------------------------------------------------

void MoveInstances(const Matrix& map, std::vector<Instance>& instances);
void MoveInstances(const Field64& field, std::vector<Instance>& instances);
// Maps of the picture onto its other images in a plane tiled by a repeating border, as far as they
// meet the rectangle x1, y1, x2, y2; row by row.
std::vector<Matrix> ImagesOf(Border mode, Size picture, const double (&seen)[4]);
// Some part of the object lies inside a picture of this size.
bool IsSeen(const Instance& instance, Size size);
// Left becomes right: keypoints and classes trade places by the pairs of `names`.
void SwapSides(const LabelNames& names, std::vector<Instance>& instances, SampleLabels& labels);
void SwapMaskClasses(const LabelNames& names, cv::Mat& mask);
// The output position whose displaced source position is `p`.
Point SolveField(const Field64& field, Point p);

// ---- Operators ----------------------------------------------------------------------------------

// Arguments of an operator by name; what is absent has the default the operator table gives.
class Arguments {
 public:
  explicit Arguments(const Value& values) : values_(values) {}
  bool Flag(std::string_view name, bool fallback) const;
  double Number(std::string_view name, double fallback) const;
  std::string Text(std::string_view name, std::string fallback) const;
  Range Interval(std::string_view name, Range fallback) const;
  Size Sides(std::string_view name) const;
  std::vector<double> Numbers(std::string_view name, std::vector<double> fallback) const;
  BorderRule Border() const;
  Resampling Interpolation() const;

 private:
  const Value* Find(std::string_view name) const;
  const Value& values_;
};

// The sample as a step finds it.
struct OpState {
  Size size;
  int channels = 3;
  StreamKey key;  // of the step's own draws
  const Codec* codec = nullptr;
  const std::vector<Instance>* instances = nullptr;
  const std::map<std::string, SemanticMask>* masks = nullptr;
};

class Draws {
 public:
  explicit Draws(const RecipeEntry& entry) : entry_(entry) {}
  double operator[](std::string_view name) const;  // NaN when absent

 private:
  const RecipeEntry& entry_;
};

struct OpRule {
  std::string_view name;
  bool photometric = false;
  std::vector<std::string_view> draws;
  // Appends what is wrong with the drawn values.
  void (*check)(const Arguments&, const Draws&, const OpState&, std::vector<std::string>& problems);
  std::vector<RefStep> (*steps)(const Arguments&, const Draws&, const OpState&);
  bool needs_masks = false;  // the draw looks at masks: whatever waits is resampled first
};

// nullptr: no such operator.
const OpRule* FindRule(std::string_view name);
const std::vector<OpRule>& ColourRules();
const std::vector<OpRule>& ToneRules();
const std::vector<OpRule>& ChannelRules();
const std::vector<OpRule>& FilterRules();
const std::vector<OpRule>& SharpenRules();
const std::vector<OpRule>& LightRules();
const std::vector<OpRule>& NoiseRules();
const std::vector<OpRule>& DegradeRules();
const std::vector<OpRule>& WeatherRules();
const std::vector<OpRule>& EraseRules();
const std::vector<OpRule>& EnhanceRules();
const std::vector<OpRule>& RestoreRules();
const std::vector<OpRule>& TypeRules();

// The value belongs to the interval or set.
bool Holds(const Range& range, double value);
void CheckHolds(std::string_view name, const Range& range, double value,
                std::vector<std::string>& problems);

}  // namespace pixloom::reference
