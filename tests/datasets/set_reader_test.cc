// SPDX-License-Identifier: Apache-2.0
// SetReader gives back what SetWriter got, row by row, and sees when it is not that.
#include <filesystem>
#include <fstream>
#include <map>

#include <doctest/doctest.h>

#include "datasets/set_reader.h"
#include "tests/datasets/hdf5_fixture.h"
#include "tests/datasets/set_fixture.h"

namespace pixloom {
namespace {

using testing::Folder;
using testing::SetRun;

std::unique_ptr<SetReader> Open(const std::string& path) {
  auto reader = SetReader::Open(path);
  REQUIRE_MESSAGE(reader.Ok(), (reader ? "" : reader.Error()));
  return std::move(*reader);
}

std::string OpenError(const std::string& path) {
  const auto reader = SetReader::Open(path);
  return reader ? "" : reader.Error();
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Row MustRead(const SetReader& reader, std::uint64_t row) {
  auto read = reader.Read(row);
  REQUIRE_MESSAGE(read.Ok(), (read ? "" : read.Error()));
  return *std::move(read);
}

void CheckRows(const SetReader& reader, const std::vector<Row>& rows) {
  REQUIRE(reader.Rows() == rows.size());
  for (std::uint64_t i = 0; i < rows.size(); ++i) {
    const Row read = MustRead(reader, i);
    const auto hash = reader.StoredHash(i);
    REQUIRE(hash.Ok());
    CHECK(*hash == RowHash(rows[i]));
    CHECK(RowHash(read) == *hash);
    for (const Cell& cell : rows[i].cells) {
      if (cell.Bytes().empty()) continue;
      const Cell* same = read.Find(cell.column.path);
      REQUIRE_MESSAGE(same != nullptr, cell.column.path);
      CHECK(same->column == cell.column);
      CHECK(std::ranges::equal(same->Bytes(), cell.Bytes()));
    }
    for (const GroupCounts& group : rows[i].groups) {
      const GroupCounts* same = read.FindGroup(group.group.path);
      REQUIRE_MESSAGE(same != nullptr, group.group.path);
      CHECK(same->group == group.group);
      CHECK(same->counts == group.counts);
    }
  }
}

SetRun Run(const std::string& path) {
  SetRun run;
  run.options.path = path;
  return run;
}

TEST_CASE("one file: every row comes back") {
  for (const bool encoded : {false, true}) {
    for (const Compression compression :
         {Compression::kNone, Compression::kGzip, Compression::kBloscZstd}) {
      if (encoded && compression != Compression::kNone) continue;
      CAPTURE(encoded);
      CAPTURE(static_cast<int>(compression));
      const Folder folder;
      SetRun run = Run(folder / "set");
      run.rows.encoded = encoded;
      run.options.filters.compression = compression;
      const auto summary = run.Go();
      REQUIRE(summary.has_value());
      const auto reader = Open(summary->files.at(0));
      CheckRows(*reader, run.AllRows());
      CHECK(reader->Quarantined() == summary->quarantined);
      CHECK(reader->Units() == std::pair<std::uint64_t, std::uint64_t>{0, run.units});
      CHECK(reader->Files() == summary->files);
      const Attribute* seed = reader->RootAttribute("seed");
      REQUIRE(seed != nullptr);
      CHECK(std::get<std::int64_t>(seed->value) == 7);
      CHECK(reader->RootAttribute("nothing") == nullptr);
      CHECK_FALSE(reader->Read(reader->Rows()).Ok());
      CHECK_FALSE(reader->StoredHash(reader->Rows()).Ok());
    }
  }
}

TEST_CASE("what is per what") {
  const Folder folder;
  SetRun run = Run(folder / "set");
  const auto reader = Open(run.Go()->files.at(0));
  std::map<std::string, std::string> per;
  for (const Column& column : reader->Columns()) per[column.path] = column.per;
  CHECK(per.at("images") == "");
  CHECK(per.at("meta/key/bytes") == "meta/key");
  CHECK(per.at("instances/box") == "instances");
  CHECK(per.at("instances/rings/points/xy") == "instances/rings/points");
  CHECK(per.count("checksum/row") == 0);
  CHECK(per.count("instances/offsets") == 0);
  std::vector<std::string> groups;
  for (const Group& group : reader->Groups()) groups.push_back(group.path + ":" + group.per);
  const std::vector<std::string> expected{"meta/key:", "instances:", "instances/rings:instances",
                                          "instances/rings/points:instances/rings"};
  CHECK(groups == expected);
}

TEST_CASE("only some columns") {
  const Folder folder;
  SetRun run = Run(folder / "set");
  const auto reader = Open(run.Go()->files.at(0));
  const std::vector<Row> rows = run.AllRows();
  for (std::uint64_t i = 0; i < rows.size(); ++i) {
    const auto read = reader->Read(i, {"labels", "instances/rings/points/xy"});
    REQUIRE(read.Ok());
    CHECK(read->Find("images") == nullptr);
    CHECK(read->Find("labels") != nullptr);
    CHECK(read->FindGroup("meta/key") == nullptr);
    CHECK(read->FindGroup("instances") != nullptr);
    const Cell* points = rows[i].Find("instances/rings/points/xy");
    const Cell* same = read->Find("instances/rings/points/xy");
    REQUIRE((same != nullptr) == (points != nullptr && !points->Bytes().empty()));
    if (same != nullptr) CHECK(std::ranges::equal(same->Bytes(), points->Bytes()));
  }
}

TEST_CASE("a folder of shards") {
  const Folder folder;
  SetRun run = Run(folder / "set");
  run.options.shard_rows = 7;
  const auto summary = run.Go();
  REQUIRE(summary->files.size() > 5);
  const auto reader = Open(folder / "set");
  const std::vector<Row> rows = run.AllRows();
  CheckRows(*reader, rows);
  CHECK(reader->Quarantined() == summary->quarantined);
  CHECK(reader->Units() == std::pair<std::uint64_t, std::uint64_t>{0, run.units});
  CHECK(reader->Files().size() == summary->files.size());
  for (std::uint64_t i = 0; i < rows.size(); ++i) {
    CHECK(reader->Locate(i) == std::pair<std::size_t, std::uint64_t>{i / 7, i % 7});
  }
}

TEST_CASE("shards that are not what the index says") {
  const Folder folder;
  SetRun run = Run(folder / "set");
  run.options.shard_rows = 10;
  const auto files = run.Go()->files;
  SetRun other = Run(folder / "other");
  other.options.shard_rows = 10;
  other.version = "2";
  const auto strangers = other.Go()->files;
  namespace fs = std::filesystem;
  const std::string kept = folder / "kept";
  const std::string& second = files.at(1);
  fs::copy_file(second, kept);
  const auto with = [&](const std::string& what) {
    fs::copy_file(what, second, fs::copy_options::overwrite_existing);
    return OpenError(folder / "set");
  };

  CHECK(with(kept) == "");
  fs::remove(second);
  CHECK(Contains(OpenError(folder / "set"), "is missing"));
  // A shard of other rows, of another set, and one that is too long.
  const std::string first_for_second = with(files.at(0));
  CHECK(first_for_second != "");
  const std::string stranger = with(strangers.at(1));
  CHECK((Contains(stranger, "belongs to another set") || Contains(stranger, "bytes; index.json")));
  with(kept);
  fs::resize_file(second, fs::file_size(second) + 1);
  CHECK(Contains(OpenError(folder / "set"), "index.json says"));
  with(kept);
  const std::string index = folder / "set/index.json";
  const auto write = [&](const std::string& text) { std::ofstream(index) << text; };
  write("{");
  CHECK(Contains(OpenError(folder / "set"), "is damaged"));
  write("{\"format\": \"pixloom\", \"fingerprint\": \"\", \"shards\": [{\"file\": \"../x\"}]}");
  CHECK(Contains(OpenError(folder / "set"), "is no name of a file"));
  write("{\"format\": \"other\"}");
  CHECK(Contains(OpenError(folder / "set"), "is no index"));
  fs::remove(index);
  CHECK(Contains(OpenError(folder / "set"), "index.json"));
}

TEST_CASE("damage: a flipped bit changes the hash, or is an error") {
  const Folder folder;
  SetRun run = Run(folder / "set");
  run.units = 12;
  const std::string path = run.Go()->files.at(0);
  const auto bytes = testing::ReadBytes(path);
  const auto rows = run.AllRows().size();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> data;  // of rows, and their hashes
  {
    const auto reader = Open(path);
    const Hdf5File& file = reader->File(0);
    for (const char* dataset : {"images", "labels", "checksum/row"}) {
      for (std::uint64_t row = 0; row < rows; ++row) {
        data.push_back(*file.Extent(*file.Find(dataset), row));
      }
    }
  }
  testing::Dice dice(3);
  Hdf5Limits limits;
  limits.seconds = 2;
  // Whether every row can be read and has its hash.
  const auto good_after = [&](std::uint64_t at) {
    testing::WriteBytesAt(path, at, {static_cast<std::uint8_t>(bytes[at] ^ 1 << dice.Below(8))});
    const auto reader = SetReader::Open(path, limits);
    bool good = reader.Ok() && (*reader)->Rows() == rows;
    for (std::uint64_t row = 0; good && row < rows; ++row) {
      const auto read = (*reader)->Read(row);
      const auto hash = (*reader)->StoredHash(row);
      good = read && hash && *hash == RowHash(*read);
    }
    testing::WriteBytesAt(path, at, {bytes[at]});
    return good;
  };
  for (int i = 0; i < 100; ++i) {
    const auto [at, size] = data[dice.Below(data.size())];
    CHECK_FALSE(good_after(at + dice.Below(size)));
  }
  // Anywhere else: what HDF5 says about the data, and gaps that mean nothing.
  int found = 0;
  for (int i = 0; i < 200; ++i) found += good_after(dice.Below(bytes.size())) ? 0 : 1;
  CHECK(found > 10);
}

TEST_CASE("what is no set says so") {
  const Folder folder;
  std::ofstream(folder / "text.h5") << "text";
  CHECK(Contains(OpenError(folder / "text.h5"), "is no HDF5 file"));
  CHECK(Contains(OpenError(folder / "nowhere"), "No such file"));
  Structure structure;
  structure.datasets.push_back({"images", Element::kU8, {3, 2}, {}, false, {}});
  structure.data_start = RoomFor(structure, 0);
  CreateStructure(folder / "foreign.h5", structure);
  CHECK(Contains(OpenError(folder / "foreign.h5"), "was not written by pixloom"));
}

}  // namespace
}  // namespace pixloom
