// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_sample.h"

#include <algorithm>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "datasets/set_instances.h"
#include "datasets/set_parts.h"
#include "datasets/set_pixels.h"
#include "datasets/sidecar.h"
#include "datasets/text.h"
#include "pipeline/decode.h"

namespace pixloom {

namespace {

const std::vector<std::string>& ClassesOf(const LabelNames* names) {
  static const std::vector<std::string> kNone;
  return names != nullptr ? names->classes : kNone;
}

// ---- Names --------------------------------------------------------------------------------------

bool UsesClasses(const Sample& sample) {
  const SampleLabels& labels = sample.labels;
  return labels.label || !labels.soft.empty() || !labels.multi_hot.empty() ||
         std::any_of(sample.instances.begin(), sample.instances.end(),
                     [](const Instance& instance) { return instance.label.has_value(); });
}

// An integer of a label means what the names of the set say, or the set would lie.
std::optional<DataError> CheckNames(const Sample& sample, const SetLayoutSpec& spec) {
  if (sample.names == spec.names || !UsesClasses(sample)) return std::nullopt;
  const auto& here = ClassesOf(sample.names.get());
  const auto& set = ClassesOf(spec.names.get());
  if (here == set) return std::nullopt;
  const auto [a, b] = std::mismatch(here.begin(), here.end(), set.begin(), set.end());
  const auto shown = [](const std::vector<std::string>& classes, auto at) {
    return at == classes.end() ? std::string("missing") : fmt::format("'{}'", EscapeName(*at));
  };
  return DataError{"LBL-CLASS",
                   fmt::format("class {} is {} here and {} in the data set", a - here.begin(),
                               shown(here, a), shown(set, b)),
                   "give all sources the same classes, or each source a sink of its own", ""};
}

// ---- Pictures -----------------------------------------------------------------------------------

std::optional<DataError> CheckPicture(const cv::Mat& pixels, Size size, int channels,
                                      const SetLayoutSpec& spec) {
  if (spec.encoded) return std::nullopt;
  if (size != spec.size) {
    return DataError{"ENC-SIZE",
                     fmt::format("the picture is {}x{}; those of the data set are {}x{}",
                                 size.width, size.height, spec.size.width, spec.size.height),
                     "put resize or a crop before the sink, or set layout: encoded", ""};
  }
  if (const Depth depth = DepthOf(pixels); depth != spec.depth) {
    const std::string_view to = DepthName(spec.depth);
    return DataError{"ENC-TYPE",
                     fmt::format("the picture has {} pixels; those of the data set are {}",
                                 DepthName(depth), to),
                     fmt::format("put 'cast: {{to: {}}}' before the sink", to), ""};
  }
  if (channels != spec.channels) {
    return DataError{"ENC-TYPE",
                     fmt::format("the picture has {} channels; those of the data set have {}",
                                 channels, spec.channels),
                     spec.channels == 1 ? "put 'to_gray' before the sink"
                                        : "set channels: 3 at the source, or channels at the sink",
                     ""};
  }
  return std::nullopt;
}

std::optional<DataError> AddPicture(const std::string& name, const ImageField& field, bool main,
                                    const SetLayoutSpec& spec, const Codec& codec,
                                    RowBuilder& row) {
  if (field.frames.size() != 1) {
    return DataError{
        "ENC-FRAMES",
        fmt::format("a clip of {} frames; a row holds one picture", field.frames.size()),
        "cut clips into frames at the source", ""};
  }
  Frame frame = field.frames[0];
  int warnings = 0;
  if (auto error = DecodeFrame(frame, codec, &warnings)) return error;
  const bool widen = main && spec.channels == 3 && frame.channels() == 1;
  if (main) {
    const int channels = widen ? 3 : frame.channels();
    if (auto error = CheckPicture(frame.pixels, frame.size(), channels, spec)) return error;
  }
  const std::string part = PathPart(name);
  if (frame.depth() == Depth::kF32) {
    row.Add({std::string(parts::kRange) + part, "", Element::kF32, {2}},
            std::vector<float>{field.range.lo, field.range.hi});
  }
  const PixelOrder order{widen, spec.planar && !spec.encoded, spec.order == ChannelOrder::kBgr};
  cv::Mat pixels = Arranged(frame.pixels, order);
  if (spec.encoded) {
    const std::string group =
        main ? std::string(parts::kEncoded) : std::string(parts::kFields) + part;
    auto bytes = codec.Encode(pixels, {.format = spec.format, .quality = spec.quality});
    if (!bytes) return bytes.Error();
    row.AddEncoded(group, pixels, *bytes);
    return std::nullopt;
  }
  Column column{main ? spec.images : std::string(parts::kFields) + part, "",
                ElementOfDepth(frame.depth()), ShapeOf(pixels)};
  row.Add(std::move(column), std::move(pixels));
  return std::nullopt;
}

std::optional<DataError> AddMasks(const Sample& sample, Size size, const SetLayoutSpec& spec,
                                  const Codec& codec, RowBuilder& row) {
  for (const auto& [name, mask] : sample.masks) {
    const std::string part = PathPart(name);
    const std::string path = std::string(parts::kMasks) + part;
    if (mask.pixels.cols != size.width || mask.pixels.rows != size.height) {
      return DataError{"LBL-SIZE",
                       fmt::format("mask '{}' is {}x{} and its picture {}x{}", EscapeName(name),
                                   mask.pixels.cols, mask.pixels.rows, size.width, size.height),
                       "", ""};
    }
    row.Add({std::string(parts::kIgnore) + part, "", Element::kI32, {}},
            std::vector<std::int32_t>{mask.ignore_index});
    if (spec.encoded) {
      auto bytes = codec.Encode(mask.pixels, {.format = ImageFormat::kPng});
      if (!bytes) return bytes.Error();
      row.AddEncoded(path, mask.pixels, *bytes);
      continue;
    }
    cv::Mat pixels = mask.pixels.isContinuous() ? mask.pixels : mask.pixels.clone();
    Column column{path, "", ElementOfDepth(DepthOf(pixels)), {}};
    column.shape = {static_cast<std::uint64_t>(size.height),
                    static_cast<std::uint64_t>(size.width)};
    row.Add(std::move(column), std::move(pixels));
  }
  return std::nullopt;
}

// ---- Labels of the picture ----------------------------------------------------------------------

std::optional<DataError> AddLabel(const SampleLabels& labels, const SetLayoutSpec& spec,
                                  RowBuilder& row) {
  const auto none = [] {
    return DataError{"LBL-VALUE", "the picture has no class, and this profile has no sign for that",
                     "set profile: pixloom, or filter such pictures", ""};
  };
  switch (spec.profile) {
    case SetProfile::kPixloom:
    case SetProfile::kKeras:
      if (labels.label) {
        row.Add({spec.labels, "", Element::kI64, {}}, std::vector<std::int64_t>{*labels.label});
      }
      break;
    case SetProfile::kPcam:
      if (!labels.label) return none();
      if (*labels.label < 0 || *labels.label > 255) {
        return DataError{"LBL-VALUE",
                         fmt::format("class {} does not fit the profile's 0..255", *labels.label),
                         "set profile: pixloom", ""};
      }
      row.Add({spec.labels, "", Element::kU8, {1, 1, 1}},
              std::vector<std::uint8_t>{static_cast<std::uint8_t>(*labels.label)});
      break;
    case SetProfile::kCaffe:
      if (!labels.label) return none();
      row.Add({spec.labels, "", Element::kF32, {}},
              std::vector<float>{static_cast<float>(*labels.label)});
      break;
  }
  if (!labels.soft.empty()) {
    row.Add({std::string(parts::kSoft), "", Element::kF32, {labels.soft.size()}}, labels.soft);
  }
  if (labels.multi_hot.empty()) return std::nullopt;
  std::vector<std::uint8_t> multi;
  for (const int value : labels.multi_hot) {
    if (value < 0 || value > 255) {
      return DataError{"LBL-VALUE", fmt::format("multi-hot label {} is outside 0..255", value), "",
                       ""};
    }
    multi.push_back(static_cast<std::uint8_t>(value));
  }
  row.Add({std::string(parts::kMulti), "", Element::kU8, {multi.size()}}, multi);
  return std::nullopt;
}

void AddIdentity(const Sample& sample, const SetLayoutSpec& spec, RowBuilder& row) {
  row.AddText(parts::kKey, sample.key);
  row.AddText(parts::kSource, sample.source);
  row.AddText(parts::kBranch, BranchText(sample.identity.branch));
  row.Add(parts::kSampleId.Of(), std::vector<std::uint64_t>{sample.identity.id});
  row.Add(parts::kSeq.Of(), std::vector<std::uint64_t>{sample.identity.seq});
  for (const auto& [name, value] : sample.scalars) {
    row.Add({std::string(parts::kScalars) + PathPart(name), "", Element::kF64, {}},
            std::vector<double>{value});
  }
  for (const auto& [name, text] : sample.text) {
    row.AddText(std::string(parts::kText) + PathPart(name), text);
  }
  if (spec.recipe) row.AddText(parts::kRecipe, sample.recipe.ToJson());
}

}  // namespace

Result<Row> RowOf(Sample sample, const SetLayoutSpec& spec, const Codec& codec) {
  PIXLOOM_CHECK(!sample.images.empty() && !sample.images[0].second.frames.empty(),
                "sample without an image");
  if (auto error = CheckNames(sample, spec)) return *error;
  for (const std::string& field : spec.fields) {
    if (sample.Image(field) == nullptr) {
      return DataError{"ENC-TYPE", fmt::format("the sample has no picture '{}'", EscapeName(field)),
                       "", ""};
    }
  }
  RowBuilder row;
  const Size size = sample.images[0].second.frames[0].size();
  for (const auto& [name, field] : sample.images) {
    const bool main = &field == &sample.images[0].second;
    if (auto error = AddPicture(name, field, main, spec, codec, row)) return *error;
  }
  if (auto error = AddMasks(sample, size, spec, codec, row)) return *error;
  if (auto error = AddLabel(sample.labels, spec, row)) return *error;
  if (auto error = AddInstances(VisibleInstances(sample, size), size, spec, row)) return *error;
  AddIdentity(sample, spec, row);
  return row.Take();
}

Column FirstColumn(const SetLayoutSpec& spec) {
  if (spec.encoded) {
    return {parts::Below(parts::kEncoded, parts::kBytes),
            std::string(parts::kEncoded),
            Element::kU8,
            {}};
  }
  const auto height = static_cast<std::uint64_t>(spec.size.height);
  const auto width = static_cast<std::uint64_t>(spec.size.width);
  const auto channels = static_cast<std::uint64_t>(spec.channels);
  Column column{spec.images, "", ElementOfDepth(spec.depth), {height, width, channels}};
  if (spec.planar) column.shape = {channels, height, width};
  return column;
}

std::vector<Group> FirstGroups(const SetLayoutSpec& spec) {
  if (!spec.encoded) return {};
  return {{std::string(parts::kEncoded), ""}};
}

}  // namespace pixloom
