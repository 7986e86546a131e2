// SPDX-License-Identifier: Apache-2.0
// Bands: the rows that lie in the same chunks. Pure functions, and a cache that is thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "datasets/set_reader.h"

namespace pixloom {

// Where one chunk lies; no bytes: it was never written.
struct ChunkPlace {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::uint32_t mask = 0;  // bit i: filter i was left out
};

// How a dataset is cut into chunks. A band is a row of chunks of the grid.
struct ChunkGrid {
  explicit ChunkGrid(const Hdf5Dataset& dataset);

  std::vector<std::uint64_t> across;  // chunks along each dimension
  std::uint64_t chunks = 0;           // all of them
  std::uint64_t per_band = 1;
  std::uint64_t chunk_elements = 1;
  std::uint64_t band_elements = 1;  // of a whole band
  bool whole_rows = false;          // a chunk has all of its rows and nothing else
};

// Copies what chunk `index` of a band (0..per_band) has of it to its places in the band.
void PlaceChunk(const Hdf5Dataset& dataset, const ChunkGrid& grid, std::uint64_t index,
                std::size_t element_bytes, std::span<const std::uint8_t> chunk,
                std::span<std::uint8_t> band);

// Bands that were used lately. A band is made by the first who wants it; others wait for it.
class BandCache {
 public:
  using Bytes = std::vector<std::uint8_t>;
  // The error is kept too.
  using Made = Result<Bytes, std::string>;

  std::shared_ptr<const Made> Get(const void* dataset, std::uint64_t band, std::uint64_t bytes,
                                  const std::function<Made()>& make);

 private:
  struct Entry {
    std::pair<const void*, std::uint64_t> key;
    std::uint64_t bytes = 0;
    std::mutex making;
    std::shared_ptr<const Made> made;
  };

  std::mutex mutex_;
  std::list<std::shared_ptr<Entry>> entries_;  // used last comes first
  std::uint64_t bytes_ = 0;
};

// As they lie in the file to as they are read.
void WidenStored(const Hdf5Dataset& dataset, std::span<const std::uint8_t> stored,
                 std::span<std::uint8_t> to);

}  // namespace pixloom
