// SPDX-License-Identifier: Apache-2.0
// Rows of one file of a set, put back where they were. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "datasets/file_io.h"
#include "datasets/set_reader.h"
#include "datasets/set_row.h"

namespace pixloom {

class SetPatch {
 public:
  // Throws EnvironmentError when the file cannot be opened for writing.
  SetPatch(const Hdf5File& file, std::vector<Column> columns, std::vector<Group> groups);

  // The first and the last of offsets, as what they describe says. True when one was wrong.
  bool PutEnds();
  // Makes the offsets those of `rows`, which are the rows from `first` on: what stands between two
  // rows that are whole is decided by them. "" or why that is impossible; then nothing was written.
  std::string PutOffsets(std::uint64_t first, std::span<const Row* const> rows);
  // The columns of this row; offsets must be right. "" or why that is impossible.
  std::string PutRow(std::uint64_t row, const Row& content);
  // The row's place in checksum/row.
  std::string PutHash(std::uint64_t row, std::uint64_t hash);
  // What was written since the last call: datasets, sorted.
  std::set<std::string> TakeWritten();
  void Flush();

 private:
  std::string Write(const Hdf5Dataset& dataset, std::uint64_t entry,
                    std::span<const std::uint8_t> bytes);
  std::string WriteChunk(const Hdf5Dataset& dataset, std::uint64_t entry,
                         std::span<const std::uint8_t> bytes);
  std::string LoadOffsets();
  // Entries of a group (""; rows) that lie before row `row`.
  std::uint64_t EntriesBefore(const std::string& group, std::uint64_t row) const;

  const Hdf5File& file_;
  std::vector<Column> columns_;
  std::vector<Group> groups_;
  FileHandle handle_;
  bool loaded_ = false;
  std::map<std::string, std::vector<std::int64_t>> offsets_;
  std::set<std::string> written_;
};

}  // namespace pixloom
