// SPDX-License-Identifier: Apache-2.0
#include "datasets/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include <fmt/format.h>

#include "datasets/text.h"

namespace pixloom {

namespace {

// Network file systems recover from these often enough to ask again.
constexpr int kReadAttempts = 3;

[[noreturn]] void Fail(std::string_view what, const std::string& path, int error) {
  throw EnvironmentError(
      fmt::format("cannot {} '{}': {}", what, EscapeName(path), ErrnoText(error)));
}

DataError CannotOpen(std::string reason) {
  return {"IO-OPEN", "cannot be opened: " + std::move(reason), "", ""};
}

// Returns the bytes read, 0 at the end.
std::size_t ReadSome(int fd, std::uint8_t* to, std::size_t count, const std::string& path) {
  int failures = 0;
  while (true) {
    const ssize_t n = ::read(fd, to, count);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EINTR) continue;
    const bool again = errno == EIO || errno == ESTALE;
    if (!again || ++failures >= kReadAttempts) Fail("read", path, errno);
  }
}

}  // namespace

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  if (this != &other) {
    Reset();
    fd_ = other.Release();
  }
  return *this;
}

int FileHandle::Release() { return std::exchange(fd_, -1); }

void FileHandle::Reset() {
  if (fd_ >= 0) ::close(Release());
}

std::string ErrnoText(int error) {
  const char* name = ::strerrorname_np(error);
  const char* text = ::strerrordesc_np(error);
  if (name == nullptr || text == nullptr) return fmt::format("error {}", error);
  return fmt::format("{} ({})", text, name);
}

bool IsInputFault(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENXIO:  // a socket, or a device without a driver
    case ENODEV:
      return true;
    default:
      return false;
  }
}

const char* FileKind(unsigned mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "regular file";
    case S_IFDIR:
      return "directory";
    case S_IFIFO:
      return "FIFO";
    case S_IFSOCK:
      return "socket";
    case S_IFBLK:
    case S_IFCHR:
      return "device";
    case S_IFLNK:
      return "symbolic link";
    default:
      return "special file";
  }
}

Result<std::vector<std::uint8_t>> ReadWholeFile(const std::string& path, std::int64_t max_bytes,
                                                bool follow_symlinks) {
  int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  if (!follow_symlinks) flags |= O_NOFOLLOW;
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    if (!IsInputFault(errno)) Fail("open", path, errno);
    return CannotOpen(ErrnoText(errno));
  }
  const FileHandle file(fd);
  struct stat info = {};
  if (::fstat(file.Get(), &info) != 0) Fail("examine", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return CannotOpen(fmt::format("it is a {}, not a regular file", FileKind(info.st_mode)));
  }
  const auto too_large = [&](std::uint64_t size) {
    return DataError{"DEC-LIMIT",
                     fmt::format("file has {} bytes or more; max_bytes is {}", size, max_bytes),
                     "raise max_bytes to read it", ""};
  };
  if (info.st_size > max_bytes) return too_large(static_cast<std::uint64_t>(info.st_size));

  std::vector<std::uint8_t> bytes;
  try {
    // One more than the size, so that the end is seen without growing the buffer.
    bytes.resize(static_cast<std::size_t>(info.st_size) + 1);
    std::size_t size = 0;
    while (true) {
      const std::size_t n = ReadSome(file.Get(), bytes.data() + size, bytes.size() - size, path);
      size += n;
      if (n == 0) break;
      if (size > static_cast<std::size_t>(max_bytes)) return too_large(size);
      if (size == bytes.size()) bytes.resize(2 * size);
    }
    bytes.resize(size);
  } catch (const std::bad_alloc&) {
    throw EnvironmentError(fmt::format("out of memory while reading '{}'", EscapeName(path)));
  }
  return bytes;
}

void WriteWholeFile(const std::string& temporary, const std::string& path,
                    std::span<const std::uint8_t> bytes) {
  int fd = -1;
  do {
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) Fail("create", temporary, errno);
  FileHandle file(fd);
  std::size_t done = 0;
  const auto fail = [&](int error) {
    ::unlink(temporary.c_str());
    throw EnvironmentError(fmt::format("cannot write '{}': {}; {} of {} bytes written",
                                       EscapeName(path), ErrnoText(error), done, bytes.size()));
  };
  while (done < bytes.size()) {
    const ssize_t n = ::write(file.Get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail(n < 0 ? errno : EIO);
    done += static_cast<std::size_t>(n);
  }
  // Network file systems report some write errors only here.
  if (::close(file.Release()) != 0 && errno != EINTR) fail(errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail(errno);
}

void MakeDirectories(const std::string& root, std::string_view path) {
  std::size_t end = 0;
  while (end != std::string_view::npos && !path.empty()) {
    end = path.find('/', end + 1);
    const std::string directory = fmt::format("{}/{}", root, path.substr(0, end));
    if (::mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST) {
      Fail("create directory", directory, errno);
    }
  }
}

}  // namespace pixloom
