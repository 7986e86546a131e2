// SPDX-License-Identifier: Apache-2.0
// The tables of `pixloom import` held against the registry: every verb and parameter they name is
// there, defaults are JSON, names are listed once.
#include "api/import.h"

#include <fstream>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "api/import_rules.h"
#include "api/pixloom.h"

namespace pixloom {
namespace {

using namespace importing;

const VerbInfo* FindVerb(std::string_view verb) {
  const Registry& registry = BuiltIns();
  if (const VerbInfo* info = registry.FindOperator(verb)) return info;
  if (const VerbInfo* info = registry.FindViews(verb)) return info;
  if (const VerbInfo* info = registry.FindWindow(verb)) return info;
  if (const VerbInfo* info = registry.FindScope(verb)) return info;
  return registry.FindPolicy(verb);
}

// What holds steps is known to the language.
bool IsKnown(std::string_view verb) {
  const auto& composites = CompositeVerbs();
  return FindVerb(verb) != nullptr ||
         std::find(composites.begin(), composites.end(), verb) != composites.end();
}

void CheckRows(const std::vector<Row>& rows) {
  std::set<std::string_view> seen;
  int rules = 0;
  for (const Row& row : rows) {
    CAPTURE(row.peer);
    CHECK_MESSAGE(seen.insert(row.peer).second, "listed twice");
    if (row.likeness != Likeness::kExact) CHECK_FALSE(row.note.empty());
    if (row.verb.empty()) continue;
    const VerbInfo* verb = FindVerb(row.verb);
    if (verb == nullptr && !IsKnown(row.verb)) {
      fmt::print("[skipped] {}: this build has no verb {}\n", row.peer, row.verb);
      continue;
    }
    for (const Rule& rule : row.rules) {
      CAPTURE(rule.peer);
      ++rules;
      if (!rule.fallback.empty()) CHECK_NOTHROW(FromJson(rule.fallback));
      if (rule.ours.empty() || verb == nullptr) continue;
      CAPTURE(rule.ours);
      CHECK_MESSAGE(verb->Param(rule.ours) != nullptr, "the verb has no such parameter");
    }
  }
  CHECK(rules > 100);
}

TEST_CASE("every verb and parameter of the tables exists") {
  CheckRows(AlbumentationsRows());
  CheckRows(TorchvisionRows());
}

TEST_CASE("the tables hold every name that the peers export") {
  for (const auto& [peer, file] :
       {std::pair{Peer::kAlbumentations, "tests/import/albumentations_names.txt"},
        std::pair{Peer::kTorchvision, "tests/import/torchvision_names.txt"}}) {
    std::set<std::string> table;
    for (const ImportTableRow& row : ImportTable(peer)) table.insert(row.name);
    std::ifstream names(file);
    REQUIRE(names.good());
    int count = 0;
    for (std::string name; std::getline(names, name);) {
      if (name.empty() || name[0] == '#') continue;
      ++count;
      CHECK_MESSAGE(table.count(name) == 1, name << " is not in the table");
    }
    CHECK(count > 50);
  }
}

TEST_CASE("every row alone gives a pipeline that is valid, whatever the file lacks") {
  for (const ImportTableRow& row : ImportTable(Peer::kAlbumentations)) {
    CAPTURE(row.name);
    const std::string text =
        fmt::format(R"({{"transform": {{"__class_fullname__": "{}"}}}})", row.name);
    const ImportedPipeline imported = Import(Peer::kAlbumentations, text, "test.json");
    CHECK_NOTHROW(Pipeline::Parse(imported.yaml));
  }
  for (const ImportTableRow& row : ImportTable(Peer::kTorchvision)) {
    CAPTURE(row.name);
    const ImportedPipeline imported = Import(Peer::kTorchvision, row.name + "()", "test");
    CHECK_NOTHROW(Pipeline::Parse(imported.yaml));
  }
}

// Every parameter of every row given something that it is not.
TEST_CASE("wrong types and absurd numbers are left out or refused, never a crash") {
  const char* values[] = {"\"x\"",
                          "[]",
                          "[1, 2, 3, 4, 5]",
                          "{\"x\": []}",
                          "true",
                          "-1e300",
                          "9223372036854775807",
                          "[\"a\", null]",
                          "[[1, 2], [3, \"b\"]]",
                          "1e-300"};
  int given = 0;
  for (const Row& row : AlbumentationsRows()) {
    for (const Rule& rule : row.rules) {
      if (rule.peer.empty()) continue;
      const std::string name(rule.peer.substr(0, rule.peer.find('|')));
      for (const char* value : values) {
        const std::string text = fmt::format(
            R"({{"transform": {{"__class_fullname__": "{}", "{}": {}}}}})", row.peer, name, value);
        CAPTURE(text);
        ImportedPipeline imported;
        REQUIRE_NOTHROW(imported = Import(Peer::kAlbumentations, text, "test.json"));
        REQUIRE_NOTHROW(Pipeline::Parse(imported.yaml));
        CHECK(imported.items.size() == 1);
        ++given;
      }
    }
  }
  CHECK(given > 3000);
}

}  // namespace
}  // namespace pixloom
