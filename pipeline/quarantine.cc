// SPDX-License-Identifier: Apache-2.0
#include "pipeline/quarantine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "pipeline/error.h"

namespace pixloom {

namespace {

[[noreturn]] void Refuse(const std::string& path) {
  throw EnvironmentError(
      fmt::format("cannot write '{}': {}; when that is solved run the same command again",
                  EscapeForLog(path), std::generic_category().message(errno)));
}

void SyncFolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int result = fd < 0 ? -1 : ::fsync(fd);
  const int error = errno;
  if (fd >= 0) ::close(fd);
  errno = error;
  // Some file systems cannot, and need not.
  if (result != 0 && errno != EINVAL && errno != EROFS) Refuse(path);
}

}  // namespace

QuarantineList::~QuarantineList() {
  if (fd_ >= 0) ::close(fd_);
}

void QuarantineList::Start(std::uint64_t first, std::uint64_t done) {
  std::string keep;
  if (done > first) {
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) {
      // The last line may be cut off; its unit is not done.
      const auto json = nlohmann::json::parse(line, nullptr, false);
      const auto number = json.is_object() ? json.find("unit") : json.end();
      if (number == json.end() || !number->is_number_unsigned()) continue;
      const auto unit = number->get<std::uint64_t>();
      if (unit < first || unit >= done) continue;
      keep += line + '\n';
      ++kept_;
      entries_.emplace(json.value("source", ""), json.value("key", ""));
    }
  }
  if (keep.empty()) {
    // A list of the run before. Devices (/dev/null) stay.
    struct stat info = {};
    if (::stat(path_.c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
      if (::unlink(path_.c_str()) != 0) Refuse(path_);
      renamed_ = true;
    }
    return;
  }
  const std::string temporary = path_ + ".tmp";
  fd_ = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) Refuse(temporary);
  Write(keep);
  Sync();
  if (::rename(temporary.c_str(), path_.c_str()) != 0) Refuse(path_);
  renamed_ = true;
}

void QuarantineList::Add(const QuarantineRecord& record) {
  if (fd_ < 0) {
    const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) Refuse(path_);
    const std::lock_guard lock(mutex_);
    fd_ = fd;
    renamed_ = true;
  }
  Write(record.ToJson() + '\n');
}

void QuarantineList::Sync() {
  const std::lock_guard lock(mutex_);
  // Devices cannot be synchronised, and need not.
  if (fd_ >= 0 && ::fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS) Refuse(path_);
  if (renamed_) SyncFolderOf(path_);
  renamed_ = false;
}

void QuarantineList::Write(const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) Refuse(path_);
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace pixloom
