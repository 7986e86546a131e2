// SPDX-License-Identifier: Apache-2.0
// What the sinks `coco`, `yolo`, `voc` and `tar` share: names of samples, pictures as bytes,
// classes as numbers, objects as files can say them.
//
// Names. The key without the extension of a picture, "_" and the branch when there is one, the
// source's name as first folder when there are several sources. Control characters, backslashes and
// bytes that are not UTF-8 become "_". Samples that meet under one name: the later one in plan
// order gets "-" and its 16-digit id.
//
// Thread safety: free functions are pure; classes are used by one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/output_folder.h"
#include "datasets/visible_parts.h"
#include "pipeline/contracts.h"

namespace pixloom {

struct ExportPictures {
  ImageFormat format = ImageFormat::kJpeg;  // or kPng
  int quality = 95;
  const char* Extension() const { return format == ImageFormat::kPng ? ".png" : ".jpg"; }
};

// Why such pictures cannot be written as files; "" when they can.
std::string RefusedPictures(const Meta& meta, ImageFormat format);

// The sample's one picture as a file of the format; decoded in place, for its size.
Result<std::vector<std::uint8_t>> PictureBytes(Sample& sample, const ExportPictures& pictures,
                                               const Codec& codec);

enum class NameStyle { kFolders, kFlat };  // kFlat: "_" instead of "/"

// Checked, with room for the id and a suffix.
Result<std::string> ExportName(const Sample& sample, bool with_source, NameStyle style);

// `text` with "_" for everything that does not belong into a file name or a line.
std::string PlainText(std::string_view text);
// The same, for JSON and XML: escaped instead.
std::string ShownText(std::string_view text);

// "class_7" where the sample's source has no name for it.
std::string ClassText(const LabelNames* names, int label);

// The classes of all sources: those of the first in their order, then what others add. A label
// without a name keeps its number.
class ClassTable {
 public:
  void Add(const std::shared_ptr<const LabelNames>& names);
  void AddAll(const Expected& expected);
  // The number of a label; names are added when they are new.
  int IndexOf(const std::shared_ptr<const LabelNames>& names, int label);
  // Without adding: nullopt for a new name.
  std::optional<int> Find(const LabelNames* names, int label) const;

  const std::vector<std::string>& Names() const { return names_; }
  const LabelNames* First() const { return first_.get(); }  // null: no source has names

 private:
  void Reach(int index);

  std::vector<std::string> names_;
  std::map<std::string, int, std::less<>> numbers_;
  std::shared_ptr<const LabelNames> first_, last_;
};

// An object as files can say it.
struct ExportObject {
  const Instance* instance = nullptr;
  std::vector<Polygon> polygons;    // visible parts
  std::optional<Box> box;           // around what is visible, whatever it is given by
  std::vector<Keypoint> keypoints;  // those outside have visibility 0
};

std::vector<ExportObject> ExportObjects(const Sample& sample, Size size);

// "1", "true" and "yes" are set.
bool IsSet(const Instance& instance, std::string_view attribute);

// What could not be written, by reason; one notice per reason at the end.
class LeftOut {
 public:
  void Count(const std::string& what, std::uint64_t n = 1) { counts_[what] += n; }
  void Add(const std::map<std::string, std::uint64_t>& counts);
  // "out: 3 objects left out: no class".
  void Report(const std::string& place, const std::function<void(std::string)>& notice) const;

 private:
  std::map<std::string, std::uint64_t> counts_;
};

// A parcel between Prepare and Write.
struct PreparedExport : Sink::Prepared {
  std::string name;  // without extension
  std::string id;    // 16 digits
  Size size;
  int channels = 3;
  std::vector<std::uint8_t> picture;
  std::shared_ptr<const LabelNames> names;
  std::map<std::string, std::uint64_t> left_out;
  std::size_t text_bytes = 0;

  std::size_t Bytes() const override { return sizeof(*this) + picture.size() + text_bytes; }
};

// Fills in all of a parcel but what the format says about objects; the sample's picture is decoded
// then.
std::optional<DataError> FillExport(Sample& sample, const ExportPictures& pictures,
                                    const Codec& codec, bool with_source, NameStyle style,
                                    PreparedExport& prepared);

// Gives the sample a name that no other has.
void MakeUnique(PreparedExport& prepared, TakenNames& taken);

}  // namespace pixloom
