// SPDX-License-Identifier: Apache-2.0
#include "datasets/register.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include <fmt/format.h>

#include "datasets/discard.h"
#include "datasets/image_folder.h"
#include "datasets/register_hdf5.h"
#include "datasets/register_hdf5_source.h"
#include "datasets/shapes.h"
#include "pipeline/schema.h"

namespace pixloom {

template <>
struct EnumNames<FolderClasses> {
  static constexpr std::array<std::pair<FolderClasses, std::string_view>, 2> kAll{
      {{FolderClasses::kAuto, "auto"}, {FolderClasses::kNone, "none"}}};
};
template <>
struct EnumNames<DecodeMode> {
  static constexpr std::array<std::pair<DecodeMode, std::string_view>, 2> kAll{
      {{DecodeMode::kFast, "fast"}, {DecodeMode::kExact, "exact"}}};
};
template <>
struct EnumNames<TruncatedPolicy> {
  static constexpr std::array<std::pair<TruncatedPolicy, std::string_view>, 2> kAll{
      {{TruncatedPolicy::kQuarantine, "quarantine"}, {TruncatedPolicy::kAccept, "accept"}}};
};
template <>
struct EnumNames<ShapesEncode> {
  static constexpr std::array<std::pair<ShapesEncode, std::string_view>, 3> kAll{
      {{ShapesEncode::kNone, "none"}, {ShapesEncode::kJpeg, "jpeg"}, {ShapesEncode::kPng, "png"}}};
};

namespace {

enum class FolderFormat { kPng, kJpeg };

}  // namespace

template <>
struct EnumNames<FolderFormat> {
  static constexpr std::array<std::pair<FolderFormat, std::string_view>, 2> kAll{
      {{FolderFormat::kPng, "png"}, {FolderFormat::kJpeg, "jpg"}}};
};

namespace {

struct ImageFolderSource {
  std::string path;
  bool recursive = true;
  bool follow_symlinks = false;
  FolderClasses classes = FolderClasses::kAuto;
  DecodeMode decode = DecodeMode::kFast;
  TruncatedPolicy truncated = TruncatedPolicy::kQuarantine;
  std::int64_t channels = 0;
  std::int64_t max_bytes = std::int64_t{1} << 30;

  static constexpr std::string_view kName = "image_folder";
  static constexpr std::string_view kDoc =
      "Read the pictures of a folder; folders below it are the classes.";
  static constexpr auto Params() {
    using S = ImageFolderSource;
    return std::tuple{
        Param("path", &S::path).Required().Primary().Doc("Folder to read."),
        Param("recursive", &S::recursive).Doc("Also read the folders below."),
        Param("follow_symlinks", &S::follow_symlinks)
            .Doc("Follow symbolic links; a folder that contains itself is entered once."),
        Param("classes", &S::classes)
            .Doc("auto: the first folder of a path is the class; none: no classes."),
        Param("decode", &S::decode)
            .Doc("fast: a JPEG that will be shrunk is decoded at 1/2, 1/4 or 1/8; exact: never."),
        Param("truncated", &S::truncated)
            .Doc("What becomes of a damaged JPEG: quarantine, or accept what is left."),
        Param("channels", &S::channels)
            .In(0, 4)
            .Unit("channels")
            .Doc("Decode to 1 (grey), 3 (RGB) or 4 (RGBA) channels; 0 keeps what the file has."),
        Param("max_bytes", &S::max_bytes)
            .In(1, 0x1p40)
            .Unit("bytes")
            .Doc("Larger files are not read but quarantined.")};
  }
  std::string Check() const { return channels == 2 ? "channels: 2 is not one of 0, 1, 3, 4" : ""; }
  std::unique_ptr<Source> Make(const Services& services) const {
    return MakeImageFolderSource({.path = path,
                                  .recursive = recursive,
                                  .follow_symlinks = follow_symlinks,
                                  .classes = classes,
                                  .decode = decode,
                                  .truncated = truncated,
                                  .channels = static_cast<int>(channels),
                                  .max_bytes = max_bytes},
                                 *services.codec);
  }
};

struct Shapes {
  std::int64_t count = 100;
  Size size{256, 256};
  Range objects{1, 5};
  std::int64_t seed = 1;
  std::int64_t min_object = 32;
  bool overlap = false;
  bool oriented = false;
  bool masks = true;
  bool keypoints = true;
  ShapesEncode encode = ShapesEncode::kNone;
  std::int64_t quality = 90;

