// SPDX-License-Identifier: Apache-2.0
// Files of others, as a source: one array of pictures, one of labels beside it or in another file.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "datasets/hdf5_foreign_plan.h"
#include "datasets/hdf5_source.h"
#include "datasets/set_pixels.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

template <class T>
T ValueAt(std::span<const std::uint8_t> bytes, std::size_t index) {
  T value{};
  std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
  return value;
}

// Whole numbers up to 2^53 are exact.
double NumberAt(Element element, std::span<const std::uint8_t> bytes, std::size_t index) {
  switch (element) {
    case Element::kU8:
      return ValueAt<std::uint8_t>(bytes, index);
    case Element::kU16:
      return ValueAt<std::uint16_t>(bytes, index);
    case Element::kU32:
      return ValueAt<std::uint32_t>(bytes, index);
    case Element::kU64:
      return static_cast<double>(ValueAt<std::uint64_t>(bytes, index));
    case Element::kI32:
      return ValueAt<std::int32_t>(bytes, index);
    case Element::kI64:
      return static_cast<double>(ValueAt<std::int64_t>(bytes, index));
    case Element::kF32:
      return ValueAt<float>(bytes, index);
    case Element::kF64:
      return ValueAt<double>(bytes, index);
  }
  return 0;
}

class ForeignFile final : public Hdf5Content {
 public:
  ForeignFile(const Hdf5SourceParams& params, std::unique_ptr<Hdf5File> file,
              std::unique_ptr<Hdf5File> label_file, ForeignPlan plan)
      : params_(params), file_(std::move(file)), label_file_(std::move(label_file)), plan_(plan) {}

  std::uint64_t Rows() const override { return plan_.images->Entries(); }
  std::uint64_t RowBytes() const override { return plan_.images->EntryBytes(); }
  Meta OutputMeta() const override {
    Meta meta;
    meta.size = plan_.size;
    meta.depth = plan_.depth;
    meta.channels = plan_.channels;
    if (plan_.mask != nullptr) meta.targets |= kTargetMask;
    return meta;
  }
  Result<std::vector<std::string>, std::string> Keys() const override {
    return std::vector<std::string>{};
  }
  std::shared_ptr<const LabelNames> Names() const override {
    const auto of_labels = plan_.labels ? NamesIn(plan_.labels->attributes) : nullptr;
    return of_labels ? of_labels : NamesIn(LabelFile().Root());
  }
  std::string Notice() const override;
  Result<Sample> Read(std::uint64_t row) const override;

 private:
  const Hdf5File& LabelFile() const { return label_file_ ? *label_file_ : *file_; }
  Result<cv::Mat, std::string> Pixels(std::uint64_t row) const;
  std::optional<DataError> AddMask(std::uint64_t row, Sample& sample) const;
  std::optional<DataError> AddLabels(std::uint64_t row, Sample& sample) const;

  const Hdf5SourceParams params_;
  const std::unique_ptr<Hdf5File> file_;
  const std::unique_ptr<Hdf5File> label_file_;
  const ForeignPlan plan_;
};

std::string ForeignFile::Notice() const {
  std::string text = fmt::format("'{}': pictures from {} ({}{})", EscapeName(params_.path),
                                 plan_.images->Text(), plan_.planar ? "planes" : "interleaved",
                                 params_.order == ChannelOrder::kBgr ? ", BGR" : "");
  if (plan_.labels != nullptr) {
    text += fmt::format(", labels from {}", plan_.labels->Text());
    if (label_file_) text += fmt::format(" of '{}'", EscapeName(params_.labels_path));
  } else {
    text += ", no labels";
  }
  if (plan_.mask != nullptr) text += fmt::format(", mask from {}", plan_.mask->Text());
  if (plan_.depth != Depth::kF32 || Rows() == 0) return text;
  // A wrong range spoils everything after it, and one picture often gives it away.
  const auto first = Pixels(0);
  if (!first) return text;
  double lo = 0;
  double hi = 0;
  cv::minMaxIdx(first->dims == 2 ? first->reshape(1) : *first, &lo, &hi);
  if (lo < params_.range.lo || hi > params_.range.hi) {
    text += fmt::format("; the first one has values from {} to {}, outside of range: [{}, {}]", lo,
                        hi, params_.range.lo, params_.range.hi);
  }
  return text;
}

// As they lie there: interleaved, or planes as three dimensions.
Result<cv::Mat, std::string> ForeignFile::Pixels(std::uint64_t row) const {
  const bool wide = plan_.images->element == Element::kF64;
  const int depth = wide ? CV_64F : CvDepth(plan_.depth);
  cv::Mat pixels;
  if (plan_.planar) {
    const std::array sides{plan_.channels, plan_.size.height, plan_.size.width};
    pixels.create(3, sides.data(), CV_MAKETYPE(depth, 1));
  } else {
    pixels.create(plan_.size.height, plan_.size.width, CV_MAKETYPE(depth, plan_.channels));
  }
  const std::size_t bytes = pixels.total() * pixels.elemSize();
  std::string problem = file_->ReadInto(*plan_.images, row, 1, {pixels.data, bytes});
  if (!problem.empty()) return problem;
  if (!wide) return pixels;
  cv::Mat narrow;
  pixels.convertTo(narrow, CV_32F);
  return narrow;
}

