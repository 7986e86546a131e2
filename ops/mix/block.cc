// SPDX-License-Identifier: Apache-2.0
#include "ops/mix/block.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "ops/geometry/window.h"
#include "ops/kernels/mix_rows.h"
#include "ops/mix/beta.h"

namespace pixloom {

// ---- Partners -----------------------------------------------------------------------------------

std::size_t DrawPartner(Rng& rng, std::size_t members, std::size_t anchor) {
  return DrawPartners(rng, members, anchor, 1)[0];
}

std::vector<std::size_t> DrawPartners(Rng& rng, std::size_t members, std::size_t anchor,
                                      int count) {
  std::vector<std::size_t> drawn;
  std::vector<std::size_t> left;
  for (int i = 0; i < count; ++i) {
    if (left.empty()) {
      left.resize(members);
      std::iota(left.begin(), left.end(), std::size_t{0});
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(anchor));
    }
    const auto pick = left.begin() + rng.Below("", static_cast<std::uint32_t>(left.size()));
    rng.Note("partner", static_cast<double>(*pick));
    drawn.push_back(*pick);
    left.erase(pick);
  }
  return drawn;
}

int DrawParts(Rng& rng, const Range& share, double alpha) {
  const bool beta = share.choice.empty() && share.lo < 0;
  const double own = beta ? SymmetricBetaQuantile(rng.Unit(), alpha) : rng.Draw("", share);
  return Rounded(own * kMixParts);
}

std::string CheckShare(const Range& share) {
  const bool beta = share.choice.empty() && share.lo == -1 && share.hi == -1;
  if (beta || share.Min() >= 0) return "";
  return "share: lies inside [0, 1], or is -1 to be drawn from Beta(alpha, alpha)";
}

// ---- What fits together -------------------------------------------------------------------------

namespace {

DataError Refused(const char* code, std::string message, std::string remedy) {
  return {code, std::move(message), std::move(remedy), ""};
}

std::string TypeText(const Frame& frame) {
  return fmt::format("{} with {} channel{}", DepthName(frame.depth()), frame.channels(),
                     frame.channels() == 1 ? "" : "s");
}

std::optional<DataError> FieldMismatch(const std::string& name, const ImageField& own,
                                       const ImageField* other, const std::string& key) {
  if (other == nullptr) {
    return Refused("OP-FIELDS", fmt::format("its partner '{}' has no field '{}'", key, name),
                   "mix samples of one kind only");
  }
  if (own.frames.empty() || own.frames.size() != other->frames.size()) {
    return Refused("OP-FRAMES",
                   fmt::format("'{}' has {} frames, that of its partner '{}' {}", name,
                               own.frames.size(), key, other->frames.size()),
                   "mix clips of one length");
  }
  for (std::size_t f = 0; f < own.frames.size(); ++f) {
    const Frame& a = own.frames[f];
    const Frame& b = other->frames[f];
    if (a.Planar() || b.Planar()) {
      return Refused("OP-TYPE", fmt::format("'{}' is planar", name), "change the layout last");
    }
    if (a.depth() != b.depth() || a.channels() != b.channels()) {
      return Refused("OP-TYPE",
                     fmt::format("'{}' is {}, that of its partner '{}' {}", name, TypeText(a), key,
                                 TypeText(b)),
                     "put cast, to_gray or to_rgb before, or set channels on the source");
    }
    if (a.size().Empty() || b.size().Empty()) {
      return Refused("SMP-EMPTY", fmt::format("'{}' has no pixels", name), "");
    }
  }
  if (own.frames[0].depth() == Depth::kF32 && !(own.range == other->range)) {
    return Refused("OP-TYPE",
                   fmt::format("'{}' lies in [{}, {}], that of its partner '{}' in [{}, {}]", name,
                               own.range.lo, own.range.hi, key, other->range.lo, other->range.hi),
                   "bring all pictures to one range before");
  }
  return std::nullopt;
}

bool SameNames(const LabelNames& a, const LabelNames& b) {
  return a.classes == b.classes && a.keypoints == b.keypoints &&
         a.keypoint_swaps == b.keypoint_swaps && a.class_swaps == b.class_swaps;
}

bool HasSampleLabel(const Sample& sample) {
  const SampleLabels& labels = sample.labels;
  return labels.label || !labels.multi_hot.empty() || !labels.soft.empty();
}

bool HasLabels(const Sample& sample) {
  return HasSampleLabel(sample) || !sample.instances.empty() || !sample.masks.empty();
}

}  // namespace

