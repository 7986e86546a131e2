// SPDX-License-Identifier: Apache-2.0
#include "datasets/hdf5_chunks.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace pixloom {

namespace {

constexpr std::uint64_t kCacheBytes = std::uint64_t{128} << 20;
constexpr std::size_t kCacheEntries = 64;

template <class T>
T Load(const std::uint8_t* from, bool swap) {
  std::array<std::uint8_t, sizeof(T)> bytes{};
  std::memcpy(bytes.data(), from, sizeof(T));
  if (swap) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

template <class Stored, class Read, class Convert>
void WidenAll(std::span<const std::uint8_t> stored, bool swap, std::span<std::uint8_t> to,
              Convert convert) {
  const std::size_t count = stored.size() / sizeof(Stored);
  for (std::size_t i = 0; i < count; ++i) {
    const Read value = convert(Load<Stored>(stored.data() + i * sizeof(Stored), swap));
    std::memcpy(to.data() + i * sizeof(Read), &value, sizeof(Read));
  }
}

float FloatOfHalf(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F80'0000U | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float tiny = static_cast<float>(mantissa) * 0x1p-24F;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(tiny) | sign);
}

}  // namespace

ChunkGrid::ChunkGrid(const Hdf5Dataset& dataset) {
  const auto& dims = dataset.dims;
  const auto& shape = dataset.chunk_shape;
  whole_rows = true;
  chunks = 1;
  band_elements = shape[0];
  for (std::size_t i = 0; i < dims.size(); ++i) {
    across.push_back((dims[i] + shape[i] - 1) / shape[i]);
    chunks *= across.back();
    chunk_elements *= shape[i];
    if (i == 0) continue;
    per_band *= across.back();
    band_elements *= dims[i];
    whole_rows = whole_rows && shape[i] == dims[i];
  }
}

void PlaceChunk(const Hdf5Dataset& dataset, const ChunkGrid& grid, std::uint64_t index,
                std::size_t element_bytes, std::span<const std::uint8_t> chunk,
                std::span<std::uint8_t> band) {
  const std::size_t rank = dataset.dims.size();
  const auto& shape = dataset.chunk_shape;
  // Where the chunk begins in the band, and how much of it lies inside.
  std::vector<std::uint64_t> start(rank, 0);
  std::vector<std::uint64_t> size(shape);
  for (std::size_t i = rank; i-- > 1;) {
    start[i] = index % grid.across[i] * shape[i];
    index /= grid.across[i];
    size[i] = std::min(shape[i], dataset.dims[i] - start[i]);
  }
  const std::uint64_t run = size[rank - 1] * element_bytes;
  std::vector<std::uint64_t> at(rank, 0);
  while (true) {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    for (std::size_t i = 0; i < rank; ++i) {
      from = from * shape[i] + at[i];
      to = to * (i == 0 ? shape[0] : dataset.dims[i]) + start[i] + at[i];
    }
    std::memcpy(band.data() + to * element_bytes, chunk.data() + from * element_bytes, run);
    std::size_t i = rank - 1;
    while (i > 0 && ++at[i - 1] == size[i - 1]) at[--i] = 0;
    if (i == 0) return;
  }
}

std::shared_ptr<const BandCache::Made> BandCache::Get(const void* dataset, std::uint64_t band,
                                                      std::uint64_t bytes,
                                                      const std::function<Made()>& make) {
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    const std::pair key(dataset, band);
    const auto known = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const auto& e) { return e->key == key; });
    if (known != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, known);
    } else {
      entries_.push_front(std::make_shared<Entry>());
      entries_.front()->key = key;
      entries_.front()->bytes = bytes;
      bytes_ += bytes;
      while (entries_.size() > 1 && (bytes_ > kCacheBytes || entries_.size() > kCacheEntries)) {
        bytes_ -= entries_.back()->bytes;
        entries_.pop_back();
      }
    }
    entry = entries_.front();
  }
  const std::lock_guard lock(entry->making);
  if (!entry->made) entry->made = std::make_shared<const Made>(make());
  return entry->made;
}

void WidenStored(const Hdf5Dataset& dataset, std::span<const std::uint8_t> stored,
                 std::span<std::uint8_t> to) {
  using Stored = Hdf5Dataset::Stored;
  const bool swap = dataset.big_endian;
  switch (dataset.stored) {
    case Stored::kI8:
      WidenAll<std::int8_t, std::int32_t>(stored, false, to, [](std::int8_t v) { return v; });
      return;
    case Stored::kI16:
      WidenAll<std::int16_t, std::int32_t>(stored, swap, to, [](std::int16_t v) { return v; });
      return;
    case Stored::kF16:
      WidenAll<std::uint16_t, float>(stored, swap, to, FloatOfHalf);
      return;
    case Stored::kAsElement:
      break;
  }
  const auto same = [](auto value) { return value; };
  switch (SizeOf(*dataset.element)) {
    case 2:
      WidenAll<std::uint16_t, std::uint16_t>(stored, swap, to, same);
      return;
    case 4:
      WidenAll<std::uint32_t, std::uint32_t>(stored, swap, to, same);
      return;
    case 8:
      WidenAll<std::uint64_t, std::uint64_t>(stored, swap, to, same);
      return;
    default:
      std::copy(stored.begin(), stored.end(), to.begin());
  }
}

}  // namespace pixloom
