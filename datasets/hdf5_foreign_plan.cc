// SPDX-License-Identifier: Apache-2.0
#include "datasets/hdf5_foreign_plan.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "datasets/text.h"

namespace pixloom {

namespace {

using NamePair = std::pair<std::string_view, std::string_view>;

// Names that are looked for, in this order: ours, PCam and Keras, Caffe, what tutorials use.
constexpr std::array<NamePair, 14> kPairs{{{"images", "labels"},
                                           {"x", "y"},
                                           {"data", "label"},
                                           {"image", "label"},
                                           {"X", "y"},
                                           {"X", "Y"},
                                           {"x_train", "y_train"},
                                           {"X_train", "y_train"},
                                           {"train_x", "train_y"},
                                           {"train_set_x", "train_set_y"},
                                           {"x_test", "y_test"},
                                           {"X_test", "y_test"},
                                           {"test_set_x", "test_set_y"},
                                           {"features", "targets"}}};
constexpr std::array<std::string_view, 8> kLabelNames{"labels", "label",   "y",       "Y",
                                                      "target", "targets", "classes", "class"};
constexpr int kMostSide = 65'535;
constexpr std::uint64_t kMostClasses = 1'000'000;

// "datasets here: x u8 [262144,96,96,3], ..."
std::string ListText(const Hdf5File& file) {
  constexpr std::size_t kMost = 12;
  std::string text;
  const auto& all = file.Datasets();
  for (std::size_t i = 0; i < std::min(all.size(), kMost); ++i) {
    text += (text.empty() ? "" : ", ") + all[i].Text();
  }
  if (all.size() > kMost) text += fmt::format(" and {} more", all.size() - kMost);
  return text.empty() ? "there are no datasets" : "datasets here: " + text;
}

Result<const Hdf5Dataset*, std::string> FindNamed(const Hdf5File& file, std::string_view parameter,
                                                  std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  const Hdf5Dataset* dataset = file.Find(path);
  if (dataset == nullptr) {
    return fmt::format("{}: no dataset '{}' in '{}'; {}", parameter, EscapeName(path),
                       EscapeName(file.Path()), ListText(file));
  }
  if (!dataset->Readable()) {
    return fmt::format("{}: '{}' of '{}' {}", parameter, EscapeName(path), EscapeName(file.Path()),
                       dataset->problem);
  }
  return dataset;
}

bool MayBePictures(const Hdf5Dataset* dataset) {
  return dataset != nullptr && dataset->Readable() && dataset->dims.size() >= 3;
}

bool MayBeLabels(const Hdf5Dataset* dataset, std::uint64_t rows) {
  return dataset != nullptr && dataset->Readable() && !dataset->dims.empty() &&
         dataset->dims[0] == rows;
}

bool IsChannels(std::uint64_t n) { return n == 1 || n == 3 || n == 4; }

std::string PlanPictures(const Hdf5SourceParams& params, const Hdf5File& file, ForeignPlan& plan) {
  const Hdf5Dataset& images = *plan.images;
  const auto fail = [&](std::string_view why) {
    return fmt::format("'{}' of '{}' {}", images.Text(), EscapeName(file.Path()), why);
  };
  const auto& dims = images.dims;
  if (dims.size() < 3 || dims.size() > 4) {
    return fail("is no array of pictures: those are [N,H,W], [N,H,W,C] or [N,C,H,W]; " +
                ListText(file));
  }
  switch (*images.element) {
    case Element::kU8:
      plan.depth = Depth::kU8;
      break;
    case Element::kU16:
      plan.depth = Depth::kU16;
      break;
    case Element::kF32:
    case Element::kF64:
      plan.depth = Depth::kF32;
      break;
    default:
      return fail("is no array of pictures: they have u8, u16, f16, f32 or f64; store them so");
  }
  std::uint64_t height = dims[1];
  std::uint64_t width = dims[2];
  if (dims.size() == 4) {
    const bool last = IsChannels(dims[3]) && params.layout != Hdf5Layout::kPlanar;
    const bool second = IsChannels(dims[1]) && params.layout != Hdf5Layout::kInterleaved;
    if (last && second) {
      return fail("can be [N,H,W,C] and [N,C,H,W]; set layout: nhwc or layout: nchw");
    }
    if (!last && !second) return fail("has no dimension of 1, 3 or 4 channels where it belongs");
    plan.planar = second;
    plan.channels = static_cast<int>(second ? dims[1] : dims[3]);
    if (second) {
      height = dims[2];
      width = dims[3];
    }
  }
  if (height == 0 || width == 0 || height > kMostSide || width > kMostSide) {
    return fail(
        fmt::format("has pictures of {} x {}; sides are 1 to {}", width, height, kMostSide));
  }
  plan.size = {static_cast<int>(width), static_cast<int>(height)};
  return "";
}

// [H,W] once per picture, however many dimensions of 1 stand around it.
std::string PlanMask(const Hdf5File& file, ForeignPlan& plan) {
  const Hdf5Dataset& mask = *plan.mask;
  std::vector<std::uint64_t> sides;
  for (std::size_t i = 1; i < mask.dims.size(); ++i) {
    if (mask.dims[i] != 1) sides.push_back(mask.dims[i]);
  }
  std::vector<std::uint64_t> wanted;
  for (const int side : {plan.size.height, plan.size.width}) {
    if (side != 1) wanted.push_back(static_cast<std::uint64_t>(side));
  }
  const bool whole = mask.element != Element::kF32 && mask.element != Element::kF64;
  if (mask.Entries() == plan.images->Entries() && sides == wanted && whole) return "";
  return fmt::format("mask: '{}' of '{}' is no mask of '{}': that has one whole number per pixel",
                     mask.Text(), EscapeName(file.Path()), plan.images->Text());
}

std::string PlanLabels(const Hdf5SourceParams& params, const Hdf5File& file, ForeignPlan& plan) {
  const Hdf5Dataset& labels = *plan.labels;
  const std::string shown = fmt::format("'{}' of '{}'", labels.Text(), EscapeName(file.Path()));
  if (labels.dims.empty() || labels.dims[0] != plan.images->Entries()) {
    return fmt::format("labels: {} has other rows than '{}'", shown, plan.images->Text());
  }
  std::size_t wide = 0;
  for (std::size_t i = 1; i < labels.dims.size(); ++i) {
    if (labels.dims[i] != 1) ++wide;
    plan.classes *= labels.dims[i];
  }
  if (wide > 1 || plan.classes == 0 || plan.classes > kMostClasses) {
    return fmt::format("labels: {} is neither one number per row nor one list of them", shown);
  }
  if (plan.classes == 1 && params.labels_as != Hdf5Labels::kIndex) {
    return fmt::format("labels_as: {} has one number per row; leave it out, or set it to index",
                       shown);
  }
  return "";
}

// The only one that can be: of known names the first, else there must be no choice.
Result<const Hdf5Dataset*, std::string> GuessPictures(const Hdf5File& file) {
  for (const auto& [images, labels] : kPairs) {
    if (const Hdf5Dataset* found = file.Find(images); MayBePictures(found)) return found;
  }
  const Hdf5Dataset* only = nullptr;
  int count = 0;
  for (const Hdf5Dataset& dataset : file.Datasets()) {
    if (!MayBePictures(&dataset)) continue;
    only = &dataset;
    ++count;
  }
  if (count == 1) return only;
  return fmt::format("'{}' has {} datasets that may be pictures; name one with images:; {}",
                     EscapeName(file.Path()), count, ListText(file));
}

const Hdf5Dataset* GuessLabels(const Hdf5File& file, std::string_view images, std::uint64_t rows) {
  for (const auto& [picture, label] : kPairs) {
    if (picture != images) continue;
    if (const Hdf5Dataset* found = file.Find(label); MayBeLabels(found, rows)) return found;
  }
  for (const std::string_view name : kLabelNames) {
    if (const Hdf5Dataset* found = file.Find(name); MayBeLabels(found, rows)) return found;
  }
  return nullptr;
}

}  // namespace

Result<ForeignPlan, std::string> PlanForeign(const Hdf5SourceParams& params, const Hdf5File& file,
                                             const Hdf5File* label_file) {
  ForeignPlan plan;
  auto images =
      params.images.empty() ? GuessPictures(file) : FindNamed(file, "images", params.images);
  if (!images) return images.Error();
  plan.images = *images;
  if (std::string problem = PlanPictures(params, file, plan); !problem.empty()) return problem;

  const Hdf5File& labels_in = label_file != nullptr ? *label_file : file;
  if (params.labels.empty()) {
    plan.labels = GuessLabels(labels_in, plan.images->path, plan.images->Entries());
    if (plan.labels == nullptr && label_file != nullptr) {
      return fmt::format(
          "labels_path: '{}' has no labels with a known name for {} rows; name them with labels:; "
          "{}",
          EscapeName(params.labels_path), plan.images->Entries(), ListText(labels_in));
    }
  } else if (params.labels != "none") {
    const auto labels = FindNamed(labels_in, "labels", params.labels);
    if (!labels) return labels.Error();
    plan.labels = *labels;
  }
  if (plan.labels != nullptr) {
    if (std::string problem = PlanLabels(params, labels_in, plan); !problem.empty()) return problem;
  }
  if (!params.mask.empty()) {
    const auto mask = FindNamed(file, "mask", params.mask);
    if (!mask) return mask.Error();
    plan.mask = *mask;
    if (std::string problem = PlanMask(file, plan); !problem.empty()) return problem;
  }
  return plan;
}

}  // namespace pixloom
