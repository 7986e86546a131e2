// SPDX-License-Identifier: Apache-2.0
// The structure of an HDF5 file without its data: HDF5 describes the datasets in memory, we give
// them their places, and the data is written there by whoever has it, before or afterwards.
//
// HDF5 never touches the disk and never sees data: it makes a file in memory whose datasets have no
// storage yet, and the addresses are then entered where it would enter them. The same structure
// gives the same bytes on every day (no times are tracked); H5Dwrite of the same data into such a
// file changes nothing. HDF5 is called under one lock and its error stack is silent. Throws
// EnvironmentError with what HDF5 says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/chunk_filters.h"
#include "datasets/set_row.h"

namespace pixloom {

// The chunks of a dataset, one per entry of its first dimension, lying one behind the other.
struct ChunkedData {
  ChunkFilters filters;
  std::vector<std::uint64_t> sizes;  // packed bytes of each chunk
};

struct StructureDataset {
  std::string path;
  Element element = Element::kU8;
  std::vector<std::uint64_t> dims;  // the whole dataset's
  std::vector<Attribute> attributes;
  bool chunked = false;
  ChunkedData chunks = {};  // when chunked
};

struct Structure {
  // In file order: the data of the first begins at `data_start`, which must leave room for all that
  // HDF5 writes about the structure; that of the others behind it at multiples of 8.
  std::vector<StructureDataset> datasets;
  // Of the file ("") and of groups, which need not hold anything else. Text and lists of more than
  // 60 kB become one text of variable length, lists as JSON.
  Attributes attributes;
  std::uint64_t data_start = 0;
};

struct Places {
  std::vector<std::uint64_t> data;  // where each dataset's bytes begin; 0 for one without bytes
  std::uint64_t end = 0;            // size of the file
  // Parts of the file that CreateStructure wrote, (offset, bytes): all the rest is data, or zero.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> written;
};

// A multiple of 4096 that has room for a structure like this one (its attributes count) and `spare`
// further bytes.
std::uint64_t RoomFor(const Structure& structure, std::uint64_t spare);

// What CreateStructure writes, for a file that has its data already.
struct StructureBytes {
  Places places;
  std::vector<std::vector<std::uint8_t>> parts;  // one per places.written
};
StructureBytes MakeStructure(const Structure& structure, std::uint64_t* needed = nullptr);

// Creates `path` (which must not exist): a sparse file. Throws EnvironmentError when data_start
// does not leave enough room; `needed`, if given, then says how much would.
Places CreateStructure(const std::string& path, const Structure& structure,
                       std::uint64_t* needed = nullptr);

// Opens a finished file once: throws EnvironmentError unless HDF5 finds every dataset of the
// structure with its type, dims and place.
void CheckOpens(const std::string& path, const Structure& structure, const Places& places);

// A virtual data set over `files` (relative names) with the datasets that all of them have per row
// and of one shape; labels read as -1 where a file is missing.
struct MasterDataset {
  std::string path;
  Element element = Element::kU8;
  std::vector<std::uint64_t> shape;  // of one row
};
void CreateMaster(const std::string& path, const std::vector<MasterDataset>& datasets,
                  const std::vector<std::pair<std::string, std::uint64_t>>& files_and_rows,
                  const Attributes& attributes);

}  // namespace pixloom
