// SPDX-License-Identifier: Apache-2.0
// The reference interpreter: what a chain means, slowly and in float64.
//
// It replays a recipe. The chain says which steps there are, the recipe says what was drawn and
// which steps were applied; every formula, the composition of maps, the sampling and the movement
// of labels are written here a second time, from the rules of the language and not from the engine,
// so that two independent readings of the rules can be compared. It calls no operator, no kernel
// and no part of the lowering; it shares plain data types, Philox and the codec.
//
// While it replays it checks the recipe: entries in the order the chain dictates, the draws every
// operator owes, values inside the parameters. What is wrong is collected in Outcome::problems.
//
// An Interpreter owns its sample and is used by one thread.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/contracts.h"
#include "pipeline/graph.h"
#include "pipeline/sample.h"

namespace pixloom::reference {

struct MapStep;
struct FieldStep;
struct PictureStep;
struct WholeStep;

// A picture in float64, HWC, in levels of its type: 0..255, 0..65535, or the values of a float
// image as they are.
struct Image64 {
  Size size;
  int channels = 1;
  Depth depth = Depth::kU8;
  ValueRange range;
  std::vector<double> values;

  Image64() = default;
  Image64(Size s, int c, Depth d, ValueRange r);

  double& At(int x, int y, int c) { return values[Index(x, y, c)]; }
  double At(int x, int y, int c) const { return values[Index(x, y, c)]; }

  // Levels of black and of full range, and the distance between them.
  double Low() const { return depth == Depth::kF32 ? range.lo : 0; }
  double Span() const;
  double ToUnit(double level) const { return (level - Low()) / Span(); }
  double FromUnit(double unit) const { return unit * Span() + Low(); }

 private:
  std::size_t Index(int x, int y, int c) const {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(size.width) +
            static_cast<std::size_t>(x)) *
               static_cast<std::size_t>(channels) +
           static_cast<std::size_t>(c);
  }
};

Image64 FromMat(const cv::Mat& pixels, ValueRange range);
// Rounds half up and saturates on integer images.
cv::Mat ToMat(const Image64& image);

// Largest absolute difference in levels; infinite when size or channels differ.
double MaxDifference(const Image64& expected, const cv::Mat& actual);
// How many values differ by more than `tolerance` levels.
std::size_t CountDifferences(const Image64& expected, const cv::Mat& actual, double tolerance);

struct Context {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  const Codec* codec = nullptr;  // needed for encoded input and for the jpeg operator
  // Added to every source position before the nearest pixel is chosen. A centre that falls on the
  // border of two pixels may go either way; a test that meets one compares with both.
  Point nearest_shift{0, 0};
  // Added to every value of an integer image, as a part of the full range, before it is rounded: a
  // value so close to a half may go either way in float32.
  double rounding_shift = 0;
};

struct Outcome {
  std::vector<std::pair<std::string, std::vector<Image64>>> images;  // field, frames
  std::map<std::string, cv::Mat> masks;
  std::vector<Instance> instances;
  SampleLabels labels;
  // What is wrong with the recipe, or why a picture could not be decoded. Empty: all is well.
  std::vector<std::string> problems;

  // The first frame of a field. REQUIRES: it exists.
  const Image64& Image(std::string_view name = "image") const;
};

// Largest distance between labels that are points, angles (modulo a turn) and scales; infinite when
// classes, counts, visibility or structure differ. Bit masks are left to MaskDifferences.
double LabelDifference(const Outcome& expected, const Sample& actual);
// Pixels in which semantic and instance masks differ; a mask of another size counts whole.
std::size_t MaskDifferences(const Outcome& expected, const Sample& actual);

class Interpreter {
 public:
  // The input as it enters the first chain; its own recipe is not read.
  Interpreter(Sample input, std::span<const RecipeEntry> entries, const Context& context);

  // Replays one chain node. Groups never cross nodes, so pixels are final when it returns.
  void RunChain(const std::vector<ChainStep>& steps);

  // Decodes what is still encoded and reports entries nobody asked for.
  Outcome Finish();

 private:
  struct FrameState {
    std::shared_ptr<const EncodedImage> encoded;  // set until decoded
    Image64 pixels;
    Size size() const;
  };
  struct FieldState {
    std::string name;
    ValueRange range;
    std::vector<FrameState> frames;
  };
  // Composed maps that wait to be resampled; positions are those of the main image.
  struct Pending {
    Matrix map;
    Size in;
    Size out;
    std::optional<BorderRule> border;
    std::optional<Resampling> resampling;
    std::optional<cv::Rect> window;
    bool cropped = false;
  };

  void Problem(std::string text);
  const RecipeEntry* TakeEntry(const ChainStep& step);
  void CheckChance(const ChainStep& step, const RecipeEntry& entry);

  void Replay(const ChainStep& step);
  void ReplaySequence(const ChainStep& step);
  void ReplayAll(const std::vector<ChainStep>& steps);
  void ReplayOperator(const ChainStep& step);
  void ReplayEachFrame(const ChainStep& step, int times);
  void ReplayPicked(const ChainStep& step, const RecipeEntry& entry);
  void ReplaySwitch(const ChainStep& step, const RecipeEntry& entry);
  std::optional<double> OwnNumber(const std::string& name,
                                  const std::vector<std::string>& arguments) const;
  std::string OwnText(const std::string& name, const std::vector<std::string>& arguments) const;
  void ApplyOperator(const ChainStep& step, const RecipeEntry& entry, int frame);

  void AddMap(const MapStep& step);
  std::vector<Instance> RepeatedBy(const MapStep& step) const;
  void AppendRepeated(std::vector<Instance> repeated);
  bool Compose(const MapStep& step);
  void ClosePending();
  Image64 ResampleFrame(FrameState& frame, ValueRange range, const Pending& group);
  void RunField(const FieldStep& step);
  void RunWhole(const WholeStep& step);
  void RunPicture(const PictureStep& step, const ChainStep& selection, int frame);

  Size CurrentSize() const;
  bool Decode(FrameState& frame, ValueRange range, int denominator);

  Context context_;
  Identity identity_;
  std::shared_ptr<const LabelNames> names_;
  std::vector<FieldState> fields_;
  std::map<std::string, SemanticMask> masks_;
  std::vector<Instance> instances_;
  SampleLabels labels_;
  std::string key_, source_;
  std::map<std::string, double> scalars_;
  std::map<std::string, std::string> text_;

  std::span<const RecipeEntry> entries_;
  std::size_t next_entry_ = 0;
  std::vector<std::string> problems_;
  bool stopped_ = false;

  std::optional<Pending> pending_;
  bool apart_ = false;  // inside a chain that resamples each step
};

// One chain node from beginning to end.
Outcome Run(const Node& chain_node, Sample input, const Recipe& recipe, const Context& context);

}  // namespace pixloom::reference
