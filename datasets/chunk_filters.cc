// SPDX-License-Identifier: Apache-2.0
#include "datasets/chunk_filters.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "datasets/chunk_filters_codecs.h"

namespace pixloom {

namespace {

constexpr int kDeflate = 1, kShuffle = 2, kFletcher32 = 3, kBlosc = 32001, kLz4 = 32004;
constexpr std::size_t kChecksumBytes = 4;

template <std::size_t kBytes>
void ShuffleOf(const std::uint8_t* from, std::size_t count, std::uint8_t* to) {
  for (std::size_t b = 0; b < kBytes; ++b) {
    for (std::size_t i = 0; i < count; ++i) to[b * count + i] = from[i * kBytes + b];
  }
}

template <std::size_t kBytes>
void UnshuffleOf(const std::uint8_t* from, std::size_t count, std::uint8_t* to) {
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t b = 0; b < kBytes; ++b) to[i * kBytes + b] = from[b * count + i];
  }
}

// What is left behind the last whole element stays as it is.
ChunkBytes Shuffle(std::size_t bytes, std::span<const std::uint8_t> chunk) {
  ChunkBytes shuffled(chunk.begin(), chunk.end());
  const std::size_t count = bytes == 0 ? 0 : chunk.size() / bytes;
  if (bytes == 2) {
    ShuffleOf<2>(chunk.data(), count, shuffled.data());
  } else if (bytes == 4) {
    ShuffleOf<4>(chunk.data(), count, shuffled.data());
  } else if (bytes == 8) {
    ShuffleOf<8>(chunk.data(), count, shuffled.data());
  } else {
    for (std::size_t i = 0; i < count * bytes; ++i) {
      shuffled[i % bytes * count + i / bytes] = chunk[i];
    }
  }
  return shuffled;
}

ChunkBytes Unshuffle(std::size_t bytes, std::span<const std::uint8_t> shuffled) {
  ChunkBytes chunk(shuffled.begin(), shuffled.end());
  const std::size_t count = bytes == 0 ? 0 : chunk.size() / bytes;
  if (bytes == 2) {
    UnshuffleOf<2>(shuffled.data(), count, chunk.data());
  } else if (bytes == 4) {
    UnshuffleOf<4>(shuffled.data(), count, chunk.data());
  } else if (bytes == 8) {
    UnshuffleOf<8>(shuffled.data(), count, chunk.data());
  } else {
    for (std::size_t i = 0; i < count * bytes; ++i) {
      chunk[i] = shuffled[i % bytes * count + i / bytes];
    }
  }
  return chunk;
}

// Over big endian words; a last byte alone is the high half of one.
std::uint32_t Fletcher32(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum1 = 0, sum2 = 0;
  const auto reduce = [](std::uint32_t sum) { return (sum & 0xffff) + (sum >> 16); };
  std::size_t at = 0;
  const std::size_t even = bytes.size() / 2 * 2;
  while (at < even) {
    // As many words as cannot overflow.
    const std::size_t end = std::min<std::size_t>(even, at + std::size_t{2} * 360);
    for (; at < end; at += 2) {
      sum1 += static_cast<std::uint32_t>(bytes[at] << 8 | bytes[at + 1]);
      sum2 += sum1;
    }
    sum1 = reduce(sum1);
    sum2 = reduce(sum2);
  }
  if (even < bytes.size()) {
    sum1 = reduce(sum1 + static_cast<std::uint32_t>(bytes[even] << 8));
    sum2 = reduce(sum2 + sum1);
  }
  return reduce(sum2) << 16 | reduce(sum1);
}

UnpackedChunk CheckFletcher32(std::span<const std::uint8_t> packed) {
  if (packed.size() < kChecksumBytes) return std::string("fletcher32: the checksum is missing");
  const auto bytes = packed.first(packed.size() - kChecksumBytes);
  std::uint32_t stored = 0;
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    stored |= static_cast<std::uint32_t>(packed[bytes.size() + i]) << (8 * i);
  }
  const std::uint32_t sum = Fletcher32(bytes);
  // HDF5 up to 1.6.2 swapped the bytes of both halves on such machines as these.
  const std::uint32_t old = (sum & 0x00ff00ff) << 8 | (sum & 0xff00ff00) >> 8;
  if (stored != sum && stored != old) return std::string("fletcher32: the checksum is wrong");
  return ChunkBytes(bytes.begin(), bytes.end());
}

