// SPDX-License-Identifier: Apache-2.0
#include "datasets/export_common.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "datasets/text.h"
#include "pipeline/decode.h"

namespace pixloom {

namespace {

// The key without what says only how its picture was stored.
std::string_view WithoutExtension(std::string_view key) {
  constexpr std::array<std::string_view, 7> kPictures{".jpg",  ".jpeg", ".png", ".bmp",
                                                      ".webp", ".tif",  ".tiff"};
  const std::size_t dot = key.rfind('.');
  if (dot == std::string_view::npos) return key;
  std::string extension(key.substr(dot));
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool known = std::find(kPictures.begin(), kPictures.end(), extension) != kPictures.end();
  const bool all = dot == 0 || key[dot - 1] == '/';
  return known && !all ? key.substr(0, dot) : key;
}

std::optional<Box> BoxOfMask(const Instance& instance) {
  const cv::Mat bits = instance.Bits();
  std::vector<Point> corners;
  for (int y = 0; y < bits.rows; ++y) {
    const std::uint8_t* row = bits.ptr(y);
    const auto is_set = [](std::uint8_t v) { return v != 0; };
    const std::uint8_t* first = std::find_if(row, row + bits.cols, is_set);
    if (first == row + bits.cols) continue;
    int last = bits.cols;
    while (row[last - 1] == 0) --last;
    corners.emplace_back(static_cast<double>(first - row), y);
    corners.emplace_back(last, y + 1);
  }
  return BoxAround(corners);
}

}  // namespace

// ---- Pictures and names -----------------------------------------------------------------------

std::string RefusedPictures(const Meta& meta, ImageFormat format) {
  const bool png = format == ImageFormat::kPng;
  if (meta.planar) return "files hold interleaved pictures, but gets planar ones";
  if (meta.depth && (*meta.depth == Depth::kF32 || (!png && *meta.depth == Depth::kU16))) {
    return fmt::format("{} files cannot hold {}; put 'cast: {{to: uint8}}' before the sink",
                       png ? "PNG" : "JPEG", DepthName(*meta.depth));
  }
  const int channels = meta.channels.value_or(3);
  if (channels != 1 && channels != 3 && (!png || channels != 4)) {
    return fmt::format("{} files cannot hold {} channels{}", png ? "PNG" : "JPEG", channels,
                       channels == 4 ? "; use 'format: png'" : "");
  }
  return "";
}

Result<std::vector<std::uint8_t>> PictureBytes(Sample& sample, const ExportPictures& pictures,
                                               const Codec& codec) {
  ImageField* image = sample.Image();
  PIXLOOM_CHECK(image != nullptr && !image->frames.empty(), "sample without an image");
  if (image->frames.size() > 1) {
    return DataError{"ENC-TYPE",
                     fmt::format("a clip of {} frames; data sets of this kind hold single pictures",
                                 image->frames.size()),
                     "use the sink image_folder", ""};
  }
  Frame& frame = image->frames[0];
  int warnings = 0;
  if (auto error = DecodeFrame(frame, codec, &warnings)) return *error;
  if (warnings > 0) sample.scalars["decode_warnings"] += warnings;
  EncodeRequest request;
  request.format = pictures.format;
  request.quality = pictures.quality;
  return codec.Encode(frame.pixels, request);
}

std::string PlainText(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    // One character, whatever its length.
    std::size_t length = 1;
    while (length < 4 && length < text.size() && !IsUtf8(text.substr(0, length))) ++length;
    const std::string_view character = text.substr(0, length);
    if (IsUtf8(character) && EscapeName(character) == character) {
      plain += character;
      text.remove_prefix(length);
    } else {
      plain += '_';
      text.remove_prefix(IsUtf8(character) ? length : 1);
    }
  }
  return plain;
}

std::string ShownText(std::string_view text) {
  return IsUtf8(text) ? std::string(text) : EscapeName(text);
}

Result<std::string> ExportName(const Sample& sample, bool with_source, NameStyle style) {
  const std::string_view stem = WithoutExtension(sample.key);
  // Before anything is replaced: a key that leaves the output is refused, not tamed.
  if (auto error = CheckPath(stem, sample.key)) return *error;
  std::string name = PlainText(stem);
  if (with_source) name = fmt::format("{}/{}", sample.source, name);
  if (!sample.identity.branch.empty()) name += "_" + BranchText(sample.identity.branch);
  if (style == NameStyle::kFlat) std::replace(name.begin(), name.end(), '/', '_');
  // Lists of names lose spaces at the ends of a line.
  if (name.front() == ' ') name.front() = '_';
  if (name.back() == ' ') name.back() = '_';
  if (auto error = CheckPath(name + "-0123456789abcdef.json", sample.key)) return *error;
  return name;
}

