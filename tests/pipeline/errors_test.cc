// SPDX-License-Identifier: Apache-2.0
// Every file in tests/errors is refused for exactly what its first lines say:
//
//   # error: LINE:COLUMN: text          a place in the file itself
//   # error: FILE:LINE:COLUMN: text     a place in a file that it includes
//   # error: text                       no place
//
// all of it in one go, and nothing else. Files to be included stand in tests/errors/include.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "api/pixloom.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

const fs::path kFolder = "tests/errors";

Lines Sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

Lines Expected(const fs::path& file) {
  constexpr std::string_view kMark = "# error: ";
  Lines lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line) && line.starts_with(kMark);) {
    lines.push_back(line.substr(kMark.size()));
  }
  return Sorted(lines);
}

// The place as the first lines write it.
std::string Place(const Position& at, const fs::path& file) {
  Position shown = at;
  shown.file = at.file == file.string() ? "" : fs::path(at.file).lexically_relative(kFolder);
  std::string text = shown.Text();
  if (text.starts_with(':')) text.erase(0, 1);
  return text.empty() ? "" : text + ": ";
}

Lines Reported(const fs::path& file) {
  Lines lines;
  try {
    Pipeline::Load(file);
  } catch (const ConfigError& error) {
    for (const Diagnostic& d : error.Found().All()) {
      if (d.severity == Severity::kError) lines.push_back(Place(d.at, file) + d.text);
    }
  }
  return Sorted(lines);
}

std::string Joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  # error: " + line;
  return text;
}

std::vector<fs::path> Files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST_CASE("files in tests/errors are refused for exactly what they say") {
  const std::vector<fs::path> files = Files();
  CHECK(files.size() >= 30);
  for (const fs::path& file : files) {
    const Lines expected = Expected(file);
    const Lines reported = Reported(file);
    INFO(file.string() << " reports" << Joined(reported));
    CHECK(!expected.empty());
    CHECK(expected == reported);
  }
}

TEST_CASE("ten mistakes in one file are ten messages with ten places") {
  const Lines reported = Reported(kFolder / "ten_mistakes.yaml");
  CHECK(reported.size() == 10);
  std::set<std::string> places;
  for (const std::string& line : reported) places.insert(line.substr(0, line.find(": ")));
  CHECK(places.size() == 10);
}

TEST_CASE("every message has a stable code and an exception carries all of them") {
  for (const fs::path& file : Files()) {
    INFO(file.string());
    try {
      Pipeline::Load(file);
      FAIL("accepted");
    } catch (const ConfigError& error) {
      const std::string what = error.what();
      for (const Diagnostic& d : error.Found().All()) {
        if (d.severity != Severity::kError) continue;
        CHECK(d.code.starts_with("CFG-"));
        CHECK(what.find(d.Text()) != std::string::npos);
        CHECK(d.text.find('\n') == std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace pixloom
