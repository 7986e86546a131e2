// SPDX-License-Identifier: Apache-2.0
// The index of a chunked HDF5 dataset, written all at once: a version 1 B-tree as every version of
// HDF5 reads it. One chunk per entry of the first dimension, the chunks one behind the other.
//
// Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pixloom {

struct ChunkRun {
  std::vector<std::uint64_t> dims;  // of the whole dataset
  std::size_t element_bytes = 1;
  std::uint64_t address = 0;             // of the first chunk
  std::span<const std::uint64_t> sizes;  // bytes of each chunk: dims[0] of them, none of 4 GiB
};

struct ChunkIndex {
  std::vector<std::uint8_t> bytes;
  std::uint64_t root = 0;  // address of the root node
};

// Lies at `address`.
ChunkIndex MakeChunkIndex(const ChunkRun& run, std::uint64_t address);

}  // namespace pixloom
