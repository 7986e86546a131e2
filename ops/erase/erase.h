// SPDX-License-Identifier: Apache-2.0
// What operators that erase parts of the picture share: how holes are filled, and what becomes of
// the labels below them.
//
// - An object is what its polygons cover, without polygons its bit mask, without either its box. It
//   is judged only when a hole takes a part of it.
// - It goes when less than min_area of it stays visible, less than min_visibility of its original
//   area, or nothing at all; thresholds count as reached when they are missed by rounding only.
// - Bit masks lose the erased pixels. A polygon that is wholly erased goes; others keep their
//   outline. Boxes stay, or shrink to what is visible; oriented boxes stay.
// - Keypoints in a hole become unlabelled (visibility 0). An object of keypoints alone goes with
// its
//   last labelled one.
//
// Values and pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/common.h"
#include "ops/erase/holes.h"
#include "pipeline/operator.h"

namespace pixloom {

// What happens to labels under holes.
struct LabelRule {
  bool erase_masks = false;
  std::optional<int> mask_fill;  // empty: the mask's own ignore index
  double min_area = 0;
  double min_visibility = 0;
  bool drop = true;
  bool shrink = false;
  bool remove_keypoints = false;
};

void EraseLabels(Sample& sample, const Holes& holes, const LabelRule& rule);
// Semantic masks alone.
void EraseMasks(Sample& sample, const Holes& holes, std::optional<int> mask_fill);

// The pixels more than half of which the object covers, in the picture's size: its polygons, else
// its bits, else its box.
cv::Mat BitsOfObject(const Instance& instance, Size picture);

// How holes are filled: a base class, whose table follows the operator's own parameters.
struct Fills {
  FillKind fill = FillKind::kConstant;
  std::vector<double> level{0};
  bool erase_masks = false;
  std::int64_t mask_fill = -1;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, FillKind>("fill", &Op::fill)
            .Doc("What holes show: constant: level; random: noise of all levels; random_uniform: "
                 "one random colour per hole; mean: the mean of the picture; inpaint: the "
                 "smoothest surface that meets the rim, without texture."),
        Param<Op, std::vector<double>>("level", &Op::level)
            .In(kMinLevel, kMaxLevel)
            .Unit("levels")
            .Alias("drop_value")
            .Doc("Levels of a constant fill, one per channel; fewer repeat the last, and alpha "
                 "stays unless four are given."),
        Param<Op, bool>("erase_masks", &Op::erase_masks)
            .Doc("Whether semantic masks are filled in the holes too; otherwise they stay."),
        Param<Op, std::int64_t>("mask_fill", &Op::mask_fill)
            .In(-1, 65'535)
            .Unit("class")
            .Doc("Class index in the holes of semantic masks; -1 is the mask's own ignore "
                 "index.")};
  }

  std::string Check() const {
    if (level.empty()) return "level: takes at least one level";
    return "";
  }
  FillRule Rule() const { return {fill, level}; }
  std::optional<int> MaskFill() const {
    return mask_fill < 0 ? std::nullopt : std::optional(static_cast<int>(mask_fill));
  }
};

// What becomes of objects that something covers: a base class as above.
struct Covers {
  double min_area = 0;
  double min_visibility = 0;
  bool drop = true;
  bool shrink = false;
  bool remove_keypoints = false;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, double>("min_area", &Op::min_area)
            .In(0, 1e10)
            .Unit("px^2")
            .Doc("Least area that stays visible of an object that loses a part."),
        Param<Op, double>("min_visibility", &Op::min_visibility)
            .In(0, 1)
            .Unit("share")
            .Doc("Least visible share of its original area; what is wholly hidden goes at 0 "
                 "too."),
        Param<Op, bool>("drop", &Op::drop)
            .Doc("Whether objects below these limits go; false keeps them as they were."),
        Param<Op, bool>("shrink", &Op::shrink)
            .Doc("Shrink a box to what stays visible of its object; sides that lose nothing and "
                 "oriented boxes stay."),
        Param<Op, bool>("remove_keypoints", &Op::remove_keypoints)
            .Doc("Take hidden keypoints out of their objects; otherwise they become "
                 "unlabelled.")};
  }

  LabelRule Limits() const {
    LabelRule rule;
    rule.min_area = min_area;
    rule.min_visibility = min_visibility;
    rule.drop = drop;
    rule.shrink = shrink;
    rule.remove_keypoints = remove_keypoints;
    return rule;
  }
};

// Both.
struct Erases : Fills, Covers {
  template <class Op>
  static constexpr auto Table() {
    return std::tuple_cat(Fills::Table<Op>(), Covers::Table<Op>());
  }

  LabelRule Labels() const {
    LabelRule rule = Limits();
    rule.erase_masks = erase_masks;
    rule.mask_fill = MaskFill();
    return rule;
  }

  // Pixels, then labels; nothing without holes.
  Steps<ImageStep, SampleStep> Erase(Holes holes) const;
};

// Fills holes in any frame.
ImageStep FillStep(std::shared_ptr<const Holes> holes, const FillRule& rule);

}  // namespace pixloom
