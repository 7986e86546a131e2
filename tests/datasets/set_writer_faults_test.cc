// SPDX-License-Identifier: Apache-2.0
// SetWriter: what it says and does when something is not as it was, or the disk is full.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "datasets/set_folder.h"
#include "datasets/set_io.h"
#include "tests/datasets/set_run.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::CheckHas;
using testing::GoPartly;
using testing::MakeRun;
using testing::MessageOf;
using testing::SetRun;
using testing::Slurp;
using testing::Strings;
using testing::TemporaryDirectory;

// ---- What does not go on ----------------------------------------------------------------------

TEST_CASE("another fingerprint does not go on, and nothing is touched") {
  const TemporaryDirectory folder;
  SetRun run = MakeRun(folder);
  GoPartly(run);
  const Strings files = folder.Files();
  run.version = "2";
  const std::string text = MessageOf<ResumeRefusedError>(run);
  CheckHas(text, "out/train.h5.partial': 1 thing changed since it was begun");
  CheckHas(text, "version: was 1, is 2");
  CheckHas(text, "--overwrite");
  run.units = 41;
  run.options.filters.fletcher32 = true;
  CheckHas(MessageOf<ResumeRefusedError>(run), "3 things changed");
  CHECK(folder.Files() == files);
  run = MakeRun(folder);
  CHECK(run.Go());
}

TEST_CASE("the rows per shard stay what they were") {
  const TemporaryDirectory folder;
  SetRun run = MakeRun(folder);
  run.options.shard_rows = 10;
  GoPartly(run);
  run.options.shard_rows = 25;
  {
    SetWriter writer(run.options);
    writer.Open(run.Plan());
    CHECK(writer.ShardRowsInUse() == 10);
  }
  CHECK(run.Go()->files.size() == (run.AllRows().size() + 9) / 10);
}

TEST_CASE("a journal with a damaged end goes on before it") {
  const std::string expected = [] {
    const TemporaryDirectory folder;
    SetRun run = MakeRun(folder);
    return Slurp(run.Go()->files[0]);
  }();
  for (int damage = 0; damage < 40; ++damage) {
    const TemporaryDirectory folder;
    SetRun run = MakeRun(folder);
    GoPartly(run);
    const fs::path path = folder.path / "out/train.h5.partial/journal";
    std::string journal = Slurp(path);
    const std::size_t at = journal.size() * static_cast<std::size_t>(damage) / 40;
    if (damage % 2 == 0) {
      journal[at] = static_cast<char>(journal[at] ^ 0x10);
    } else {
      journal.resize(at);
    }
    folder.Put("out/train.h5.partial/journal", {journal.begin(), journal.end()});
    const auto summary = run.Go();
    REQUIRE(summary);
    CHECK(Slurp(summary->files[0]) == expected);
  }
}

TEST_CASE("what was durable and is not there any more is told") {
  for (const std::string file :
       {"data", "columns/labels", "columns/checksum.row", "columns/%rows"}) {
    for (const std::string how : {"shorter", "changed", "missing"}) {
      CAPTURE(file);
      CAPTURE(how);
      const TemporaryDirectory folder;
      SetRun run = MakeRun(folder);
      GoPartly(run);
      const fs::path path = folder.path / "out/train.h5.partial" / file;
      std::string bytes = Slurp(path);
      if (how == "shorter") bytes.resize(bytes.size() - 1);
      if (how == "changed") bytes.back() = static_cast<char>(bytes.back() + 1);
      folder.Put("out/train.h5.partial/" + file, {bytes.begin(), bytes.end()});
      if (how == "missing") fs::remove(path);
      CheckHas(MessageOf<EnvironmentError>(run), "--overwrite");
      run.overwrite = true;
      CHECK(run.Go());
    }
  }
}

TEST_CASE("damage between writing and finishing does not get a name") {
  for (const VerifyResult verify : {VerifyResult::kAll, VerifyResult::kSample}) {
    const TemporaryDirectory folder;
    SetRun run = MakeRun(folder);
    run.options.verify = verify;
    SetWriter writer(run.options);
    for (std::uint64_t unit = writer.Open(run.Plan()); unit < 10; ++unit) {
      writer.Append(writer.Pack(run.rows.Make(unit)));
      writer.Advance(unit + 1, 0);
    }
    SetFile data(folder.path / "out/train.h5.partial/data", O_RDWR);
    const std::string start = Slurp(folder.path / "out/train.h5.partial/set.json");
    const std::uint64_t at = json::parse(start)["data_start"];
    const std::uint8_t other = 0xa5;
    data.WriteAt({&other, 1}, at + 5);
    CHECK_THROWS_AS(writer.Finish(), EnvironmentError);
    CHECK_FALSE(fs::exists(folder.path / "out/train.h5"));
  }
}

