// SPDX-License-Identifier: Apache-2.0
// quarantine.jsonl: one line per bad sample, in plan order. A run that goes on where another
// stopped keeps the lines of the units that are done.
//
// SetPath, Start and Add: one thread at a time. Sync: any thread. They throw EnvironmentError.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "pipeline/report.h"

namespace pixloom {

class QuarantineList {
 public:
  ~QuarantineList();

  void SetPath(std::string path) { path_ = std::move(path); }
  // Takes over the lines of units in [first, done) from what is there; the rest is dropped, and so
  // is a file that keeps none.
  void Start(std::uint64_t first, std::uint64_t done);
  void Add(const QuarantineRecord& record);
  // What was added stays, whatever happens to the machine.
  void Sync();

  const std::string& Path() const { return path_; }
  // Records and entries (source, key) that were taken over.
  std::uint64_t Kept() const { return kept_; }
  const std::set<std::pair<std::string, std::string>>& KeptEntries() const { return entries_; }

 private:
  void Write(const std::string& text);

  std::string path_;
  std::mutex mutex_;  // guards fd_ and renamed_: a sync may meet the first record
  int fd_ = -1;
  bool renamed_ = false;  // names in the folder changed since the last sync
  std::uint64_t kept_ = 0;
  std::set<std::pair<std::string, std::string>> entries_;
};

}  // namespace pixloom
