// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_io.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

[[noreturn]] void Fail(std::string_view what, const std::string& path, int error) {
  throw EnvironmentError(
      fmt::format("cannot {} '{}': {}", what, EscapeName(path), ErrnoText(error)));
}

// Repeats a call that a signal interrupted.
template <class Call>
auto Again(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

int OpenAt(const std::string& path, int flags) {
  return Again([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0666); });
}

struct stat StatusOf(const SetFile& file) {
  struct stat info = {};
  if (::fstat(file.Get(), &info) != 0) Fail("examine", file.Path(), errno);
  return info;
}

}  // namespace

SetFile::SetFile(std::string path, int flags) : path_(std::move(path)) {
  file_ = FileHandle(OpenAt(path_, flags));
  if (!file_.Valid()) Fail((flags & O_CREAT) != 0 ? "create" : "open", path_, errno);
}

std::optional<SetFile> SetFile::OpenExisting(const std::string& path, int flags) {
  SetFile file;
  file.path_ = path;
  file.file_ = FileHandle(OpenAt(path, flags));
  if (file.Valid()) return file;
  if (errno != ENOENT && errno != ENOTDIR) Fail("open", path, errno);
  return std::nullopt;
}

std::uint64_t SetFile::Size() const { return static_cast<std::uint64_t>(StatusOf(*this).st_size); }

std::uint64_t SetFile::AllocatedBytes() const {
  return static_cast<std::uint64_t>(StatusOf(*this).st_blocks) * 512;
}

void SetFile::WriteAt(std::span<const std::uint8_t> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = Again(
        [&] { return ::pwrite(Get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (n <= 0) Fail("write", path_, n < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

std::size_t SetFile::ReadUpTo(std::span<std::uint8_t> to, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t n = Again([&] {
      return ::pread(Get(), to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    });
    if (n < 0) Fail("read", path_, errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

void SetFile::ReadAt(std::span<std::uint8_t> to, std::uint64_t offset) const {
  const std::size_t n = ReadUpTo(to, offset);
  if (n == to.size()) return;
  throw EnvironmentError(fmt::format("'{}' ends at byte {}; {} more were written to it",
                                     EscapeName(path_), offset + n, to.size() - n));
}

void SetFile::Truncate(std::uint64_t size) {
  if (Again([&] { return ::ftruncate(Get(), static_cast<off_t>(size)); }) != 0) {
    Fail("change the size of", path_, errno);
  }
}

bool SetFile::Reserve(std::uint64_t bytes) {
  if (bytes == 0) return true;
  return Again([&] {
           return ::fallocate(Get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes));
         }) == 0;
}

void SetFile::SyncData() {
  if (::fdatasync(Get()) != 0) Fail("flush", path_, errno);
}

void SetFile::Sync() {
  if (::fsync(Get()) != 0) Fail("flush", path_, errno);
}

void SetFile::StartWriteback(std::uint64_t offset, std::uint64_t bytes) {
  ::sync_file_range(Get(), static_cast<off_t>(offset), static_cast<off_t>(bytes),
                    SYNC_FILE_RANGE_WRITE);
}

void SetFile::CopyFrom(const SetFile& from, std::uint64_t at, std::uint64_t to,
                       std::uint64_t count) {
  auto in = static_cast<off_t>(at);
  auto out = static_cast<off_t>(to);
  while (count > 0) {
    const ssize_t n = Again([&] {
      return ::copy_file_range(from.Get(), &in, Get(), &out,
                               std::min<std::uint64_t>(count, 1 << 30), 0);
    });
    if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO)) {
      Fail("write", path_, errno);
    }
    if (n <= 0) break;  // not possible between these files: by hand
    count -= static_cast<std::uint64_t>(n);
  }
  std::vector<std::uint8_t> buffer(std::min<std::uint64_t>(count, kCopyBytes));
  while (count > 0) {
    const std::span<std::uint8_t> part(buffer.data(),
                                       std::min<std::uint64_t>(count, buffer.size()));
    from.ReadAt(part, static_cast<std::uint64_t>(in));
    WriteAt(part, static_cast<std::uint64_t>(out));
    in += static_cast<off_t>(part.size());
    out += static_cast<off_t>(part.size());
    count -= part.size();
  }
}

bool PathExists(const std::string& path) {
  struct stat info = {};
  if (::lstat(path.c_str(), &info) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) Fail("examine", path, errno);
  return false;
}

bool IsFolder(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool IsPlainFile(const std::string& path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

void MakeFolder(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) Fail("create directory", path, errno);
}

void MakeFoldersAbove(const std::string& path) {
  for (std::size_t end = path.find('/', 1); end != std::string::npos;
       end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    if (!IsFolder(folder)) MakeFolder(folder);
  }
}

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), ::closedir);
  if (!stream) {
    if (errno == ENOENT || errno == ENOTDIR) return names;
    Fail("list", folder, errno);
  }
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void RenamePath(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    throw EnvironmentError(fmt::format("cannot rename '{}' to '{}': {}", EscapeName(from),
                                       EscapeName(to), ErrnoText(errno)));
  }
}

bool ExchangePaths(const std::string& from, const std::string& to) {
  return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0;
}

void RemoveFile(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) Fail("remove", path, errno);
}

bool RemoveFolder(const std::string& path) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return true;
  if (errno == ENOTEMPTY || errno == EEXIST) return false;
  Fail("remove directory", path, errno);
}

void SyncFolder(const std::string& path) { SetFile(path, O_RDONLY | O_DIRECTORY).Sync(); }

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::optional<std::string> ReadTextIfThere(const std::string& path) {
  const auto file = SetFile::OpenExisting(path, O_RDONLY);
  if (!file) return std::nullopt;
  std::string text(file->Size(), '\0');
  text.resize(file->ReadUpTo({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}, 0));
  return text;
}

void WriteTextDurably(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  {
    SetFile file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    file.WriteAt({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, 0);
    file.Sync();
  }
  RenamePath(temporary, path);
  SyncFolder(FolderOf(path));
}

Space SpaceAt(const std::string& folder) {
  struct statvfs info = {};
  if (::statvfs(folder.c_str(), &info) != 0) Fail("examine", folder, errno);
  return {static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize};
}

}  // namespace pixloom
