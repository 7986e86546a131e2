// SPDX-License-Identifier: Apache-2.0
#include "ops/families.h"

#include "ops/kernels/colour_kernel.h"
#include "ops/kernels/copy_kernel.h"
#include "ops/kernels/field_kernel.h"
#include "ops/kernels/resize_kernel.h"
#include "ops/kernels/warp_kernel.h"
#include "pipeline/error.h"

namespace pixloom {
namespace {

// A group behind a crop sees nothing but the window: the window becomes its picture, and its edge
// pixels repeat.
AffineGroup WithoutWindow(const AffineGroup& group, const cv::Rect& window) {
  AffineGroup inner = group;
  inner.map = group.map * Matrix::Translate(window.x, window.y);
  inner.in = {window.width, window.height};
  inner.border.mode = Border::kReplicate;
  inner.window.reset();
  return inner;
}

ImageView Crop(const ImageView& source, const cv::Rect& window) {
  const cv::Rect held(source.origin, source.pixels.size());
  const cv::Rect shared = held & window;
  PIXLOOM_CHECK(!shared.empty(), "the region that was decoded does not meet the window");
  return {source.pixels(shared - source.origin),
          shared.tl() - window.tl(),
          {window.width, window.height}};
}

class PixelFamilies : public Families {
 public:
  cv::Mat Affine(const ImageView& source, const AffineGroup& group) const override {
    PIXLOOM_CHECK(!group.out.Empty(), "an affine group needs an output size");
    if (group.window) {
      const cv::Rect window = *group.window & cv::Rect(0, 0, source.full.width, source.full.height);
      PIXLOOM_CHECK(!window.empty(), "the window lies outside the picture");
      return Affine(Crop(source, window), WithoutWindow(group, window));
    }
    if (group.IsExactCopy()) return ExactCopy(source, group);
    if (group.IsAxisAligned()) return ResizeAxisAligned(source, group);
    return Warp(source, group);
  }

  cv::Mat Field(const cv::Mat& source, const WarpField& field) const override {
    return RemapField(source, field);
  }

  void Colour(cv::Mat& pixels, std::span<const ColourStep> steps, ValueRange range,
              bool fused) const override {
    ApplyColour(pixels, steps, range, fused);
  }
};

}  // namespace

std::unique_ptr<Families> MakeFamilies() { return std::make_unique<PixelFamilies>(); }

}  // namespace pixloom
