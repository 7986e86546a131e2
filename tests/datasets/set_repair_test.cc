// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_repair.h"

#include <algorithm>
#include <map>
#include <set>

#include "datasets/codec.h"
#include "datasets/set_facts.h"
#include "tests/datasets/hdf5_fixture.h"
#include "tests/datasets/set_rows.h"

using namespace pixloom;
using namespace pixloom::testing;

namespace {

void Flip(const std::string& path, std::uint64_t at, std::uint8_t bits = 0x10) {
  Bytes byte{ReadBytes(path)[at]};
  byte[0] ^= bits;
  WriteBytesAt(path, at, byte);
}

struct Place {
  std::uint64_t at, bytes;
};

// Where each dataset of a file without filters lies.
std::map<std::string, Place> PlacesOf(const std::string& path) {
  std::map<std::string, Place> places;
  const auto file = Hdf5File::Open(path);
  REQUIRE(file.Ok());
  for (const Hdf5Dataset& dataset : (*file)->Datasets()) {
    std::uint64_t bytes = SizeOf(*dataset.element);
    for (const std::uint64_t d : dataset.dims) bytes *= d;
    if (bytes > 0) places[dataset.path] = {dataset.address, bytes};
  }
  return places;
}

const Codec& TestCodec() {
  static const auto codec = MakeCodec();
  return *codec;
}

VerifyReport Verify(const std::string& path) {
  return VerifySet(path, TestCodec(), {.threads = 2});
}

RemakeRows Remake() {
  return [](const std::string& key, const std::string&) -> Result<std::vector<Row>, std::string> {
    std::vector<Row> rows;
    for (std::uint64_t unit = 0; unit < 40; ++unit) {
      if (key != "folder/picture " + std::to_string(unit) + ".png") continue;
      for (std::uint64_t copy = 0; copy < CopiesOf(unit); ++copy) {
        rows.push_back(RowOfUnit(unit, copy));
      }
    }
    if (rows.empty()) return std::string("there is no such entry");
    return rows;
  };
}

RepairReport Repaired(const std::string& path) {
  return RepairSet(path, TestCodec(), Remake(), {.threads = 2});
}

}  // namespace

TEST_CASE("what is whole is found whole and not touched") {
  const Folder folder;
  const std::string path = folder / "set.h5";
  const SetSummary summary = WriteSet({.path = path});
  const VerifyReport report = Verify(path);
  CHECK(report.Good());
  CHECK(report.set.rows == summary.rows);
  CHECK(report.set.content_hash == summary.content_hash);
  const Bytes before = ReadBytes(path);
  CHECK(Repaired(path).Good());
  CHECK((ReadBytes(path) == before));
}

TEST_CASE("a byte that changed in any dataset is found and repaired") {
  const Folder folder;
  const std::string path = folder / "set.h5";
  WriteSet({.path = path});
  const Bytes good = ReadBytes(path);
  const auto places = PlacesOf(path);
  CHECK(places.size() >= 11);
  for (const auto& [dataset, place] : places) {
    for (const std::uint64_t at : {std::uint64_t{0}, place.bytes / 3, place.bytes - 1}) {
      CAPTURE(dataset);
      CAPTURE(at);
      Flip(path, place.at + at);
      const VerifyReport report = Verify(path);
      CHECK_FALSE(report.Good());
      const RepairReport repair = Repaired(path);
      // Nobody knows what a row was made of whose key is gone.
      if (dataset == "meta/key/bytes" ||
          (dataset == "meta/key/offsets" && repair.repaired.empty() && !repair.offsets)) {
        CHECK_FALSE(repair.Good());
        CHECK_FALSE(repair.left.empty());
        WriteBytesAt(path, place.at + at, {good[place.at + at]});
      } else {
        for (const BadRow& bad : repair.left) MESSAGE(bad.row << " " << bad.what);
        for (const std::string& fault : repair.faults) MESSAGE(fault);
        CHECK(repair.Good());
        CHECK((!repair.repaired.empty() || repair.offsets));
      }
      CHECK((ReadBytes(path) == good));
      WriteBytesAt(path, 0, good);
    }
  }
}

