// SPDX-License-Identifier: Apache-2.0
// Sample: the unit of work. One source entry (or one copy of it) with its images and labels.
//
// A Sample is move-only and owned by exactly one node at a time, which may write to it; when an
// edge has two consumers the executor clones. Clones share pixel buffers: whoever writes pixels in
// place calls MakeUnique first.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/error.h"
#include "pipeline/geometry.h"
#include "pipeline/rle.h"

namespace pixloom {

struct ImageHeader;

// ---- Identity -----------------------------------------------------------------------------------

// Who a sample is. Randomness depends on id and branch only, order on seq only.
struct Identity {
  std::uint64_t id = 0;               // xxh64(source-node name, key)
  std::vector<std::uint32_t> branch;  // path of copy and tile indices
  std::uint64_t seq = 0;              // index in the plan, for order only

  bool operator==(const Identity&) const = default;
};

std::uint64_t SampleId(std::string_view source_node, std::string_view key);

// "0", "2-1": the branch as it appears in file names and recipes; "" for the trunk.
std::string BranchText(const std::vector<std::uint32_t>& branch);

// ---- Pixels -------------------------------------------------------------------------------------

enum class Depth { kU8, kU16, kF32 };

Depth DepthOf(const cv::Mat& pixels);
int CvDepth(Depth depth);
const char* DepthName(Depth depth);

// The declared range of a float image; integer images use their full range.
struct ValueRange {
  float lo = 0;
  float hi = 1;
  bool operator==(const ValueRange&) const = default;
};

// Bytes of a picture that has not been decoded yet.
struct EncodedImage {
  std::vector<std::uint8_t> bytes;
  std::shared_ptr<const ImageHeader> header;
  bool exact = false;             // never decode at a reduced scale
  bool accept_truncated = false;  // keep what a damaged file still gives
  int channels = 0;               // channels to decode to; 0 = as stored
};

// One frame: encoded until someone needs pixels, decoded from then on. Exactly one is set.
struct Frame {
  std::shared_ptr<const EncodedImage> encoded;
  // HWC, RGB order; or planar, for networks: three dimensions, CHW. Only sinks and readers of
  // results take planar pictures.
  cv::Mat pixels;

  bool Decoded() const { return !pixels.empty(); }
  bool Planar() const { return pixels.dims == 3; }
  Size size() const;
  int channels() const;
  Depth depth() const;
};

// A named image: one frame, or the frames of a clip (all of one size and type).
struct ImageField {
  std::vector<Frame> frames;
  ValueRange range;

  static ImageField Of(cv::Mat pixels);
};

// Copies the buffer if anybody else refers to it.
void MakeUnique(cv::Mat& pixels);

// ---- Labels -------------------------------------------------------------------------------------

struct Keypoint {
  Point at;
  int visibility = 2;  // 0 unlabelled, 1 hidden, 2 visible
  double angle = 0;    // radians, y down
  double scale = 1;
};

// One object. Its parts live and die together.
struct Instance {
  std::int64_t id = 0;
  std::optional<int> label;  // index into the source's class names
  std::optional<Quad> quad;  // box or oriented box, as mapped corners
  bool oriented = false;     // the quad is an oriented box
  std::vector<Polygon> polygons;
  // The pixels it covers, as bits (CV_8U, 0 or 255, size of the image) or as runs; at most one.
  cv::Mat mask;
  std::optional<Rle> rle;
  std::vector<Keypoint> keypoints;
  std::map<std::string, std::string> attributes;
  // px^2 when it entered the graph, scaled since by the maps it went through: what it would cover
  // if nothing had been cut away. 0: unknown.
  double original_area = 0;

  bool HasMask() const { return !mask.empty() || rle.has_value(); }
  cv::Mat Bits() const;        // decoded when it is runs. REQUIRES: HasMask()
  void SetBits(cv::Mat bits);  // in the form it had
};

struct SemanticMask {
  cv::Mat pixels;          // CV_8U or CV_16U class indices
  int ignore_index = 255;  // fills what a map uncovers
};

// Labels of the whole picture.
struct SampleLabels {
  std::optional<int> label;
  std::vector<int> multi_hot;
  std::vector<float> soft;
};

// Names that integers in labels stand for; shared by all samples of a source.
struct LabelNames {
  std::vector<std::string> classes;
  std::vector<std::string> keypoints;
  std::vector<std::pair<int, int>> keypoint_swaps;  // left/right pairs, applied by mirroring
  std::vector<std::pair<int, int>> class_swaps;
};

// ---- Recipe -------------------------------------------------------------------------------------

struct Parent;

// What was drawn and done, step by step; enough to do it again by hand.
struct RecipeEntry {
  std::shared_ptr<const std::string> stream;  // the step's path, e.g. "look/hflip"
  bool applied = true;
  std::vector<std::pair<std::string, double>> draws{};  // in draw order; names may repeat
  // Who else went into the sample here (mixup, mosaic), each with its own recipe until then.
  std::vector<std::shared_ptr<const Parent>> parents{};
};

struct Recipe {
  std::vector<RecipeEntry> entries;

  // [{"step": "look/hflip", "applied": true, "draws": [["angle", 12.5]]}, ...]
  std::string ToJson() const;
};

struct Parent {
  std::string source;
  std::string key;
  std::vector<std::uint32_t> branch;
  Recipe recipe;
};

// ---- Sample -------------------------------------------------------------------------------------

struct Sample {
  Sample() = default;
  Sample(Sample&&) noexcept = default;
  Sample& operator=(Sample&&) noexcept = default;
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;

  Identity identity;
  std::string key;     // as the source names it
  std::string source;  // name of the source node

  // "image" is the main field and comes first; others ("target") follow it through geometry.
  std::vector<std::pair<std::string, ImageField>> images;
  std::map<std::string, SemanticMask> masks;
  std::vector<Instance> instances;
  SampleLabels labels;
  std::map<std::string, double> scalars;
  std::map<std::string, std::string> text;
  std::shared_ptr<const LabelNames> names;

  std::optional<DataError> error;  // set: the sample is bad and is routed to quarantine
  Recipe recipe;

  bool filtered = false;  // by a rule of the configuration: it goes no further
  // What steps counted ("outside": 3); the node's part of the run report adds them up.
  std::map<std::string, std::uint64_t> counts;

  ImageField* Image(std::string_view name = "image");
  const ImageField* Image(std::string_view name = "image") const;

  // Shares pixels and encoded bytes with the original.
  Sample Clone() const;

  // Memory held by pixels, masks and encoded bytes.
  std::size_t Bytes() const;
};

// ---- Meta ---------------------------------------------------------------------------------------

enum Targets : unsigned {
  kTargetNone = 0,
  kTargetImage = 1,
  kTargetMask = 2,
  kTargetInstance = 4,
  kTargetAll = 7,
};

// What is known about every sample on an edge before the first one exists. Empty = varies.
struct Meta {
  std::optional<Size> size;
  std::optional<Depth> depth;
  std::optional<int> channels;
  bool planar = false;  // some may be
  std::vector<std::string> fields{"image"};
  unsigned targets = kTargetImage;  // which labels may be present

  std::string Text() const;
};

}  // namespace pixloom
