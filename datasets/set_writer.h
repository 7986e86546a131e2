// SPDX-License-Identifier: Apache-2.0
// SetWriter: rows in, in order; one HDF5 file or a folder of them out, whatever happens in between.
//
// The result appears under its name when it is complete, flushed and checked. Until then everything
// lies in TARGET.partial/:
//   lock              held (flock) while a run works here: "PID HOST"
//   fingerprint.json, inputs.txt, set.json     what this set will be; written before the first row
//   data              the first column's bytes at their final offset; becomes the file
//   moved             ... unless its structure needs more room than was foreseen
//   columns/NAME      every other column, appended; copied into the file when it is finished
//   journal           what is durable: units and rows done, length and hash of every column
//   NAME-DIGEST8-00003.h5                      shards that are finished
//
// Rows come in the order of the plan, so what is stored is always a beginning of the whole: a
// killed run goes on at the last record of the journal, with any number of threads, and ends with
// the same bytes. A record is written after what it speaks of was flushed (fdatasync); one that is
// damaged, and all behind it, count as not written. Finishing is a function of what is stored and
// may be interrupted and repeated at any place. HDF5 itself never holds data.
//
// Open, Append, Advance, Finish and Leave: one thread at a time. Pack: any thread. A background
// thread flushes. All throw EnvironmentError for faults of the machine; after one, only Leave and
// destruction.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "datasets/chunk_filters.h"
#include "datasets/set_row.h"
#include "pipeline/fingerprint.h"

namespace pixloom {

enum class VerifyResult { kAll, kSample, kNone };

struct SetOptions {
  std::string path;              // "out/train" or "out/train.h5"; folder "out/train" with shards
  std::uint64_t shard_rows = 0;  // rows per file; 0: one file
  ChunkFilters filters;          // of the first column; needs one of fixed shape
  std::uint64_t commit_bytes = std::uint64_t{64} << 20;
  double commit_seconds = 5;
  VerifyResult verify = VerifyResult::kAll;
  bool master = false;  // with shards: a virtual data set over them
};

// What is known and fixed before the first row.
struct SetPlan {
  // The column that is written in place: the pictures, or their encoded bytes.
  Column first;
  std::vector<Group> first_groups;  // what first.per needs
  Attributes attributes;            // of the file, groups and datasets
  Fingerprint fingerprint;
  std::string digest;  // instead of the fingerprint's: rows come from sets that have this one
  std::uint64_t first_unit = 0, end_unit = 0, units = 0;
  int part = 1, parts = 1;      // of several machines: TARGET.part-2-of-5
  std::uint64_t rows = 0;       // at the most; 0: unknown
  std::uint64_t row_bytes = 0;  // of one row, for the space check; 0: unknown
  bool overwrite = false;
  std::function<void(std::string)> notice = [](std::string) {};
  std::function<void()> sync = [] {};  // before every record of the journal, in another thread
};

// What is in a set that is complete, and what its files say about themselves.
struct SetSummary {
  std::uint64_t rows = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t content_hash = 0;
  std::vector<std::string> files;
};

class SetWriter {
 public:
  // A row ready to be appended; `row` no longer holds what was packed.
  struct Packed {
    Row row;
    std::uint64_t hash = 0;
    std::vector<std::uint8_t> chunk;  // the first column's, filtered
    std::uint64_t first_hash = 0;     // xxh64 of the first column's bytes as they are stored
    std::size_t Bytes() const;
  };

  explicit SetWriter(SetOptions options);
  ~SetWriter();

  // Where the result will be: the file, or the folder.
  std::string Target() const;

  // Rows per file that are in use after Open: a set that goes on keeps what it was begun with.
  std::uint64_t ShardRowsInUse() const;

  // Takes the lock, compares fingerprints, finds out what is stored, checks and reserves space.
  // Returns the first unit to do. Throws OutputBusyError (locked; exists and is another set, unless
  // plan.overwrite), ResumeRefusedError (with every difference) or EnvironmentError. A finished set
  // of this fingerprint is complete: returns end_unit and Finish() changes nothing.
  std::uint64_t Open(SetPlan plan);

  Packed Pack(Row row) const;
  // "" or why the next row cannot be this one: a column of it has another type or shape than in the
  // rows before. Append takes no such row.
  std::string Mismatch(const Packed& packed) const;
  void Append(Packed packed);
  void Advance(std::uint64_t next_unit, std::uint64_t quarantined);

  // Lays out what is left, verifies, flushes, publishes, removes TARGET.partial.
  SetSummary Finish();
  // Makes durable what is there and lets go of it, to go on another time. Nothing after an error.
  void Leave();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// What TARGET.partial says about a set that is not finished. For `pixloom status`.
struct SetProgress {
  std::uint64_t units_done = 0, units = 0, first_unit = 0, end_unit = 0;
  std::uint64_t rows = 0, rows_expected = 0, quarantined = 0;
  std::uint64_t bytes = 0;
  int shards = 0;  // finished
  bool locked = false;
  std::string holder;  // "PID HOST" when locked
};
// The error says why it cannot be told.
Result<SetProgress, std::string> ReadProgress(const std::string& partial_folder);

}  // namespace pixloom