std::optional<DataError> Mismatch(const Sample& anchor, const Sample& partner) {
  if (anchor.images.empty()) return Refused("SMP-EMPTY", "sample has no picture", "");
  for (const auto& [name, field] : anchor.images) {
    if (auto error = FieldMismatch(name, field, partner.Image(name), partner.key)) return error;
  }
  for (const auto& [name, mask] : anchor.masks) {
    const auto other = partner.masks.find(name);
    if (other == partner.masks.end() || other->second.pixels.type() == mask.pixels.type()) continue;
    return Refused(
        "OP-TYPE",
        fmt::format("mask '{}' and that of its partner '{}' differ in type", name, partner.key),
        "store all masks of a dataset alike");
  }
  return std::nullopt;
}

Result<std::shared_ptr<const LabelNames>> CommonNames(Members members) {
  static const LabelNames kNone;
  const Sample* first = nullptr;
  for (const Sample* member : members) {
    if (!HasLabels(*member)) continue;
    if (first == nullptr) {
      first = member;
      continue;
    }
    if (member->names == first->names) continue;
    const LabelNames& a = first->names ? *first->names : kNone;
    const LabelNames& b = member->names ? *member->names : kNone;
    if (SameNames(a, b)) continue;
    return Refused("OP-CLASS",
                   fmt::format("the class or keypoint names of '{}' ({}) and '{}' ({}) differ",
                               first->key, first->source, member->key, member->source),
                   "give both sources the same list of names, or mix them apart");
  }
  return first != nullptr ? first->names : members[0]->names;
}

// ---- Sample labels ------------------------------------------------------------------------------

std::optional<DataError> MixSampleLabels(std::span<const LabelPart> parts, const LabelNames* names,
                                         std::int64_t num_classes, Sample& result) {
  const auto vector_size = [](const SampleLabels& labels) {
    return !labels.soft.empty() ? labels.soft.size() : labels.multi_hot.size();
  };
  auto count = static_cast<std::size_t>(num_classes);
  if (count == 0 && names != nullptr) count = names->classes.size();
  const Sample* with = nullptr;
  const Sample* without = nullptr;
  for (const LabelPart& part : parts) {
    (HasSampleLabel(*part.sample) ? with : without) = part.sample;
    if (count == 0) count = vector_size(part.sample->labels);
  }
  if (with == nullptr) return std::nullopt;
  if (without != nullptr) {
    return Refused("OP-CLASS",
                   fmt::format("'{}' has a label of the whole picture, '{}' has none", with->key,
                               without->key),
                   "label all pictures or none");
  }
  if (count == 0) {
    return Refused("OP-CLASS", "how many classes there are is not known: the source names none",
                   "set num_classes");
  }
  std::vector<double> sum(count);
  for (const auto& [sample, share] : parts) {
    const SampleLabels& labels = sample->labels;
    if (const std::size_t size = vector_size(labels); size != 0 && size != count) {
      return Refused("OP-CLASS",
                     fmt::format("the label vector of '{}' has {} values for {} classes",
                                 sample->key, size, count),
                     "set num_classes to the length of the vectors");
    }
    if (!labels.soft.empty()) {
      for (std::size_t c = 0; c < count; ++c) sum[c] += share * labels.soft[c];
    } else if (!labels.multi_hot.empty()) {
      for (std::size_t c = 0; c < count; ++c) sum[c] += share * labels.multi_hot[c];
    } else if (*labels.label >= 0 && static_cast<std::size_t>(*labels.label) < count) {
      sum[static_cast<std::size_t>(*labels.label)] += share;
    } else {
      return Refused("OP-CLASS",
                     fmt::format("'{}' has class {}, but there are {} classes", sample->key,
                                 *labels.label, count),
                     "set num_classes to the number of classes");
    }
  }
  result.labels = {};
  for (const double value : sum) result.labels.soft.push_back(static_cast<float>(value));
  return std::nullopt;
}

// ---- Objects ------------------------------------------------------------------------------------

FreshIds::FreshIds(const std::vector<Instance>& taken) {
  // Ids are counters or database keys; the top of the range is left to nobody.
  constexpr std::int64_t kTop = std::numeric_limits<std::int64_t>::max() / 2;
  for (const Instance& instance : taken) {
    if (instance.id < kTop) next_ = std::max(next_, instance.id + 1);
  }
}

void FreshIds::Renumber(std::vector<Instance>& instances) {
  for (Instance& instance : instances) instance.id = next_++;
}

}  // namespace pixloom
