// SPDX-License-Identifier: Apache-2.0
// A folder that one run writes: made when missing, locked while it is written, refused when it
// holds anything, and nothing in it has its final name before it is whole. Shared by the sinks that
// write folders.
//
// Thread safety: none; the free functions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include "datasets/file_io.h"
#include "pipeline/contracts.h"

namespace pixloom {

// Why `path` cannot be created below a directory; nullopt when it can. `shown` is the key it was
// made from. Hidden parts are refused: ours are hidden.
std::optional<DataError> CheckPath(std::string_view path, std::string_view shown);

std::string_view BaseName(std::string_view path);

// Calls visit(name) for every entry of a directory but "." and ".." until it returns false. Throws
// EnvironmentError.
void ForEachName(const std::string& path, const std::function<bool(std::string_view)>& visit);

// A lock file, removed when it is released. A killed holder's file locks nothing.
class PathLock {
 public:
  PathLock() = default;
  ~PathLock() { Release(); }
  PathLock(const PathLock&) = delete;
  PathLock& operator=(const PathLock&) = delete;

  // Throws OutputBusyError, which says that `output` is in use and by whom, or EnvironmentError.
  void Take(const std::string& file, const std::string& output);
  void Release();
  bool Held() const { return handle_.Valid(); }
  int Descriptor() const { return handle_.Get(); }

 private:
  std::string file_;
  FileHandle handle_;
};

// Names given so far, as hashes: a set of millions fits into memory.
class TakenNames {
 public:
  bool Contains(std::string_view name) const;
  void Add(std::string_view name);
  void Clear() { hashes_.clear(); }

 private:
  std::unordered_set<std::uint64_t> hashes_;
};

class OutputFolder {
 public:
  explicit OutputFolder(std::string path) : path_(std::move(path)) {}
  ~OutputFolder() { Unlock(); }

  // Makes the folder, locks it, refuses content unless run.overwrite, removes what a killed run
  // left unfinished and writes pipeline.yaml, the configuration as it ran. Throws OutputBusyError
  // or EnvironmentError.
  void Open(const RunInfo& run);
  bool IsOpen() const { return lock_.Held(); }

  const std::string& Path() const { return path_; }
  std::string Below(std::string_view name) const;
  // A place for unfinished files, emptied when the folder is opened and closed.
  std::string Temporary(std::string_view name) const;

  // Whole or not at all; folders of `name` are made. REQUIRES: CheckPath allows it.
  void Write(const std::string& name, std::span<const std::uint8_t> bytes);
  void Write(const std::string& name, std::string_view text);
  void MakeParents(std::string_view name);
  void Remove(std::string_view name);  // a file, where there is one

  void Flush();  // everything written so far is on disk. Throws EnvironmentError
  void Close();  // flushes and unlocks

 private:
  void MakeRoot();
  void RefuseContent();
  void ClearTemporary();
  void Unlock();

  const std::string path_;
  PathLock lock_;
  std::unordered_set<std::string> directories_;  // known to exist
};

}  // namespace pixloom
