// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "datasets/file_io.h"
#include "datasets/image_folder.h"
#include "datasets/sidecar.h"
#include "datasets/text.h"
#include "pipeline/decode.h"

namespace pixloom {

namespace {

constexpr const char* kLockName = ".lock";
constexpr const char* kTemporaryName = ".tmp";

DataError BadName(std::string message) {
  return {"IO-NAME", std::move(message), "rename the input", ""};
}

std::string_view BaseName(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// Why `path` cannot be created below a directory; nullopt when it can.
std::optional<DataError> CheckPath(std::string_view path, std::string_view shown) {
  const std::string name = EscapeName(shown);
  if (path.find('\0') != std::string_view::npos) {
    return BadName(fmt::format("key '{}' contains a zero byte", name));
  }
  if (path.starts_with('/')) return BadName(fmt::format("key '{}' is an absolute path", name));
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part == "..") return BadName(fmt::format("key '{}' would leave the output", name));
    if (part.empty() || part == ".") {
      return BadName(fmt::format("key '{}' has an empty part", name));
    }
    // These would be hidden, and ours are too.
    if (part.starts_with('.')) return BadName(fmt::format("key '{}' has a hidden part", name));
    if (part.size() > NAME_MAX) {
      return BadName(fmt::format("file name for key '{}' would have {} bytes; {} is the limit",
                                 name, part.size(), NAME_MAX));
    }
    if (slash == std::string_view::npos) return std::nullopt;
    path.remove_prefix(slash + 1);
  }
}

std::uint64_t HashOf(std::string_view text) { return XXH64(text.data(), text.size(), 0); }

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
      : params_(std::move(params)), codec_(codec) {
    PIXLOOM_CHECK(params_.format == ImageFormat::kPng || params_.format == ImageFormat::kJpeg,
                  "image_folder writes png or jpg");
  }

  ~ImageFolderSink() override { Unlock(); }

  std::string Refuses(const Meta& meta) const override;
  void Open(const RunInfo& run) override;
  Result<std::unique_ptr<Prepared>> Prepare(Sample sample) const override;
  void Write(std::unique_ptr<Prepared> prepared) override;
  void Close(bool complete) override;
  std::string Location() const override { return params_.path; }

 private:
  std::string Below(std::string_view name) const {
    return fmt::format("{}/{}", params_.path, name);
  }
  const char* Extension() const { return params_.format == ImageFormat::kPng ? ".png" : ".jpg"; }
  std::string NameOf(const Sample& sample) const;

  void MakeRoot();
  void Lock();
  void Unlock();
  void RefuseContent();
  void ClearTemporary();

  const ImageFolderSinkParams params_;
  const Codec& codec_;
  bool name_sources_ = false;
  FileHandle lock_;
  std::unordered_set<std::uint64_t> taken_;      // hashes of the file names written so far
  std::unordered_set<std::string> directories_;  // known to exist
};

// ---- Opening and closing ----------------------------------------------------------------------

void ImageFolderSink::MakeRoot() {
  const bool absolute = params_.path.starts_with('/');
  MakeDirectories(absolute ? "" : ".", absolute ? params_.path.substr(1) : params_.path);
  struct stat info = {};
  if (::stat(params_.path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    throw OutputBusyError(
        fmt::format("output '{}' exists and is no directory", EscapeName(params_.path)));
  }
}

void ImageFolderSink::Lock() {
  const std::string path = Below(kLockName);
  while (true) {
    FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!file.Valid()) {
      throw EnvironmentError(
          fmt::format("cannot create '{}': {}", EscapeName(path), ErrnoText(errno)));
    }
    if (::flock(file.Get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) {
        throw EnvironmentError(
            fmt::format("cannot lock '{}': {}", EscapeName(path), ErrnoText(errno)));
      }
      char text[32] = {};
      const ssize_t n = ::pread(file.Get(), text, sizeof(text) - 1, 0);
      long pid = 0;
      std::from_chars(text, text + std::max<ssize_t>(n, 0), pid);
      throw OutputBusyError(fmt::format(
          "output '{}' is in use by {}", EscapeName(params_.path),
          pid == ::getpid() ? "another sink of this run" : fmt::format("process {}", pid)));
    }
    // The holder before us removes the file when it is done; a lock on a removed file is none.
    struct stat opened = {};
    struct stat named = {};
    if (::fstat(file.Get(), &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
        opened.st_dev == named.st_dev && opened.st_ino == named.st_ino) {
      const std::string pid = fmt::format("{}\n", ::getpid());
      if (::ftruncate(file.Get(), 0) != 0 ||
          ::pwrite(file.Get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        throw EnvironmentError(
            fmt::format("cannot write '{}': {}", EscapeName(path), ErrnoText(errno)));
      }
      lock_ = std::move(file);
      return;
    }
  }
}

void ImageFolderSink::Unlock() {
  if (!lock_.Valid()) return;
  // While the lock is held, so that nobody else's file is removed.
  ::rmdir(Below(kTemporaryName).c_str());
  ::unlink(Below(kLockName).c_str());
  lock_.Reset();
}

// Calls visit(name) for every entry but "." and ".." until it returns false.
template <class Visit>
void ForEachName(const std::string& path, Visit visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), ::closedir);
  if (!stream) {
    throw EnvironmentError(fmt::format("cannot list '{}': {}", EscapeName(path), ErrnoText(errno)));
  }
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !visit(name)) return;
  }
}

