// SPDX-License-Identifier: Apache-2.0
// The sinks that write data sets of other tools.
#include <algorithm>
#include <tuple>

#include "datasets/coco_sink.h"
#include "datasets/register.h"
#include "datasets/tar_sink.h"
#include "datasets/voc_sink.h"
#include "datasets/yolo_sink.h"
#include "pipeline/schema.h"

namespace pixloom {

namespace {

enum class PictureFormat { kJpeg, kPng };

}  // namespace

template <>
struct EnumNames<PictureFormat> {
  static constexpr std::array<std::pair<PictureFormat, std::string_view>, 2> kAll{
      {{PictureFormat::kJpeg, "jpg"}, {PictureFormat::kPng, "png"}}};
};
template <>
struct EnumNames<YoloTask> {
  static constexpr std::array<std::pair<YoloTask, std::string_view>, 4> kAll{
      {{YoloTask::kDetect, "detect"},
       {YoloTask::kSegment, "segment"},
       {YoloTask::kPose, "pose"},
       {YoloTask::kObb, "obb"}}};
};

namespace {

struct Pictures {
  PictureFormat format = PictureFormat::kJpeg;
  std::int64_t quality = 95;

  ExportPictures Made() const {
    return {.format = format == PictureFormat::kPng ? ImageFormat::kPng : ImageFormat::kJpeg,
            .quality = static_cast<int>(quality)};
  }
  template <class S>
  static constexpr auto Table() {
    return std::tuple{Param<S, PictureFormat>("format", &S::format).Doc("Format of the pictures."),
                      Param<S, std::int64_t>("quality", &S::quality)
                          .In(1, 100)
                          .Unit("quality")
                          .Doc("Quality of format: jpg.")};
  }
};

struct Coco : Pictures {
  std::string path;

  static constexpr std::string_view kName = "coco";
  static constexpr std::string_view kDoc =
      "Write a COCO data set: images/ and annotations.json with boxes, polygons, run lengths, "
      "keypoints.";
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("path", &Coco::path)
                                         .Required()
                                         .Primary()
                                         .Doc("Folder to write; made when missing.")},
                          Table<Coco>());
  }
  std::unique_ptr<Sink> Make(const Services& services) const {
    return MakeCocoSink({.path = path, .pictures = Made()}, *services.codec);
  }
};

struct Yolo : Pictures {
  std::string path;
  YoloTask task = YoloTask::kDetect;

  static constexpr std::string_view kName = "yolo";
  static constexpr std::string_view kDoc =
      "Write a YOLO data set: images/, labels/ with a text file per picture, data.yaml.";
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{
            Param("path", &Yolo::path)
                .Required()
                .Primary()
                .Doc("Folder to write; made when missing."),
            Param("task", &Yolo::task)
                .Doc("What a line says: a box, an outline, a box and keypoints, a turned box.")},
        Table<Yolo>());
  }
  std::unique_ptr<Sink> Make(const Services& services) const {
    return MakeYoloSink({.path = path, .task = task, .pictures = Made()}, *services.codec);
  }
};

struct Voc : Pictures {
  std::string path;
  std::string mask;

  static constexpr std::string_view kName = "voc";
  static constexpr std::string_view kDoc =
      "Write a Pascal VOC data set: JPEGImages/, Annotations/ as XML, ImageSets/, and masks with "
      "VOC's colours where objects have shapes.";
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("path", &Voc::path)
                       .Required()
                       .Primary()
                       .Doc("Folder to write; made when missing."),
                   Param("mask", &Voc::mask)
                       .Doc("Semantic mask for SegmentationClass; empty: drawn from the objects.")},
        Table<Voc>());
  }
  std::unique_ptr<Sink> Make(const Services& services) const {
    return MakeVocSink({.path = path, .mask = mask, .pictures = Made()}, *services.codec);
  }
};

struct Tar : Pictures {
  std::string path;
  std::int64_t rows = 10'000;
  bool recipe = true;

  static constexpr std::string_view kName = "tar";
  static constexpr std::string_view kDoc =
      "Write WebDataset shards: PATH-000000.tar, ..., with picture, class, masks and a JSON file "
      "per sample.";
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("path", &Tar::path)
                       .Required()
                       .Primary()
                       .Doc("Where the shards go, without number and extension."),
                   Param("rows", &Tar::rows).In(1, 1e9).Unit("samples").Doc("Samples per shard."),
                   Param("recipe", &Tar::recipe).Doc("Store what was drawn in the JSON files.")},
        Table<Tar>());
  }
  std::string Check() const {
    const std::string_view base = BaseName(path);
    return base.empty() || base == "." || base == ".."
               ? "path: shards are named by its last part, which is a folder"
               : "";
  }
  std::unique_ptr<Sink> Make(const Services& services) const {
    return MakeTarSink({.path = path,
                        .rows = static_cast<std::uint64_t>(rows),
                        .recipe = recipe,
                        .pictures = Made()},
                       *services.codec);
  }
};

}  // namespace

void RegisterExport(Registry& registry) {
  registry.AddSink<Coco>();
  registry.AddSink<Tar>();
  registry.AddSink<Voc>();
  registry.AddSink<Yolo>();
}

}  // namespace pixloom
