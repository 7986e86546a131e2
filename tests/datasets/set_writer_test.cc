// SPDX-License-Identifier: Apache-2.0
// SetWriter: whatever happens in between, the same bytes come out.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <thread>

#include <nlohmann/json.hpp>

#include "datasets/set_io.h"
#include "tests/datasets/folder_fixture.h"
#include "tests/datasets/set_fixture.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;
using testing::Dice;
using testing::SetRun;
using testing::Slurp;
using testing::TemporaryDirectory;

// Every file below a folder, by name.
using Files = std::map<std::string, std::string>;
Files FilesOf(const TemporaryDirectory& folder) {
  Files files;
  for (const std::string& name : folder.Files()) files[name] = Slurp(folder.path / name);
  return files;
}

std::string NamesOf(const Files& files) {
  std::string names;
  for (const auto& [name, bytes] : files) names += name + "\n";
  return names;
}

void CheckSame(const Files& files, const Files& expected) {
  REQUIRE(NamesOf(files) == NamesOf(expected));
  for (const auto& [name, bytes] : expected) {
    CHECK_MESSAGE(files.at(name) == bytes, name, " differs");
  }
}

SetRun MakeRun(const std::string& kind) {
  SetRun run;
  run.options.commit_bytes = 3000;
  run.options.commit_seconds = 0.002;
  if (kind == "encoded") run.rows.encoded = true;
  if (kind == "gzip") run.options.filters = {Compression::kGzip, 1, true, true};
  if (kind == "fletcher") run.options.filters = {Compression::kNone, 1, false, true};
  if (kind == "shards") run.options.shard_rows = 17;
  if (kind == "shards master") {
    run.options.shard_rows = 17;
    run.options.master = true;
    run.rows.encoded = false;
  }
  if (kind == "encoded shards") {
    run.rows.encoded = true;
    run.options.shard_rows = 9;
  }
  if (kind == "gzip shards") {
    run.options.filters = {Compression::kGzip, 1, false, false};
    run.options.shard_rows = 10;
  }
  return run;
}

const std::vector<std::string> kKinds{"dense",  "encoded",       "gzip",           "fletcher",
                                      "shards", "shards master", "encoded shards", "gzip shards"};

// The files of an undisturbed run.
Files Undisturbed(const std::string& kind) {
  const TemporaryDirectory folder;
  SetRun run = MakeRun(kind);
  run.options.path = folder.path / "out/train.h5";
  run.options.commit_bytes = 1 << 30;
  run.options.commit_seconds = 1000;
  REQUIRE(run.Go());
  return FilesOf(folder);
}

TEST_CASE("the summary says what was written, and nothing is left beside it") {
  const TemporaryDirectory folder;
  SetRun run = MakeRun("dense");
  run.options.path = folder.path / "out/train";
  const auto summary = run.Go();
  REQUIRE(summary);
  std::vector<std::uint64_t> hashes;
  for (const Row& row : run.AllRows()) hashes.push_back(RowHash(row));
  std::uint64_t bad = 0;
  for (std::uint64_t unit = 0; unit < run.units; ++unit) bad += run.unit_rows.Bad(unit);
  CHECK(summary->rows == hashes.size());
  CHECK(summary->content_hash == ContentHash(hashes));
  CHECK(summary->quarantined == bad);
  CHECK(summary->files == std::vector<std::string>{folder.path / "out/train.h5"});
  CHECK(folder.Files() == std::vector<std::string>{"out/train.h5"});
}

TEST_CASE("left and opened again at any place, the same bytes come out") {
  for (const std::string& kind : kKinds) {
    CAPTURE(kind);
    const Files expected = Undisturbed(kind);
    Dice dice(5);
    for (int round = 0; round < 4; ++round) {
      const TemporaryDirectory folder;
      SetRun run = MakeRun(kind);
      run.options.path = folder.path / "out/train.h5";
      int parts = 0;
      while (true) {
        std::uint64_t left = 1 + dice.Below(30);
        ++parts;
        if (run.Go([&] { return --left == 0; })) break;
      }
      CHECK(parts > 1);
      CheckSame(FilesOf(folder), expected);
    }
  }
}

// Runs `what` in a child that is killed after a while. True when it came to its end by itself.
template <class What>
bool RunAndKill(std::chrono::microseconds after, What what) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      what();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ::_exit(1);
    }
    ::_exit(0);
  }
  std::this_thread::sleep_for(after);
  ::kill(child, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (!WIFEXITED(status)) return false;
  REQUIRE(WEXITSTATUS(status) == 0);
  return true;
}

TEST_CASE("killed at any time, the same bytes come out") {
  const char* more = std::getenv("PIXLOOM_KILLS");
  const int wanted = more != nullptr ? std::atoi(more) : 96;
  std::map<std::string, Files> expected;
  for (const std::string& kind : kKinds) expected[kind] = Undisturbed(kind);
  Dice dice(static_cast<std::uint64_t>(wanted));
  int kills = 0, sets = 0;
  while (kills < wanted || static_cast<std::size_t>(sets) < kKinds.size()) {
    const std::string& kind = kKinds[static_cast<std::size_t>(sets++) % kKinds.size()];
    CAPTURE(kind);
    const TemporaryDirectory folder;
    SetRun run = MakeRun(kind);
    run.options.path = folder.path / "out/train.h5";
    std::uint64_t most = 20'000;
    while (!RunAndKill(std::chrono::microseconds(500 + dice.Below(most)), [&] { run.Go(); })) {
      ++kills;
      most += 6000;  // so that slow machines come to an end
    }
    CheckSame(FilesOf(folder), expected.at(kind));
  }
  MESSAGE(kills, " kills, ", sets, " sets");
}

TEST_CASE("killed while it finishes, the same bytes come out") {
  const char* more = std::getenv("PIXLOOM_KILLS");
  const int wanted = more != nullptr ? std::atoi(more) : 60;
  Dice dice(static_cast<std::uint64_t>(wanted) + 1);
  int kills = 0;
  for (int sets = 0; kills < wanted || static_cast<std::size_t>(sets) < kKinds.size(); ++sets) {
    const std::string& kind = kKinds[static_cast<std::size_t>(sets) % kKinds.size()];
    CAPTURE(kind);
    const Files expected = Undisturbed(kind);
    const TemporaryDirectory folder;
    SetRun run = MakeRun(kind);
    run.options.path = folder.path / "out/train.h5";
    // An older set is replaced every other time.
    if (sets % 2 == 1) {
      run.version = "0";
      REQUIRE(run.Go());
      run.version = "1";
      run.overwrite = true;
    }
    std::uint64_t steps = run.units + run.AllRows().size();
    REQUIRE_FALSE(run.Go([&] { return --steps == 0; }));
    run.overwrite = false;
    std::uint64_t most = 3000;
    while (!RunAndKill(std::chrono::microseconds(200 + dice.Below(most)), [&] { run.Go(); })) {
      ++kills;
      most += 500;
    }
    CheckSame(FilesOf(folder), expected);
  }
  MESSAGE(kills, " kills");
}

}  // namespace
}  // namespace pixloom
