// SPDX-License-Identifier: Apache-2.0
// Files, with every failure sorted by whose fault it is.
//
// A missing or forbidden file is a fault of the input (DataError IO-OPEN). An I/O error, lack of
// memory, of descriptors or of space is a fault of the machine (EnvironmentError). Thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.h"

namespace pixloom {

// Owns a file descriptor.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(other.Release()) {}
  FileHandle& operator=(FileHandle&& other) noexcept;
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  ~FileHandle() { Reset(); }

  bool Valid() const { return fd_ >= 0; }
  int Get() const { return fd_; }
  int Release();
  void Reset();

 private:
  int fd_ = -1;
};

// "Permission denied (EACCES)".
std::string ErrnoText(int error);

// True when the error says something about the file, not about the machine.
bool IsInputFault(int error);

// "FIFO", "directory", ... for a file's st_mode.
const char* FileKind(unsigned mode);

// The bytes of a regular file. Anything else is never opened for longer than it takes to see what
// it is, and never blocks. More than max_bytes is DEC-LIMIT.
Result<std::vector<std::uint8_t>> ReadWholeFile(const std::string& path, std::int64_t max_bytes,
                                                bool follow_symlinks);

// Writes `temporary`, then renames it to `path`: readers never see a part of a file under its
// final name. Throws EnvironmentError, leaving neither file behind.
void WriteWholeFile(const std::string& temporary, const std::string& path,
                    std::span<const std::uint8_t> bytes);

// Creates `path` below the existing directory `root`, one component at a time. Throws
// EnvironmentError.
void MakeDirectories(const std::string& root, std::string_view path);

}  // namespace pixloom
