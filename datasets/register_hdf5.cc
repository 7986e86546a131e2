// SPDX-License-Identifier: Apache-2.0
#include "datasets/register_hdf5.h"

#include <charconv>
#include <string_view>
#include <tuple>

#include <fmt/format.h>

#include "datasets/hdf5_sink.h"
#include "pipeline/schema.h"

namespace pixloom {

namespace {

enum class FileFormat { kPng, kJpeg };
enum class Order { kAuto, kRgb, kBgr };
enum class Planes { kAuto, kTrue, kFalse };
enum class PixelType { kAuto, kU8, kU16, kF32 };

}  // namespace

template <>
struct EnumNames<FileFormat> {
  static constexpr std::array<std::pair<FileFormat, std::string_view>, 2> kAll{
      {{FileFormat::kPng, "png"}, {FileFormat::kJpeg, "jpg"}}};
};
template <>
struct EnumNames<Order> {
  static constexpr std::array<std::pair<Order, std::string_view>, 3> kAll{
      {{Order::kAuto, "auto"}, {Order::kRgb, "rgb"}, {Order::kBgr, "bgr"}}};
};
template <>
struct EnumNames<Planes> {
  static constexpr std::array<std::pair<Planes, std::string_view>, 3> kAll{
      {{Planes::kAuto, "auto"}, {Planes::kTrue, "true"}, {Planes::kFalse, "false"}}};
};
template <>
struct EnumNames<PixelType> {
  static constexpr std::array<std::pair<PixelType, std::string_view>, 4> kAll{
      {{PixelType::kAuto, "auto"},
       {PixelType::kU8, "uint8"},
       {PixelType::kU16, "uint16"},
       {PixelType::kF32, "float32"}}};
};
template <>
struct EnumNames<SetLayout> {
  static constexpr std::array<std::pair<SetLayout, std::string_view>, 3> kAll{
      {{SetLayout::kAuto, "auto"}, {SetLayout::kDense, "dense"}, {SetLayout::kEncoded, "encoded"}}};
};
template <>
struct EnumNames<SetProfile> {
  static constexpr std::array<std::pair<SetProfile, std::string_view>, 4> kAll{
      {{SetProfile::kPixloom, "pixloom"},
       {SetProfile::kKeras, "keras"},
       {SetProfile::kPcam, "pcam"},
       {SetProfile::kCaffe, "caffe"}}};
};
template <>
struct EnumNames<Compression> {
  static constexpr std::array<std::pair<Compression, std::string_view>, 4> kAll{
      {{Compression::kNone, "none"},
       {Compression::kGzip, "gzip"},
       {Compression::kLz4, "lz4"},
       {Compression::kBloscZstd, "blosc_zstd"}}};
};
template <>
struct EnumNames<VerifyResult> {
  static constexpr std::array<std::pair<VerifyResult, std::string_view>, 3> kAll{
      {{VerifyResult::kAll, "all"},
       {VerifyResult::kSample, "sample"},
       {VerifyResult::kNone, "none"}}};
};

namespace {

// {rows: N} arrives as ["rows=N"]; nothing else is meant. 0: none; nothing: not understood.
std::optional<std::uint64_t> ShardRows(const std::vector<std::string>& words) {
  constexpr std::string_view kRows = "rows=";
  if (words.empty()) return 0;
  if (words.size() != 1 || !words[0].starts_with(kRows)) return std::nullopt;
  const std::string number = words[0].substr(kRows.size());
  std::uint64_t rows = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), rows);
  const bool whole = error == std::errc() && end == number.data() + number.size();
  return whole && rows > 0 ? std::optional(rows) : std::nullopt;
}

struct Hdf5Out {
  std::string path;
  SetLayout layout = SetLayout::kAuto;
  SetProfile profile = SetProfile::kPixloom;
  std::string images;
  std::string labels;
  Order order = Order::kAuto;
  Planes planes = Planes::kAuto;
  std::int64_t channels = 0;
  PixelType depth = PixelType::kAuto;
  Compression compression = Compression::kNone;
  std::int64_t level = 1;
  bool shuffle = false;
  bool fletcher32 = false;
  std::vector<std::string> shards;
  bool master = false;
  FileFormat format = FileFormat::kPng;
  std::int64_t quality = 95;
  bool recipe = false;
  std::int64_t commit = std::int64_t{64} << 20;
  VerifyResult verify = VerifyResult::kAll;

