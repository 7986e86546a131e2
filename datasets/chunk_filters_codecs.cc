// SPDX-License-Identifier: Apache-2.0
#include "datasets/chunk_filters_codecs.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include <blosc.h>
#include <isa-l/igzip_lib.h>
#include <lz4.h>

#include <fmt/format.h>

namespace pixloom {

namespace {

std::string TooLong(const char* what, std::uint64_t bytes, std::size_t most) {
  return fmt::format("{} says it holds {} bytes, but there is room for {}", what, bytes, most);
}

// lz4's framing has big endian numbers.
void PutBig(std::uint64_t number, int bytes, std::uint8_t* to) {
  for (int i = 0; i < bytes; ++i) {
    to[i] = static_cast<std::uint8_t>(number >> (8 * (bytes - 1 - i)));
  }
}

std::uint64_t GetBig(const std::uint8_t* from, int bytes) {
  std::uint64_t number = 0;
  for (int i = 0; i < bytes; ++i) number = number << 8 | from[i];
  return number;
}

constexpr std::size_t kLz4Header = 12;
// Where the plugin cuts when it is told nothing.
constexpr std::size_t kLz4Block = std::size_t{1} << 30;

// The hash of ISA-L: CRC-32C of four bytes.
std::uint32_t HashOfFour(std::uint32_t four) {
  for (int i = 0; i < 32; ++i) four = (four >> 1) ^ ((four & 1) != 0 ? 0x82F63B78u : 0);
  return four;
}

// A place for the stream, in memory that the thread keeps. ISA-L (2.30) takes the upper bits of the
// stream's address for the bytes at 2 when it hashes them. That changes what it finds only if the
// hash is also that of the bytes at 0, 1 or 2, once in some thousand chunks; then the same chunk
// would pack differently in another thread or run, so the stream goes elsewhere.
void* PlaceOfStream(std::span<const std::uint8_t> chunk) {
  constexpr std::size_t kStep = std::size_t{1} << 16;  // the lower bits do not count
  constexpr std::size_t kPlaces = 16;
  constexpr std::uint32_t kMask =
      0x1f;  // its smallest table, of the shortest chunks, has 32 entries
  thread_local const std::unique_ptr<isal_zstream[]> memory(
      new isal_zstream[kPlaces * kStep / sizeof(isal_zstream) + 2]);
  auto* place = reinterpret_cast<std::uint8_t*>(memory.get());
  if (chunk.size() < 6) return place;
  for (std::size_t i = 1; i < kPlaces; ++i) {
    const auto address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(place) >> 16);
    const auto meets = [&](std::size_t at) {
      std::uint32_t four = 0;
      std::memcpy(&four, chunk.data() + at, sizeof four);
      return ((HashOfFour(four) ^ HashOfFour(address)) & kMask) == 0;
    };
    if (!meets(0) && !meets(1) && !meets(2)) break;
    place += kStep;
  }
  return place;
}

}  // namespace

// ---- gzip ---------------------------------------------------------------------------------------

ChunkBytes PackGzip(int level, std::span<const std::uint8_t> chunk) {
  PIXLOOM_CHECK(chunk.size() < std::numeric_limits<std::uint32_t>::max() / 2, "a chunk of 2 GiB");
  const bool thorough = level > 4;
  // Kept: pages of fresh memory would cost a quarter of the time.
  thread_local std::vector<std::uint8_t> work;
  work.resize(thorough ? ISAL_DEF_LVL2_DEFAULT : ISAL_DEF_LVL1_DEFAULT);

  // All of it zero: the next call leaves the size of the window to chance.
  isal_zstream& stream = *new (PlaceOfStream(chunk)) isal_zstream{};
  isal_deflate_stateless_init(&stream);
  stream.level = thorough ? 2 : 1;
  stream.level_buf = work.data();
  stream.level_buf_size = static_cast<std::uint32_t>(work.size());
  stream.gzip_flag = IGZIP_ZLIB;
  stream.end_of_stream = 1;
  // It only reads.
  stream.next_in = const_cast<std::uint8_t*>(chunk.data());
  stream.avail_in = static_cast<std::uint32_t>(chunk.size());
  // What does not get smaller is stored: five bytes per block, and at the most 1/8 is ever needed.
  thread_local ChunkBytes packed;
  packed.resize(chunk.size() + chunk.size() / 8 + 1024);
  stream.next_out = packed.data();
  stream.avail_out = static_cast<std::uint32_t>(packed.size());
  const int status = isal_deflate_stateless(&stream);
  PIXLOOM_CHECK(status == COMP_OK, fmt::format("ISA-L: {}", status));
  return {packed.begin(), packed.begin() + stream.total_out};
}

UnpackedChunk UnpackGzip(std::span<const std::uint8_t> packed, std::size_t most) {
  // More than it may be, so that a stream that is too long shows, and the end of the stream is
  // seen without a second call.
  constexpr std::size_t kMore = 64;
  constexpr std::size_t kLargest = std::numeric_limits<std::uint32_t>::max() - kMore;
  if (packed.size() > kLargest || most > kLargest) return std::string("gzip of 4 GiB or more");
  ChunkBytes chunk(most + kMore);
  // Some 80 kB.
  thread_local const std::unique_ptr<inflate_state> state = std::make_unique<inflate_state>();
  isal_inflate_init(state.get());
  state->crc_flag = ISAL_ZLIB;
  state->next_in = const_cast<std::uint8_t*>(packed.data());
  state->avail_in = static_cast<std::uint32_t>(packed.size());
  state->next_out = chunk.data();
  state->avail_out = static_cast<std::uint32_t>(chunk.size());
  const int status = isal_inflate(state.get());
  if (status == ISAL_INCORRECT_CHECKSUM) return std::string("gzip: the checksum is wrong");
  if (status != ISAL_DECOMP_OK) return fmt::format("gzip: no valid stream ({})", status);
  const std::size_t bytes = chunk.size() - state->avail_out;
  if (bytes > most) return TooLong("gzip", bytes, most);
  if (state->block_state != ISAL_BLOCK_FINISH) return std::string("gzip: the stream ends early");
  chunk.resize(bytes);
  return chunk;
}

