// SPDX-License-Identifier: Apache-2.0
#include "datasets/output_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <memory>
#include <utility>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr const char* kLockName = ".lock";
constexpr const char* kTemporaryName = ".tmp";

DataError BadName(std::string message) {
  return {"IO-NAME", std::move(message), "rename the input", ""};
}

std::span<const std::uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::uint64_t HashOf(std::string_view text) { return XXH64(text.data(), text.size(), 0); }

}  // namespace

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

std::string_view BaseName(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

void ForEachName(const std::string& path, const std::function<bool(std::string_view)>& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), ::closedir);
  if (!stream) {
    throw EnvironmentError(fmt::format("cannot list '{}': {}", EscapeName(path), ErrnoText(errno)));
  }
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !visit(name)) return;
  }
}

// ---- PathLock ---------------------------------------------------------------------------------

void PathLock::Take(const std::string& path, const std::string& output) {
  PIXLOOM_CHECK(!Held(), "a lock is taken twice");
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
          "output '{}' is in use by {}", EscapeName(output),
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
      file_ = path;
      handle_ = std::move(file);
      return;
    }
  }
}

void PathLock::Release() {
  if (!Held()) return;
  // While the lock is held, so that nobody else's file is removed.
  ::unlink(file_.c_str());
  handle_.Reset();
}

// ---- TakenNames -------------------------------------------------------------------------------

bool TakenNames::Contains(std::string_view name) const { return hashes_.contains(HashOf(name)); }

void TakenNames::Add(std::string_view name) { hashes_.insert(HashOf(name)); }

// ---- OutputFolder -----------------------------------------------------------------------------

std::string OutputFolder::Below(std::string_view name) const {
  return fmt::format("{}/{}", path_, name);
}

std::string OutputFolder::Temporary(std::string_view name) const {
  return fmt::format("{}/{}/{}", path_, kTemporaryName, name);
}

void OutputFolder::MakeRoot() {
  const bool absolute = path_.starts_with('/');
  MakeDirectories(absolute ? "" : ".", absolute ? path_.substr(1) : path_);
  struct stat info = {};
  if (::stat(path_.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    throw OutputBusyError(fmt::format("output '{}' exists and is no directory", EscapeName(path_)));
  }
}

void OutputFolder::RefuseContent() {
  ForEachName(path_, [&](std::string_view name) {
    if (name == kLockName || name == kTemporaryName) return true;
    throw OutputBusyError(fmt::format(
        "output '{}' is not empty ('{}' is there); choose another path, or use --overwrite to "
        "replace files of the same names",
        EscapeName(path_), EscapeName(name)));
  });
}

// A run that was killed leaves its unfinished files here, and nowhere else.
void OutputFolder::ClearTemporary() {
  const std::string path = Below(kTemporaryName);
  ForEachName(path, [&](std::string_view name) {
    ::unlink(fmt::format("{}/{}", path, name).c_str());
    return true;
  });
}

void OutputFolder::Open(const RunInfo& run) {
  PIXLOOM_CHECK(!IsOpen(), "sink opened twice");
  directories_.clear();
  MakeRoot();
  lock_.Take(Below(kLockName), path_);
  try {
    if (!run.overwrite) RefuseContent();
    MakeDirectories(path_, kTemporaryName);
    ClearTemporary();
    // What made these files, with every default and the seed: the same run again.
    if (!run.config_text.empty()) Write("pipeline.yaml", run.config_text);
  } catch (...) {
    Unlock();
    throw;
  }
}

void OutputFolder::MakeParents(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  if (slash == std::string_view::npos) return;
  const std::string directory(name.substr(0, slash));
  if (directories_.insert(directory).second) MakeDirectories(path_, directory);
}

void OutputFolder::Write(const std::string& name, std::span<const std::uint8_t> bytes) {
  PIXLOOM_CHECK(IsOpen(), "sink is not open");
  // Sinks have refused such keys; nothing may get past here whoever made the name.
  PIXLOOM_CHECK(!CheckPath(name, name), "path leaves the output");
  MakeParents(name);
  WriteWholeFile(Temporary("file"), Below(name), bytes);
}

void OutputFolder::Write(const std::string& name, std::string_view text) {
  Write(name, BytesOf(text));
}

void OutputFolder::Remove(std::string_view name) {
  const std::string path = Below(name);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    throw EnvironmentError(
        fmt::format("cannot remove '{}': {}", EscapeName(path), ErrnoText(errno)));
  }
}

void OutputFolder::Flush() {
  // Once for all files: a sync per file would cost more than everything else.
  if (::syncfs(lock_.Descriptor()) != 0) {
    throw EnvironmentError(
        fmt::format("cannot flush '{}' to disk: {}", EscapeName(path_), ErrnoText(errno)));
  }
}

void OutputFolder::Close() {
  if (!IsOpen()) return;
  try {
    Flush();
  } catch (...) {
    Unlock();
    throw;
  }
  Unlock();
}

void OutputFolder::Unlock() {
  if (!IsOpen()) return;
  // Never throws: it also runs while another error is on its way.
  try {
    ClearTemporary();
  } catch (const EnvironmentError&) {
  }
  ::rmdir(Below(kTemporaryName).c_str());
  lock_.Release();
}

}  // namespace pixloom