void ImageFolderSink::RefuseContent() {
  ForEachName(params_.path, [&](std::string_view name) {
    if (name == kLockName || name == kTemporaryName) return true;
    throw OutputBusyError(fmt::format(
        "output '{}' is not empty ('{}' is there); choose another path, or use --overwrite to "
        "replace files of the same names",
        EscapeName(params_.path), EscapeName(name)));
  });
}

// A run that was killed leaves its unfinished files here, and nowhere else.
void ImageFolderSink::ClearTemporary() {
  const std::string path = Below(kTemporaryName);
  MakeDirectories(params_.path, kTemporaryName);
  ForEachName(path, [&](std::string_view name) {
    ::unlink(fmt::format("{}/{}", path, name).c_str());
    return true;
  });
}

void ImageFolderSink::Open(const RunInfo& run) {
  PIXLOOM_CHECK(!lock_.Valid(), "sink opened twice");
  name_sources_ = run.source_names.size() > 1;
  taken_.clear();
  directories_.clear();
  MakeRoot();
  Lock();
  try {
    if (!run.overwrite) RefuseContent();
    ClearTemporary();
    // What made these files, with every default and the seed: the same run again.
    if (!run.config_text.empty()) {
      WriteWholeFile(
          Below(fmt::format("{}/pipeline.yaml", kTemporaryName)), Below("pipeline.yaml"),
          {reinterpret_cast<const std::uint8_t*>(run.config_text.data()), run.config_text.size()});
    }
  } catch (...) {
    Unlock();
    throw;
  }
}

void ImageFolderSink::Close(bool /*complete*/) {
  if (!lock_.Valid()) return;
  // Once for all files: a sync per file would cost more than everything else.
  const int failed = ::syncfs(lock_.Get()) == 0 ? 0 : errno;
  Unlock();
  if (failed != 0) {
    throw EnvironmentError(
        fmt::format("cannot flush '{}' to disk: {}", EscapeName(params_.path), ErrnoText(failed)));
  }
}

// ---- Preparing --------------------------------------------------------------------------------

std::string ImageFolderSink::NameOf(const Sample& sample) const {
  std::string_view stem = sample.key;
  const std::string_view base = BaseName(stem);
  if (base.ends_with(Extension()) && base.size() > 4) stem.remove_suffix(4);
  std::string name = name_sources_ ? fmt::format("{}/{}", sample.source, stem) : std::string(stem);
  if (!sample.identity.branch.empty()) name += "_" + BranchText(sample.identity.branch);
  return name;
}

// Index + 1 of the last visible object at each pixel. Empty when no object has a mask.
Result<cv::Mat> InstanceMap(const std::vector<const Instance*>& visible, Size size) {
  if (visible.size() > 65535) {
    return DataError{"ENC-TYPE",
                     fmt::format("{} objects; a 16-bit instance map holds 65535", visible.size()),
                     "", ""};
  }
  cv::Mat map;
  for (std::size_t i = 0; i < visible.size(); ++i) {
    const cv::Mat& mask = visible[i]->mask;
    if (mask.empty()) continue;
    PIXLOOM_CHECK(mask.cols == size.width && mask.rows == size.height,
                  "instance mask of another size than the image");
    if (map.empty()) map = cv::Mat::zeros(size.height, size.width, CV_16UC1);
    map.setTo(static_cast<double>(i + 1), mask);
  }
  return map;
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
  PIXLOOM_CHECK(lock_.Valid(), "sink is not open");
  auto& sample = static_cast<PreparedFiles&>(*prepared);
  const auto is_taken = [&](const PreparedFiles::File& file) {
    return taken_.contains(HashOf(sample.name + file.suffix));
  };
  if (std::any_of(sample.files.begin(), sample.files.end(), is_taken)) {
    const std::string old_base(BaseName(sample.name));
    sample.name += "-" + sample.id;
    auto& json = sample.files.back().bytes;
    const std::string renamed =
        RenameInSidecar({json.begin(), json.end()}, old_base, std::string(BaseName(sample.name)));
    json.assign(renamed.begin(), renamed.end());
  }
  const std::size_t slash = sample.name.rfind('/');
  if (slash != std::string::npos) {
    const std::string directory = sample.name.substr(0, slash);
    if (directories_.insert(directory).second) MakeDirectories(params_.path, directory);
  }
  const std::string temporary = Below(kTemporaryName) + "/file";
  for (const PreparedFiles::File& file : sample.files) {
    // Prepare has refused such keys; nothing may get past here whoever made the parcel.
    PIXLOOM_CHECK(!CheckPath(sample.name + file.suffix, sample.name), "path leaves the output");
    WriteWholeFile(temporary, Below(sample.name + file.suffix), file.bytes);
    taken_.insert(HashOf(sample.name + file.suffix));
  }
}

}  // namespace

std::unique_ptr<Sink> MakeImageFolderSink(ImageFolderSinkParams params, const Codec& codec) {
  return std::make_unique<ImageFolderSink>(std::move(params), codec);
}

}  // namespace pixloom
