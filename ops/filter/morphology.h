// SPDX-License-Identifier: Apache-2.0
// What erode, dilate, open and close share: parameters, and what happens to labels. Pure functions.
#pragma once

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "ops/common.h"
#include "ops/filter/sides.h"
#include "ops/kernels/morphology_kernel.h"
#include "pipeline/operator.h"

namespace pixloom {

template <>
struct EnumNames<ElementShape> {
  static constexpr std::array kAll{std::pair{ElementShape::kRect, "rect"},
                                   std::pair{ElementShape::kEllipse, "ellipse"},
                                   std::pair{ElementShape::kCross, "cross"}};
};

// One operation after the other on semantic masks and on the bit masks of objects. The box of an
// object with bits becomes that of its new bits (an oriented one along its old direction), its
// outlines are dropped in favour of the bits; an object that lost all of them has a box without
// area. Objects without bits, and points, stay.
void MorphLabels(Sample& sample, const std::vector<MorphKind>& kinds, const cv::Mat& element);

// A base class; the table follows the operator's own parameters.
struct Morphology {
  Range kernel{3, 5};
  ElementShape shape = ElementShape::kRect;
  bool masks = false;

  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, Range>("kernel", &Op::kernel)
            .In(1, 63)
            .Unit("px")
            .Primary()
            .Doc("Side of the neighbourhood, one of the odd numbers in the range; 1 leaves the "
                 "picture as it is."),
        Param<Op, ElementShape>("shape", &Op::shape).Doc("Of the neighbourhood."),
        Param<Op, bool>("masks", &Op::masks)
            .Doc(
                "Change semantic masks (class 0 is the background that gives way or spreads, "
                "ignored pixels stay) and the masks of objects too, and fit their boxes to them.")};
  }

  std::string Check() const { return CheckOdd("kernel", kernel); }

  Steps<ImageStep, SampleStep> Make(Rng& rng, const std::vector<MorphKind>& kinds) const {
    const int side = DrawOdd(rng, "kernel", kernel);
    if (side == 1) return {};
    const cv::Mat element = StructuringElement(shape, side);
    ImageStep pixels;
    pixels.run = [kinds, element](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      cv::Mat out = in;
      for (const MorphKind kind : kinds) out = Morph(out, kind, element);
      return out;
    };
    Steps<ImageStep, SampleStep> steps;
    steps.push_back(std::move(pixels));
    if (!masks) return steps;
    SampleStep labels;
    labels.touches = kTargetMask | kTargetInstance;
    labels.run = [kinds, element](Sample& sample) -> std::optional<DataError> {
      MorphLabels(sample, kinds, element);
      return std::nullopt;
    };
    steps.push_back(std::move(labels));
    return steps;
  }
};

}  // namespace pixloom
