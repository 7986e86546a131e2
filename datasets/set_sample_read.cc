// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "datasets/row_view.h"
#include "datasets/set_instances.h"
#include "datasets/set_pixels.h"
#include "datasets/set_sample.h"
#include "pipeline/decode.h"

namespace pixloom {

namespace {

int CvDepthOf(Element element) {
  switch (element) {
    case Element::kU8:
      return CV_8U;
    case Element::kU16:
      return CV_16U;
    case Element::kF32:
      return CV_32F;
    default:
      return -1;
  }
}

// The sides of a cell as OpenCV takes them, when its bytes are that many pixels.
std::optional<std::vector<int>> SidesOf(const Cell& cell) {
  std::vector<int> sides;
  std::uint64_t left = cell.Bytes().size() / SizeOf(cell.column.element);
  for (const std::uint64_t side : cell.column.shape) {
    if (side == 0 || side > left || side > std::numeric_limits<int>::max()) return std::nullopt;
    left /= side;
    sides.push_back(static_cast<int>(side));
  }
  if (cell.Bytes().size() != cell.column.EntryBytes()) return std::nullopt;
  return sides;
}

// REQUIRES: as many pixels as the cell has bytes for.
cv::Mat MatOf(const Cell& cell, const std::vector<int>& sides, int type) {
  const auto bytes = cell.Bytes();
  cv::Mat pixels(static_cast<int>(sides.size()), sides.data(), type);
  std::memcpy(pixels.data, bytes.data(), bytes.size());
  return pixels;
}

class SampleReader {
 public:
  SampleReader(const Row& row, const SetLayoutSpec& spec, const Codec& codec)
      : view_(row), spec_(spec), codec_(codec) {}

  Result<Sample> Read() {
    Images();
    if (view_.Fine() && sample_.images.empty()) view_.Fail("the row has no picture");
    if (view_.Fine()) {
      size_ = sample_.images[0].second.frames[0].size();
      Masks();
      Labels();
      ReadInstances(view_, size_, sample_.instances);
      Texts();
    }
    if (error_) return *error_;
    if (!view_.Fine()) return DataError{"DEC-DAMAGED", view_.Problem(), "", ""};
    return std::move(sample_);
  }

 private:
  // ---- Pictures ---------------------------------------------------------------------------------

  void Images() {
    const std::string& main = spec_.fields[0];
    if (spec_.encoded) {
      AddEncoded(main, std::string(parts::kEncoded));
    } else if (const Cell* cell = view_.Whole().Find(spec_.images)) {
      AddDense(main, *cell);
    }
    std::vector<std::string> names(spec_.fields.begin() + 1, spec_.fields.end());
    const auto add = [&](std::string_view path) {
      if (!path.starts_with(parts::kFields)) return;
      std::string name = FromPathPart(path.substr(parts::kFields.size()));
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(std::move(name));
      }
    };
    // Those that only some rows have.
    for (const GroupCounts& group : view_.Whole().groups) add(group.group.path);
    for (const Cell& cell : view_.Whole().cells) {
      if (cell.column.per.empty() && !IsShape(cell.column.path)) add(cell.column.path);
    }
    std::sort(names.begin() + static_cast<std::ptrdiff_t>(spec_.fields.size()) - 1, names.end());
    for (const std::string& name : names) {
      const std::string path = std::string(parts::kFields) + PathPart(name);
      if (view_.Whole().FindGroup(path) != nullptr) {
        AddEncoded(name, path);
      } else if (const Cell* cell = view_.Whole().Find(path)) {
        AddDense(name, *cell);
      }
    }
  }

  // A group of encoded bytes has this column beside it.
  bool IsShape(std::string_view path) const {
    const std::size_t slash = path.rfind('/');
    return slash != std::string_view::npos && path.substr(slash + 1) == parts::kShape &&
           view_.Whole().FindGroup(path.substr(0, slash)) != nullptr;
  }

