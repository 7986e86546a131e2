// SPDX-License-Identifier: Apache-2.0
// A run that was stopped goes on where it ended, a run in parts is the run as a whole, and the
// engine knows in advance how many results there will be.
#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "api/pixloom.h"
#include "tests/support/test_nodes.h"

namespace pixloom {
namespace {

using namespace testing;

RunReport RunOf(const std::string& yaml, RunOptions options) {
  return Pipeline::Parse(yaml, "test.yaml", {.registry = &TestRegistry()}).Run(std::move(options));
}

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Two sources, bad entries of several units, planned and late copies, windows of two sizes, a
// filter, a split, a join.
constexpr const char* kGraph = R"(
version: 1
seed: 5
on_error: {max_bad: 50%}
nodes:
  one:    {test_numbers: {count: 31, side: 24, bad_every: 9, prefix: a}}
  twice:  {copies: 2}
  two:    {test_numbers: {count: 18, side: 24, prefix: b}}
  all:    {merge: {}, from: [twice, two]}
  few:    {filter: key != b3}
  mixed:  {test_neighbour: {size: 4}, p: 0.7}
  again:  {test_neighbour: {size: 6}}
  look:   [{one_of: [hflip, vflip]}, gaussian_noise]
  more:   {copies: 2}
  parts:  {split: {train: 0.7, val: 0.3}}
  crops:  {five_crop: [10, 10], from: parts.train}
  train:  {test_ledger: {name: train}, from: crops}
  val:    {test_ledger: {name: val}, from: parts.val}
)";

struct Outcome {
  std::vector<std::string> train, val;
  std::string quarantine;
  std::uint64_t quarantined = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome Now(const std::string& quarantine) {
  return {Ledgers()["train"].lines, Ledgers()["val"].lines, TextOf(quarantine),
          Ledgers()["train"].quarantined};
}

Outcome Undivided() {
  Ledgers().clear();
  const std::string file = TemporaryFile("quarantine.jsonl");
  RunOf(kGraph, {.threads = 2, .quarantine_file = file});
  return Now(file);
}

TEST_CASE("stopped at any unit, it goes on and ends as if nothing had happened") {
  const Outcome whole = Undivided();
  REQUIRE(whole.train.size() > 100);
  REQUIRE(whole.val.size() > 10);
  REQUIRE(whole.quarantined == 4);
  for (std::uint64_t stop_at = 0; stop_at < 80; stop_at += 3) {
    CAPTURE(stop_at);
    Ledgers().clear();
    const std::string file = TemporaryFile("quarantine.jsonl");
    int runs = 0;
    for (bool done = false; !done; ++runs) {
      REQUIRE(runs < 20);
      std::atomic<bool> stop{false};
      RunOptions options{.threads = 1 + runs % 3, .quarantine_file = file, .stop = &stop};
      const std::uint64_t from = Ledgers()["train"].done;
      options.before_node = [&](std::string_view, std::uint64_t seq) {
        if (runs < 3 && seq >= from + stop_at) stop = true;
      };
      const RunReport report = RunOf(kGraph, options);
      report.CheckConservation();
      CHECK(report.can_resume);
      done = !report.interrupted;
    }
    CHECK(Now(file) == whole);
  }
}

TEST_CASE("a sink that fails loses nothing, and sinks that are at different places meet") {
  const Outcome whole = Undivided();
  for (const char* sink : {"train", "val"}) {
    for (const int fail_at : {0, 1, 7, 20}) {
      CAPTURE(sink);
      CAPTURE(fail_at);
      Ledgers().clear();
      const std::string file = TemporaryFile("quarantine.jsonl");
      std::string failing = kGraph;
      const std::string name = std::string("{name: ") + sink;
      failing.insert(failing.find(name) + name.size(), ", fail_at: " + std::to_string(fail_at));
      if (std::string(sink) == "val" && fail_at > static_cast<int>(whole.val.size())) continue;
      CHECK_THROWS_AS(RunOf(failing, {.threads = 3, .quarantine_file = file}), EnvironmentError);
      // One of them was ahead, as after a kill between two flushes.
      Ledgers()["val"].done = std::min(Ledgers()["val"].done, Ledgers()["train"].done);
      RunOf(kGraph, {.threads = 2, .quarantine_file = file});
      CHECK(Ledgers()["train"].lines == whole.train);
      CHECK(TextOf(file) == whole.quarantine);
    }
  }
}

TEST_CASE("parts of the plan follow each other like the whole") {
  const Outcome whole = Undivided();
  for (const int parts : {2, 3, 8}) {
    CAPTURE(parts);
    Outcome joined;
    for (int part = 1; part <= parts; ++part) {
      Ledgers().clear();
      const std::string file = TemporaryFile("quarantine.jsonl");
      const RunReport report =
          RunOf(kGraph, {.threads = 2, .part = part, .parts = parts, .quarantine_file = file});
      report.CheckConservation();
      const Outcome one = Now(file);
      joined.train.insert(joined.train.end(), one.train.begin(), one.train.end());
      joined.val.insert(joined.val.end(), one.val.begin(), one.val.end());
      joined.quarantine += one.quarantine;
      joined.quarantined += one.quarantined;
    }
    CHECK(joined == whole);
  }
}

TEST_CASE("the number of results is known in advance") {
  const auto expected = [](const std::string& nodes, RunOptions options = {}) {
    Ledgers().clear();
    options.quarantine_file = TemporaryFile("quarantine.jsonl");
    RunOf("version: 1\nseed: 2\nnodes:\n" + nodes, options);
    return Ledgers();
  };
  SUBCASE("copies, planned and late, and views") {
    auto ledgers = expected(
        "  in: {test_numbers: {count: 7, side: 24}}\n  many: {copies: 3}\n  look: [hflip]\n"
        "  more: {copies: 2}\n  whole: [resize: [20, 20]]\n  crops: {five_crop: [10, 10]}\n"
        "  out: {test_ledger: {name: a}}\n");
    CHECK(ledgers["a"].expected == 7 * 3 * 2 * 5);
    CHECK(ledgers["a"].lines.size() == 7 * 3 * 2 * 5);
  }
  SUBCASE("splits behind splits, and merges of what they make") {
    auto ledgers = expected(
        "  in: {test_numbers: {count: 40, side: 8}}\n  other: {test_numbers: {count: 9, side: 8, "
        "prefix: m}}\n"
        "  all: {merge: {}, from: [in, other]}\n"
        "  first: {split: {a: 0.5, b: 0.5}}\n  second: {split: {c: 0.5, d: 0.5}, from: first.a}\n"
        "  twice: {copies: 2, from: second.c}\n  again: {merge: {}, from: [twice, first.b]}\n"
        "  out: {test_ledger: {name: a}, from: again}\n"
        "  rest: {test_ledger: {name: b}, from: second.d}\n");
    for (const char* name : {"a", "b"}) {
      CHECK(ledgers[name].lines.size() > 3);
      CHECK(ledgers[name].expected == ledgers[name].lines.size());
      CHECK(ledgers[name].sources == std::vector<std::string>{"in", "other"});
    }
    CHECK(*ledgers["a"].expected != *ledgers["b"].expected);
  }
  SUBCASE("what is filtered or bad was expected all the same") {
    auto ledgers = expected(
        "  in: {test_numbers: {count: 20, side: 8, bad_every: 7}}\n  few: {filter: key != n3}\n"
        "  out: {test_ledger: {name: a}}\non_error: {max_bad: 50%}\n");
    CHECK(ledgers["a"].expected == 20);
    CHECK(ledgers["a"].lines.size() == 16);
  }
  SUBCASE("the picture decides") {
    auto ledgers = expected(
        "  in: {test_numbers: {count: 5, side: 8, vary: true}}\n  cut: {tile: {size: [8, 8]}}\n"
        "  out: {test_ledger: {name: a}}\n");
    CHECK_FALSE(ledgers["a"].expected.has_value());
    CHECK(ledgers["a"].lines.size() > 5);
  }
  SUBCASE("a part of it") {
    auto ledgers = expected(
        "  in: {test_numbers: {count: 10, side: 8}}\n  n: {copies: 2}\n"
        "  out: {test_ledger: {name: a}}\n",
        {.part = 2, .parts = 3});
    CHECK(ledgers["a"].expected == 7);
    CHECK(ledgers["a"].lines.size() == 7);
  }
}

TEST_CASE("the fingerprint knows what decides the results, and nothing else") {
  const auto print = [](const std::string& yaml, RunOptions options = {}) {
    Ledgers().clear();
    options.quarantine_file = TemporaryFile("quarantine.jsonl");
    RunOf(yaml, options);
    return Ledgers()["train"].fingerprint;
  };
  const std::string yaml = kGraph;
  const Fingerprint base = print(yaml);
  CHECK(base.inputs.size() == 49);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = yaml;
    changed.replace(changed.find(from), from.size(), to);
    return print(changed);
  };
  const auto refusals = [&](const Fingerprint& now) { return Compare(base, now).refusals; };
  CHECK(print(yaml, {.threads = 3, .memory = 200 << 20}).Digest() == base.Digest());
  CHECK(print(yaml, {.part = 2, .parts = 3}).Digest() == base.Digest());
  CHECK(with("max_bad: 50%", "max_bad: 60%").Digest() == base.Digest());
  CHECK(with("seed: 5", "seed: 5\nmemory: 300MiB").Digest() == base.Digest());

