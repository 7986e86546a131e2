// SPDX-License-Identifier: Apache-2.0
// TARGET.partial/ as a folder: its names, its lock, what the set in it will be, and what is at
// TARGET. Plain values; SetLock: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datasets/set_io.h"
#include "datasets/set_writer.h"

namespace pixloom {

struct SetPaths {
  std::string target;  // "out/train.h5", "out/train.part-2-of-5"
  std::string name;    // "train", "train.part-2-of-5": how shards begin
  bool folder = false;

  static SetPaths Of(const std::string& path, bool folder, int part, int parts);
  std::string Work() const { return target + ".partial"; }
  // Where an old folder waits where two cannot be exchanged.
  std::string Replaced() const { return target + ".replaced"; }
  std::string InWork(std::string_view file) const { return Work() + "/" + std::string(file); }
  std::string ShardName(const std::string& digest, std::size_t index) const;
};

// Files of W.
inline constexpr const char* kSetLock = "lock";
inline constexpr const char* kSetFacts = "fingerprint.json";
inline constexpr const char* kSetInputs = "inputs.txt";
inline constexpr const char* kSetDescription = "set.json";
inline constexpr const char* kSetData = "data";
inline constexpr const char* kSetMoved = "moved";  // data, where its structure needs more room
inline constexpr const char* kSetColumns = "columns";
inline constexpr const char* kSetJournal = "journal";
inline constexpr const char* kSetIndex = "index.json";  // the done mark of a folder
inline constexpr const char* kSetMaster = "master.h5";

// The right to work in W, for as long as the object lives: W/lock, locked.
class SetLock {
 public:
  SetLock() = default;
  // Creates W. Throws OutputBusyError when somebody else has it.
  explicit SetLock(const std::string& work);
  SetLock(SetLock&&) = default;
  SetLock& operator=(SetLock&&) = default;
  ~SetLock() { Release(); }

  // W was renamed.
  void MovedTo(const std::string& folder) { folder_ = folder; }
  // Removes the lock, and the folder when nothing else is in it.
  void Release() noexcept;
  // Removes a lock that nobody holds: a set was finished, and killed before it was put away.
  static void RemoveStray(const std::string& folder);
  // "PID HOST" of who holds the lock of W; nothing when nobody does.
  static std::optional<std::string> Holder(const std::string& work);

 private:
  FileHandle file_;
  std::string folder_;
};

// W/set.json: what was decided when the set was begun. Written after everything else of W, before
// the first row.
struct SetDescription {
  std::string digest;
  Column first;
  std::vector<Group> first_groups;
  ChunkFilters filters;
  std::uint64_t first_unit = 0, end_unit = 0, units = 0;
  int part = 1, parts = 1;
  std::uint64_t rows_expected = 0;
  std::uint64_t shard_rows = 0;
  std::uint64_t data_start = 0;
  bool replaces = false;  // what is at TARGET may be replaced when this is complete

  std::string ToJson() const;
  static Result<SetDescription, std::string> FromJson(const std::string& text);
  // Lines about what a run must not change on the way.
  std::vector<std::string> Differences(const SetDescription& now) const;
};

// A set that is complete, as it says itself.
struct FinishedSet {
  std::string digest;
  SetSummary summary;
};
// Nothing when there is none at `path`, or something else, or it is damaged.
std::optional<FinishedSet> ReadFinishedSet(const std::string& path, bool folder);

// The files of W or of a finished folder; what is not a plain file stays, and W with it.
void RemoveSetFolder(const std::string& folder, bool keep_lock);

}  // namespace pixloom