  static constexpr std::string_view kName = "shapes";
  static constexpr std::string_view kDoc =
      "Make textured scenes of simple objects with exact labels of every kind; needs no data.";
  static constexpr auto Params() {
    using S = Shapes;
    return std::tuple{
        Param("count", &S::count).In(1, 1e8).Unit("scenes").Primary().Doc("How many scenes."),
        Param("size", &S::size).In(16, 8192).Unit("px").Doc("Size of a scene."),
        Param("objects", &S::objects)
            .In(0, 100)
            .Unit("objects")
            .Doc("Least and most objects per scene; fewer where there is no room."),
        Param("seed", &S::seed)
            .In(0, 0x1p53)
            .Unit("seed")
            .Doc("Seed of the contents, independent of the run's seed."),
        Param("min_object", &S::min_object)
            .In(8, 4096)
            .Unit("px")
            .Doc("Longest side of the smallest object."),
        Param("overlap", &S::overlap).Doc("Objects may cover each other; labels stay whole."),
        Param("oriented", &S::oriented)
            .Doc("Boxes are the objects' own rotated rectangles instead of axis-aligned."),
        Param("masks", &S::masks).Doc("Add instance masks and the semantic mask 'classes'."),
        Param("keypoints", &S::keypoints).Doc("Add keypoints: centre, left, right, top."),
        Param("encode", &S::encode).Doc("Deliver the pictures encoded, as files would be."),
        Param("quality", &S::quality).In(1, 100).Unit("quality").Doc("Quality of encode: jpeg.")};
  }
  std::string Check() const {
    if (objects.lo != static_cast<double>(static_cast<int>(objects.lo)) ||
        objects.hi != static_cast<double>(static_cast<int>(objects.hi))) {
      return "objects: expected whole numbers";
    }
    // Half of the shorter side leaves room for the diagonal of a turned square.
    if (const int most = std::min(size.width, size.height) / 2; min_object > most) {
      return fmt::format("min_object: {} is more than half of the shorter side, {}", min_object,
                         most);
    }
    return "";
  }
  std::unique_ptr<Source> Make(const Services& services) const {
    return MakeShapesSource(
        {.count = count,
         .size = size,
         .objects = {static_cast<int>(objects.lo), static_cast<int>(objects.hi)},
         .seed = static_cast<std::uint64_t>(seed),
         .min_object = static_cast<int>(min_object),
         .overlap = overlap,
         .oriented = oriented,
         .masks = masks,
         .keypoints = keypoints,
         .encode = encode,
         .quality = static_cast<int>(quality)},
        services.codec);
  }
};

struct ImageFolderSink {
  std::string path;
  FolderFormat format = FolderFormat::kPng;
  std::int64_t quality = 95;
  bool recipe = true;

  static constexpr std::string_view kName = "image_folder";
  static constexpr std::string_view kDoc =
      "Write pictures as <key>_<copy>.png or .jpg, each with a JSON file of labels and recipe.";
  static constexpr auto Params() {
    using S = ImageFolderSink;
    return std::tuple{
        Param("path", &S::path).Required().Primary().Doc("Folder to write; made when missing."),
        Param("format", &S::format).Doc("Format of the pictures."),
        Param("quality", &S::quality).In(1, 100).Unit("quality").Doc("Quality of format: jpg."),
        Param("recipe", &S::recipe).Doc("Store what was drawn in the JSON file.")};
  }
  std::unique_ptr<Sink> Make(const Services& services) const {
    return MakeImageFolderSink(
        {.path = path,
         .format = format == FolderFormat::kPng ? ImageFormat::kPng : ImageFormat::kJpeg,
         .quality = static_cast<int>(quality),
         .recipe = recipe},
        *services.codec);
  }
};

struct Discard {
  static constexpr std::string_view kName = "discard";
  static constexpr std::string_view kDoc =
      "Keep nothing: to measure a pipeline, or to look for bad files.";
  static constexpr auto Params() { return std::tuple{}; }
  std::unique_ptr<Sink> Make(const Services&) const { return MakeDiscardSink(); }
};

}  // namespace

void RegisterDatasets(Registry& registry) {
  RegisterHdf5Source(registry);
  registry.AddSource<ImageFolderSource>();
  registry.AddSource<Shapes>();
  registry.AddSink<Discard>();
  RegisterHdf5(registry);
  registry.AddSink<ImageFolderSink>();
  RegisterExport(registry);
}

}  // namespace pixloom
