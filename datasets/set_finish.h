// SPDX-License-Identifier: Apache-2.0
// From the columns in W to one file of the set: laid out, checked, flushed; not named yet.
//
// A function of what is stored: interrupted anywhere, it gives the same bytes the next time. One
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/hdf5_structure.h"
#include "datasets/set_columns.h"
#include "datasets/set_folder.h"

namespace pixloom {

// What the attributes of the file say beside the plan's:
//   format "pixloom", format_version 1
//   rows          of this file
//   quarantined   bad samples of the run; in a folder only the index says it, since a file of a
//   folder
//                 must not depend on where the run was cut
//   content_hash  ContentHash of its rows, 16 hex digits
//   fingerprint   digest of the run's; equal in all files of a set
//   first_unit, end_unit, units  what the run was about: units of the plan [first, end), and all
//   shard         number of the file; only in a folder
struct FileFacts {
  std::uint64_t rows = 0, quarantined = 0, content_hash = 0;
  std::int64_t shard = -1;  // -1: none
};
Attributes AttributesOf(const Attributes& planned, const SetDescription& set,
                        const FileFacts& facts);

// Where the data of a set's files begins: room for all that is known before the first row, and
// more than what usually follows.
std::uint64_t DataStartOf(const SetDescription& set, const Attributes& planned);

struct FileToFinish {
  const SetDescription& set;
  const Attributes& planned;
  const SetColumns& columns;  // flushed
  const DataFile& data;
  std::string moved_path;  // where the file goes when its structure needs more room than there is
  FileFacts facts;         // without content_hash, rows
  VerifyResult verify = VerifyResult::kAll;
};
struct FinishedFile {
  std::string path;  // W/data, or moved_path
  std::uint64_t rows = 0, bytes = 0;
  std::uint64_t hash = 0;  // xxh64 of the file; only of shards
  std::uint64_t row_hashes_at = 0;
  std::uint64_t content_hash = 0;
};
FinishedFile FinishFile(const FileToFinish& file);

// Of the hashes that lie at `at` in a file.
class ContentHasher {
 public:
  ContentHasher();
  ~ContentHasher();
  ContentHasher(const ContentHasher&) = delete;
  ContentHasher& operator=(const ContentHasher&) = delete;
  void Add(const SetFile& file, std::uint64_t at, std::uint64_t rows);
  std::uint64_t Value() const;

 private:
  void* state_;
};

}  // namespace pixloom
