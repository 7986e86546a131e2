// SPDX-License-Identifier: Apache-2.0
// The file system as SetWriter uses it: every call of it goes through here.
//
// Short writes and EINTR are no errors; everything else is an EnvironmentError that names the path
// and errno. Nothing is retried after a failed flush: what was not written then is lost. One
// SetFile: different threads may read, write at different places, and flush at the same time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/file_io.h"

namespace pixloom {

class SetFile {
 public:
  SetFile() = default;
  // `flags` as open(2), without O_CLOEXEC and O_NOFOLLOW.
  SetFile(std::string path, int flags);
  SetFile(std::string path, FileHandle file) : path_(std::move(path)), file_(std::move(file)) {}
  // Nothing when there is no such file.
  static std::optional<SetFile> OpenExisting(const std::string& path, int flags);

  bool Valid() const { return file_.Valid(); }
  int Get() const { return file_.Get(); }
  FileHandle Release() { return std::move(file_); }
  const std::string& Path() const { return path_; }

  std::uint64_t Size() const;
  std::uint64_t AllocatedBytes() const;
  void WriteAt(std::span<const std::uint8_t> bytes, std::uint64_t offset);
  // Bytes that are there, at most to.size().
  std::size_t ReadUpTo(std::span<std::uint8_t> to, std::uint64_t offset) const;
  // All of to.size(), or it throws.
  void ReadAt(std::span<std::uint8_t> to, std::uint64_t offset) const;
  void Truncate(std::uint64_t size);
  // Space for [0, bytes) without changing the size. False: the file system cannot, or is full
  // (errno says which).
  bool Reserve(std::uint64_t bytes);
  void SyncData();  // bytes and size
  void Sync();      // everything about the file
  // A hint: what was written there may go to the disk now.
  void StartWriteback(std::uint64_t offset, std::uint64_t bytes);
  // Bytes [at, at + count) of `from`, which must be there.
  void CopyFrom(const SetFile& from, std::uint64_t at, std::uint64_t to, std::uint64_t count);

 private:
  std::string path_;
  FileHandle file_;
};

bool PathExists(const std::string& path);
bool IsFolder(const std::string& path);
bool IsPlainFile(const std::string& path);
void MakeFolder(const std::string& path);                     // may exist
void MakeFoldersAbove(const std::string& path);               // all folders that `path` lies in
std::vector<std::string> NamesIn(const std::string& folder);  // sorted; none if it is not there
void RenamePath(const std::string& from, const std::string& to);
// What `to` was is `from` afterwards. False: not possible here.
bool ExchangePaths(const std::string& from, const std::string& to);
void RemoveFile(const std::string& path);    // may be missing
bool RemoveFolder(const std::string& path);  // false: it is not empty; may be missing
void SyncFolder(const std::string& path);
// The folder that `path` lies in.
std::string FolderOf(const std::string& path);

// Nothing when there is no such file.
std::optional<std::string> ReadTextIfThere(const std::string& path);
// Under its name when all of it is durable.
void WriteTextDurably(const std::string& path, std::string_view text);

struct Space {
  std::uint64_t free = 0;
};
Space SpaceAt(const std::string& folder);

}  // namespace pixloom
