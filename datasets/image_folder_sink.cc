// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "datasets/image_folder.h"
#include "datasets/output_folder.h"
#include "datasets/sidecar.h"
#include "pipeline/decode.h"

namespace pixloom {

namespace {

// A sample as it goes to disk. Files are named by what follows the sample's name.
struct PreparedFiles final : Sink::Prepared {
  struct File {
    std::string suffix;
    std::vector<std::uint8_t> bytes;
  };

  std::string name;
  std::string id;           // as 16 digits
  std::vector<File> files;  // the sidecar comes last
  std::size_t Bytes() const override {
    std::size_t bytes = sizeof(*this);
    for (const File& file : files) bytes += file.bytes.size();
    return bytes;
  }
};

class ImageFolderSink final : public Sink {
 public:
  ImageFolderSink(ImageFolderSinkParams params, const Codec& codec)
      : params_(std::move(params)), codec_(codec), folder_(params_.path) {
    PIXLOOM_CHECK(params_.format == ImageFormat::kPng || params_.format == ImageFormat::kJpeg,
                  "image_folder writes png or jpg");
  }

  std::string Refuses(const Meta& meta) const override;
  std::uint64_t Open(const RunInfo& run, const Expected& expected) override;
  Result<std::unique_ptr<Prepared>> Prepare(Sample sample) const override;
  void Write(std::unique_ptr<Prepared> prepared) override;
  void Close(bool complete) override;
  std::string Location() const override { return params_.path; }

 private:
  const char* Extension() const { return params_.format == ImageFormat::kPng ? ".png" : ".jpg"; }
  std::string NameOf(const Sample& sample) const;

  const ImageFolderSinkParams params_;
  const Codec& codec_;
  OutputFolder folder_;
  bool name_sources_ = false;
  TakenNames taken_;
};

std::uint64_t ImageFolderSink::Open(const RunInfo& run, const Expected& /*expected*/) {
  name_sources_ = run.source_names.size() > 1;
  taken_.Clear();
  folder_.Open(run);
  return run.first_unit;
}

void ImageFolderSink::Close(bool /*complete*/) { folder_.Close(); }

// ---- Preparing --------------------------------------------------------------------------------

std::string ImageFolderSink::NameOf(const Sample& sample) const {
  std::string_view stem = sample.key;
  const std::string_view base = BaseName(stem);
  if (base.ends_with(Extension()) && base.size() > 4) stem.remove_suffix(4);
  std::string name = name_sources_ ? fmt::format("{}/{}", sample.source, stem) : std::string(stem);
  if (!sample.identity.branch.empty()) name += "_" + BranchText(sample.identity.branch);
  return name;
}

std::string ImageFolderSink::Refuses(const Meta& meta) const {
  const bool png = params_.format == ImageFormat::kPng;
  if (meta.planar) return "files hold interleaved pictures, but gets planar ones";
  const bool deep = meta.depth == Depth::kF32 || (!png && meta.depth == Depth::kU16);
  if (meta.depth && deep) {
    return fmt::format("{} files cannot hold {}; put 'cast: {{to: uint8}}' before the sink",
                       png ? "PNG" : "JPEG", DepthName(*meta.depth));
  }
  return "";
}

Result<std::unique_ptr<Sink::Prepared>> ImageFolderSink::Prepare(Sample sample) const {
  auto prepared = std::make_unique<PreparedFiles>();
  prepared->name = NameOf(sample);
  prepared->id = fmt::format("{:016x}", sample.identity.id);
  const std::string base(BaseName(prepared->name));
  SidecarFiles files;

  const auto add = [&](const cv::Mat& pixels, const EncodeRequest& request,
                       const std::string& suffix) -> std::optional<DataError> {
    // Room for the id that a shared name gets.
    if (auto error = CheckPath(prepared->name + suffix + "-0123456789abcdef", sample.key)) {
      return error;
    }
    auto bytes = codec_.Encode(pixels, request);
    if (!bytes) return bytes.Error();
    prepared->files.push_back({suffix, std::move(*bytes)});
    return std::nullopt;
  };

  EncodeRequest request;
  request.format = params_.format;
  request.quality = params_.quality;
  PIXLOOM_CHECK(!sample.images.empty(), "sample without an image");
  int warnings = 0;
  for (auto& [field, image] : sample.images) {
    const bool main = &image == &sample.images[0].second;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < image.frames.size(); ++i) {
      if (auto error = DecodeFrame(image.frames[i], codec_, &warnings)) return *error;
      const std::string suffix = (main ? "" : "." + field) +
                                 (image.frames.size() > 1 ? fmt::format(".{:04}", i) : "") +
                                 Extension();
      if (auto error = add(image.frames[i].pixels, request, suffix)) return *error;
      names.push_back(base + suffix);
    }
    if (main) {
      files.image = names.at(0);
    } else {
      files.fields.emplace_back(field, std::move(names));
    }
  }

  if (warnings > 0) sample.scalars["decode_warnings"] += warnings;

  const EncodeRequest lossless;
  for (const auto& [name, mask] : sample.masks) {
    const std::string suffix = fmt::format(".mask.{}.png", name);
    if (auto error = add(mask.pixels, lossless, suffix)) return *error;
    files.masks.emplace_back(name, base + suffix);
  }
  const Size size = sample.images[0].second.frames.at(0).size();
  const auto visible = VisibleInstances(sample, size);
  auto map = InstanceMap(visible, size);
  if (!map) return map.Error();
  if (!map->empty()) {
    if (auto error = add(*map, lossless, ".instances.png")) return *error;
    files.instances = base + ".instances.png";
  }

  const std::string json = SidecarJson(sample, visible, files, params_.recipe);
  prepared->files.push_back({".json", {json.begin(), json.end()}});
  return std::unique_ptr<Prepared>(std::move(prepared));
}

// ---- Writing ----------------------------------------------------------------------------------

void ImageFolderSink::Write(std::unique_ptr<Prepared> prepared) {
  PIXLOOM_CHECK(folder_.IsOpen(), "sink is not open");
  auto& sample = static_cast<PreparedFiles&>(*prepared);
  const auto is_taken = [&](const PreparedFiles::File& file) {
    return taken_.Contains(sample.name + file.suffix);
  };
  if (std::any_of(sample.files.begin(), sample.files.end(), is_taken)) {
    const std::string old_base(BaseName(sample.name));
    sample.name += "-" + sample.id;
    auto& json = sample.files.back().bytes;
    const std::string renamed =
        RenameInSidecar({json.begin(), json.end()}, old_base, std::string(BaseName(sample.name)));
    json.assign(renamed.begin(), renamed.end());
  }
  for (const PreparedFiles::File& file : sample.files) {
    folder_.Write(sample.name + file.suffix, file.bytes);
    taken_.Add(sample.name + file.suffix);
  }
}

}  // namespace

std::unique_ptr<Sink> MakeImageFolderSink(ImageFolderSinkParams params, const Codec& codec) {
  return std::make_unique<ImageFolderSink>(std::move(params), codec);
}

}  // namespace pixloom
