// SPDX-License-Identifier: Apache-2.0
// The journal of a set that is being written: what is durable, as records one behind the other.
//
// A record speaks of everything up to it, so the last one counts. Each is sealed with a hash that
// begins with the seal of the one before it: the first that is damaged, cut or of another set ends
// the journal. Plain values; JournalFile: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datasets/set_io.h"
#include "datasets/set_row.h"

namespace pixloom {

// A file of W/columns as far as it is durable.
struct StreamState {
  enum class Kind { kColumn, kOffsets, kRows };
  Kind kind = Kind::kColumn;
  Column column;            // kOffsets: path and per are the group's
  std::uint64_t bytes = 0;  // stored
  std::uint64_t total = 0;  // kOffsets: the last of them
  std::uint64_t chain = 0;  // over the whole blocks
  std::uint64_t hash = 0;   // over everything
  bool operator==(const StreamState&) const = default;
};

// A file of the set that is finished and lies under its name in W.
struct FinishedShard {
  std::string file;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;           // xxh64 of the file
  std::uint64_t row_hashes_at = 0;  // where checksum/row lies in it
  std::vector<Column> columns;      // those that are per row
  bool operator==(const FinishedShard&) const = default;
};

struct JournalRecord {
  std::uint64_t next_unit = 0;    // everything before it is stored
  std::uint64_t rows = 0;         // of all files
  std::uint64_t quarantined = 0;  // of all files
  // Rows of next_unit that are stored already, and a hash over their hashes.
  std::uint64_t unit_rows = 0, unit_hash = 0;
  // The file that is being written: what came before it, and the bytes of its first column.
  std::uint64_t first_row = 0;
  std::uint64_t data_bytes = 0;
  std::vector<StreamState> streams;    // in the order in which they came up
  std::optional<FinishedShard> shard;  // finished with this record
  bool complete = false;               // no more rows will come
  bool operator==(const JournalRecord&) const = default;

  std::string ToJson() const;
  static std::optional<JournalRecord> FromJson(const std::string& text);
};

// What a journal says, up to the first record that is damaged.
struct JournalContent {
  std::vector<FinishedShard> shards;
  std::optional<JournalRecord> last;
  // The one before the last, when it speaks of the same file: what came after it is the tail.
  std::optional<JournalRecord> before;
  std::uint64_t bytes = 0;  // of the good records
  std::uint64_t seal = 0;   // of the last
};
// `set_seed` ties it to one set. A file that is missing has no records.
JournalContent ReadJournal(const std::string& path, std::uint64_t set_seed);

class JournalFile {
 public:
  JournalFile() = default;
  // Cuts off what is behind `content`.
  JournalFile(const std::string& path, const JournalContent& content);
  void Append(const JournalRecord& record);  // durable when it returns

 private:
  SetFile file_;
  std::uint64_t bytes_ = 0;
  std::uint64_t seal_ = 0;
};

// How hashes of pieces become one: "chain" above, and unit_hash.
std::uint64_t ChainHash(std::uint64_t chain, std::uint64_t piece);

}  // namespace pixloom