std::optional<DataError> ForeignFile::AddMask(std::uint64_t row, Sample& sample) const {
  const auto bytes = file_->Read(*plan_.mask, row, 1);
  if (!bytes) return DataError{"DEC-DAMAGED", bytes.Error(), "", ""};
  SemanticMask mask;
  const Element element = *plan_.mask->element;
  mask.pixels.create(plan_.size.height, plan_.size.width,
                     element == Element::kU8 ? CV_8UC1 : CV_16UC1);
  if (element == Element::kU8 || element == Element::kU16) {
    std::memcpy(mask.pixels.data, bytes->data(), bytes->size());
  } else {
    auto* to = mask.pixels.ptr<std::uint16_t>();
    for (std::size_t i = 0; i < mask.pixels.total(); ++i) {
      const double value = NumberAt(element, *bytes, i);
      if (value < 0 || value > std::numeric_limits<std::uint16_t>::max()) {
        return DataError{"LBL-VALUE", fmt::format("mask has {}; classes are 0 to 65535", value), "",
                         ""};
      }
      to[i] = static_cast<std::uint16_t>(value);
    }
  }
  sample.masks.emplace("mask", std::move(mask));
  return std::nullopt;
}

std::optional<DataError> ForeignFile::AddLabels(std::uint64_t row, Sample& sample) const {
  const auto bytes = LabelFile().Read(*plan_.labels, row, 1);
  if (!bytes) return DataError{"DEC-DAMAGED", bytes.Error(), "", ""};
  std::vector<double> values(plan_.classes);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = NumberAt(*plan_.labels->element, *bytes, i);
  }
  const auto bad = [&](std::string what, std::string remedy) {
    return DataError{"LBL-VALUE",
                     fmt::format("row {} of '{}' {}", row, EscapeName(plan_.labels->path), what),
                     std::move(remedy), ""};
  };
  if (plan_.classes == 1) {
    const double value = values[0];
    if (std::isnan(value) || value == -1) return std::nullopt;  // none
    if (value < 0 || value > std::numeric_limits<int>::max() || value != std::floor(value)) {
      return bad(fmt::format("is {}, which is no class", value), "classes are 0, 1, 2 and so on");
    }
    sample.labels.label = static_cast<int>(value);
    return std::nullopt;
  }
  switch (params_.labels_as) {
    case Hdf5Labels::kIndex: {
      const auto set =
          std::count_if(values.begin(), values.end(), [](double value) { return value != 0; });
      if (set == 0) return std::nullopt;  // none
      if (set != 1) {
        return bad(fmt::format("has {} numbers that are not 0; one class has 1", set),
                   "set labels_as: soft, or labels_as: multi");
      }
      const auto at = std::find_if(values.begin(), values.end(), [](double v) { return v != 0; });
      sample.labels.label = static_cast<int>(at - values.begin());
      break;
    }
    case Hdf5Labels::kSoft:
      for (const double value : values) {
        if (!std::isfinite(value)) return bad(fmt::format("has {}", value), "");
        sample.labels.soft.push_back(static_cast<float>(value));
      }
      break;
    case Hdf5Labels::kMulti:
      for (const double value : values) {
        if (value != 0 && value != 1) return bad(fmt::format("has {}, not 0 or 1", value), "");
        sample.labels.multi_hot.push_back(static_cast<int>(value));
      }
      break;
  }
  return std::nullopt;
}

Result<Sample> ForeignFile::Read(std::uint64_t row) const {
  auto pixels = Pixels(row);
  if (!pixels) return DataError{"DEC-DAMAGED", pixels.Error(), "", ""};
  Sample sample;
  ImageField field = ImageField::Of(Arranged(
      *pixels, {.widen = false, .planar = false, .bgr = params_.order == ChannelOrder::kBgr}));
  if (plan_.depth == Depth::kF32) field.range = params_.range;
  sample.images.emplace_back("image", std::move(field));
  if (plan_.mask != nullptr) {
    if (auto error = AddMask(row, sample)) return *error;
  }
  if (plan_.labels != nullptr) {
    if (auto error = AddLabels(row, sample)) return *error;
  }
  return sample;
}

}  // namespace

Hdf5ContentResult OpenForeignFile(const Hdf5SourceParams& params, std::unique_ptr<Hdf5File> file) {
  std::unique_ptr<Hdf5File> label_file;
  if (!params.labels_path.empty()) {
    auto opened = Hdf5File::Open(params.labels_path);
    if (!opened) return "labels_path: " + opened.Error();
    label_file = std::move(*opened);
  }
  const auto plan = PlanForeign(params, *file, label_file.get());
  if (!plan) return plan.Error();
  return std::unique_ptr<Hdf5Content>(
      std::make_unique<ForeignFile>(params, std::move(file), std::move(label_file), *plan));
}

}  // namespace pixloom
