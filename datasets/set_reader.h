// SPDX-License-Identifier: Apache-2.0
// Reading HDF5: HDF5 itself opens a file only in a child process with limits on memory, processor
// time and open files, where damage and malice may do their worst. The child describes the file;
// data that lies contiguous, or in chunks whose filters we know, is then read by pread from any
// thread. Whatever else there is, the child reads row by row.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "datasets/chunk_filters.h"
#include "datasets/set_row.h"
#include "pipeline/error.h"

namespace pixloom {

struct Hdf5Limits {
  std::uint64_t memory = std::uint64_t{2} << 30;  // of the child
  int seconds = 20;                               // of processor time, to describe a file
  std::uint64_t datasets = 10'000;
};

// What the child tells about one dataset.
struct Hdf5Dataset {
  std::string path;  // without leading slash
  // Nothing: a type that is no plain number (text, compounds, references); it cannot be read.
  std::optional<Element> element;
  bool big_endian = false;
  std::string type_text;  // for people: "u8", "string", "compound"
  std::vector<std::uint64_t> dims;
  std::vector<Attribute> attributes;  // those of plain numbers and text
  std::string problem;                // why it cannot be read; "": it can

  // What lies in the file where it is no Element; reading widens it.
  enum class Stored { kAsElement, kI8, kI16, kF16 };
  Stored stored = Stored::kAsElement;
  std::vector<std::uint8_t> fill;  // one element as it is read: what was never written

  enum class Storage { kContiguous, kChunked, kOther };
  Storage storage = Storage::kOther;
  std::uint64_t address = 0;  // kContiguous; 0 with bytes: never written, reads as fill
  std::vector<std::uint64_t> chunk_shape;
  std::vector<FilterId> filters;
  bool Readable() const { return element.has_value() && problem.empty(); }
  std::uint64_t Entries() const { return dims.empty() ? 1 : dims[0]; }
  std::uint64_t EntryBytes() const;  // as read
  std::size_t StoredBytes() const;   // of one element in the file
  std::string Text() const;          // "images u8 [100,32,32,3]"
};

// One open file. Thread-safe after Open.
class Hdf5File {
 public:
  // The error says what is wrong: no HDF5, damaged, crashed or hung while it was read, too large.
  static Result<std::unique_ptr<Hdf5File>, std::string> Open(const std::string& path,
                                                             const Hdf5Limits& limits = {});
  ~Hdf5File();

  const std::string& Path() const;
  const std::vector<Hdf5Dataset>& Datasets() const;  // sorted by path
  const Hdf5Dataset* Find(std::string_view path) const;
  const std::vector<Attribute>& Root() const;
  const Attributes& GroupAttributes() const;  // of groups that have any, by their paths

  // Entries [first, first + count) of the first dimension, in the machine's byte order.
  Result<std::vector<std::uint8_t>, std::string> Read(const Hdf5Dataset& dataset,
                                                      std::uint64_t first,
                                                      std::uint64_t count) const;
  // The same into `to`, which has count * EntryBytes() bytes; "" or what went wrong.
  std::string ReadInto(const Hdf5Dataset& dataset, std::uint64_t first, std::uint64_t count,
                       std::span<std::uint8_t> to) const;
  // Where those bytes lie in the file, when they lie there as they are read; for repair.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> Extent(const Hdf5Dataset& dataset,
                                                                std::uint64_t row) const;
  // The same for an entry that is one chunk: of its filtered bytes.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> ChunkExtent(const Hdf5Dataset& dataset,
                                                                     std::uint64_t row) const;

 private:
  Hdf5File();
  struct State;
  std::unique_ptr<State> state_;
};

// A set that SetWriter wrote: one file, or a folder with index.json. Thread-safe after Open.
class SetReader {
 public:
  // Every shard that index.json names is there, of its size, and says it belongs to this set; or
  // the error says which one does not.
  static Result<std::unique_ptr<SetReader>, std::string> Open(const std::string& path,
                                                              const Hdf5Limits& limits = {});
  ~SetReader();

  std::uint64_t Rows() const;
  const std::vector<Column>& Columns() const;
  const std::vector<Group>& Groups() const;  // parents first
  const std::vector<std::string>& Files() const;
  const Hdf5File& File(std::size_t index) const;
  std::pair<std::size_t, std::uint64_t> Locate(std::uint64_t row) const;  // file, row in it

  // Of the first file; what is said per file (rows, hashes) is that file's.
  const std::vector<Attribute>& Root() const;
  const Attribute* RootAttribute(std::string_view name) const;
  std::uint64_t Quarantined() const;                      // of all files
  std::pair<std::uint64_t, std::uint64_t> Units() const;  // of the plan: [first, end)

  Result<Row, std::string> Read(std::uint64_t row) const;
  // Only some columns (with their groups).
  Result<Row, std::string> Read(std::uint64_t row, const std::vector<std::string>& paths) const;
  // As stored in checksum/row.
  Result<std::uint64_t, std::string> StoredHash(std::uint64_t row) const;

 private:
  SetReader();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pixloom
