// SPDX-License-Identifier: Apache-2.0
// Putting one sample's picture, masks and objects onto another's: a map of the whole picture and
// the part of the canvas that shows it. Fields and masks of other sizes follow the same map
// relative to their sizes. Resampling is antialiased linear, of masks nearest; a map that falls on
// whole pixels copies. Values and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "ops/labels/visible.h"
#include "pipeline/sample.h"
#include "pipeline/step.h"

namespace pixloom {

struct Placement {
  Matrix map;    // the picture -> the canvas
  Size picture;  // main fields
  Size canvas;
  cv::Rect cell;  // the part of the canvas that is filled
  // Levels of what the cell shows outside the picture; empty: its edges repeat.
  std::optional<std::array<double, 4>> fill;
};

// The whole picture on the whole canvas.
Placement Stretched(Size picture, Size canvas);

// The cell in a field or mask of this size.
cv::Rect CellOf(const Placement& placement, Size canvas);

// What the cell shows, in its size. May share pixels with `source`.
cv::Mat PlacePixels(const cv::Mat& source, const Placement& placement, Size canvas);
// Class indices or bits; `outside` fills what is no picture.
cv::Mat PlaceMask(const cv::Mat& source, const Placement& placement, Size canvas, int outside);

// Writes the cell into `out`, which is as large as its canvas; `where` (bits of that size, or
// empty) keeps it to some pixels.
void PutPixels(const cv::Mat& source, const Placement& placement, const cv::Mat& where,
               cv::Mat& out);
// The same with masks of one name. Without a mask to put, and where that is ignored, the pixels
// become ignored.
void PutMask(const SemanticMask* source, const Placement& placement, const cv::Mat& where,
             SemanticMask& out);

// The labels of `sample` alone, with its objects as they lie on the canvas; bits are cut to the
// cell. What a mirroring map swaps is swapped, in masks too. Masks stay where they are.
Sample PlacedLabels(const Sample& sample, const Placement& placement);

// Objects end at the edges of `view`; they go when nothing is left of them, or too little. Counted.
void CutObjects(std::vector<Instance>& instances, const cv::Rect& view, const VisibleRule& rule,
                std::map<std::string, std::uint64_t>& counts);

}  // namespace pixloom
