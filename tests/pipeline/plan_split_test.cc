// SPDX-License-Identifier: Apache-2.0
// Splits that go by what is known of the entries: classes shared out one by one, and groups that
// stay together.
#include <cmath>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/entries.h"

namespace pixloom::testing {
namespace {

std::string Doc(const std::string& nodes) { return "version: 1\nseed: 5\nnodes:\n" + nodes; }

std::string SplitDoc(const std::string& counts, const std::string& split) {
  return Doc(
      fmt::format("  in: {{entries: {{counts: {}}}}}\n  parts: {{split: {}}}\n"
                  "  train: {{collect: train, from: parts.train}}\n"
                  "  val: {{collect: val, from: parts.val}}\n",
                  counts, split));
}

TEST_CASE("a stratified split is exact to rounding in every class") {
  const std::vector<int> counts{1000, 500, 37, 10, 9, 5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1};
  std::string list;
  for (const int n : counts) list += (list.empty() ? "[" : ", ") + std::to_string(n);
  list += "]";
  for (const double share : {0.9, 0.8, 0.5, 0.75, 0.123}) {
    CAPTURE(share);
    const std::string split =
        fmt::format("{{parts: {{train: {}, val: {}}}, stratify: true}}", share, 1 - share);
    const Outcome outcome = Fine(SplitDoc(list, split));
    auto train = PerClass(outcome.Keys("train"));
    auto val = PerClass(outcome.Keys("val"));
    for (std::size_t c = 0; c < counts.size(); ++c) {
      const std::string name = fmt::format("c{}", c);
      CHECK(train[name] + val[name] == counts[c]);
      CHECK(std::abs(train[name] - counts[c] * share) < 1);
    }
    // Roundings of the many small classes even out.
    const double total = static_cast<double>(outcome.samples.size());
    CHECK(std::abs(static_cast<double>(outcome.Keys("train").size()) - total * share) < 4);
  }
}

TEST_CASE("three parts of a stratified split are exact to rounding") {
  const Outcome outcome =
      Fine(Doc("  in: {entries: {counts: [100, 33, 10, 7, 3, 1]}}\n"
               "  parts: {split: {parts: {a: 0.7, b: 0.2, c: 0.1}, stratify: true}}\n"
               "  a: {collect: a, from: parts.a}\n  b: {collect: b, from: parts.b}\n"
               "  c: {collect: c, from: parts.c}\n"));
  const std::vector<int> counts{100, 33, 10, 7, 3, 1};
  const std::map<std::string, double> shares{{"a", 0.7}, {"b", 0.2}, {"c", 0.1}};
  for (const auto& [part, share] : shares) {
    auto per_class = PerClass(outcome.Keys(part));
    for (std::size_t c = 0; c < counts.size(); ++c) {
      CHECK(std::abs(per_class[fmt::format("c{}", c)] - counts[c] * share) < 1);
    }
  }
  CHECK(PerClass(outcome.Keys("b"))["c0"] == 20);
  CHECK(PerClass(outcome.Keys("c"))["c0"] == 10);
}

TEST_CASE("a new file moves few others to another part") {
  const char* split = "{parts: {train: 0.8, val: 0.2}, stratify: true}";
  const Outcome before = Fine(SplitDoc("[200, 100, 50]", split));
  const Outcome after = Fine(SplitDoc("[200, 101, 50]", split));
  CHECK(Differing(before.Keys("val"), after.Keys("val")) <= 2);
  const Outcome group_before =
      Fine(SplitDoc("[200]", "{parts: {train: 0.8, val: 0.2}, group: '.$'}"));
  const Outcome group_after =
      Fine(SplitDoc("[201]", "{parts: {train: 0.8, val: 0.2}, group: '.$'}"));
  CHECK(Differing(group_before.Keys("val"), group_after.Keys("val")) <= 1);
}

TEST_CASE("what belongs together never straddles parts") {
  // The last digit is the group; c0 and c1 share them, and so do two sources.
  for (const char* more : {"", ", stratify: true"}) {
    CAPTURE(more);
    const Outcome outcome = Fine(Doc(
        fmt::format("  one: {{entries: {{counts: [150, 50]}}}}\n"
                    "  two: {{entries: {{counts: [60], prefix: x}}}}\n"
                    "  parts: {{split: {{parts: {{train: 0.7, val: 0.3}}, group: '([0-9])$'{}}}, "
                    "from: [one, two]}}\n"
                    "  train: {{collect: train, from: parts.train}}\n"
                    "  val: {{collect: val, from: parts.val}}\n",
                    more)));
    std::set<char> train, val;
    for (const std::string& key : outcome.Keys("train")) train.insert(key.back());
    for (const std::string& key : outcome.Keys("val")) val.insert(key.back());
    CHECK(train.size() + val.size() == 10);
    for (const char c : train) CHECK(val.count(c) == 0);
    if (*more != 0) CHECK(val.size() == 3);
  }
  // The whole match without a capture group, and the key where nothing matches.
  const Outcome whole = Fine(SplitDoc("[40, 40]", "{parts: {train: 0.5, val: 0.5}, group: '^c0'}"));
  const auto train = PerClass(whole.Keys("train"));
  CHECK((train.count("c0") == 0 || train.at("c0") == 40));
  CHECK(train.at("c1") > 5);
  CHECK(train.at("c1") < 35);
}

TEST_CASE("keys too long to be searched for their group are refused") {
  const auto run = [](std::size_t length) {
    return RunEntries(Doc(fmt::format(
        "  in: {{entries: {{counts: [4], prefix: {}}}}}\n"
        "  parts: {{split: {{parts: {{train: 0.5, val: 0.5}}, group: '((a)|(b))*c0'}}}}\n"
        "  train: {{collect: train, from: parts.train}}\n"
        "  val: {{collect: val, from: parts.val}}\n",
        std::string(length, 'a'))));
  };
  CHECK(run(996).errors == "");  // and "c0/0"
  const std::string error = run(997).errors;
  CHECK(error.starts_with("t.yaml:5:3: error[CFG-PLAN] parts (split): group: the key 'aaaa"));
  CHECK(
      error.ends_with("has 1001 bytes, and at most 1000 can be searched; take group out, or "
                      "shorten it"));
}

TEST_CASE("groups keep classes about level") {
  // 40 groups of different sizes and mixtures.
  const Outcome outcome = Fine(SplitDoc(
      "[400, 100]", "{parts: {train: 0.75, val: 0.25}, group: '([0-9]?[0-9])$', stratify: true}"));
  auto val = PerClass(outcome.Keys("val"));
  MESSAGE("groups of 400 and 100: ", val["c0"], " and ", val["c1"], " in a quarter");
  CHECK(std::abs(val["c0"] - 100) <= 5);
  CHECK(std::abs(val["c1"] - 25) <= 2);
}

TEST_CASE("copies, repeats and clips of one source stay in one part") {
  for (const char* nodes :
       {"  more: {copies: 3}\n  parts: {split: {train: 0.6, val: 0.4}}\n",
        "  more: {balance: {}}\n  parts: {split: {parts: {train: 0.6, val: 0.4}, stratify: "
        "true}}\n",
        "  more: {balance: {}}\n  mix: {shuffle: {}}\n"
        "  parts: {split: {parts: {train: 0.6, val: 0.4}, group: '[0-9]$'}}\n",
        "  more: {copies: 2}\n  look: [hflip]\n"
        "  parts: {split: {parts: {train: 0.6, val: 0.4}, group: '[0-9]$'}}\n"}) {
    CAPTURE(nodes);
    const Outcome outcome =
        Fine(Doc(fmt::format("  in: {{entries: {{counts: [30, 10], frames: 3}}}}\n{}"
                             "  train: {{collect: train, from: parts.train}}\n"
                             "  val: {{collect: val, from: parts.val}}\n",
                             nodes)));
    std::map<std::string, std::set<std::string>> parts_of;
    for (const Collected& c : outcome.samples) {
      parts_of[c.sample.key].insert(c.sink);
      CHECK(c.sample.Image()->frames.size() == 3);
    }
    CHECK(parts_of.size() == 40);
    for (const auto& [key, parts] : parts_of) CHECK(parts.size() == 1);
  }
}

TEST_CASE("a configuration written out splits the same way") {
  LoadOptions load;
  load.registry = &EntryRegistry();
  for (const char* split :
       {"{parts: {train: 0.7, val: 0.3}, group: '[0-9]$', stratify: true}",
        "{parts: {train: 0.7, val: 0.3}, stratify: true}",
        "{parts: {train: 0.7, val: 0.3}, group: '(\\d)$'}", "{train: 0.7, val: 0.3}"}) {
    Pipeline pipeline = Pipeline::Parse(SplitDoc("[30, 30]", split), "t.yaml", load);
    Pipeline again = Pipeline::Parse(pipeline.ToYaml(), "again.yaml", load);
    CHECK(again.ToYaml() == pipeline.ToYaml());
    CHECK(RunPipeline(again).Keys("val") == RunPipeline(pipeline).Keys("val"));
  }
}

}  // namespace
}  // namespace pixloom::testing
