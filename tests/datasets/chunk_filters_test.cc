// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <barrier>
#include <cstring>
#include <sstream>
#include <thread>

#include <hdf5.h>
#include <isa-l.h>

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "datasets/chunk_filters.h"
#include "datasets/hdf5_handle.h"
#include "tests/datasets/hdf5_fixture.h"

namespace pixloom {
namespace {

using namespace pixloom::testing;

struct Kind {
  std::string name;
  ChunkFilters filters;
};

std::vector<Kind> Kinds() {
  std::vector<Kind> kinds;
  const std::pair<const char*, Compression> compressions[] = {
      {"none", Compression::kNone},
      {"gzip", Compression::kGzip},
      {"lz4", Compression::kLz4},
      {"blosc_zstd", Compression::kBloscZstd}};
  for (const auto& [name, compression] : compressions) {
    for (const bool shuffle : {false, true}) {
      for (const bool fletcher32 : {false, true}) {
        for (const int level : {1, 9}) {
          const bool levels =
              compression == Compression::kGzip || compression == Compression::kBloscZstd;
          if (level != 1 && !levels) continue;
          kinds.push_back({fmt::format("{}{}{}{}", name, level, shuffle ? "_shuffle" : "",
                                       fletcher32 ? "_fletcher32" : ""),
                           {compression, level, shuffle, fletcher32}});
        }
      }
    }
  }
  return kinds;
}

// Noise, a slope, one value.
Bytes Look(int look, std::size_t count) {
  Bytes bytes(count);
  std::uint64_t state = 7;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto noise = static_cast<std::uint8_t>(state >> 56);
    bytes[i] = look == 0   ? noise
               : look == 1 ? static_cast<std::uint8_t>(i / 40 + noise % 5)
                           : std::uint8_t{200};
  }
  return bytes;
}

TEST_CASE("what is packed can be unpacked") {
  for (const Kind& kind : Kinds()) {
    for (const std::size_t element : {1u, 2u, 4u, 8u, 3u, 12u}) {
      for (const std::size_t count : {0u, 1u, 2u, 17u, 999u, 70001u}) {
        for (int look = 0; look < 3; ++look) {
          // A chunk is whole elements; for filters it need not be.
          const Bytes chunk = Look(look, count);
          const Bytes packed = Pack(kind.filters, element, chunk);
          const auto pipeline = FilterPipeline(kind.filters, element, count);
          const auto back = Unpack(pipeline, 0, element, count, packed);
          INFO(kind.name, " ", element, " ", count, " ", look);
          REQUIRE_MESSAGE(back.Ok(), back.Error());
          REQUIRE(*back == chunk);
        }
      }
    }
  }
}

TEST_CASE("packing gives the same bytes whatever was packed before") {
  const Bytes first = Look(1, 150528), second = Look(0, 150528);
  // What lies on the stack, too, must not matter.
  const auto dirty = [](std::uint16_t value) {
    volatile std::uint16_t stack[100'000];
    for (volatile std::uint16_t& number : stack) number = value;
  };
  for (const Kind& kind : Kinds()) {
    CAPTURE(kind.name);
    dirty(0);
    const Bytes packed = Pack(kind.filters, 2, first);
    for (const std::uint16_t value : {1, 5, 9, 12, 65535}) {
      for (const Kind& other : Kinds()) Pack(other.filters, 4, second);
      dirty(value);
      REQUIRE(Pack(kind.filters, 2, first) == packed);
    }
  }
}

TEST_CASE("gzip is the same on every machine") {
  if (ISAL_MAJOR_VERSION != 2 || ISAL_MINOR_VERSION != 30) {
    MESSAGE("[skipped] bytes of gzip: recorded with ISA-L 2.30");
    return;
  }
#if defined(__x86_64__)
  // Recorded on processors with SSE4.2, AVX2 and AVX-512.
  std::string all;
  for (const int level : {1, 9}) {
    for (int look = 0; look < 3; ++look) {
      for (const std::size_t count : {17u, 999u, 70001u, 400000u}) {
        const Bytes packed = Pack({Compression::kGzip, level, true, false}, 2, Look(look, count));
        all.append(packed.begin(), packed.end());
      }
    }
  }
  CHECK(fmt::format("{:016x}", XXH64(all.data(), all.size(), 0)) == "542f5bded257d447");
#endif
}

TEST_CASE("h5py reads every kind of chunk") {
  const Folder folder;
  Structure structure;
  std::vector<Bytes> data;
  std::vector<Bytes> packed;
  for (const Kind& kind : Kinds()) {
    for (const Element element : {Element::kU8, Element::kU16, Element::kF32, Element::kF64}) {
      const std::uint64_t row = 9 * 31 * SizeOf(element);
      StructureDataset dataset{kind.name + "/" + std::string(ElementName(element)),
                               element,
                               {4, 9, 31},
                               {},
                               true,
                               {kind.filters, {}}};
      Bytes all, chunks;
      for (int i = 0; i < 4; ++i) {
        const Bytes chunk = Look(i % 3, row);
        all.insert(all.end(), chunk.begin(), chunk.end());
        const Bytes one = Pack(kind.filters, SizeOf(element), chunk);
        chunks.insert(chunks.end(), one.begin(), one.end());
        dataset.chunks.sizes.push_back(one.size());
      }
      structure.datasets.push_back(dataset);
      data.push_back(all);
      packed.push_back(chunks);
    }
  }
  structure.data_start = RoomFor(structure, 0);
  const std::string path = folder / "a.h5";
  const Places places = CreateStructure(path, structure);
  for (std::size_t i = 0; i < packed.size(); ++i) WriteBytesAt(path, places.data[i], packed[i]);
  CheckOpens(path, structure, places);

  Python("dump_all " + path + " " + (folder / "out"));
  for (std::size_t i = 0; i < data.size(); ++i) {
    CAPTURE(structure.datasets[i].path);
    CHECK(ReadBytes(DumpOf(folder / "out", structure.datasets[i].path)) == data[i]);
  }
  const Said dumped = Run("h5dump -p " + path + " > " + (folder / "dump.txt"));
  CHECK(dumped.status == 0);
  CHECK(dumped.text == "");
  CHECK(Run("h5repack " + path + " " + (folder / "b.h5")).status == 0);
  CHECK(Run("h5diff " + path + " " + (folder / "b.h5")).status == 0);

  // The same where plugins are loaded; asking for them does that.
  {
    const Hdf5Session session;
    CHECK(H5Zfilter_avail(32001) > 0);
    CHECK(H5Zfilter_avail(32004) > 0);
  }
  CreateStructure(folder / "loaded.h5", structure);
  Bytes before = ReadBytes(path);
  before.resize(structure.data_start);
  Bytes after = ReadBytes(folder / "loaded.h5");
  after.resize(structure.data_start);
  CHECK(before == after);
}

// A dataset of another writer: its pipeline and chunks as they are stored.
struct Stored {
  std::vector<FilterId> pipeline;
  std::vector<Bytes> chunks;
  std::vector<unsigned> masks;
};

Stored ReadStored(const std::string& path, const std::string& name) {
  const Hdf5Session session;
  const Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open");
  const Hdf5Id dataset(H5Dopen2(file.Get(), name.c_str(), H5P_DEFAULT), H5Dclose, "open");
  const Hdf5Id creation(H5Dget_create_plist(dataset.Get()), H5Pclose, "get");
  Stored stored;
  for (int i = 0; i < H5Pget_nfilters(creation.Get()); ++i) {
    std::size_t count = 16;
    std::vector<unsigned> values(count);
    unsigned flags = 0, config = 0;
    const int id = H5Pget_filter2(creation.Get(), static_cast<unsigned>(i), &flags, &count,
                                  values.data(), 0, nullptr, &config);
    values.resize(count);
    stored.pipeline.push_back({id, values});
  }
  for (hsize_t i = 0; i < 4; ++i) {
    const hsize_t at[4] = {i, 0, 0, 0};
    hsize_t bytes = 0;
    CheckHdf5(H5Dget_chunk_storage_size(dataset.Get(), at, &bytes), "size");
    Bytes chunk(bytes);
    unsigned mask = 0;
    CheckHdf5(H5Dread_chunk(dataset.Get(), H5P_DEFAULT, at, &mask, chunk.data()), "read");
    stored.chunks.push_back(chunk);
    stored.masks.push_back(mask);
  }
  return stored;
}

std::size_t ElementBytes(const std::string& name) {
  return static_cast<std::size_t>(name.back() - '0');
}

TEST_CASE("chunks of other writers can be unpacked") {
  const Folder folder;
  const std::string path = folder / "h5py.h5";
  std::istringstream names(Python("make " + path));
  int datasets = 0;
  for (std::string name; names >> name; ++datasets) {
    CAPTURE(name);
    const Bytes data = ReadBytes(path + "." + name + ".raw");
    const Stored stored = ReadStored(path, name);
    const std::size_t row = data.size() / 4;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto back =
          Unpack(stored.pipeline, stored.masks[i], ElementBytes(name), row, stored.chunks[i]);
      REQUIRE_MESSAGE(back.Ok(), back.Error());
      CHECK(std::equal(back->begin(), back->end(), data.begin() + static_cast<long>(i * row),
                       data.begin() + static_cast<long>((i + 1) * row)));
    }
  }
  CHECK(datasets == 72);
}

TEST_CASE("our bytes are those of HDF5's own filters") {
  const Folder folder;
  const std::string path = folder / "h5py.h5";
  Python("make " + path);
  const std::pair<const char*, ChunkFilters> same[] = {
      {"fletcher", {Compression::kNone, 1, false, true}},
      {"lz4", {Compression::kLz4, 1, false, false}},
      {"blosc_zstd", {Compression::kBloscZstd, 5, true, false}}};
  for (const auto& [name, filters] : same) {
    for (const char* rest : {"_smooth_u1", "_noise_u1", "_smooth_u2", "_noise_f4", "_smooth_f8"}) {
      const std::string dataset = std::string(name) + rest;
      CAPTURE(dataset);
      const Bytes data = ReadBytes(path + "." + dataset + ".raw");
      const Stored stored = ReadStored(path, dataset);
      const std::size_t row = data.size() / 4;
      const auto pipeline = FilterPipeline(filters, ElementBytes(dataset), row);
      REQUIRE(pipeline.size() == stored.pipeline.size());
      CHECK(pipeline[0].id == stored.pipeline[0].id);
      // Shuffle says nothing about single bytes; h5py was told to, so its flag is set.
      if (ElementBytes(dataset) > 1) CHECK(pipeline[0].parameters == stored.pipeline[0].parameters);
      for (std::size_t i = 0; i < 4; ++i) {
        if (name == std::string("blosc_zstd") && ElementBytes(dataset) == 1) continue;
        CHECK(Pack(filters, ElementBytes(dataset), std::span(data).subspan(i * row, row)) ==
              stored.chunks[i]);
      }
    }
  }
}

TEST_CASE("filters that are left out or not known") {
  const Bytes chunk = Look(1, 1000);
  const ChunkFilters filters{Compression::kGzip, 1, true, true};
  const auto pipeline = FilterPipeline(filters, 4, chunk.size());
  REQUIRE(pipeline.size() == 3);
  CHECK(*Unpack(pipeline, 7, 4, chunk.size(), chunk) == chunk);
  const Bytes summed = Pack({Compression::kNone, 1, false, true}, 4, chunk);
  CHECK(*Unpack(pipeline, 3, 4, chunk.size(), summed) == chunk);
  CHECK(Unpack(pipeline, 7, 4, chunk.size() + 1, chunk).Error() ==
        "a chunk has 1000 bytes where 1001 belong");
  const std::vector<FilterId> zstd{{32015, {}}};
  CHECK(Unpack(zstd, 0, 4, chunk.size(), chunk)
            .Error()
            .starts_with("filter 32015 is not known here"));
}

TEST_CASE("wrong streams are told") {
  const Bytes chunk = Look(1, 5000);
  const auto unpack = [&](const ChunkFilters& filters, const Bytes& packed, std::size_t bytes) {
    return Unpack(FilterPipeline(filters, 1, chunk.size()), 0, 1, bytes, packed);
  };
  const ChunkFilters gzip{Compression::kGzip}, lz4{Compression::kLz4},
      blosc{Compression::kBloscZstd}, sum{Compression::kNone, 1, false, true};
  for (const ChunkFilters& filters : {gzip, lz4, blosc, sum}) {
    Bytes packed = Pack(filters, 1, chunk);
    CHECK(unpack(filters, packed, chunk.size()).Ok());
    CHECK_FALSE(unpack(filters, packed, chunk.size() - 1).Ok());
    CHECK_FALSE(unpack(filters, packed, chunk.size() + 1).Ok());
    for (std::size_t n = 0; n < packed.size(); ++n) {
      CHECK_FALSE(unpack(filters, Bytes(packed.begin(), packed.begin() + static_cast<long>(n)),
                         chunk.size())
                      .Ok());
    }
  }
  Bytes packed = Pack(gzip, 1, chunk);
  packed.back() ^= 1;
  CHECK(unpack(gzip, packed, chunk.size()).Error() == "gzip: the checksum is wrong");
  CHECK(unpack(gzip, Pack(gzip, 1, chunk), 100).Error() ==
        "gzip says it holds 164 bytes, but there is room for 100");
  packed = Pack(sum, 1, chunk);
  packed[17] ^= 1;
  CHECK(unpack(sum, packed, chunk.size()).Error() == "fletcher32: the checksum is wrong");
}

TEST_CASE("no bytes make unpacking go astray") {
  const Bytes chunk = Look(1, 3000);
  std::uint64_t state = 3;
  const auto random = [&](std::uint64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
  };
  int unpacked = 0, refused = 0;
  for (const Kind& kind : Kinds()) {
    const auto pipeline = FilterPipeline(kind.filters, 4, chunk.size());
    // A checksum would hide what is behind it.
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < pipeline.size(); ++i) mask |= pipeline[i].id == 3 ? 1u << i : 0;
    ChunkFilters filters = kind.filters;
    filters.fletcher32 = false;
    const Bytes packed = Pack(filters, 4, chunk);
    for (int i = 0; i < 2000; ++i) {
      Bytes mutated = packed;
      // The beginning says how much there is.
      const std::uint64_t flips = 1 + random(4);
      for (std::uint64_t k = 0; k < flips; ++k) {
        const std::uint64_t at = random(2) == 0 ? random(mutated.size())
                                                : random(std::min<std::size_t>(mutated.size(), 24));
        mutated[at] = static_cast<std::uint8_t>(random(3) == 0 ? 255 : random(256));
      }
      if (random(3) == 0) mutated.resize(random(mutated.size() + 1));
      const auto back = Unpack(pipeline, mask, 4, chunk.size(), mutated);
      back.Ok() ? ++unpacked : ++refused;
      if (back.Ok()) REQUIRE(back->size() == chunk.size());
    }
  }
  CHECK(unpacked > 100);
  CHECK(refused > 1000);
}

