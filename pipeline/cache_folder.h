// SPDX-License-Identifier: Apache-2.0
// A folder of stored samples, one file each: FOLDER/ab/cdef....pxl, named by the entry's key.
//
// Files get their name when they are complete, so any number of runs may share a folder and any of
// them may be killed. What a killed run or a power failure leaves is cleared away or told by its
// checksum; so nothing is flushed to the disk. Load and Store may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/sample.h"

namespace pixloom {

// 128 bits of hash: what an entry was made of.
struct CacheKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const CacheKey&) const = default;
};

class CacheFolder {
 public:
  enum class Found { kNothing, kEntry, kDamaged };
  enum class Kept { kStored, kFull, kNoSpace };

  // Stores nothing beyond `limit` bytes.
  CacheFolder(std::string path, std::optional<std::uint64_t> limit)
      : path_(std::move(path)), limit_(limit) {}

  // Before a run. Throws EnvironmentError when the folder cannot be used.
  void Open();

  // Both throw EnvironmentError. A disk without space is none: the folder is full, then.
  Found Load(const CacheKey& key, Sample& sample) const;
  Kept Store(const CacheKey& key, const Sample& sample);

  const std::string& Path() const { return path_; }

 private:
  std::string Below(const std::string& name) const { return path_ + "/" + name; }
  void ClearUnfinished() const;
  std::uint64_t BytesThere() const;
  std::optional<Kept> TryToStore(const std::string& name, const Sample& sample);

  const std::string path_;
  const std::optional<std::uint64_t> limit_;
  std::atomic<std::uint64_t> bytes_{0};  // there; counted when there is a limit
  std::atomic<bool> no_space_{false};    // the disk was full in this run
  std::atomic<std::uint64_t> next_{0};   // number of the next unfinished file
};

}  // namespace pixloom