  static constexpr std::string_view kName = "hdf5";
  static constexpr std::string_view kDoc =
      "Write one HDF5 file, or a folder of them: safe against crashes, goes on where it stopped.";
  static constexpr auto Params() {
    using S = Hdf5Out;
    return std::tuple{
        Param("path", &S::path)
            .Required()
            .Primary()
            .Doc("File to write, with or without .h5; with shards the folder."),
        Param("layout", &S::layout)
            .Doc("dense: pixels, all of one size; encoded: PNG or JPEG files of any size; auto: "
                 "dense where the size is known."),
        Param("profile", &S::profile)
            .Doc("Names and types as readers expect them: pixloom: images, labels; keras: x, y; "
                 "pcam: x, y as uint8 [N,1,1,1]; caffe: data as planes in BGR order, label as "
                 "float32."),
        Param("images", &S::images)
            .Doc("Name of the dataset of pictures instead of the profile's."),
        Param("labels", &S::labels).Doc("Name of the dataset of classes instead of the profile's."),
        Param("order", &S::order).Doc("Order of colours; auto: rgb, bgr for profile: caffe."),
        Param("planes", &S::planes)
            .Doc("true: [C,H,W] instead of [H,W,C]; auto: as the pictures come, true for profile: "
                 "caffe."),
        Param("channels", &S::channels)
            .In(0, 4)
            .Unit("channels")
            .Doc("Channels of every picture; 3 makes grey ones RGB. 0: as the graph knows, "
                 "otherwise 3; encoded pictures keep theirs."),
        Param("depth", &S::depth)
            .Doc("Pixel type of every picture; auto: as the graph knows, otherwise uint8."),
        Param("compression", &S::compression)
            .Doc("Of the pixels, one picture per chunk. lz4 and blosc_zstd need their plugin where "
                 "the file is read."),
        Param("level", &S::level)
            .In(1, 9)
            .Unit("level")
            .Doc("Of gzip and blosc_zstd; higher is smaller and slower."),
        Param("shuffle", &S::shuffle)
            .Doc("Sort the bytes of wider numbers before compression; does nothing for uint8."),
        Param("fletcher32", &S::fletcher32)
            .Doc("Let HDF5 check every picture on reading. Rows have checksums of Pixloom anyway."),
        Param("shards", &S::shards).Doc("{rows: N}: a folder of files with N pictures each."),
        Param("master", &S::master).Doc("With shards: a virtual data set over all of them."),
        Param("format", &S::format).Doc("Format of encoded pictures."),
        Param("quality", &S::quality).In(1, 100).Unit("quality").Doc("Quality of format: jpg."),
        Param("recipe", &S::recipe).Doc("Store what was drawn."),
        Param("commit", &S::commit)
            .In(1, 0x1p40)
            .Unit("bytes")
            .Doc("A crash loses at most about this much, or five seconds."),
        Param("verify", &S::verify)
            .Doc("Rows that are read back and compared before the file gets its name.")};
  }

  Hdf5SinkParams Resolved() const {
    Hdf5SinkParams params;
    params.set.path = path;
    params.set.shard_rows = ShardRows(shards).value_or(0);
    params.set.filters = {compression, static_cast<int>(level), shuffle, fletcher32};
    params.set.commit_bytes = static_cast<std::uint64_t>(commit);
    params.set.verify = verify;
    params.set.master = master;
    params.layout = layout;
    params.profile = profile;
    params.images = images;
    params.labels = labels;
    if (order != Order::kAuto) {
      params.order = order == Order::kBgr ? ChannelOrder::kBgr : ChannelOrder::kRgb;
    }
    if (planes != Planes::kAuto) params.planes = planes == Planes::kTrue;
    if (channels > 0) params.channels = static_cast<int>(channels);
    if (depth != PixelType::kAuto) {
      params.depth = depth == PixelType::kU8    ? Depth::kU8
                     : depth == PixelType::kU16 ? Depth::kU16
                                                : Depth::kF32;
    }
    params.format = format == FileFormat::kPng ? ImageFormat::kPng : ImageFormat::kJpeg;
    params.quality = static_cast<int>(quality);
    params.recipe = recipe;
    return params;
  }

  std::string Check() const {
    if (!ShardRows(shards)) {
      return fmt::format("shards: expected {{rows: N}}, got [{}]", fmt::join(shards, ", "));
    }
    if (channels == 2) return "channels: 2 is not one of 0, 1, 3, 4";
    return ProblemOf(Resolved());
  }

  std::unique_ptr<Sink> Make(const Services& services) const {
    return MakeHdf5Sink(Resolved(), *services.codec);
  }
};

}  // namespace

void RegisterHdf5(Registry& registry) { registry.AddSink<Hdf5Out>(); }

}  // namespace pixloom