// Threads have their stacks and their memory at other places; ISA-L alone would notice.
TEST_CASE("gzip gives the same bytes in every thread") {
  std::vector<Bytes> chunks;
  std::uint64_t state = 3;
  for (int i = 0; i < 300; ++i) {
    Bytes& chunk = chunks.emplace_back(64);
    for (std::size_t k = 0; k < chunk.size(); ++k) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      chunk[k] = static_cast<std::uint8_t>((k * k >> 7) + (state >> 62));
    }
  }
  for (const int level : {1, 9}) {
    const auto pack = [&] {
      std::vector<Bytes> packed;
      for (const Bytes& chunk : chunks) {
        packed.push_back(Pack({Compression::kGzip, level, false, false}, 1, chunk));
      }
      return packed;
    };
    const std::vector<Bytes> expected = pack();
    constexpr std::size_t kThreads = 48;  // alive together, so that each has a place of its own
    std::vector<std::vector<Bytes>> found(kThreads);
    std::vector<std::thread> threads;
    std::barrier all(kThreads);
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        all.arrive_and_wait();
        found[t] = pack();
        all.arrive_and_wait();
      });
    }
    for (std::thread& thread : threads) thread.join();
    int others = 0;
    for (const auto& packed : found) {
      for (std::size_t i = 0; i < packed.size(); ++i) others += packed[i] != expected[i];
    }
    CHECK(others == 0);
  }
}

}  // namespace
}  // namespace pixloom
