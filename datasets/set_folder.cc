// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <climits>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "datasets/text.h"

namespace pixloom {

namespace {

std::string Host() {
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return host.data();
}

std::string Myself() { return fmt::format("{} {}", ::getpid(), Host()); }

// A process that was killed can leave a child behind that reads a file for it. The child has the
// lock too, until it has closed what it does not need.
bool IsDead(const std::string& holder) {
  if (holder.empty()) return true;  // killed before it could say who it is
  pid_t pid = 0;
  const auto [rest, error] = std::from_chars(holder.data(), holder.data() + holder.size(), pid);
  const bool here = error == std::errc() && std::string_view(rest) == " " + Host();
  return here && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

// For the child of a dead process to let go.
constexpr int kPauses = 500;
constexpr auto kPause = std::chrono::milliseconds(10);

std::string HolderIn(int fd) {
  std::array<char, HOST_NAME_MAX + 32> text{};
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  const std::string_view holder(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  return std::string(holder.substr(0, holder.find('\n')));
}

}  // namespace

SetPaths SetPaths::Of(const std::string& path, bool folder, int part, int parts) {
  std::string stem = path;
  while (stem.size() > 1 && stem.ends_with('/')) stem.pop_back();
  std::string extension = ".h5";
  for (const std::string_view known : {".h5", ".hdf5"}) {
    if (!stem.ends_with(known) || stem.size() == known.size()) continue;
    if (stem[stem.size() - known.size() - 1] == '/') continue;  // a hidden file, not an extension
    extension = known;
    stem.resize(stem.size() - known.size());
    break;
  }
  if (parts > 1) stem += fmt::format(".part-{}-of-{}", part, parts);
  SetPaths paths;
  paths.folder = folder;
  paths.name = stem.substr(stem.rfind('/') + 1);
  paths.target = folder ? stem : stem + extension;
  return paths;
}

std::string SetPaths::ShardName(const std::string& digest, std::size_t index) const {
  return fmt::format("{}-{}-{:05}.h5", name, digest.substr(0, 8), index);
}

SetLock::SetLock(const std::string& work) : folder_(work) {
  const std::string path = work + "/" + kSetLock;
  int pauses = 0;
  while (true) {
    MakeFolder(work);
    FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!file.Valid()) {
      if (errno == EINTR || errno == ENOENT) continue;  // the holder before us removed the folder
      throw EnvironmentError(
          fmt::format("cannot create '{}': {}", EscapeName(path), ErrnoText(errno)));
    }
    if (::flock(file.Get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) {
        throw EnvironmentError(
            fmt::format("cannot lock '{}': {}", EscapeName(path), ErrnoText(errno)));
      }
      const std::string holder = HolderIn(file.Get());
      if (IsDead(holder) && pauses++ < kPauses) {
        std::this_thread::sleep_for(kPause);
        continue;
      }
      throw OutputBusyError(fmt::format("'{}' is in use by process {}; wait for it, or stop it",
                                        EscapeName(work), EscapeName(holder)));
    }
    // The holder before us removes the file when it is done; a lock on a removed file is none.
    struct stat opened = {};
    struct stat named = {};
    if (::fstat(file.Get(), &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
        opened.st_dev == named.st_dev && opened.st_ino == named.st_ino) {
      const std::string text = Myself() + "\n";
      SetFile whole(path, std::move(file));
      whole.Truncate(0);
      whole.WriteAt({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, 0);
      file_ = whole.Release();
      return;
    }
  }
}

void SetLock::Release() noexcept {
  if (!file_.Valid()) return;
  // While the lock is held, so that nobody else's file is removed.
  ::unlink((folder_ + "/" + kSetLock).c_str());
  ::rmdir(folder_.c_str());
  file_.Reset();
}

void SetLock::RemoveStray(const std::string& folder) {
  const std::string path = folder + "/" + kSetLock;
  const auto file = SetFile::OpenExisting(path, O_RDONLY);
  if (file && ::flock(file->Get(), LOCK_EX | LOCK_NB) == 0) RemoveFile(path);
}

std::optional<std::string> SetLock::Holder(const std::string& work) {
  const auto file = SetFile::OpenExisting(work + "/" + kSetLock, O_RDONLY);
  if (!file) return std::nullopt;
  // Shared, so that two who ask do not see each other.
  if (::flock(file->Get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return std::nullopt;
  return HolderIn(file->Get());
}

void RemoveSetFolder(const std::string& folder, bool keep_lock) {
  for (const std::string& name : NamesIn(folder + "/" + kSetColumns)) {
    RemoveFile(folder + "/" + kSetColumns + "/" + name);
  }
  RemoveFolder(folder + "/" + kSetColumns);
  for (const std::string& name : NamesIn(folder)) {
    const std::string path = folder + "/" + name;
    if (name != kSetLock && IsPlainFile(path)) RemoveFile(path);
  }
  if (keep_lock) return;
  RemoveFile(folder + "/" + kSetLock);
  RemoveFolder(folder);
}

}  // namespace pixloom