std::optional<DataError> FillExport(Sample& sample, const ExportPictures& pictures,
                                    const Codec& codec, bool with_source, NameStyle style,
                                    PreparedExport& prepared) {
  auto name = ExportName(sample, with_source, style);
  if (!name) return name.Error();
  prepared.name = *std::move(name);
  prepared.id = fmt::format("{:016x}", sample.identity.id);
  auto bytes = PictureBytes(sample, pictures, codec);
  if (!bytes) return bytes.Error();
  prepared.picture = *std::move(bytes);
  const Frame& frame = sample.Image()->frames[0];
  prepared.size = frame.size();
  prepared.channels = frame.channels();
  prepared.names = sample.names;
  if (sample.images.size() > 1) prepared.left_out["pictures without their further fields"] = 1;
  return std::nullopt;
}

void MakeUnique(PreparedExport& prepared, TakenNames& taken) {
  // Again when a key looks like what this makes.
  while (taken.Contains(prepared.name)) prepared.name += "-" + prepared.id;
  taken.Add(prepared.name);
}

// ---- Classes ----------------------------------------------------------------------------------

std::string ClassText(const LabelNames* names, int label) {
  const auto index = static_cast<std::size_t>(label);
  if (names != nullptr && label >= 0 && index < names->classes.size()) {
    return names->classes[index];
  }
  return fmt::format("class_{}", label);
}

void ClassTable::Add(const std::shared_ptr<const LabelNames>& names) {
  if (names == nullptr || names == last_) return;
  if (first_ == nullptr) first_ = names;
  last_ = names;
  for (const std::string& name : names->classes) {
    if (numbers_.emplace(name, static_cast<int>(names_.size())).second) names_.push_back(name);
  }
}

void ClassTable::AddAll(const Expected& expected) {
  for (const auto& [source, names] : expected.names) Add(names);
}

std::optional<int> ClassTable::Find(const LabelNames* names, int label) const {
  if (names == nullptr || static_cast<std::size_t>(label) >= names->classes.size()) return label;
  const auto found = numbers_.find(names->classes[static_cast<std::size_t>(label)]);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

int ClassTable::IndexOf(const std::shared_ptr<const LabelNames>& names, int label) {
  Add(names);
  const int index = Find(names.get(), label).value_or(label);
  Reach(index);
  return index;
}

void ClassTable::Reach(int index) {
  while (static_cast<int>(names_.size()) <= index) {
    const int next = static_cast<int>(names_.size());
    names_.push_back(ClassText(nullptr, next));
    numbers_.emplace(names_.back(), next);
  }
}

// ---- Objects ----------------------------------------------------------------------------------

std::vector<ExportObject> ExportObjects(const Sample& sample, Size size) {
  std::vector<ExportObject> objects;
  for (const Instance* instance : VisibleInstances(sample, size)) {
    ExportObject object;
    object.instance = instance;
    object.polygons = VisiblePolygons(*instance, size);
    object.box = VisibleBox(*instance, object.polygons, size);
    std::vector<Point> points;
    for (const Keypoint& k : instance->keypoints) {
      object.keypoints.push_back(k);
      object.keypoints.back().visibility = VisibilityIn(k, size);
      if (object.keypoints.back().visibility > 0) points.push_back(k.at);
    }
    if (!object.box) {
      std::vector<Point> outline;
      for (const Polygon& polygon : object.polygons) {
        outline.insert(outline.end(), polygon.rings[0].begin(), polygon.rings[0].end());
      }
      object.box = BoxAround(outline);
    }
    if (!object.box && instance->HasMask()) object.box = BoxOfMask(*instance);
    if (!object.box) object.box = BoxAround(points);
    objects.push_back(std::move(object));
  }
  return objects;
}

bool IsSet(const Instance& instance, std::string_view attribute) {
  const auto found = instance.attributes.find(std::string(attribute));
  if (found == instance.attributes.end()) return false;
  const std::string& value = found->second;
  return value == "1" || value == "true" || value == "True" || value == "yes";
}

// ---- Notices ----------------------------------------------------------------------------------

void LeftOut::Add(const std::map<std::string, std::uint64_t>& counts) {
  for (const auto& [what, n] : counts) Count(what, n);
}

void LeftOut::Report(const std::string& place,
                     const std::function<void(std::string)>& notice) const {
  for (const auto& [what, n] : counts_) notice(fmt::format("{}: {} {}", place, n, what));
}

}  // namespace pixloom
