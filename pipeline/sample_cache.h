// SPDX-License-Identifier: Apache-2.0
// What the steps of a `cache` node made of samples, in memory, on disk, or both.
//
// An entry belongs to the content that went in: bytes or pixels with how they are decoded, all
// labels, what integers in labels stand for, and the steps. Two samples of equal content share it
// and keep who they are. Results never depend on what is stored: not on limits, not on damage, not
// on who else uses the folder.
//
// Lives as long as its graph and serves all runs of it, one at a time; all methods but Open may be
// called from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "pipeline/cache_folder.h"
#include "pipeline/sample.h"

namespace pixloom {

class SampleCache {
 public:
  struct Settings {
    std::string node;                       // whose entries in recipes it writes
    std::string depends;                    // what entries depend on beside the sample, as text
    std::optional<std::uint64_t> memory{};  // bytes
    std::string folder{};                   // "": none
    std::optional<std::uint64_t> disk{};    // bytes in the folder
  };
  using Counts = std::map<std::string, std::uint64_t>;

  explicit SampleCache(Settings settings);

  // Before each run. Throws EnvironmentError.
  void Open();

  // REQUIRES: the sample's recipe is empty, here and below: it is not part of what goes in.
  CacheKey KeyOf(const Sample& sample) const;

  // Gives `sample` what is stored for it and true, or leaves it as it is. Counts what happened.
  bool Load(const CacheKey& key, Sample& sample, Counts& counts);
  // Keeps a copy that shares pixels with `sample`: whoever writes to them makes them unique first.
  void Store(const CacheKey& key, const Sample& sample, Counts& counts);

 private:
  struct HashOfKey {
    std::size_t operator()(const CacheKey& key) const { return static_cast<std::size_t>(key.low); }
  };

  std::shared_ptr<const Sample> Find(const CacheKey& key);
  bool Keep(const CacheKey& key, const Sample& sample);
  void NameSteps(Sample& stored) const;

  const Settings settings_;
  std::optional<CacheFolder> folder_;
  std::mutex mutex_;
  std::unordered_map<CacheKey, std::shared_ptr<const Sample>, HashOfKey> entries_;
  std::uint64_t bytes_ = 0;  // of entries_
};

}  // namespace pixloom