// ---- lz4 ----------------------------------------------------------------------------------------
// u64 bytes, u32 bytes of a block; per block u32 packed bytes and these, as they are if that does
// not save any.

ChunkBytes PackLz4(std::span<const std::uint8_t> chunk) {
  const std::size_t block = std::min(kLz4Block, chunk.size());
  ChunkBytes packed(kLz4Header);
  PutBig(chunk.size(), 8, packed.data());
  PutBig(block, 4, packed.data() + 8);
  while (!chunk.empty()) {
    const std::size_t size = std::min(block, chunk.size());
    const int bound = LZ4_compressBound(static_cast<int>(size));
    const std::size_t at = packed.size();
    packed.resize(at + 4 + static_cast<std::size_t>(bound));
    std::uint8_t* const out = packed.data() + at + 4;
    auto bytes = static_cast<std::size_t>(
        LZ4_compress_default(reinterpret_cast<const char*>(chunk.data()),
                             reinterpret_cast<char*>(out), static_cast<int>(size), bound));
    if (bytes == 0 || bytes >= size) {
      bytes = size;
      std::memcpy(out, chunk.data(), size);
    }
    PutBig(bytes, 4, packed.data() + at);
    packed.resize(at + 4 + bytes);
    chunk = chunk.subspan(size);
  }
  return packed;
}

UnpackedChunk UnpackLz4(std::span<const std::uint8_t> packed, std::size_t most) {
  const std::string early = "lz4: the stream ends early";
  if (packed.size() < kLz4Header) return early;
  const std::uint64_t size = GetBig(packed.data(), 8);
  const std::uint64_t block = GetBig(packed.data() + 8, 4);
  if (size > most) return TooLong("lz4", size, most);
  if (block == 0 && size > 0) return std::string("lz4: blocks of no bytes");
  packed = packed.subspan(kLz4Header);
  ChunkBytes chunk(size);
  for (std::size_t done = 0; done < size;) {
    if (packed.size() < 4) return early;
    const std::uint64_t bytes = GetBig(packed.data(), 4);
    packed = packed.subspan(4);
    if (bytes > packed.size()) return early;
    const std::size_t wanted = std::min<std::size_t>(block, size - done);
    if (bytes == wanted) {
      std::memcpy(chunk.data() + done, packed.data(), wanted);
    } else {
      constexpr std::size_t kLargest = std::numeric_limits<int>::max();
      if (bytes > kLargest || wanted > kLargest) return std::string("lz4: a block of 2 GiB");
      const int made = LZ4_decompress_safe(reinterpret_cast<const char*>(packed.data()),
                                           reinterpret_cast<char*>(chunk.data() + done),
                                           static_cast<int>(bytes), static_cast<int>(wanted));
      if (made < 0 || static_cast<std::size_t>(made) != wanted) {
        return std::string("lz4: a block is no valid stream");
      }
    }
    packed = packed.subspan(bytes);
    done += wanted;
  }
  return chunk;
}

// ---- blosc --------------------------------------------------------------------------------------

ChunkBytes PackBloscZstd(int level, bool shuffle, std::size_t element_bytes,
                         std::span<const std::uint8_t> chunk) {
  PIXLOOM_CHECK(chunk.size() <= BLOSC_MAX_BUFFERSIZE, "a chunk of 2 GiB");
  ChunkBytes packed(chunk.size() + BLOSC_MAX_OVERHEAD);
  const int bytes = blosc_compress_ctx(level, shuffle ? BLOSC_SHUFFLE : BLOSC_NOSHUFFLE,
                                       element_bytes, chunk.size(), chunk.data(), packed.data(),
                                       packed.size(), BLOSC_ZSTD_COMPNAME, 0, 1);
  PIXLOOM_CHECK(bytes > 0, fmt::format("blosc: {}", bytes));
  packed.resize(static_cast<std::size_t>(bytes));
  return packed;
}

UnpackedChunk UnpackBlosc(std::span<const std::uint8_t> packed, std::size_t most) {
  std::size_t size = 0;
  if (packed.size() < BLOSC_MIN_HEADER_LENGTH ||
      blosc_cbuffer_validate(packed.data(), packed.size(), &size) < 0) {
    return std::string("blosc: no valid stream, or it ends early");
  }
  if (size > most) return TooLong("blosc", size, most);
  ChunkBytes chunk(size);
  const int bytes = blosc_decompress_ctx(packed.data(), chunk.data(), chunk.size(), 1);
  if (bytes < 0 || static_cast<std::size_t>(bytes) != size) {
    return std::string("blosc: no valid stream");
  }
  return chunk;
}

bool BloscKnowsZstd() { return blosc_compname_to_compcode(BLOSC_ZSTD_COMPNAME) >= 0; }

}  // namespace pixloom
