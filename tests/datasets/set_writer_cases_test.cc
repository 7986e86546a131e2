// SPDX-License-Identifier: Apache-2.0
// SetWriter: what is in the files, and what it does with what is there already.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "datasets/set_folder.h"
#include "tests/datasets/set_model.h"
#include "tests/datasets/set_run.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::CheckHas;
using testing::GoPartly;
using testing::MakeRun;
using testing::MessageOf;
using testing::SetModel;
using testing::SetRun;
using testing::Slurp;
using testing::Strings;
using testing::TemporaryDirectory;

// "equal", or what h5py sees otherwise.
std::string Compare(const fs::path& file, const json& expected) {
  const TemporaryDirectory folder;
  const std::string text = expected.dump();
  folder.Put("expected.json", {text.begin(), text.end()});
  const char* source = std::getenv("PIXLOOM_SOURCE_DIR");
  const std::string command =
      fmt::format("/usr/bin/python3 {}/tests/datasets/set_files_check.py '{}' '{}' 2>&1",
                  source != nullptr ? source : "../..", file.string(),
                  (folder.path / "expected.json").string());
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
  ::pclose(pipe);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

std::string HashOf(const std::vector<Row>& rows) {
  std::vector<std::uint64_t> hashes;
  for (const Row& row : rows) hashes.push_back(RowHash(row));
  return fmt::format("{:016x}", ContentHash(hashes));
}

// ---- What is in the files ---------------------------------------------------------------------

TEST_CASE("h5py reads every column as it was given") {
  const ChunkFilters none, gzip{Compression::kGzip, 4, true, true};
  for (const bool encoded : {false, true}) {
    for (const ChunkFilters& filters : {none, gzip}) {
      if (encoded && filters.Any()) continue;
      const TemporaryDirectory folder;
      SetRun run = MakeRun(folder);
      run.rows.encoded = encoded;
      run.options.filters = filters;
      GoPartly(run);
      const auto summary = run.Go();
      const auto rows = run.AllRows();
      json expected;
      expected["datasets"] = SetModel({}, rows).Datasets();
      expected["attributes"][""] = {{"format", "pixloom"},
                                    {"format_version", 1},
                                    {"rows", rows.size()},
                                    {"quarantined", summary->quarantined},
                                    {"content_hash", HashOf(rows)},
                                    {"fingerprint", run.Plan().fingerprint.Digest()},
                                    {"first_unit", 0},
                                    {"end_unit", run.units},
                                    {"units", run.units},
                                    {"seed", 7},
                                    {"classes", {"cat", "dog"}}};
      if (!encoded) expected["attributes"]["images"] = {{"colour", "rgb"}};
      expected["attributes"]["instances"] = {{"note", "visible parts"}};
      CHECK(Compare(summary->files[0], expected) == "equal");
    }
  }
}

TEST_CASE("a set without rows is a valid file") {
  for (const bool encoded : {false, true}) {
    const TemporaryDirectory folder;
    SetRun run = MakeRun(folder);
    run.rows.encoded = encoded;
    run.units = 0;
    const auto summary = run.Go();
    CHECK(summary->rows == 0);
    json expected;
    expected["attributes"][""] = {{"rows", 0}, {"content_hash", HashOf({})}};
    auto& datasets = expected["datasets"];
    datasets["checksum/row"] = {"<u8", {0}, ""};
    if (encoded) {
      datasets["encoded/bytes"] = {"<u1", {0}, ""};
      datasets["encoded/offsets"] = {"<i8", {1}, std::string(16, '0')};
    } else {
      datasets["images"] = {"<u1", {0, 16, 16, 3}, ""};
    }
    CHECK(Compare(summary->files[0], expected) == "equal");
  }
}

TEST_CASE("shards have their rows, and the index names them") {
  const TemporaryDirectory folder;
  SetRun run = MakeRun(folder, "out/train.h5");
  run.options.shard_rows = 17;
  run.options.master = true;
  const auto summary = run.Go();
  REQUIRE(summary);
  const auto rows = run.AllRows();
  const json index = json::parse(Slurp(folder.path / "out/train/index.json"));
  const std::string digest = run.Plan().fingerprint.Digest();
  CHECK(index["rows"] == rows.size());
  CHECK(index["fingerprint"] == digest);
  CHECK(index["content_hash"] == HashOf(rows));
  CHECK(index["quarantined"] == summary->quarantined);
  REQUIRE(index["shards"].size() == (rows.size() + 16) / 17);
  REQUIRE(summary->files.size() == index["shards"].size());
  for (std::size_t i = 0; i < index["shards"].size(); ++i) {
    const json& shard = index["shards"][i];
    CHECK(shard["file"] == fmt::format("train-{}-{:05}.h5", digest.substr(0, 8), i));
    CHECK(shard["first_row"] == 17 * i);
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(17 * i);
    const auto end = std::min(begin + 17, rows.end());
    CHECK(shard["rows"] == end - begin);
    const fs::path path = folder.path / "out/train" / shard["file"].get<std::string>();
    CHECK(path == summary->files[i]);
    CHECK(shard["bytes"] == fs::file_size(path));
    json expected;
    expected["datasets"] = SetModel({rows.begin(), begin}, {begin, end}).Datasets();
    expected["attributes"][""] = {
        {"shard", i}, {"rows", end - begin}, {"content_hash", HashOf({begin, end})}};
    CHECK(Compare(path, expected) == "equal");
  }
  CHECK(fs::exists(folder.path / "out/train/master.h5"));
  CHECK_FALSE(fs::exists(folder.path / "out/train/lock"));
}

TEST_CASE("parts of several machines have names of their own") {
  CHECK(SetPaths::Of("out/train", false, 1, 1).target == "out/train.h5");
  CHECK(SetPaths::Of("out/train.hdf5", false, 1, 1).target == "out/train.hdf5");
  CHECK(SetPaths::Of("out/train.v2", false, 1, 1).target == "out/train.v2.h5");
  CHECK(SetPaths::Of("out/train.h5", false, 2, 5).target == "out/train.part-2-of-5.h5");
  CHECK(SetPaths::Of("out/train.h5", true, 2, 5).target == "out/train.part-2-of-5");
  CHECK(SetPaths::Of("out/train/", true, 1, 1).target == "out/train");
  CHECK(SetPaths::Of("out/.h5", false, 1, 1).target == "out/.h5.h5");
}

// Rows with so many late columns that the room left for their names is not enough.
struct ManyColumns : SetRun {
  Row MakeRow(std::uint64_t unit) const {
    Row row = rows.Make(unit);
    for (int i = 0; unit > 10 && i < 300; ++i) {
      const std::string name = fmt::format("attributes/a_name_that_is_long_{}", i);
      row.cells.push_back(testing::CellOf<double>({name, "", Element::kF64, {}}, {i + .5}));
    }
    return row;
  }

  std::optional<SetSummary> Write(int stop_after) {
    SetWriter writer(options);
    for (std::uint64_t unit = writer.Open(Plan()); unit < units; ++unit) {
      writer.Append(writer.Pack(MakeRow(unit)));
      writer.Advance(unit + 1, 0);
      if (--stop_after == 0) {
        writer.Leave();
        return std::nullopt;
      }
    }
    return writer.Finish();
  }
};

TEST_CASE("a structure that outgrows its room moves, and stays the same however it came about") {
  std::vector<std::string> bytes;
  for (const std::uint64_t shard_rows : {0, 0, 7, 7}) {
    const TemporaryDirectory folder;
    ManyColumns run;
    run.options.path = folder.path / "train";
    run.options.shard_rows = shard_rows;
    run.units = 20;
    std::uint64_t room = 0;
    if (bytes.size() % 2 == 1) {
      REQUIRE_FALSE(run.Write(15));
      const SetPaths paths = SetPaths::Of(run.options.path, shard_rows > 0, 1, 1);
      room = json::parse(Slurp(paths.InWork("set.json")))["data_start"];
    }
    const auto summary = run.Write(0);
    REQUIRE(summary);
    std::string all;
    for (const std::string& file : summary->files) all += Slurp(file);
    bytes.push_back(all);
    if (shard_rows > 0) continue;
    std::vector<Row> rows;
    for (std::uint64_t unit = 0; unit < run.units; ++unit) rows.push_back(run.MakeRow(unit));
    json expected{{"attributes", json::object()}};
    expected["datasets"] = SetModel({}, rows).Datasets();
    CHECK(Compare(summary->files[0], expected) == "equal");
    if (room == 0) continue;
    const auto picture = rows[0].cells[0].Bytes();
    CHECK_FALSE(
        std::equal(picture.begin(), picture.end(), all.begin() + static_cast<long>(room),
                   [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }));
  }
  CHECK(bytes[0] == bytes[1]);
  CHECK(bytes[2] == bytes[3]);
}

// ---- What is there already --------------------------------------------------------------------

TEST_CASE("a finished set is left alone") {
  for (const std::uint64_t shard_rows : {0, 10}) {
    const TemporaryDirectory folder;
    SetRun run = MakeRun(folder);
    run.options.shard_rows = shard_rows;
    const auto first = run.Go();
    REQUIRE(first);
    const auto files = folder.Files();
    const auto before = fs::last_write_time(first->files[0]);
    {
      SetWriter writer(run.options);
      CHECK(writer.Open(run.Plan()) == run.units);
      const SetSummary again = writer.Finish();
      CHECK(again.rows == first->rows);
      CHECK(again.quarantined == first->quarantined);
      CHECK(again.content_hash == first->content_hash);
      CHECK(again.files == first->files);
    }
    CHECK(folder.Files() == files);
    CHECK(fs::last_write_time(first->files[0]) == before);

    run.version = "2";
    CheckHas(MessageOf<OutputBusyError>(run), "exists; choose another path, or use --overwrite");
    CHECK(folder.Files() == files);
  }
}

TEST_CASE("what is overwritten stays until the new set is complete") {
  for (const std::uint64_t shard_rows : {0, 10}) {
    const TemporaryDirectory folder;
    SetRun run = MakeRun(folder);
    run.options.shard_rows = shard_rows;
    const auto old = run.Go();
    REQUIRE(old);
    const std::string bytes = Slurp(old->files[0]);
    run.version = "2";
    run.overwrite = true;
    GoPartly(run);
    CHECK(Slurp(old->files[0]) == bytes);
    run.overwrite = false;  // goes on with what was begun to replace the old one
    int steps = 20;
    REQUIRE_FALSE(run.Go([&] { return --steps == 0; }));
    CHECK(Slurp(old->files[0]) == bytes);
    const auto fresh = run.Go();
    REQUIRE(fresh);
    CHECK(Slurp(fresh->files[0]) != bytes);
    CHECK(fresh->files.size() == (shard_rows > 0 ? folder.Files().size() - 1 : 1));
  }
}

TEST_CASE("a folder that is no set is never overwritten") {
  const TemporaryDirectory folder;
  folder.Put("out/train/precious.txt", {1});
  SetRun run = MakeRun(folder);
  run.options.shard_rows = 10;
  run.overwrite = true;
  CheckHas(MessageOf<OutputBusyError>(run), "is no finished set");
  CHECK(folder.Files() == Strings{"out/train/precious.txt"});
}

TEST_CASE("a complete folder that has not got its name yet gets it") {
  const TemporaryDirectory folder;
  SetRun run = MakeRun(folder);
  run.options.shard_rows = 10;
  const auto first = run.Go();
  const Strings files = folder.Files();
  fs::rename(folder.path / "out/train", folder.path / "out/train.partial");
  SetWriter writer(run.options);
  CHECK(writer.Open(run.Plan()) == run.units);
  CHECK_FALSE(fs::exists(folder.path / "out/train"));
  const SetSummary again = writer.Finish();
  CHECK(again.content_hash == first->content_hash);
  CHECK(folder.Files() == files);
}

TEST_CASE("one writer at a time, and whoever asks is told who it is") {
  const TemporaryDirectory folder;
  SetRun run = MakeRun(folder);
  SetWriter writer(run.options);
  writer.Open(run.Plan());
  const std::string me = std::to_string(::getpid());
  CheckHas(MessageOf<OutputBusyError>(run), "is in use by process " + me);
  run.overwrite = true;
  CheckHas(MessageOf<OutputBusyError>(run), "is in use by process " + me);
  const auto progress = ReadProgress(folder.path / "out/train.h5.partial");
  REQUIRE(progress.Ok());
  CHECK((*progress).locked);
  CheckHas((*progress).holder, me);
  writer.Leave();
  CHECK_FALSE((*ReadProgress(folder.path / "out/train.h5.partial")).locked);
}

TEST_CASE("progress says what is durable") {
  const TemporaryDirectory folder;
  SetRun run = MakeRun(folder);
  run.options.shard_rows = 10;
  CHECK_FALSE(ReadProgress(folder.path / "out/train.partial").Ok());
  std::uint64_t units = 0, rows = 0;
  {
    SetWriter writer(run.options);
    for (units = writer.Open(run.Plan()); units < 15; ++units) {
      for (std::uint64_t i = 0; i < run.unit_rows.Rows(units); ++i, ++rows) {
        writer.Append(writer.Pack(run.rows.Make(4 * units + i)));
      }
      writer.Advance(units + 1, 2);
    }
    writer.Leave();
  }
  const auto progress = ReadProgress(folder.path / "out/train.partial");
  REQUIRE(progress.Ok());
  CHECK((*progress).units_done == 15);
  CHECK((*progress).end_unit == run.units);
  CHECK((*progress).rows == rows);
  CHECK((*progress).quarantined == 30);
  CHECK((*progress).shards == static_cast<int>((rows - 1) / 10));
  CHECK((*progress).bytes > rows * run.rows.First().EntryBytes());
}

}  // namespace
}  // namespace pixloom