TEST_CASE("many rows at once") {
  const Folder folder;
  const std::string path = folder / "set.h5";
  WriteSet({.path = path});
  const Bytes good = ReadBytes(path);
  const auto places = PlacesOf(path);
  std::set<std::uint64_t> rows;
  for (const std::uint64_t row : {0, 5, 6, 7, 20, 38}) {
    Flip(path, places.at("images").at + row * 90 + 11);
    rows.insert(row);
  }
  for (const std::uint64_t row : {6, 12}) {
    Flip(path, places.at("labels").at + row * 8);
    rows.insert(row);
  }
  const VerifyReport report = Verify(path);
  std::set<std::uint64_t> found;
  for (const BadRow& bad : report.bad) {
    found.insert(bad.row);
    CHECK(bad.key.starts_with("folder/picture "));
  }
  CHECK(found == rows);
  const RepairReport repair = Repaired(path);
  CHECK(repair.Good());
  CHECK(repair.repaired.size() == rows.size());
  CHECK((ReadBytes(path) == good));
}

TEST_CASE("shards: each is checked and repaired") {
  const Folder folder;
  const std::string path = folder / "set";
  const SetSummary summary = WriteSet({.path = path, .shard_rows = 8});
  REQUIRE(summary.files.size() == 5);
  CHECK(Verify(path).Good());
  const Bytes good = ReadBytes(summary.files[2]);
  Flip(summary.files[2], PlacesOf(summary.files[2]).at("images").at + 90 * 3);
  const VerifyReport report = Verify(path);
  REQUIRE(report.bad.size() == 1);
  CHECK(report.bad[0].row == 19);
  CHECK(report.bad[0].row_in_file == 3);
  CHECK(fs::path(summary.files[2]).filename() == report.bad[0].file);
  CHECK(Repaired(path).Good());
  CHECK((ReadBytes(summary.files[2]) == good));

  // Behind the data and in the structure: the index knows every byte.
  Flip(summary.files[1], 100);
  CHECK_FALSE(Verify(path).Good());
  Flip(summary.files[1], 100);
  CHECK(Verify(path).Good());

  fs::resize_file(summary.files[3], fs::file_size(summary.files[3]) - 1);
  CHECK_FALSE(Verify(path).Good());
  fs::remove(summary.files[3]);
  const VerifyReport missing = Verify(path);
  REQUIRE(missing.faults.size() == 1);
  CHECK(missing.faults[0].find(fs::path(summary.files[3]).filename()) != std::string::npos);
}

TEST_CASE("compressed pictures") {
  const ChunkFilters gzip{.compression = Compression::kGzip, .level = 1};
  if (!Unavailable(gzip).empty()) return;
  const Folder folder;
  const std::string path = folder / "set.h5";
  WriteSet({.path = path, .filters = gzip});
  CHECK(Verify(path).Good());
  const Bytes good = ReadBytes(path);
  Flip(path, PlacesOf(path).at("labels").at + 8);
  {
    const auto set = OpenSet(path);
    for (const std::uint64_t row : {3, 4, 30}) {
      const auto chunk = set->File(0).ChunkExtent(*set->File(0).Find("images"), row);
      REQUIRE(chunk.has_value());
      Flip(path, chunk->first + chunk->second / 2);
    }
  }
  const VerifyReport report = Verify(path);
  CHECK(report.bad.size() == 4);
  CHECK(Repaired(path).Good());
  CHECK((ReadBytes(path) == good));
}

TEST_CASE("what is no set is refused, what is cut is damaged") {
  const Folder folder;
  CHECK_THROWS_AS(Verify(folder / "none.h5"), ConfigError);
  fs::create_directories(folder / "empty");
  CHECK_THROWS_AS(Verify(folder / "empty"), ConfigError);
  const std::string path = folder / "set.h5";
  WriteSet({.path = path});
  fs::resize_file(path, fs::file_size(path) / 2);
  const VerifyReport report = Verify(path);
  CHECK_FALSE(report.Good());
  CHECK(report.faults.size() >= 1);
}
