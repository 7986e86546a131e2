// SPDX-License-Identifier: Apache-2.0
// Families: the pixel loops behind the step types. ops/ implements them, the engine calls them; no
// operator contains a loop over targets.
//
// Implementations are stateless; all functions may be called from any thread.
#pragma once

#include <span>
#include <variant>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/sample.h"
#include "pipeline/step.h"

namespace pixloom {

// Part of a picture: `pixels` holds what lies at `origin` of a picture of `full` pixels. Border
// rules and coordinates refer to the full picture. The engine guarantees that every tap inside the
// full picture is inside `pixels`.
struct ImageView {
  cv::Mat pixels;
  cv::Point origin{0, 0};
  Size full;

  static ImageView Whole(const cv::Mat& pixels);
};

// Neighbouring affine steps composed into one map (pipeline/lower.h makes them).
struct AffineGroup {
  Matrix map;  // source -> output
  Size in;
  Size out;
  BorderRule border;  // replicate when no step looks outside
  Resampling resampling = Resampling::kLinear;
  // Taps of the resampler are clamped to this part of the source (a crop came first). Empty = no
  // window, the border rule applies at the edges of the full picture.
  std::optional<cv::Rect> window;

  // How the group came about; the rules for what may still join it need to know.
  bool has_border = false;  // some step looks outside its source
  bool resampled = false;   // some step resamples
  bool cropped = false;     // some step cut pixels away

  // Every output pixel centre falls on a source pixel centre: a copy, no resampling.
  bool IsExactCopy() const;
  // Rows and columns of the output are rows and columns (or columns and rows) of the source.
  bool IsAxisAligned() const;
};

using ColourStep = std::variant<Lut, ColorMatrix, PixelStep>;

class Families {
 public:
  virtual ~Families() = default;

  // Exact copies are copies; axis-aligned groups use the separable resizer; everything else the
  // warp kernel, which prefilters by an integer box when the group shrinks below one half and is
  // not nearest. Any depth, 1 to 9 channels or more.
  //
  // Axis-aligned groups and borders: an output that shows nothing outside the picture has its taps
  // clamped at the picture's edges, whatever the border; so a crop or a plain resize never blends
  // with the fill. With a constant border and picture edges that fall on the output's pixel grid (a
  // letter box), the picture is resized as if alone and laid on the fill. Otherwise taps outside
  // count as the border says. The widened cubic and Lanczos filters run across first and saturate
  // integers before they run down, as Pillow does.
  virtual cv::Mat Affine(const ImageView& source, const AffineGroup& group) const = 0;

  virtual cv::Mat Field(const cv::Mat& source, const WarpField& field) const = 0;

  // Applies the steps one after the other with the rounding and clamping of each. `fused`: strip by
  // strip through all of them (tables composed); otherwise pass by pass. Same pixels either way.
  virtual void Colour(cv::Mat& pixels, std::span<const ColourStep> steps, ValueRange range,
                      bool fused) const = 0;
};

}  // namespace pixloom
