// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_merge.h"

#include <algorithm>
#include <atomic>

#include "datasets/set_facts.h"
#include "tests/datasets/hdf5_fixture.h"
#include "tests/datasets/set_rows.h"

using namespace pixloom;
using namespace pixloom::testing;

namespace {

MergeRequest Request(std::vector<std::string> inputs, const std::string& out,
                     std::uint64_t shard_rows = 0) {
  MergeRequest request;
  request.inputs = std::move(inputs);
  request.out.path = out;
  request.out.shard_rows = shard_rows;
  if (!request.inputs.empty()) {
    const auto filters = FiltersOf(*OpenSet(FindSet(request.inputs[0])));
    REQUIRE(filters.Ok());
    request.out.filters = *filters;
  }
  request.threads = 3;
  return request;
}

// The units in three uneven parts.
std::vector<std::string> WriteParts(const Folder& folder, const ChunkFilters& filters,
                                    std::uint64_t shard_rows = 0) {
  std::vector<std::string> paths;
  const std::uint64_t cuts[] = {0, 13, 14, 40};
  for (int i = 0; i < 3; ++i) {
    const SetCase part{.path = folder / "set.h5",
                       .first = cuts[i],
                       .end = cuts[i + 1],
                       .part = i + 1,
                       .parts = 3,
                       .shard_rows = shard_rows,
                       .filters = filters};
    WriteSet(part);
    const std::string stem = folder / ("set.part-" + std::to_string(i + 1) + "-of-3");
    paths.push_back(shard_rows > 0 ? stem : stem + ".h5");
  }
  return paths;
}

std::string Refusal(const MergeRequest& request) {
  try {
    MergeSets(request);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

bool Says(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

}  // namespace

TEST_CASE("parts of several machines become what one run would have written") {
  for (const ChunkFilters& filters :
       {ChunkFilters{}, ChunkFilters{.compression = Compression::kGzip, .level = 4},
        ChunkFilters{.fletcher32 = true}}) {
    CAPTURE(static_cast<int>(filters.compression));
    if (!Unavailable(filters).empty()) continue;
    const Folder folder;
    const SetSummary whole = WriteSet({.path = folder / "whole.h5", .filters = filters});
    auto parts = WriteParts(folder, filters);
    std::rotate(parts.begin(), parts.begin() + 1, parts.end());  // in any order
    const MergeReport merged = MergeSets(Request(parts, folder / "merged.h5"));
    CHECK(merged.set.rows == whole.rows);
    CHECK(merged.set.quarantined == whole.quarantined);
    CHECK(merged.set.content_hash == whole.content_hash);
    CHECK((ReadBytes(folder / "merged.h5") == ReadBytes(folder / "whole.h5")));
    CHECK_FALSE(fs::exists(folder / "merged.h5.partial"));
  }
}

TEST_CASE("a set is cut anew: the same rows in other files") {
  const Folder folder;
  // Nobody is quarantined: how many were before each file began is not in a set.
  const SetSummary whole = WriteSet({.path = folder / "whole.h5", .bad = false});
  for (const std::uint64_t rows : {1, 7, 16, 1000}) {
    CAPTURE(rows);
    // The name is part of the shards' names, so the direct run gets the same in another folder.
    fs::create_directories(folder / "a");
    fs::create_directories(folder / "b");
    const SetSummary direct =
        WriteSet({.path = folder / "a/set", .shard_rows = rows, .bad = false});
    CHECK(direct.content_hash == whole.content_hash);
    const MergeReport cut = MergeSets(Request({folder / "whole.h5"}, folder / "b/set", rows));
    CHECK(cut.set.content_hash == whole.content_hash);
    REQUIRE(cut.set.files.size() == direct.files.size());
    for (std::size_t i = 0; i < direct.files.size(); ++i) {
      CHECK((ReadBytes(cut.set.files[i]) == ReadBytes(direct.files[i])));
    }
    CHECK((ReadBytes(folder / "a/set/index.json") == ReadBytes(folder / "b/set/index.json")));
    MergeSets(Request({folder / "a/set"}, folder / "b/back.h5"));
    CHECK((ReadBytes(folder / "b/back.h5") == ReadBytes(folder / "whole.h5")));
    fs::remove_all(folder / "a");
    fs::remove_all(folder / "b");
  }
}

TEST_CASE("parts in shards are merged into one file") {
  const Folder folder;
  WriteSet({.path = folder / "whole.h5"});
  const auto parts = WriteParts(folder, {}, 5);
  MergeSets(Request(parts, folder / "merged.h5"));
  CHECK((ReadBytes(folder / "merged.h5") == ReadBytes(folder / "whole.h5")));
}

TEST_CASE("parts that are missing, twice there or of another run are named") {
  const Folder folder;
  const auto parts = WriteParts(folder, {});
  const std::string out = folder / "merged.h5";
  CHECK(Says(Refusal(Request({parts[0], parts[2]}, out)), "no input has unit 13 of 40"));
  CHECK(Says(Refusal(Request({parts[2]}, out)), "units 0 to 13"));
  CHECK(Says(Refusal(Request({parts[0], parts[1]}, out)), "units 14 to 39 of 40"));
  CHECK(Says(Refusal(Request({parts[0], parts[1], parts[2], parts[1]}, out)),
             "unit 13 appear twice"));
  WriteSet({.path = folder / "other.h5", .seed = "8"});
  CHECK(Says(Refusal(Request({parts[0], folder / "other.h5"}, out)), "different runs"));
  MergeRequest none = Request(parts, out);
  none.inputs.push_back(folder / "none.h5");
  CHECK(Says(Refusal(none), "there is no"));
  CHECK_FALSE(fs::exists(out));
  CHECK_FALSE(fs::exists(out + ".partial"));
}

TEST_CASE("any sets with equal columns are joined in the order given") {
  const Folder folder;
  WriteSet({.path = folder / "a.h5", .end = 10, .units = 10});
  WriteSet({.path = folder / "b.h5", .seed = "8"});
  MergeRequest request = Request({folder / "b.h5", folder / "a.h5"}, folder / "ab.h5");
  request.any = true;
  MergeSets(request);
  const auto a = OpenSet(folder / "a.h5"), b = OpenSet(folder / "b.h5");
  const auto ab = OpenSet(folder / "ab.h5");
  REQUIRE(ab->Rows() == a->Rows() + b->Rows());
  CHECK(ab->Quarantined() == a->Quarantined() + b->Quarantined());
  for (std::uint64_t row = 0; row < ab->Rows(); ++row) {
    const auto expected = row < b->Rows() ? b->StoredHash(row) : a->StoredHash(row - b->Rows());
    CHECK(*ab->StoredHash(row) == *expected);
  }
  CHECK(TextIn(ab->Root(), "class_names") == "cat, dog, owl, yak");
  CHECK(TextIn(ab->Root(), "fingerprint") != TextIn(b->Root(), "fingerprint"));
}

TEST_CASE("a merge that was stopped goes on") {
  const Folder folder;
  WriteSet({.path = folder / "whole.h5"});
  auto parts = WriteParts(folder, {});
  for (const std::uint64_t after : {1, 9, 14, 30}) {
    CAPTURE(after);
    std::atomic<bool> stop = false;
    MergeRequest request = Request(parts, folder / "merged.h5");
    request.stop = &stop;
    request.progress = [&](std::uint64_t rows, std::uint64_t) { stop = rows >= after; };
    CHECK(MergeSets(request).interrupted);
    CHECK_FALSE(fs::exists(folder / "merged.h5"));
    std::uint64_t first = 0;
    request.stop = nullptr;
    request.progress = [&](std::uint64_t rows, std::uint64_t) {
      if (first == 0) first = rows;
    };
    CHECK_FALSE(MergeSets(request).interrupted);
    CHECK(first >= std::min<std::uint64_t>(after, 2));
    CHECK((ReadBytes(folder / "merged.h5") == ReadBytes(folder / "whole.h5")));
    fs::remove(folder / "merged.h5");
  }
}

TEST_CASE("damage is not handed on") {
  const Folder folder;
  WriteSet({.path = folder / "whole.h5"});
  {
    const auto set = OpenSet(folder / "whole.h5");
    const auto place = set->File(0).Extent(*set->File(0).Find("images"), 17);
    REQUIRE(place.has_value());
    Bytes byte{ReadBytes(folder / "whole.h5")[place->first + 3]};
    byte[0] ^= 4;
    WriteBytesAt(folder / "whole.h5", place->first + 3, byte);
  }
  try {
    MergeSets(Request({folder / "whole.h5"}, folder / "copy.h5"));
    FAIL("merged");
  } catch (const DamagedSetError& error) {
    CHECK(Says(error.what(), "row 17"));
  }
  CHECK_FALSE(fs::exists(folder / "copy.h5"));
}
