// SPDX-License-Identifier: Apache-2.0
// What a stored set says about itself, written and read.
#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

#include "datasets/set_parts.h"
#include "datasets/set_sample.h"

namespace pixloom {

namespace {

constexpr std::array<std::pair<SetProfile, std::string_view>, 4> kProfiles{
    {{SetProfile::kPixloom, "pixloom"},
     {SetProfile::kKeras, "keras"},
     {SetProfile::kPcam, "pcam"},
     {SetProfile::kCaffe, "caffe"}}};

std::string_view NameOf(SetProfile profile) {
  return kProfiles[static_cast<std::size_t>(profile)].second;
}

// "RGB", "BGRA", "GRAY".
std::string ColorOf(const SetLayoutSpec& spec) {
  const bool bgr = spec.order == ChannelOrder::kBgr && !spec.encoded;
  switch (spec.channels) {
    case 1:
      return "GRAY";
    case 4:
      return bgr ? "BGRA" : "RGBA";
    default:
      return bgr ? "BGR" : "RGB";
  }
}

// Pairs, one behind the other.
std::vector<std::int64_t> Flat(const std::vector<std::pair<int, int>>& pairs) {
  std::vector<std::int64_t> flat;
  for (const auto& [a, b] : pairs) flat.insert(flat.end(), {a, b});
  return flat;
}

template <class T>
const T* Find(const std::vector<Attribute>& attributes, std::string_view name) {
  for (const Attribute& attribute : attributes) {
    if (attribute.name == name) return std::get_if<T>(&attribute.value);
  }
  return nullptr;
}

// Too many for an attribute of HDF5 come back as JSON, and a list of one may as the one.
template <class T>
std::vector<T> ListIn(const std::vector<Attribute>& attributes, std::string_view name) {
  if (const auto* list = Find<std::vector<T>>(attributes, name)) return *list;
  std::vector<T> values;
  if (const auto* text = Find<std::string>(attributes, name); text && text->starts_with('[')) {
    const auto json = nlohmann::json::parse(*text, nullptr, false);
    for (const auto& value : json) {
      if constexpr (std::is_same_v<T, std::string>) {
        if (value.is_string()) values.push_back(value.get<T>());
      } else {
        if (value.is_number_integer()) values.push_back(value.get<T>());
      }
    }
    if (!json.is_discarded() && values.size() == json.size()) return values;
    values.clear();
  }
  if (const auto* one = Find<T>(attributes, name)) values.push_back(*one);
  return values;
}

// Pairs of indices below `most`; anything else is left out.
std::vector<std::pair<int, int>> PairsIn(const std::vector<Attribute>& attributes,
                                         std::string_view name, std::size_t most) {
  const auto flat = ListIn<std::int64_t>(attributes, name);
  const auto fits = [&](std::int64_t n) { return n >= 0 && n < static_cast<std::int64_t>(most); };
  std::vector<std::pair<int, int>> pairs;
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) {
    if (fits(flat[i]) && fits(flat[i + 1])) {
      pairs.emplace_back(static_cast<int>(flat[i]), static_cast<int>(flat[i + 1]));
    }
  }
  return pairs;
}

}  // namespace

Attributes AttributesOf(const SetLayoutSpec& spec) {
  std::vector<Attribute> pictures{{"color", ColorOf(spec)}};
  if (spec.encoded) {
    const bool jpeg = spec.format == ImageFormat::kJpeg;
    pictures.push_back({"image_format", jpeg ? "jpg" : "png"});
    if (jpeg) pictures.push_back({"quality", std::int64_t{spec.quality}});
  } else {
    pictures.push_back({"layout", spec.planar ? "NCHW" : "NHWC"});
  }
  const std::string images = spec.encoded ? std::string(parts::kEncoded) : spec.images;

  std::vector<Attribute> root = pictures;
  root.push_back({"profile", std::string(NameOf(spec.profile))});
  root.push_back({"images", images});
  root.push_back({"labels", spec.labels});
  root.push_back({"fields", spec.fields});
  if (spec.names) {
    const LabelNames& names = *spec.names;
    if (!names.classes.empty()) root.push_back({"class_names", names.classes});
    if (!names.keypoints.empty()) root.push_back({"keypoint_names", names.keypoints});
    if (!names.class_swaps.empty()) root.push_back({"class_swaps", Flat(names.class_swaps)});
    if (!names.keypoint_swaps.empty()) {
      root.push_back({"keypoint_swaps", Flat(names.keypoint_swaps)});
    }
  }
  return {{"", std::move(root)}, {images, std::move(pictures)}};
}

std::shared_ptr<const LabelNames> NamesIn(const std::vector<Attribute>& root) {
  LabelNames names;
  names.classes = ListIn<std::string>(root, "class_names");
  names.keypoints = ListIn<std::string>(root, "keypoint_names");
  if (names.classes.empty() && names.keypoints.empty()) return nullptr;
  names.class_swaps = PairsIn(root, "class_swaps", names.classes.size());
  names.keypoint_swaps = PairsIn(root, "keypoint_swaps", names.keypoints.size());
  return std::make_shared<const LabelNames>(std::move(names));
}

SetLayoutSpec LayoutIn(const std::vector<Attribute>& root) {
  SetLayoutSpec spec;
  const auto text = [&](std::string_view name) {
    const auto* value = Find<std::string>(root, name);
    return value != nullptr ? *value : std::string();
  };
  const std::string profile = text("profile");
  for (const auto& [value, name] : kProfiles) {
    if (profile == name) spec.profile = value;
  }
  const std::string images = text("images");
  spec.encoded = images == parts::kEncoded;
  if (!images.empty() && !spec.encoded) spec.images = images;
  if (const std::string labels = text("labels"); !labels.empty()) spec.labels = labels;
  if (text("image_format") == "jpg") spec.format = ImageFormat::kJpeg;
  if (const auto* quality = Find<std::int64_t>(root, "quality");
      quality != nullptr && *quality >= 1 && *quality <= 100) {
    spec.quality = static_cast<int>(*quality);
  }
  spec.planar = text("layout") == "NCHW";
  spec.order = text("color").starts_with("BGR") ? ChannelOrder::kBgr : ChannelOrder::kRgb;
  if (auto fields = ListIn<std::string>(root, "fields"); !fields.empty()) {
    spec.fields = std::move(fields);
  }
  spec.names = NamesIn(root);
  spec.keypoints = spec.names ? static_cast<int>(spec.names->keypoints.size()) : 0;
  return spec;
}

}  // namespace pixloom
