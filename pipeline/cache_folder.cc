// SPDX-License-Identifier: Apache-2.0
#include "pipeline/cache_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "pipeline/sample_io.h"
#include "pipeline/value.h"

namespace pixloom {

namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = ".tmp";
constexpr const char* kExtension = ".pxl";
constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
constexpr int kAttempts = 3;

[[noreturn]] void Fail(std::string_view what, const std::string& path, int error) {
  const char* name = ::strerrorname_np(error);
  const char* text = ::strerrordesc_np(error);
  throw EnvironmentError(
      fmt::format("cannot {} {} of the cache: {} ({}); mend that, or take the cache out, then run "
                  "the same command again",
                  what, Quoted(path), text != nullptr ? text : "error",
                  name != nullptr ? name : std::to_string(error)));
}

bool IsNoSpace(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int Get() const { return fd_; }
  // Network file systems report some write errors only here.
  int Close() { return ::close(std::exchange(fd_, -1)) == 0 || errno == EINTR ? 0 : errno; }

 private:
  int fd_;
};

int OpenFile(const std::string& path, int flags) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0666);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// Pictures go past the buffer, so that the file is never in memory beside what it holds.
class FileSource final : public ByteSource {
 public:
  FileSource(int fd, std::uint64_t bytes, const std::string& path)
      : fd_(fd), left_(bytes), path_(path), buffer_(kBufferBytes) {}

  std::uint64_t Left() const override { return left_; }
  bool Read(std::span<std::uint8_t> to) override {
    if (to.size() > left_) return false;
    left_ -= to.size();
    while (!to.empty()) {
      if (at_ == end_ && to.size() >= buffer_.size()) {
        const std::size_t n = ReadSome(to);
        if (n == 0) return false;
        to = to.subspan(n);
        continue;
      }
      if (at_ == end_) {
        at_ = 0;
        end_ = ReadSome(buffer_);
        if (end_ == 0) return false;
      }
      const std::size_t n = std::min(to.size(), end_ - at_);
      std::memcpy(to.data(), buffer_.data() + at_, n);
      at_ += n;
      to = to.subspan(n);
    }
    return true;
  }

 private:
  // 0 at the end: somebody cut the file while it was read.
  std::size_t ReadSome(std::span<std::uint8_t> to) const {
    for (int failures = 0;;) {
      const ssize_t n = ::read(fd_, to.data(), to.size());
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno == EINTR) continue;
      // Network file systems recover from these often enough to ask again.
      const bool again = errno == EIO || errno == ESTALE;
      if (!again || ++failures >= kAttempts) Fail("read", path_, errno);
    }
  }

  int fd_;
  std::uint64_t left_;
  const std::string& path_;
  std::vector<std::uint8_t> buffer_;
  std::size_t at_ = 0, end_ = 0;
};

// Keeps the first error; nothing is written after it.
class FileSink final : public ByteSink {
 public:
  explicit FileSink(int fd) : fd_(fd) { buffer_.reserve(kBufferBytes); }

  void Write(std::span<const std::uint8_t> bytes) override {
    if (buffer_.size() + bytes.size() > kBufferBytes) Flush();
    if (bytes.size() >= kBufferBytes) {
      WriteAll(bytes);
    } else {
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    }
  }
  // errno of what went wrong, or 0.
  int Finish() {
    Flush();
    return error_;
  }

 private:
  void Flush() {
    WriteAll(buffer_);
    buffer_.clear();
  }
  void WriteAll(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty() && error_ == 0) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n > 0) bytes = bytes.subspan(static_cast<std::size_t>(n));
      if (n == 0) error_ = EIO;
      if (n < 0 && errno != EINTR) error_ = errno;
    }
  }

  int fd_;
  int error_ = 0;
  std::vector<std::uint8_t> buffer_;
};

std::string NameOf(const CacheKey& key) {
  const std::string hex = fmt::format("{:016x}{:016x}", key.high, key.low);
  return hex.substr(0, 2) + "/" + hex.substr(2) + kExtension;
}

// Calls visit(path) for every entry of the folder; one that is not there has none.
template <class Visit>
void ForEachIn(const std::string& folder, Visit visit) {
  std::error_code error;
  fs::directory_iterator it(folder, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) visit(*it);
  // Another run may clear away what this one is looking at.
  const bool gone = error == std::errc::no_such_file_or_directory;
  if (error && !gone) Fail("list", folder, error.value());
}

}  // namespace

