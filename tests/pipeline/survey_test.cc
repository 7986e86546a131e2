// SPDX-License-Identifier: Apache-2.0
// Surveys: what is read, what is remembered, and when it no longer counts.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "pipeline/survey_cache.h"
#include "tests/support/entries.h"

namespace pixloom::testing {
namespace {

namespace fs = std::filesystem;

std::string Doc(const std::string& entries, const std::string& node) {
  return fmt::format(
      "version: 1\nseed: 5\nnodes:\n  in: {{entries: {{{}}}}}\n  it: {{{}}}\n  out: {{collect: "
      "out}}\n",
      entries, node);
}

// Entries that the survey read: those that the run reads are left out by a limit of nothing.
std::size_t Surveyed(const std::string& entries, const std::string& node = "balance: {}",
                     std::vector<std::string>* notices = nullptr) {
  TakeReads();
  EntryRun how{2, {}};
  how.options.limit = 0;
  const Outcome outcome = RunEntries(Doc(entries, node), how);
  INFO(outcome.errors);
  REQUIRE(outcome.errors.empty());
  if (notices != nullptr) *notices = outcome.report.notices;
  return TakeReads().size();
}

fs::path OnlyFile(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  REQUIRE(files.size() == 1);
  return files[0];
}

TEST_CASE("a survey is remembered as long as entries do not change") {
  const TempFolder folder;
  const Environment cache("PIXLOOM_CACHE", folder.Path());
  CHECK(Surveyed("counts: [20, 10], changed: 7") == 30);
  // One is read to learn the names of the classes.
  CHECK(Surveyed("counts: [20, 10], changed: 7") == 1);
  CHECK(Surveyed("counts: [20, 10], changed: 7", "balance: {size: smallest}") == 1);
  // Other arguments are another source.
  CHECK(Surveyed("counts: [20, 10], changed: 8") == 30);
  CHECK(Surveyed("counts: [20, 10], changed: 7") == 1);
}

TEST_CASE("results with and without what is remembered are the same") {
  const TempFolder folder;
  const std::string yaml = Doc("counts: [20, 10, 3], changed: 7", "balance: {to: sqrt}");
  const std::vector<std::string> without = RunEntries(yaml).Keys();
  const Environment cache("PIXLOOM_CACHE", folder.Path());
  CHECK(RunEntries(yaml).Keys() == without);
  CHECK(RunEntries(yaml, {4, {}}).Keys() == without);
}

TEST_CASE("entries without a time of change are looked at every time") {
  const TempFolder folder;
  const Environment cache("PIXLOOM_CACHE", folder.Path("here"));
  CHECK(Surveyed("counts: [5]") == 5);
  CHECK(Surveyed("counts: [5]") == 5);
  CHECK(!fs::exists(folder.Path("here")));
}

TEST_CASE("unreadable entries are tried again and bring no facts") {
  const TempFolder folder;
  const Environment cache("PIXLOOM_CACHE", folder.Path());
  CHECK(Surveyed("counts: [20], changed: 7, bad_every: 5") == 20);
  CHECK(Surveyed("counts: [20], changed: 7, bad_every: 5") == 5);  // four, and one for the names
}

TEST_CASE("a hash that was not asked for before is added") {
  const TempFolder folder;
  const Environment cache("PIXLOOM_CACHE", folder.Path());
  CHECK(Surveyed("counts: [20], changed: 7", "balance: {}") == 20);
  CHECK(Surveyed("counts: [20], changed: 7", "dedupe: 0") == 20);
  CHECK(Surveyed("counts: [20], changed: 7", "dedupe: 0") == 1);
  CHECK(Surveyed("counts: [20], changed: 7", "balance: {}") == 1);
}

TEST_CASE("sample and shuffle need no survey") {
  CHECK(Surveyed("counts: [20], changed: 7", "shuffle: {}") <= 1);
  CHECK(Surveyed("counts: [20], changed: 7", "sample: 5") <= 1);
}

TEST_CASE("a damaged file is as good as none") {
  const TempFolder folder;
  const Environment cache("PIXLOOM_CACHE", folder.Path());
  const char* entries = "counts: [20, 10], changed: 7";
  CHECK(Surveyed(entries) == 30);
  const fs::path file = OnlyFile(folder.Path());
  std::ifstream in(file, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  REQUIRE(whole.size() > 500);
  const auto check = [&](const std::string& damaged) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << damaged;
    std::vector<std::string> notices;
    CHECK(Surveyed(entries, "balance: {}", &notices) == 30);
    REQUIRE(!notices.empty());
    CHECK(notices[0].find("is damaged; making it again") != std::string::npos);
    CHECK(Surveyed(entries) == 1);
    std::ifstream again(file, std::ios::binary);
    CHECK(std::string(std::istreambuf_iterator<char>(again), {}) == whole);
  };
  for (const std::size_t cut :
       {std::size_t{0}, std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
    CAPTURE(cut);
    check(whole.substr(0, cut));
  }
  for (std::size_t at = 0; at < whole.size(); at += 97) {
    CAPTURE(at);
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    check(bad);
  }
  check(whole + "x");
  check("something else altogether, long enough to be a file of its own");
}

TEST_CASE("a stored survey reads back as it was; another fingerprint finds nothing") {
  const TempFolder folder;
  const std::string file = folder.Path("a/b/one.survey");
  StoredSurvey survey;
  survey.classes = {"cat", "dog = cat", ""};
  SurveyRecord record;
  record.entry = {"a\nb/c.png", 1ULL << 40, -5};
  record.facts = {true, true, 2, {0, 2}, {640, 480}, 0xFEDCBA9876543210ULL};
  survey.records.push_back(record);
  record.facts.label.reset();
  record.facts.classes.clear();
  record.entry.key = "";
  survey.records.push_back(record);
  REQUIRE(StoreSurvey(file, "who", survey) == "");
  bool damaged = true;
  const auto again = LoadSurvey(file, "who", damaged);
  REQUIRE(again);
  CHECK(!damaged);
  CHECK(again->classes == survey.classes);
  REQUIRE(again->records.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const SurveyRecord& a = again->records[i];
    const SurveyRecord& b = survey.records[i];
    CHECK(a.entry.key == b.entry.key);
    CHECK(a.entry.bytes == b.entry.bytes);
    CHECK(a.entry.changed == b.entry.changed);
    CHECK(a.facts.known);
    CHECK(a.facts.hashed);
    CHECK(a.facts.label == b.facts.label);
    CHECK(a.facts.classes == b.facts.classes);
    CHECK(a.facts.size == b.facts.size);
    CHECK(a.facts.hash == b.facts.hash);
  }
  CHECK(!LoadSurvey(file, "somebody else", damaged));
  CHECK(!damaged);
  CHECK(!LoadSurvey(folder.Path("absent"), "who", damaged));
  CHECK(!damaged);
  // Only the file itself is there, nothing half-written.
  CHECK(OnlyFile(folder.Path()) == fs::path(file));
}

TEST_CASE("the folder of surveys follows the environment") {
  const Environment own("PIXLOOM_CACHE", "/one");
  const Environment shared("XDG_CACHE_HOME", "/two");
  const Environment home("HOME", "/three");
  CHECK(SurveyFolder() == "/one/surveys");
  {
    const Environment none("PIXLOOM_CACHE", "");
    CHECK(SurveyFolder() == "/two/pixloom/surveys");
    const Environment relative("XDG_CACHE_HOME", "two");
    CHECK(SurveyFolder() == "/three/.cache/pixloom/surveys");
    const Environment homeless("HOME", "");
    CHECK(SurveyFolder() == "");
  }
}

TEST_CASE("a folder that cannot be written to is a notice") {
  const TempFolder folder;
  folder.Write("file", "no folder");
  const Environment cache("PIXLOOM_CACHE", folder.Path("file"));
  std::vector<std::string> notices;
  CHECK(Surveyed("counts: [5], changed: 7", "balance: {}", &notices) == 5);
  const auto told = std::find_if(notices.begin(), notices.end(), [](const std::string& text) {
    return text.find("cannot keep the survey in ") != std::string::npos;
  });
  CHECK(told != notices.end());
}

// ---- a folder of files --------------------------------------------------------------------------

void WritePicture(const fs::path& path, int shade) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << "BM";  // a bitmap of 2 by 2 pixels
  const auto number = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out.put(static_cast<char>(value >> (8 * i)));
  };
  number(70, 4), number(0, 4), number(54, 4), number(40, 4), number(2, 4), number(2, 4);
  number(1, 2), number(24, 2), number(0, 4), number(16, 4);
  for (int i = 0; i < 4; ++i) number(0, 4);
  for (int i = 0; i < 16; ++i) out.put(static_cast<char>(shade + 13 * i));
}

struct FolderRun {
  std::vector<std::string> keys;
  std::string looked;  // "3 of 4"
};

FolderRun RunFolder(const std::string& path) {
  const Outcome outcome = RunEntries(
      fmt::format("version: 1\nseed: 5\nnodes:\n  in: {{image_folder: {}}}\n  it: {{balance: "
                  "{{}}}}\n  out: {{collect: out}}\n",
                  path));
  INFO(outcome.errors);
  REQUIRE(outcome.errors.empty());
  FolderRun run{outcome.Keys(), "none"};
  for (const std::string& notice : outcome.report.notices) {
    constexpr std::string_view kLooked = "in: looked at ";
    if (!notice.starts_with(kLooked)) continue;
    run.looked = notice.substr(kLooked.size(), notice.find(" entries") - kLooked.size());
  }
  return run;
}

TEST_CASE("only new and changed files are looked at, and classes keep their names") {
  const TempFolder cache_folder;
  const TempFolder data;
  const Environment cache("PIXLOOM_CACHE", cache_folder.Path());
  for (int i = 0; i < 6; ++i) WritePicture(data.Path(fmt::format("cat/{}.bmp", i)), i);
  for (int i = 0; i < 2; ++i) WritePicture(data.Path(fmt::format("dog/{}.bmp", i)), i);
  const FolderRun first = RunFolder(data.Path());
  CHECK(first.looked == "8 of 8");
  CHECK(first.keys.size() == 12);
  const FolderRun second = RunFolder(data.Path());
  CHECK(second.looked == "none");
  CHECK(second.keys == first.keys);
  WritePicture(data.Path("dog/new.bmp"), 77);
  const FolderRun third = RunFolder(data.Path());
  CHECK(third.looked == "1 of 9");
  CHECK(third.keys.size() == 12);
  // A class that comes first renumbers the others.
  WritePicture(data.Path("ape/0.bmp"), 5);
  const FolderRun fourth = RunFolder(data.Path());
  CHECK(fourth.looked == "1 of 10");
  std::map<std::string, int> per_class;
  for (const std::string& key : fourth.keys) ++per_class[ClassOfKey(key)];
  CHECK(per_class == std::map<std::string, int>{{"ape", 6}, {"cat", 6}, {"dog", 6}});
  // Written again at another time.
  timespec times[2] = {{1'000'000, 5}, {1'000'000, 5}};
  REQUIRE(utimensat(AT_FDCWD, data.Path("cat/3.bmp").c_str(), times, 0) == 0);
  CHECK(RunFolder(data.Path()).looked == "1 of 10");
  CHECK(RunFolder(data.Path()).looked == "none");
  // Gone, with its class.
  fs::remove_all(data.Path("ape"));
  const FolderRun fifth = RunFolder(data.Path());
  CHECK(fifth.looked == "none");
  CHECK(fifth.keys == third.keys);
}

}  // namespace
}  // namespace pixloom::testing
