// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "datasets/file_io.h"
#include "datasets/image_folder.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr int kMaxDepth = 128;
constexpr int kNamedPerKind = 5;

bool HasPictureExtension(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  std::string extension(name.substr(dot + 1));
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  static constexpr std::array<std::string_view, 7> kKnown{"jpg",  "jpeg", "png", "bmp",
                                                          "webp", "tif",  "tiff"};
  return std::find(kKnown.begin(), kKnown.end(), extension) != kKnown.end();
}

// Names the first few of each kind of thing that was skipped and counts the rest, so that a tree
// with a million links gives a handful of notices.
class Skipped {
 public:
  explicit Skipped(const std::function<void(std::string)>& notice) : notice_(notice) {}

  void Add(const std::string& reason, const std::string& name) {
    const int count = ++Count(reason);
    if (count <= kNamedPerKind) notice_(fmt::format("skipped '{}': {}", EscapeName(name), reason));
  }

  void Finish() {
    for (const auto& [reason, count] : counts_) {
      if (count > kNamedPerKind) {
        notice_(fmt::format("skipped {} more: {}", count - kNamedPerKind, reason));
      }
    }
  }

 private:
  int& Count(const std::string& reason) {
    for (auto& [known, count] : counts_) {
      if (known == reason) return count;
    }
    return counts_.emplace_back(reason, 0).second;
  }

  const std::function<void(std::string)>& notice_;
  std::vector<std::pair<std::string, int>> counts_;  // in order of appearance
};

// Lists a tree by descriptors, so that neither long paths nor renames on the way up matter.
class Walk {
 public:
  Walk(const ImageFolderSourceParams& params, Skipped& skipped)
      : params_(params), skipped_(skipped) {}

  std::vector<SourceEntry> entries;
  std::size_t others = 0;  // files that are no pictures by their names

  // `prefix` is "" or ends in a slash.
  void Directory(FileHandle handle, const std::string& prefix) {
    struct stat info = {};
    if (::fstat(handle.Get(), &info) != 0) Fail(prefix, errno);
    const std::pair here(info.st_dev, info.st_ino);
    // Only the way from the root counts: whether a directory is entered must not depend on what
    // else is in the tree, or a new link would rename the samples behind another one.
    if (std::find(path_.begin(), path_.end(), here) != path_.end()) {
      skipped_.Add("symbolic link to a directory around it", prefix);
      return;
    }
    if (path_.size() >= kMaxDepth) {
      skipped_.Add(fmt::format("more than {} directories deep", kMaxDepth), prefix);
      return;
    }
    path_.push_back(here);
    for (const std::string& name : Names(handle, prefix)) Entry(handle, prefix, name);
    path_.pop_back();
  }

 private:
  [[noreturn]] void Fail(const std::string& name, int error) const {
    throw EnvironmentError(fmt::format("cannot list '{}/{}': {}", EscapeName(params_.path),
                                       EscapeName(name), ErrnoText(error)));
  }