  void AddDense(const std::string& name, const Cell& cell) {
    const int depth = CvDepthOf(cell.column.element);
    const auto sides = SidesOf(cell);
    const bool picture = depth >= 0 && cell.column.per.empty() && sides && sides->size() == 3;
    const int channels = picture ? (*sides)[spec_.planar ? 0 : 2] : 0;
    if (!picture || channels > kMostChannels) {
      view_.Fail(fmt::format("'{}' is no picture", EscapeName(cell.column.path)));
      return;
    }
    const PixelOrder order{false, false, spec_.order == ChannelOrder::kBgr};
    cv::Mat pixels = spec_.planar
                         ? MatOf(cell, *sides, depth)
                         : MatOf(cell, {(*sides)[0], (*sides)[1]}, CV_MAKETYPE(depth, channels));
    ImageField field = ImageField::Of(Arranged(pixels, order));
    if (cell.column.element == Element::kF32) {
      const auto range = view_.Values<float>(
          Column{std::string(parts::kRange) + PathPart(name), "", Element::kF32, {2}}, 1);
      if (range.size() == 2 && range[0] < range[1]) field.range = {range[0], range[1]};
    }
    sample_.images.emplace_back(name, std::move(field));
  }

  std::optional<Frame> EncodedFrame(const std::string& group) {
    auto encoded = std::make_shared<EncodedImage>();
    encoded->bytes = view_.Bytes(group);
    if (!view_.Fine()) return std::nullopt;
    auto header = codec_.ReadHeader(encoded->bytes);
    if (!header) {
      error_ = header.Error();
      view_.Fail(error_->message);
      return std::nullopt;
    }
    encoded->header = std::make_shared<const ImageHeader>(*header);
    return Frame{std::move(encoded), {}};
  }

  void AddEncoded(const std::string& name, const std::string& group) {
    std::optional<Frame> frame = EncodedFrame(group);
    if (!frame) return;
    ImageField field;
    field.frames.push_back(std::move(*frame));
    sample_.images.emplace_back(name, std::move(field));
  }

  // ---- Masks ------------------------------------------------------------------------------------

  void Masks() {
    const auto is_mask = [](std::string_view path) { return path.starts_with(parts::kMasks); };
    for (const Cell& cell : view_.Whole().cells) {
      if (!is_mask(cell.column.path) || !cell.column.per.empty() || IsShape(cell.column.path)) {
        continue;
      }
      const int depth = CvDepthOf(cell.column.element);
      const auto sides = SidesOf(cell);
      if (depth < 0 || depth == CV_32F || !sides || sides->size() != 2) {
        view_.Fail(fmt::format("'{}' is no mask", EscapeName(cell.column.path)));
        return;
      }
      AddMask(cell.column.path, MatOf(cell, *sides, depth));
    }
    for (const GroupCounts& group : view_.Whole().groups) {
      if (!is_mask(group.group.path)) continue;
      std::optional<Frame> frame = EncodedFrame(group.group.path);
      if (!frame) return;
      int warnings = 0;
      // No more pixels than the picture has.
      if (frame->size() == size_) error_ = DecodeFrame(*frame, codec_, &warnings);
      if (error_) {
        view_.Fail(error_->message);
        return;
      }
      AddMask(group.group.path, frame->pixels);
    }
  }

  void AddMask(std::string_view path, cv::Mat pixels) {
    const std::string part(path.substr(parts::kMasks.size()));
    const bool fits = pixels.dims == 2 && pixels.channels() == 1 && pixels.cols == size_.width &&
                      pixels.rows == size_.height;
    if (!fits) {
      view_.Fail(fmt::format("mask '{}' does not fit its picture", EscapeName(part)));
      return;
    }
    SemanticMask mask{std::move(pixels)};
    const auto ignore = view_.Values<std::int32_t>(
        Column{std::string(parts::kIgnore) + part, "", Element::kI32, {}}, 1);
    if (!ignore.empty()) mask.ignore_index = ignore[0];
    sample_.masks[FromPathPart(part)] = std::move(mask);
  }

  // ---- Labels -----------------------------------------------------------------------------------