  auto found = refusals(with("seed: 5", "seed: 6"));
  CHECK(std::find(found.begin(), found.end(), "seed: was 5, is 6") != found.end());
  found = refusals(with("p: 0.7", "p: 0.6"));
  REQUIRE(found.size() == 2);
  CHECK(found[0].find("was '") != std::string::npos);
  CHECK(found[0].find("0.7") != std::string::npos);
  found = refusals(with("count: 18", "count: 19"));
  CHECK(std::find(found.begin(), found.end(), "two/b18: is new") != found.end());
  found = refusals(print(yaml, {.epoch = 1}));
  CHECK(found == std::vector<std::string>{"epoch: was 0, is 1"});

  const Fingerprint hashed = print(yaml, {.hash_inputs = true});
  CHECK(hashed.Digest() == base.Digest());
  Fingerprint other = hashed;
  other.inputs[3].hash ^= 1;
  other.inputs[4].changed += 5;
  CHECK(Compare(hashed, other).refusals == std::vector<std::string>{"one/a3: its bytes changed"});
  CHECK(Compare(hashed, other).warnings.empty());
  CHECK(Compare(base, other).refusals.empty());
  REQUIRE(Compare(base, other).warnings.size() == 1);
  CHECK(Compare(base, other).warnings[0].find("one/a4") == 0);

  const auto read = Fingerprint::Read(hashed.FactsToJson(), hashed.InputsToText());
  REQUIRE(read);
  CHECK(read->facts == hashed.facts);
  CHECK(read->inputs == hashed.inputs);
  CHECK_FALSE(Fingerprint::Read("{", ""));
  CHECK_FALSE(Fingerprint::Read(hashed.FactsToJson(), "a\tb\n"));
}

}  // namespace
}  // namespace pixloom
