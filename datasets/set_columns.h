// SPDX-License-Identifier: Apache-2.0
// The files of W that rows are appended to: the first column in place, every other in a file of
// its own, and how many bytes each row has of the first.
//
// A column or group begins with the first row that has it; the rows before get fill at once. What
// is in memory and what Restore() makes of the journal are the same state. One thread; the files
// may be flushed by another meanwhile.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datasets/set_io.h"
#include "datasets/set_journal.h"
#include "datasets/set_row.h"

namespace pixloom {

inline constexpr std::size_t kStreamBlock = std::size_t{256} << 10;
inline constexpr const char* kRowHashPath = "checksum/row";

// Appends; hashed block by block, so that it can be checked from any block on.
class StreamFile {
 public:
  // A new file.
  explicit StreamFile(const std::string& path);
  // Goes on at `state`, after checking what came since `before` (if given).
  StreamFile(const std::string& path, const StreamState& state, const StreamState* before);

  void Append(std::span<const std::uint8_t> bytes);
  void AppendRepeated(std::span<const std::uint8_t> entry, std::uint64_t count);
  // Hands everything to the operating system. True if anything was new since the last call.
  bool Flush();
  void Restart();  // empty again

  std::uint64_t Bytes() const { return block_at_ + block_.size(); }
  void Describe(StreamState& state) const;
  const std::shared_ptr<SetFile>& File() const { return file_; }

 private:
  void EndBlock();

  std::shared_ptr<SetFile> file_;
  std::vector<std::uint8_t> block_;  // the last, not whole yet
  std::uint64_t block_at_ = 0;
  std::size_t written_ = 0;  // of the block
  std::uint64_t chain_ = 0;  // over the blocks before
  bool changed_ = false;
};

// A row of the first column as the file has it.
struct StoredRow {
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;  // xxh64 of them
};

// The bytes of the first column, from `start` on. Rows that are small are written together.
class DataFile {
 public:
  DataFile() = default;
  DataFile(const std::string& path, std::uint64_t start);  // created if missing
  void Append(std::span<const std::uint8_t> bytes);
  bool Flush();
  std::uint64_t Bytes() const { return bytes_; }
  // Goes on behind `bytes`, dropping the rest.
  void CutTo(std::uint64_t bytes);
  const std::shared_ptr<SetFile>& File() const { return file_; }

 private:
  std::shared_ptr<SetFile> file_;
  std::uint64_t start_ = 0;
  std::uint64_t bytes_ = 0;  // with those in `small_`
  std::uint64_t written_back_ = 0;
  std::vector<std::uint8_t> small_;
  bool changed_ = false;
};

class SetColumns {
 public:
  struct Stream {
    StreamState::Kind kind;
    Column column;            // of a group: path and per, and its totals as i64 numbers
    std::uint64_t total = 0;  // of a group: entries so far
    StreamFile file;
  };

  // `first` is not stored here. Starts without rows.
  SetColumns(std::string folder, Column first, const std::vector<Group>& first_groups);
  // Goes on where `record` ends; files that it does not name are removed.
  SetColumns(std::string folder, Column first, const JournalRecord& record,
             const JournalRecord* before);

  // "" or why the row cannot stand beside those before it: a column of another type or shape.
  std::string Mismatch(const Row& row) const;
  // Everything of the row but the first column's bytes.
  void Append(const Row& row, std::uint64_t row_hash, const StoredRow& stored);
  // No rows, the same columns: for the next file.
  void Restart();
  // What Describe() will say then; nothing is changed yet.
  std::vector<StreamState> DescribeRestarted() const;

  std::uint64_t Rows() const { return rows_; }
  const std::vector<std::unique_ptr<Stream>>& Streams() const { return streams_; }
  const Stream* Find(StreamState::Kind kind, std::string_view path) const;
  const Stream& StoredRows() const { return *streams_[0]; }
  std::vector<StreamState> Describe() const;
  // True once after files were created.
  bool TakeCreated() { return std::exchange(created_, false); }
  const std::string& Folder() const { return folder_; }

 private:
  Stream& Add(StreamState::Kind kind, Column column);
  void Begin(Stream& stream);
  void BeginOffsets();
  void AddNew(const Row& row);
  void AppendGroups(const Row& row);
  std::uint64_t EntriesOfRow(const std::string& per) const;

  std::string folder_;
  Column first_;
  std::uint64_t rows_ = 0;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::map<std::string, Stream*, std::less<>> columns_, groups_;
  std::map<std::string, std::uint64_t, std::less<>> row_entries_;  // of the row being appended
  bool created_ = true;
};

// The file of a column or group below W/columns: readable, and never the same for two.
std::string StreamName(StreamState::Kind kind, std::string_view path);

}  // namespace pixloom
