// SPDX-License-Identifier: Apache-2.0
// Executing groups on one sample: every field, frame and mask of it.
//
// Internal to the chain. A GroupRunner belongs to one sample and is used by one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/contracts.h"
#include "pipeline/families.h"
#include "pipeline/graph.h"
#include "pipeline/lower.h"
#include "pipeline/sample.h"

namespace pixloom {

// What groups are executed with.
struct Tools {
  const Families& families;
  const Codec& codec;
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
};

class GroupRunner {
 public:
  GroupRunner(const Tools& tools, const Node& node, Sample& sample)
      : tools_(tools), node_(node), sample_(sample) {}

  // What is wrong with the sample, or nothing.
  std::optional<DataError> Run(const Group& group);

  // Objects of the sample that the border of `step` shows again, labelled where it shows them; the
  // sample is as the step finds it and stays so.
  std::vector<Instance> Repeat(const AffineStep& step) const;
  std::vector<Instance> Repeat(const WarpField& step) const;

 private:
  using Error = std::optional<DataError>;

  Error Execute(const AffineGroup& group);
  Error Execute(const FieldGroup& group);
  Error Execute(const ColourGroup& group);
  Error Execute(const ImageGroup& group);
  Error Execute(const SampleGroup& group);

  // Class indices are picked, never blended, and not repeated outside unless labels are.
  cv::Mat MoveMask(const cv::Mat& pixels, const AffineGroup& group, int fill) const;
  cv::Mat MoveMask(const cv::Mat& pixels, const WarpField& field, int fill) const;

  // Calls change(frame, range, field index, frame index) for every selected, decoded frame.
  template <class F>
  Error ForSelected(const Selection& selection, F change);
  void NoteWarnings(int warnings);

  const Tools tools_;
  const Node& node_;
  Sample& sample_;
};

}  // namespace pixloom