  template <class T>
  std::optional<int> LabelAs(const Cell& cell) {
    T value{};
    std::memcpy(&value, cell.Bytes().data(), sizeof value);
    // None is -1, or not a number.
    if (!(value >= 0) || static_cast<double>(value) > std::numeric_limits<int>::max()) {
      return std::nullopt;
    }
    return static_cast<int>(value);
  }

  std::optional<int> Label() {
    const Cell* cell = view_.Whole().Find(spec_.labels);
    if (cell == nullptr) return std::nullopt;
    const auto& shape = cell->column.shape;
    const bool one = std::all_of(shape.begin(), shape.end(), [](auto side) { return side == 1; });
    if (!cell->column.per.empty() || !one || cell->Bytes().size() != SizeOf(cell->column.element)) {
      view_.Fail(fmt::format("'{}' is not one number per picture", EscapeName(spec_.labels)));
      return std::nullopt;
    }
    switch (cell->column.element) {
      case Element::kU8:
        return LabelAs<std::uint8_t>(*cell);
      case Element::kU16:
        return LabelAs<std::uint16_t>(*cell);
      case Element::kU32:
        return LabelAs<std::uint32_t>(*cell);
      case Element::kU64:
        return LabelAs<std::uint64_t>(*cell);
      case Element::kI32:
        return LabelAs<std::int32_t>(*cell);
      case Element::kI64:
        return LabelAs<std::int64_t>(*cell);
      case Element::kF32:
        return LabelAs<float>(*cell);
      case Element::kF64:
        return LabelAs<double>(*cell);
    }
    return std::nullopt;
  }

  // One list per row, of any length that the column has.
  template <class T>
  std::vector<T> ListOf(std::string_view path) {
    const Cell* cell = view_.Whole().Find(path);
    if (cell == nullptr) return {};
    const Column expected{std::string(path), "", parts::ElementOf<T>(), cell->column.shape};
    if (expected.shape.size() == 1) return view_.Values<T>(expected, 1);
    view_.Fail(fmt::format("'{}' is not one list per picture", path));
    return {};
  }

  void Labels() {
    sample_.labels.label = Label();
    sample_.labels.soft = ListOf<float>(parts::kSoft);
    const auto& soft = sample_.labels.soft;
    if (std::all_of(soft.begin(), soft.end(), [](float f) { return std::isnan(f); })) {
      sample_.labels.soft.clear();
    }
    for (const std::uint8_t value : ListOf<std::uint8_t>(parts::kMulti)) {
      sample_.labels.multi_hot.push_back(value);
    }
  }

  void Texts() {
    sample_.key = view_.Text(parts::kKey);
    for (const Cell& cell : view_.Whole().cells) {
      const std::string_view path = cell.column.path;
      if (!path.starts_with(parts::kScalars)) continue;
      const auto value = view_.Values<double>(Column{cell.column.path, "", Element::kF64, {}}, 1);
      if (!value.empty() && !std::isnan(value[0])) {
        sample_.scalars[FromPathPart(path.substr(parts::kScalars.size()))] = value[0];
      }
    }
    for (const GroupCounts& group : view_.Whole().groups) {
      const std::string_view path = group.group.path;
      if (!path.starts_with(parts::kText)) continue;
      std::string text = view_.Text(path);
      if (text.empty()) continue;
      sample_.text[FromPathPart(path.substr(parts::kText.size()))] = std::move(text);
    }
  }

  static constexpr int kMostChannels = CV_CN_MAX;

  RowView view_;
  const SetLayoutSpec& spec_;
  const Codec& codec_;
  Sample sample_;
  Size size_;
  std::optional<DataError> error_;  // of the codec: says more than "damaged"
};

}  // namespace

Result<Sample> SampleOf(const Row& row, const SetLayoutSpec& spec,
                        std::shared_ptr<const LabelNames> names, const Codec& codec) {
  PIXLOOM_CHECK(!spec.fields.empty(), "a layout without a picture");
  Result<Sample> sample = SampleReader(row, spec, codec).Read();
  if (sample) sample->names = std::move(names);
  return sample;
}

}  // namespace pixloom
