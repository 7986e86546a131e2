// SPDX-License-Identifier: Apache-2.0
// Reads a finished file and compares it with what was written, from the first byte to the last.
// One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/hdf5_structure.h"
#include "datasets/set_columns.h"

namespace pixloom {

// Reads W/columns/%rows from a row on.
class StoredRowReader {
 public:
  StoredRowReader(const SetFile& file, std::uint64_t rows, std::uint64_t first = 0);
  StoredRow Next();

 private:
  const SetFile& file_;
  std::uint64_t rows_, next_;
  std::vector<StoredRow> some_;
  std::size_t at_ = 0;
};

// Rows of the first column that lie at `at` one behind the other. Throws SetDamageError.
void CheckRows(const SetFile& file, std::uint64_t at, StoredRowReader rows, std::uint64_t first,
               std::uint64_t count);

struct FileToVerify {
  const SetFile& file;
  const StructureBytes& structure;
  // Of each dataset: its stream, or null for the first column.
  const std::vector<const SetColumns::Stream*>& streams;
  const SetColumns& columns;
  std::uint64_t data_bytes = 0;  // of the first column
};
// Every byte; the file's xxh64. Throws SetDamageError.
std::uint64_t VerifyEverything(const FileToVerify& file);
// Everything but the first column, and of that one row in every 64 MiB.
void VerifySample(const FileToVerify& file);

}  // namespace pixloom
