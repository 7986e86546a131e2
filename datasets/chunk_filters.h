// SPDX-License-Identifier: Apache-2.0
// Filters of HDF5 chunks, done by ourselves in any thread: streams that HDF5's own filters read.
//
// gzip is ISA-L's zlib-wrapped deflate; lz4 and blosc_zstd need their plugins where the file is
// read. One chunk is one row, less than 2 GiB. Pure functions; no HDF5 here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/error.h"

namespace pixloom {

enum class Compression { kNone, kGzip, kLz4, kBloscZstd };

struct ChunkFilters {
  Compression compression = Compression::kNone;
  int level = 1;            // of gzip (1..9, as HDF5 records it; two speeds) and blosc_zstd
  bool shuffle = false;     // bytes of equal weight beside each other; nothing for u8
  bool fletcher32 = false;  // HDF5 checks it on reading

  // Without any of them data lies contiguous.
  bool Any() const { return compression != Compression::kNone || fletcher32; }
  bool operator==(const ChunkFilters&) const = default;
};

// One filter of a pipeline as HDF5 names it.
struct FilterId {
  int id = 0;  // 1 deflate, 2 shuffle, 3 fletcher32, 32001 blosc, 32004 lz4
  std::vector<unsigned> parameters;
};
std::vector<FilterId> FilterPipeline(const ChunkFilters& filters, std::size_t element_bytes,
                                     std::size_t chunk_bytes);

// Empty when this build can make such chunks, else what is missing.
std::string Unavailable(const ChunkFilters& filters);

// Equal bytes for equal input on every machine with the same version of the compression's library.
// (gzip: x86-64 with SSE4.2, which all of this is built for.)
std::vector<std::uint8_t> Pack(const ChunkFilters& filters, std::size_t element_bytes,
                               std::span<const std::uint8_t> chunk);

// Undoes a pipeline read from a file, last filter first; `mask` bit i: filter i was left out.
// Trusts no byte; the result has exactly `chunk_bytes`. The error says what is wrong, or which
// filter is not known here.
Result<std::vector<std::uint8_t>, std::string> Unpack(std::span<const FilterId> pipeline,
                                                      std::uint32_t mask, std::size_t element_bytes,
                                                      std::size_t chunk_bytes,
                                                      std::span<const std::uint8_t> packed);

}  // namespace pixloom