TEST_CASE("other results of a unit that was not complete are refused") {
  const TemporaryDirectory folder;
  SetRun run = MakeRun(folder);
  {
    SetWriter writer(run.options);
    writer.Open(run.Plan());
    writer.Append(writer.Pack(run.rows.Make(1)));
    writer.Append(writer.Pack(run.rows.Make(2)));
    writer.Leave();
  }
  SetWriter writer(run.options);
  CHECK(writer.Open(run.Plan()) == 0);
  writer.Append(writer.Pack(run.rows.Make(1)));
  SUBCASE("another row") {
    CHECK_THROWS_AS(writer.Append(writer.Pack(run.rows.Make(3))), ResumeRefusedError);
  }
  SUBCASE("fewer rows") { CHECK_THROWS_AS(writer.Advance(1, 0), ResumeRefusedError); }
  SUBCASE("the same") {
    writer.Append(writer.Pack(run.rows.Make(2)));
    writer.Advance(1, 0);
    CHECK(writer.Finish().rows == 2);
  }
}

// ---- Space ------------------------------------------------------------------------------------

// A file system of so many bytes; empty() when nobody lets us make one.
class SmallDisk {
 public:
  explicit SmallDisk(std::uint64_t bytes) {
    mounted_ = ::mount("tmpfs", folder_.path.c_str(), "tmpfs", 0,
                       fmt::format("size={}", bytes).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount(folder_.path.c_str());
  }
  bool Mounted() const { return mounted_; }
  void Grow(std::uint64_t bytes) const {
    REQUIRE(::mount("tmpfs", folder_.path.c_str(), "tmpfs", MS_REMOUNT,
                    fmt::format("size={}", bytes).c_str()) == 0);
  }
  const TemporaryDirectory& Folder() const { return folder_; }

 private:
  TemporaryDirectory folder_;
  bool mounted_ = false;
};

TEST_CASE("a lock that a child of a killed process still has is waited for") {
  const TemporaryDirectory folder;
  const std::string work = (folder.path / "set.partial").string();
  const pid_t killed = ::fork();
  if (killed == 0) {
    const SetLock lock(work);
    if (::fork() == 0) {
      ::usleep(300'000);
      ::_exit(0);
    }
    ::_exit(0);  // as a killed process: nothing is put away
  }
  REQUIRE(killed > 0);
  REQUIRE(::waitpid(killed, nullptr, 0) == killed);
  CHECK(SetLock::Holder(work).has_value());
  SetLock lock(work);
  CHECK_THROWS_AS(SetLock{work}, OutputBusyError);
  lock.Release();
}

TEST_CASE("too little space is told before the first row") {
  const SmallDisk disk(1 << 20);
  if (!disk.Mounted()) return;
  SetRun run = MakeRun(disk.Folder());
  SetPlan plan = run.Plan();
  plan.rows = 1'000'000;
  plan.row_bytes = run.rows.First().EntryBytes();
  SetWriter writer(run.options);
  try {
    writer.Open(plan);
    FAIL("opened");
  } catch (const EnvironmentError& error) {
    CheckHas(error.what(), "needs 807");
    CheckHas(error.what(), "run the same command again");
  }
}

TEST_CASE("a disk that gets full stops the run, and more space lets it go on") {
  const std::string expected = [] {
    const TemporaryDirectory folder;
    SetRun run = MakeRun(folder);
    run.units = 400;
    return Slurp(run.Go()->files[0]);
  }();
  const SmallDisk disk(300'000);
  if (!disk.Mounted()) return;
  SetRun run = MakeRun(disk.Folder());
  run.units = 400;
  int stops = 0;
  for (std::uint64_t size = 300'000;; size += 70'000) {
    REQUIRE(size < 10'000'000);
    disk.Grow(size);
    try {
      const auto summary = run.Go();
      CHECK(Slurp(summary->files[0]) == expected);
      break;
    } catch (const EnvironmentError& error) {
      ++stops;
      CheckHas(error.what(), "No space left on device (ENOSPC)");
      CHECK_FALSE(fs::exists(disk.Folder().path / "out/train.h5"));
    }
  }
  CHECK(stops > 3);
}

}  // namespace
}  // namespace pixloom
