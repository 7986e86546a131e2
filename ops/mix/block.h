// SPDX-License-Identifier: Apache-2.0
// What operators that mix samples of a block share: their parameters, how partners are drawn, and
// when two samples cannot be mixed. Values and pure functions.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ops/common.h"
#include "pipeline/contracts.h"
#include "pipeline/registry.h"

namespace pixloom {

using Members = std::span<const Sample* const>;
using Mixed = WindowOperator::Mixed;

// Parameters of every window: a base class, whose table follows the operator's own.
struct Block {
  std::int64_t block = 8;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, std::int64_t>("block", &Op::block)
            .In(2, 4096)
            .Unit("samples")
            .Doc("Neighbours in the plan that partners are drawn from, copies counted one by one. "
                 "A sample whose block has no other survivor passes as it is.")};
  }
};

// The window behind a struct of parameters: its Mix does the work, its Out says what it makes of
// size and type.
template <class Op>
class BlockWindow final : public WindowOperator {
 public:
  explicit BlockWindow(Op op) : op_(std::move(op)) {}
  int Size() const override { return static_cast<int>(op_.block); }
  Meta OutputMeta(const Meta& in) const override {
    if constexpr (requires { op_.Out(in); }) return op_.Out(in);
    return in;
  }
  Result<Mixed> Run(Members block, std::size_t anchor, Rng& rng) const override {
    return op_.Mix(block, anchor, rng);
  }

 private:
  Op op_;
};

// ---- Partners -----------------------------------------------------------------------------------

// A member of a block of `members` beside the anchor, with equal chance; one draw, noted as
// "partner".
std::size_t DrawPartner(Rng& rng, std::size_t members, std::size_t anchor);

// `count` of them; nobody comes again before all have come.
std::vector<std::size_t> DrawPartners(Rng& rng, std::size_t members, std::size_t anchor, int count);

// The share of the anchor, in whole parts of kMixParts: of a fixed range, or Beta(alpha, alpha)
// when that is -1; one draw. Pixels and labels use these parts.
int DrawParts(Rng& rng, const Range& share, double alpha);

// "" or what is wrong with a range that may be -1.
std::string CheckShare(const Range& share);

// ---- What fits together -------------------------------------------------------------------------

// Why the partner cannot be mixed into the anchor. It needs the anchor's fields, frame by frame of
// the same type, and its masks of the same type; sizes may differ.
std::optional<DataError> Mismatch(const Sample& anchor, const Sample& partner);

// The names that the labels of all members stand for. Members without any label have no say.
Result<std::shared_ptr<const LabelNames>> CommonNames(Members members);

inline Size SizeOf(const cv::Mat& pixels) { return {pixels.cols, pixels.rows}; }
inline cv::Rect Whole(Size size) { return {0, 0, size.width, size.height}; }
// Of the main field. REQUIRES: Mismatch found nothing.
inline Size PictureSize(const Sample& sample) { return sample.images[0].second.frames[0].size(); }

// ---- Sample labels ------------------------------------------------------------------------------

struct LabelPart {
  const Sample* sample = nullptr;
  double share = 0;
};

// The soft label of the parts, weighted by their shares: a class index counts as one-hot, a soft
// vector as it is, and so does a multi-hot one. A sample that has several of them counts by the
// first of soft, multi-hot, class. Nothing changes when no part has a label; otherwise the soft
// label is the only one of `result`. It has `num_classes` values, or as many as there are names.
std::optional<DataError> MixSampleLabels(std::span<const LabelPart> parts, const LabelNames* names,
                                         std::int64_t num_classes, Sample& result);

// The parameter behind it: a base class.
struct SoftLabels {
  std::int64_t num_classes = 0;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{Param<Op, std::int64_t>("num_classes", &Op::num_classes)
                          .In(0, 1e6)
                          .Unit("classes")
                          .Doc("Length of soft labels; 0 takes the number of class names.")};
  }
};

// ---- Objects ------------------------------------------------------------------------------------

// Hands out ids that no object has yet.
class FreshIds {
 public:
  explicit FreshIds(const std::vector<Instance>& taken);
  void Renumber(std::vector<Instance>& instances);

 private:
  std::int64_t next_ = 1;
};

}  // namespace pixloom