void CacheFolder::Open() {
  std::error_code error;
  fs::create_directories(Below(kUnfinished), error);
  if (error) Fail("create", Below(kUnfinished), error.value());
  if (::access(Below(kUnfinished).c_str(), W_OK | X_OK) != 0) {
    Fail("write to", Below(kUnfinished), errno);
  }
  no_space_ = false;
  ClearUnfinished();
  if (limit_) bytes_ = BytesThere();
}

// Who writes a file holds a lock on it, and the lock goes with the process.
void CacheFolder::ClearUnfinished() const {
  ForEachIn(Below(kUnfinished), [&](const fs::directory_entry& entry) {
    const Descriptor file(OpenFile(entry.path(), O_RDWR | O_NONBLOCK));
    if (file.Get() < 0) return;
    if (::flock(file.Get(), LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
  });
}

std::uint64_t CacheFolder::BytesThere() const {
  std::uint64_t bytes = 0;
  ForEachIn(path_, [&](const fs::directory_entry& folder) {
    std::error_code ignored;
    if (!folder.is_directory(ignored)) return;
    ForEachIn(folder.path(), [&](const fs::directory_entry& entry) {
      if (entry.path().extension() != kExtension) return;
      const std::uintmax_t size = entry.file_size(ignored);
      if (!ignored) bytes += size;
    });
  });
  return bytes;
}

CacheFolder::Found CacheFolder::Load(const CacheKey& key, Sample& sample) const {
  const std::string path = Below(NameOf(key));
  const Descriptor file(OpenFile(path, O_RDONLY | O_NONBLOCK));
  if (file.Get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Found::kNothing;
    if (errno == ELOOP || errno == ENXIO) return Found::kDamaged;  // a link or socket is no entry
    Fail("open", path, errno);
  }
  struct stat info = {};
  if (::fstat(file.Get(), &info) != 0) Fail("examine", path, errno);
  if (!S_ISREG(info.st_mode)) return Found::kDamaged;
  FileSource source(file.Get(), static_cast<std::uint64_t>(info.st_size), path);
  auto stored = ReadSample(source);
  if (!stored) return Found::kDamaged;
  sample = std::move(*stored);
  return Found::kEntry;
}

CacheFolder::Kept CacheFolder::Store(const CacheKey& key, const Sample& sample) {
  if (no_space_) return Kept::kNoSpace;
  const std::uint64_t size = limit_ ? StoredSize(sample) : 0;
  if (limit_ && bytes_.fetch_add(size) + size > *limit_) {
    bytes_ -= size;
    return Kept::kFull;
  }
  const std::string name = NameOf(key);
  std::optional<Kept> kept;
  // Somebody may clear the folder, or the file before it is locked.
  for (int attempt = 0; !kept && attempt < kAttempts; ++attempt) kept = TryToStore(name, sample);
  if (!kept) Fail("write", Below(name), ENOENT);
  if (*kept == Kept::kNoSpace) {
    no_space_ = true;
    bytes_ -= size;
  }
  return *kept;
}

// Nothing when the file or its folder was taken away meanwhile.
std::optional<CacheFolder::Kept> CacheFolder::TryToStore(const std::string& name,
                                                         const Sample& sample) {
  const std::string path = Below(name);
  std::string temporary;
  int fd = -1;
  do {  // a machine that shares the folder may have a process of the same number
    temporary = Below(fmt::format("{}/{}-{}", kUnfinished, ::getpid(), next_.fetch_add(1)));
    fd = OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL);
  } while (fd < 0 && errno == EEXIST);
  if (fd < 0) {
    if (IsNoSpace(errno)) return Kept::kNoSpace;
    if (errno != ENOENT) Fail("create", temporary, errno);
    std::error_code ignored;
    fs::create_directories(Below(kUnfinished), ignored);
    return std::nullopt;
  }
  Descriptor file(fd);
  if (::flock(file.Get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return std::nullopt;
  const auto give_up = [&](std::string_view what, int because) -> std::optional<Kept> {
    ::unlink(temporary.c_str());
    if (because == ENOENT) return std::nullopt;
    if (IsNoSpace(because)) return Kept::kNoSpace;
    Fail(what, path, because);
  };
  FileSink sink(file.Get());
  WriteSample(sample, sink);
  if (const int because = sink.Finish(); because != 0) return give_up("write", because);
  // Other runs may clear the file once it is closed, but not before it has its name.
  const std::string folder = path.substr(0, path.rfind('/'));
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) return give_up("create", errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return give_up("name", errno);
  if (const int because = file.Close(); because != 0) {
    ::unlink(path.c_str());
    return give_up("write", because);
  }
  return Kept::kStored;
}

}  // namespace pixloom
