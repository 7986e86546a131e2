// SPDX-License-Identifier: Apache-2.0
// Steps: what an operator's Draw returns. The type of the step is the operator's class, so it
// cannot lie about what it does; the engine composes, orders and executes steps without knowing
// operators.
//
// Steps are values; kernels they point to are immutable. Share them freely.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"
#include "pipeline/rng.h"
#include "pipeline/sample.h"

namespace pixloom {

// ---- Geometry -----------------------------------------------------------------------------------

enum class Border { kConstant, kReflect, kReflect101, kReplicate, kWrap };
// Half-pixel centres throughout. A plain resize equals the library named; in a warp (anything that
// is not axis-aligned) linear, area and antialias blend 2x2 pixels, the rest 4x4, and shrinking
// below one half averages whole blocks of pixels first.
enum class Resampling {
  kNearest,
  kLinear,          // OpenCV INTER_LINEAR: no prefilter
  kCubic,           // OpenCV INTER_CUBIC: a = -0.75, no prefilter
  kArea,            // OpenCV INTER_AREA: means over exact areas where it shrinks, linear elsewhere
  kAntialias,       // Pillow BILINEAR: triangle filter widened by the shrink factor
  kAntialiasCubic,  // Pillow BICUBIC: a = -0.5, widened
  kLanczos,         // Pillow LANCZOS: three lobes, widened
};

// How pixels outside the source are filled. Values are in levels of the image (0..255 for uint8,
// 0..65535 for uint16, the declared range for float32), one per channel; fewer repeat the last.
struct BorderRule {
  Border mode = Border::kConstant;
  std::array<double, 4> fill{0, 0, 0, 0};
  // Class index outside semantic masks; empty: the mask's own ignore index. Masks are never
  // reflected or wrapped unless labels are duplicated.
  std::optional<int> mask_fill{};
  // Objects in the mirrored or repeated parts of the picture get labels of their own. A step that
  // does this stands alone: it composes with no neighbour.
  bool duplicate_labels = false;

  bool operator==(const BorderRule&) const = default;
  // Reflect, reflect101 and wrap show objects a second time.
  bool Repeats() const {
    return mode == Border::kReflect || mode == Border::kReflect101 || mode == Border::kWrap;
  }
};

// A projective map of the whole picture. A step that never looks outside its source leaves `border`
// empty; one that moves pixels without resampling (flip, crop, pad) leaves `resampling` empty.
struct AffineStep {
  Matrix map;  // source -> output, edge coordinates
  Size out;
  std::optional<BorderRule> border;
  std::optional<Resampling> resampling;
};

// A displacement of every output pixel: source position = output position + displacement, at pixel
// centres, in pixels. Size of the field = size of the output.
struct WarpField {
  cv::Mat displacement;  // CV_32FC2 (dx, dy)
  BorderRule border;
  Resampling resampling = Resampling::kLinear;
  // False for fields without a usable inverse (every pixel jumps on its own): labels stay.
  bool moves_labels = true;
};

// ---- Colour -------------------------------------------------------------------------------------

// A curve on each channel. `curve` maps unit scale to unit scale (0..1 over the type's range, or
// over the declared range of a float image) and is the definition; integer images go through a
// table built from it: round half up, saturate. Channel 3 of a four-channel image (alpha) is left
// alone.
struct Lut {
  std::function<double(int channel, double x)> curve;
  bool per_channel = false;  // false: the curve ignores `channel`
};

// out = m[:, 0:3] * rgb + m[:, 3], unit scale; rounded half up and saturated on integer images.
// Alpha passes through; pictures without colour stay.
struct ColorMatrix {
  std::array<double, 12> m{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
};

// Facts about the whole image a pixel step may ask for, measured just before it.
enum class StatsKind { kNone, kGrayMean, kChannelMean, kHistogram };

struct Stats {
  // Unit scale. Of three or four channels BT.601 luma, rounded per pixel as ToGray does; otherwise
  // of all values.
  double gray_mean = 0;
  std::array<double, 4> mean{};          // unit scale, per channel
  std::vector<std::uint32_t> histogram;  // channels x 256 (uint8) or channels x 65536 (uint16)
};

// A function of one pixel (and of statistics of the image). Rows may be processed in any order and
// any strip size; in and out may be the same row.
class PixelKernel {
 public:
  virtual ~PixelKernel() = default;
  virtual StatsKind Needs() const { return StatsKind::kNone; }
  // `pixels` pixels of `channels` interleaved values.
  virtual void Row(const std::uint8_t* in, std::uint8_t* out, int pixels, int channels,
                   const Stats& stats) const = 0;
  virtual void Row(const std::uint16_t* in, std::uint16_t* out, int pixels, int channels,
                   const Stats& stats) const = 0;
  // Float rows arrive in unit scale.
  virtual void Row(const float* in, float* out, int pixels, int channels,
                   const Stats& stats) const = 0;
};

struct PixelStep {
  std::shared_ptr<const PixelKernel> kernel;
};

// ---- General ------------------------------------------------------------------------------------

// What a general image step may know about the frame it works on.
struct FrameContext {
  ValueRange range;
  StreamKey noise;  // a stream of its own for noise: Block(index of a group of pixels)
};

// Any function of one frame that keeps its size: blur, noise, codecs. Touches pixels only. Type and
// channels stay too, unless the operator's Out() says otherwise.
struct ImageStep {
  std::function<Result<cv::Mat>(const cv::Mat& in, const FrameContext& context)> run;
  // Declared range of the float picture it makes; empty: as before.
  std::optional<ValueRange> range{};
};

// Changes objects, and only their outlines, points and attributes or which of them there are:
// pixels and bit masks may still be waiting for the geometry before it.
struct LabelStep {
  std::function<void(std::vector<Instance>& instances)> run;
};

// Anything else; says which targets it touches so that the rest is provably untouched.
struct SampleStep {
  unsigned touches = kTargetAll;
  std::function<std::optional<DataError>(Sample& sample)> run;
};

using Step = std::variant<AffineStep, WarpField, Lut, ColorMatrix, PixelStep, ImageStep, LabelStep,
                          SampleStep>;

// A short list of steps from one draw (color_jitter: four in random order).
template <class... S>
struct Steps : std::vector<Step> {
  using std::vector<Step>::vector;
};

}  // namespace pixloom