UnpackedChunk UndoFilter(const FilterId& filter, std::size_t element_bytes, std::size_t most,
                         std::span<const std::uint8_t> packed) {
  switch (filter.id) {
    case kDeflate:
      return UnpackGzip(packed, most);
    case kShuffle:
      return Unshuffle(filter.parameters.empty() ? element_bytes : filter.parameters[0], packed);
    case kFletcher32:
      return CheckFletcher32(packed);
    case kBlosc:
      return UnpackBlosc(packed, most);
    case kLz4:
      return UnpackLz4(packed, most);
    default:
      return fmt::format(
          "filter {} is not known here; known are 1 (gzip), 2 (shuffle), 3 "
          "(fletcher32), 32001 (blosc) and 32004 (lz4)",
          filter.id);
  }
}

bool LeftOut(std::uint32_t mask, std::size_t filter) {
  return filter < 32 && (mask >> filter & 1) != 0;
}

// What the filters before `end` can at most make of a chunk.
std::size_t MostBefore(std::span<const FilterId> pipeline, std::uint32_t mask, std::size_t end,
                       std::size_t chunk_bytes) {
  std::size_t most = chunk_bytes;
  for (std::size_t i = 0; i < end; ++i) {
    if (LeftOut(mask, i) || pipeline[i].id == kShuffle) continue;
    // Noise gets longer by packing, by less than this.
    most += pipeline[i].id == kFletcher32 ? kChecksumBytes : most / 8 + 4096;
  }
  return most;
}

}  // namespace

std::vector<FilterId> FilterPipeline(const ChunkFilters& filters, std::size_t element_bytes,
                                     std::size_t chunk_bytes) {
  const auto number = [](auto value) { return static_cast<unsigned>(value); };
  const bool shuffle = filters.shuffle && element_bytes > 1;
  std::vector<FilterId> pipeline;
  // blosc has a shuffle of its own.
  if (shuffle && filters.compression != Compression::kBloscZstd) {
    pipeline.push_back({kShuffle, {number(element_bytes)}});
  }
  switch (filters.compression) {
    case Compression::kNone:
      break;
    case Compression::kGzip:
      pipeline.push_back({kDeflate, {number(filters.level)}});
      break;
    case Compression::kLz4:
      pipeline.push_back({kLz4, {}});
      break;
    case Compression::kBloscZstd:
      // As its plugin fills them in: version of the filter, of the format, bytes of an element and
      // of a chunk; level, shuffle, and 5 for zstd.
      pipeline.push_back({kBlosc,
                          {2, 2, number(element_bytes), number(chunk_bytes), number(filters.level),
                           number(shuffle), 5}});
      break;
  }
  if (filters.fletcher32) pipeline.push_back({kFletcher32, {}});
  return pipeline;
}

std::string Unavailable(const ChunkFilters& filters) {
  if (filters.compression == Compression::kBloscZstd && !BloscKnowsZstd()) {
    return "the blosc library here was built without zstd";
  }
  return "";
}

std::vector<std::uint8_t> Pack(const ChunkFilters& filters, std::size_t element_bytes,
                               std::span<const std::uint8_t> chunk) {
  ChunkBytes shuffled;
  const bool shuffle = filters.shuffle && element_bytes > 1;
  if (shuffle && filters.compression != Compression::kBloscZstd) {
    shuffled = Shuffle(element_bytes, chunk);
    chunk = shuffled;
  }
  ChunkBytes packed;
  switch (filters.compression) {
    case Compression::kNone:
      packed.assign(chunk.begin(), chunk.end());
      break;
    case Compression::kGzip:
      packed = PackGzip(filters.level, chunk);
      break;
    case Compression::kLz4:
      packed = PackLz4(chunk);
      break;
    case Compression::kBloscZstd:
      packed = PackBloscZstd(filters.level, shuffle, element_bytes, chunk);
      break;
  }
  if (filters.fletcher32) {
    const std::uint32_t sum = Fletcher32(packed);
    for (std::size_t i = 0; i < kChecksumBytes; ++i) {
      packed.push_back(static_cast<std::uint8_t>(sum >> (8 * i)));
    }
  }
  return packed;
}

Result<std::vector<std::uint8_t>, std::string> Unpack(std::span<const FilterId> pipeline,
                                                      std::uint32_t mask, std::size_t element_bytes,
                                                      std::size_t chunk_bytes,
                                                      std::span<const std::uint8_t> packed) {
  ChunkBytes chunk;
  bool first = true;
  for (std::size_t i = pipeline.size(); i-- > 0;) {
    if (LeftOut(mask, i)) continue;
    UnpackedChunk undone =
        UndoFilter(pipeline[i], element_bytes, MostBefore(pipeline, mask, i, chunk_bytes),
                   first ? packed : std::span<const std::uint8_t>(chunk));
    if (!undone) return undone.Error();
    chunk = *std::move(undone);
    first = false;
  }
  if (first) chunk.assign(packed.begin(), packed.end());
  if (chunk.size() != chunk_bytes) {
    return fmt::format("a chunk has {} bytes where {} belong", chunk.size(), chunk_bytes);
  }
  return chunk;
}

}  // namespace pixloom
