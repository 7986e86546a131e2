// SPDX-License-Identifier: Apache-2.0
#include "pipeline/sample.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pipeline/contracts.h"
#include "pipeline/value.h"

namespace pixloom {

std::uint64_t SampleId(std::string_view source_node, std::string_view key) {
  // The node's length keeps ("ab", "c") and ("a", "bc") apart.
  const std::uint64_t node = XXH64(source_node.data(), source_node.size(), source_node.size());
  return XXH64(key.data(), key.size(), node);
}

std::string BranchText(const std::vector<std::uint32_t>& branch) {
  std::string text;
  for (std::uint32_t index : branch) {
    if (!text.empty()) text += '-';
    text += std::to_string(index);
  }
  return text;
}

Depth DepthOf(const cv::Mat& pixels) {
  switch (pixels.depth()) {
    case CV_8U:
      return Depth::kU8;
    case CV_16U:
      return Depth::kU16;
    case CV_32F:
      return Depth::kF32;
    default:
      break;
  }
  PIXLOOM_CHECK(false, fmt::format("pixels of OpenCV depth {}", pixels.depth()));
}

int CvDepth(Depth depth) {
  switch (depth) {
    case Depth::kU8:
      return CV_8U;
    case Depth::kU16:
      return CV_16U;
    case Depth::kF32:
      return CV_32F;
  }
  return CV_8U;
}

const char* DepthName(Depth depth) {
  switch (depth) {
    case Depth::kU8:
      return "uint8";
    case Depth::kU16:
      return "uint16";
    case Depth::kF32:
      return "float32";
  }
  return "uint8";
}

Size Frame::size() const {
  if (Planar()) return {pixels.size[2], pixels.size[1]};
  if (Decoded()) return {pixels.cols, pixels.rows};
  PIXLOOM_CHECK(encoded != nullptr && encoded->header != nullptr, "frame without picture");
  return encoded->header->UprightSize();
}

int Frame::channels() const {
  if (Planar()) return pixels.size[0];
  if (Decoded()) return pixels.channels();
  return encoded->channels != 0 ? encoded->channels : encoded->header->channels;
}

Depth Frame::depth() const {
  if (Decoded()) return DepthOf(pixels);
  return encoded->header->bits == 16 ? Depth::kU16 : Depth::kU8;
}

ImageField ImageField::Of(cv::Mat pixels) {
  ImageField field;
  field.frames.push_back({nullptr, std::move(pixels)});
  return field;
}

void MakeUnique(cv::Mat& pixels) {
  const bool shared = pixels.u == nullptr || pixels.u->refcount > 1;
  if (shared) pixels = pixels.clone();
}

ImageField* Sample::Image(std::string_view name) {
  for (auto& [field, image] : images) {
    if (field == name) return &image;
  }
  return nullptr;
}

const ImageField* Sample::Image(std::string_view name) const {
  for (const auto& [field, image] : images) {
    if (field == name) return &image;
  }
  return nullptr;
}

cv::Mat Instance::Bits() const { return rle ? DecodeRle(*rle) : mask; }

void Instance::SetBits(cv::Mat bits) {
  if (rle) {
    rle = EncodeRle(bits);
  } else {
    mask = std::move(bits);
  }
}

Sample Sample::Clone() const {
  Sample copy;
  copy.identity = identity;
  copy.key = key;
  copy.source = source;
  copy.images = images;
  copy.masks = masks;
  copy.instances = instances;
  copy.labels = labels;
  copy.scalars = scalars;
  copy.text = text;
  copy.names = names;
  copy.error = error;
  copy.recipe = recipe;
  copy.filtered = filtered;
  copy.counts = counts;
  return copy;
}

namespace {
std::size_t MatBytes(const cv::Mat& m) { return m.empty() ? 0 : m.total() * m.elemSize(); }
}  // namespace

std::size_t Sample::Bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, field] : images) {
    for (const Frame& frame : field.frames) {
      bytes += MatBytes(frame.pixels);
      if (frame.encoded) bytes += frame.encoded->bytes.size();
    }
  }
  for (const auto& [name, mask] : masks) bytes += MatBytes(mask.pixels);
  for (const Instance& instance : instances) {
    bytes += MatBytes(instance.mask);
    if (instance.rle) bytes += instance.rle->counts.size() * sizeof(std::uint32_t);
  }
  return bytes;
}

std::string Recipe::ToJson() const {
  std::string json = "[";
  for (const RecipeEntry& entry : entries) {
    if (json.size() > 1) json += ", ";
    json += fmt::format("{{\"step\": \"{}\", \"applied\": {}", entry.stream ? *entry.stream : "",
                        entry.applied ? "true" : "false");
    if (!entry.draws.empty()) {
      json += ", \"draws\": [";
      for (std::size_t i = 0; i < entry.draws.size(); ++i) {
        if (i > 0) json += ", ";
        json += fmt::format("[\"{}\", {}]", entry.draws[i].first, entry.draws[i].second);
      }
      json += "]";
    }
    if (!entry.parents.empty()) {
      json += ", \"parents\": [";
      for (std::size_t i = 0; i < entry.parents.size(); ++i) {
        const Parent& parent = *entry.parents[i];
        json +=
            fmt::format("{}{{\"source\": \"{}\", \"key\": {}, \"branch\": \"{}\", \"recipe\": {}}}",
                        i > 0 ? ", " : "", parent.source,
                        nlohmann::json(parent.key)
                            .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace),
                        BranchText(parent.branch), parent.recipe.ToJson());
      }
      json += "]";
    }
    json += "}";
  }
  return json + "]";
}

std::string Meta::Text() const {
  std::string text = size ? fmt::format("{}x{}", size->width, size->height) : "any size";
  text += fmt::format(" {}", depth ? DepthName(*depth) : "any depth");
  text += channels ? fmt::format(" x{}", *channels) : " any channels";
  if (planar) text += " planar";
  if ((targets & kTargetMask) != 0) text += " +masks";
  if ((targets & kTargetInstance) != 0) text += " +instances";
  return text;
}

}  // namespace pixloom
