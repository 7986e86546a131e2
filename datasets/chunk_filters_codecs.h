// SPDX-License-Identifier: Apache-2.0
// The compressions of HDF5 chunks: streams as HDF5's filters (gzip) and plugins (lz4, blosc) write
// them. Thread-safe; unpacking trusts no byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/error.h"

namespace pixloom {

using ChunkBytes = std::vector<std::uint8_t>;
// The error says what is wrong with the stream.
using UnpackedChunk = Result<ChunkBytes, std::string>;

// ISA-L's level 1 up to `level` 4, and level 2 above: their bytes do not depend on the processor.
// Those of its level 3 do.
ChunkBytes PackGzip(int level, std::span<const std::uint8_t> chunk);
ChunkBytes PackLz4(std::span<const std::uint8_t> chunk);
ChunkBytes PackBloscZstd(int level, bool shuffle, std::size_t element_bytes,
                         std::span<const std::uint8_t> chunk);

// At most `most` bytes come back; a stream of more is an error.
UnpackedChunk UnpackGzip(std::span<const std::uint8_t> packed, std::size_t most);
UnpackedChunk UnpackLz4(std::span<const std::uint8_t> packed, std::size_t most);
UnpackedChunk UnpackBlosc(std::span<const std::uint8_t> packed, std::size_t most);

bool BloscKnowsZstd();

}  // namespace pixloom