  // Takes the handle's descriptor for reading but leaves the handle open for openat.
  std::vector<std::string> Names(const FileHandle& handle, const std::string& prefix) const {
    const int copy = ::fcntl(handle.Get(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) Fail(prefix, errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), ::closedir);
    if (!stream) {
      const int error = errno;
      ::close(copy);
      Fail(prefix, error);
    }
    std::vector<std::string> names;
    while (true) {
      errno = 0;
      const dirent* entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    if (errno != 0) Fail(prefix, errno);
    // Directory order is the file system's whim, and notices follow it.
    std::sort(names.begin(), names.end());
    return names;
  }

  void Entry(const FileHandle& parent, const std::string& prefix, const std::string& name) {
    const std::string key = prefix + name;
    struct stat info = {};
    if (::fstatat(parent.Get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      Unreadable(key, errno);
      return;
    }
    if (S_ISLNK(info.st_mode)) {
      if (!params_.follow_symlinks) {
        skipped_.Add("symbolic link; set follow_symlinks: true to follow", key);
        return;
      }
      if (::fstatat(parent.Get(), name.c_str(), &info, 0) != 0) {
        Unreadable(key, errno);
        return;
      }
    }
    if (S_ISDIR(info.st_mode)) {
      if (params_.recursive) Subdirectory(parent, key, name);
      return;
    }
    if (!HasPictureExtension(name)) {
      ++others;
      return;
    }
    if (!S_ISREG(info.st_mode)) {
      skipped_.Add(fmt::format("{}, not a regular file", FileKind(info.st_mode)), key);
      return;
    }
    const std::int64_t changed =
        std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    entries.push_back({key, static_cast<std::uint64_t>(info.st_size), changed});
  }

  void Subdirectory(const FileHandle& parent, const std::string& key, const std::string& name) {
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    if (!params_.follow_symlinks) flags |= O_NOFOLLOW;
    FileHandle handle(::openat(parent.Get(), name.c_str(), flags));
    if (!handle.Valid()) {
      Unreadable(key + "/", errno);
      return;
    }
    Directory(std::move(handle), key + "/");
  }

  void Unreadable(const std::string& key, int error) {
    if (!IsInputFault(error)) Fail(key, error);
    skipped_.Add(ErrnoText(error), key);
  }

  const ImageFolderSourceParams& params_;
  Skipped& skipped_;
  std::vector<std::pair<dev_t, ino_t>> path_;  // directories from the root to here
};

// The first directory of a key; none for files at the top.
std::optional<std::string_view> ClassOf(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  return key.substr(0, slash);
}

class ImageFolderSource final : public Source {
 public:
  ImageFolderSource(ImageFolderSourceParams params, const Codec& codec)
      : params_(std::move(params)), codec_(codec) {}

  Result<std::vector<SourceEntry>, std::string> List(
      const std::function<void(std::string)>& notice) override {
    const std::string shown = EscapeName(params_.path);
    FileHandle root(::open(params_.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.Valid()) {
      const int error = errno;
      if (!IsInputFault(error)) {
        throw EnvironmentError(fmt::format("cannot open '{}': {}", shown, ErrnoText(error)));
      }
      return fmt::format("cannot open directory '{}': {}", shown, ErrnoText(error));
    }
    Skipped skipped(notice);
    Walk walk(params_, skipped);
    walk.Directory(std::move(root), "");
    skipped.Finish();
    if (walk.entries.empty()) {
      return fmt::format("no pictures in '{}'{}{}", shown,
                         params_.recursive ? " or below" : " (recursive: false)",
                         walk.others > 0 ? fmt::format("; {} files with other extensions than "
                                                       ".jpg .jpeg .png .bmp .webp .tif .tiff",
                                                       walk.others)
                                         : "");
    }
    std::sort(walk.entries.begin(), walk.entries.end(),
              [](const SourceEntry& a, const SourceEntry& b) { return a.key < b.key; });
    NameClasses(walk.entries);
    return std::move(walk.entries);
  }

  Result<Sample> Read(const SourceEntry& entry) const override {
    auto bytes = ReadWholeFile(fmt::format("{}/{}", params_.path, entry.key), params_.max_bytes,
                               params_.follow_symlinks);
    if (!bytes) return bytes.Error();
    auto header = codec_.ReadHeader(*bytes);
    if (!header) return header.Error();

    auto encoded = std::make_shared<EncodedImage>();
    encoded->bytes = std::move(*bytes);
    encoded->header = std::make_shared<const ImageHeader>(*header);
    encoded->exact = params_.decode == DecodeMode::kExact;
    encoded->accept_truncated = params_.truncated == TruncatedPolicy::kAccept;
    encoded->channels = params_.channels;

    Sample sample;
    sample.key = entry.key;
    ImageField field;
    field.frames.push_back({std::move(encoded), {}});
    sample.images.emplace_back("image", std::move(field));
    sample.names = names_;
    sample.labels.label = LabelOf(entry.key);
    return sample;
  }

  Meta OutputMeta() const override {
    Meta meta;
    if (params_.channels != 0) meta.channels = params_.channels;
    return meta;
  }

 private:
  void NameClasses(const std::vector<SourceEntry>& entries) {
    auto names = std::make_shared<LabelNames>();
    if (params_.classes == FolderClasses::kAuto) {
      for (const SourceEntry& entry : entries) {
        if (const auto name = ClassOf(entry.key)) names->classes.emplace_back(*name);
      }
      // Keys are in order, but "a-b/x" sorts before "a/x" while "a" sorts before "a-b".
      std::sort(names->classes.begin(), names->classes.end());
      names->classes.erase(std::unique(names->classes.begin(), names->classes.end()),
                           names->classes.end());
    }
    names_ = std::move(names);
  }

  std::optional<int> LabelOf(std::string_view key) const {
    const auto name = ClassOf(key);
    if (!name) return std::nullopt;
    const auto& classes = names_->classes;
    const auto found = std::lower_bound(classes.begin(), classes.end(), *name);
    if (found == classes.end() || *found != *name) return std::nullopt;
    return static_cast<int>(found - classes.begin());
  }

  const ImageFolderSourceParams params_;
  const Codec& codec_;
  std::shared_ptr<const LabelNames> names_ = std::make_shared<LabelNames>();
};

}  // namespace

std::unique_ptr<Source> MakeImageFolderSource(ImageFolderSourceParams params, const Codec& codec) {
  return std::make_unique<ImageFolderSource>(std::move(params), codec);
}

}  // namespace pixloom
