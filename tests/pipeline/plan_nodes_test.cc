// SPDX-License-Identifier: Apache-2.0
// Plan nodes: who takes part, how often and in which order; that nothing is lost on the way, and
// that results depend on nothing else.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <set>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/entries.h"

namespace pixloom::testing {
namespace {

std::string Doc(const std::string& nodes, int seed = 5) {
  return fmt::format("version: 1\nseed: {}\nnodes:\n{}", seed, nodes);
}

// in -> NODE -> out
std::string One(const std::string& counts, const std::string& node, int seed = 5) {
  return Doc(
      fmt::format("  in: {{entries: {{counts: {}}}}}\n  it: {{{}}}\n  out: {{collect: out}}\n",
                  counts, node),
      seed);
}

std::string WithoutBranch(const std::string& key) { return key.substr(0, key.find(':')); }

void Disturb(std::string_view node, std::uint64_t seq) {
  const std::uint64_t h = HashCombine(StreamId(node), seq);
  if (h % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(h % 400));
}

// ---- sample, shuffle ----------------------------------------------------------------------------

TEST_CASE("sample keeps so many in the order they had, and reads no other") {
  const std::vector<std::string> all = Fine(One("[60, 40]", "sample: 100")).Keys();
  REQUIRE(all.size() == 100);
  for (const char* node : {"sample: 17", "sample: {share: 0.17}", "sample: {n: 17}"}) {
    TakeReads();
    const Outcome outcome = Fine(One("[60, 40]", node));
    const std::vector<std::string> keys = outcome.Keys();
    CHECK(keys.size() == 17);
    auto at = all.begin();
    for (const std::string& key : keys) at = std::find(at, all.end(), key);
    CHECK(at != all.end());
    const auto reads = TakeReads();
    for (const auto& [key, times] : reads) {
      CAPTURE(key);
      CHECK(std::find(keys.begin(), keys.end(), key) != keys.end());
    }
    CHECK(reads.size() == 17);
    CHECK(CountsOf(outcome, "in").out == 100);
    CHECK(CountsOf(outcome, "it").in == 100);
    CHECK(CountsOf(outcome, "it").filtered == 83);
    CHECK(CountsOf(outcome, "it").out == 17);
    CHECK(outcome.report.sources[0].in == 100);
    CHECK(outcome.report.sources[0].written == 17);
    CHECK(outcome.report.sources[0].filtered == 83);
  }
  CHECK(Fine(One("[60, 40]", "sample: 17")).Keys() !=
        Fine(One("[60, 40]", "sample: 17", 6)).Keys());
  CHECK(RunEntries(One("[60, 40]", "sample: 101")).errors ==
        "t.yaml:5:3: error[CFG-PLAN] it (sample): n: 101 is more than the 100 entries there are; "
        "lower n, or use balance to take entries more than once");
  CHECK(RunEntries(One("[6, 4]", "sample: {share: 0.01}")).errors ==
        "t.yaml:5:3: error[CFG-PLAN] it (sample): none of 10 entries is left; ask for more");
}

TEST_CASE("every entry is as likely to be sampled") {
  std::map<std::string, int> hits;
  constexpr int kRuns = 300;
  for (int seed = 0; seed < kRuns; ++seed) {
    for (const std::string& key : Fine(One("[40]", "sample: 10", seed)).Keys()) ++hits[key];
  }
  CHECK(hits.size() == 40);
  double chi = 0;
  for (const auto& [key, n] : hits) chi += std::pow(n - kRuns * 0.25, 2) / (kRuns * 0.25 * 0.75);
  // 39 degrees of freedom: 99.99 % of draws are below 80.
  CHECK(chi < 80);
}

TEST_CASE("shuffle gives another order, and a new entry moves no other") {
  const std::vector<std::string> all = Fine(One("[50, 50]", "sample: 100")).Keys();
  const std::vector<std::string> mixed = Fine(One("[50, 50]", "shuffle: {}")).Keys();
  CHECK(mixed != all);
  CHECK(Differing(mixed, all) == 0);
  CHECK(mixed != Fine(One("[50, 50]", "shuffle: {}", 6)).Keys());
  std::vector<std::string> grown = Fine(One("[50, 51]", "shuffle: {}")).Keys();
  CHECK(std::erase(grown, "c1/50") == 1);
  CHECK(grown == mixed);
  // Neighbours of one class: 99 without shuffling, about half of that behind it.
  int same = 0;
  for (std::size_t i = 1; i < mixed.size(); ++i) {
    same += ClassOfKey(mixed[i]) == ClassOfKey(mixed[i - 1]) ? 1 : 0;
  }
  CHECK(same > 25);
  CHECK(same < 75);
}

TEST_CASE("windows meet other classes behind shuffle, the same ones for any number of threads") {
  const std::string nodes =
      "  in: {entries: {counts: [40, 10]}}\n  even: {balance: {}}\n  mix: {shuffle: {}}\n"
      "  pair: {pairs: {size: 4}}\n  out: {collect: out}\n";
  const auto partners = [&](int threads) {
    EntryRun how{threads, {}};
    if (threads > 1) how.options.before_node = Disturb;
    const Outcome outcome = Fine(Doc(nodes), how);
    std::vector<std::string> list;
    for (const Collected& c : outcome.samples) {
      list.push_back(c.sample.key + ":" + BranchText(c.sample.identity.branch) + " " +
                     c.sample.text.at("partner"));
    }
    return list;
  };
  const std::vector<std::string> expected = partners(1);
  REQUIRE(expected.size() == 80);
  const auto other = std::count_if(expected.begin(), expected.end(), [](const std::string& line) {
    return line.substr(0, 2) != line.substr(line.find(' ') + 1, 2);
  });
  CHECK(other > 20);
  for (const int threads : {2, 4, 8}) CHECK(partners(threads) == expected);
}

// ---- balance ------------------------------------------------------------------------------------

struct BalanceCase {
  std::string args;
  std::vector<double> shares;
  double total;
};

TEST_CASE("balance reaches the distribution asked for") {
  const std::vector<int> counts{900, 90, 9};
  const double roots = 30 + std::sqrt(90.0) + 3;
  const std::vector<double> sqrt_shares{30 / roots, std::sqrt(90.0) / roots, 3 / roots};
  const std::vector<double> third(3, 1.0 / 3);
  const std::vector<double> named{0.5, 0.3, 0.2};
  const std::vector<BalanceCase> cases{
      {"{}", third, 2700},
      {"equal", third, 2700},
      {"{size: smallest}", third, 27},
      {"{size: same}", third, 999},
      {"{size: 5000}", third, 5000},
      {"{to: sqrt, size: largest}", sqrt_shares,
       9 / sqrt_shares[2] > 900 / sqrt_shares[0] ? 9 / sqrt_shares[2] : 900 / sqrt_shares[0]},
      {"{to: sqrt, size: 1000}", sqrt_shares, 1000},
      {"{to: {c0: 0.5, c1: 0.3, c2: 0.2}, size: 1000}", named, 1000},
      {"{to: {c2: 0.2, c0: 0.5, 1: 0.3}}", named, 1800},
      {"{to: {c0: 0.5, c1: 0.3, c2: 0.2}, size: smallest}", named, 45},
      {"{to: [c0=0.5, c1=0.3, c2=0.2], size: same}", named, 999},
      {"{to: {c0: 0.1, c2: 0.9}, size: 700}", {0.1, 0, 0.9}, 700},
  };
  for (const BalanceCase& c : cases) {
    CAPTURE(c.args);
    const Outcome outcome = Fine(One("[900, 90, 9]", "balance: " + c.args));
    const std::vector<std::string> keys = outcome.Keys();
    CHECK(std::abs(static_cast<double>(keys.size()) - c.total) < 1.5);
    auto per_class = PerClass(keys);
    std::string table;
    for (std::size_t k = 0; k < 3; ++k) {
      const double n = per_class[fmt::format("c{}", k)];
      table += fmt::format("  {} -> {}", counts[k], n);
      CHECK(std::abs(n - c.shares[k] * c.total) < 1.5);
      const double share = n / static_cast<double>(keys.size());
      if (c.total >= 100) CHECK(std::abs(share - c.shares[k]) < 0.01);
    }
    MESSAGE("balance: ", c.args, table);
    // Entries of a class are taken equally often, but for one.
    std::map<std::string, int> times;
    for (const std::string& key : keys) ++times[WithoutBranch(key)];
    std::map<std::string, std::pair<int, int>> extremes;
    for (const auto& [key, n] : times) {
      auto& [low, high] = extremes.emplace(ClassOfKey(key), std::pair(n, n)).first->second;
      low = std::min(low, n);
      high = std::max(high, n);
    }
    for (const auto& [name, e] : extremes) CHECK(e.second - e.first <= 1);
    const NodeCounts& it = CountsOf(outcome, "it");
    CHECK(it.in == 999);
    CHECK(it.out == keys.size());
    CHECK(it.generated == keys.size() - times.size());
    CHECK(it.filtered == 999 - times.size());
  }
}

TEST_CASE("repeats of an entry are neighbours with a number in their branch") {
  const Outcome outcome = Fine(One("[4, 2, 1]", "balance: equal"));
  CHECK(outcome.Keys() == std::vector<std::string>{"c0/0:0", "c0/1:0", "c0/2:0", "c0/3:0", "c1/0:0",
                                                   "c1/0:1", "c1/1:0", "c1/1:1", "c2/0:0", "c2/0:1",
                                                   "c2/0:2", "c2/0:3"});
  // Nothing is taken twice, so there is nothing to tell apart.
  const std::vector<std::string> least = Fine(One("[4, 2, 1]", "balance: {size: smallest}")).Keys();
  CHECK(least.size() == 3);
  CHECK(least[2] == "c2/0");
}

TEST_CASE("smallest takes nothing twice, however the rounding falls") {
  // 2.5 in all become 3, of which 1.2 would be of the only entry of the first class.
  std::string to = "c0: 0.4";
  for (int c = 1; c <= 10; ++c) to += fmt::format(", c{}: 0.06", c);
  const std::vector<std::string> keys =
      Fine(One("[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", "balance: {to: {" + to + "}, size: smallest}"))
          .Keys();
  CHECK(std::count(keys.begin(), keys.end(), "c0/0") == 1);
  CHECK(keys.size() == 2);
}

TEST_CASE("repeats of one entry are chosen one by one") {
  const std::vector<std::string> keys =
      Fine(Doc("  in: {entries: {counts: [40, 4]}}\n  even: {balance: {}}\n"
               "  half: {sample: {share: 0.5}}\n  out: {collect: out}\n"))
          .Keys();
  std::map<std::string, int> times;
  for (const std::string& key : keys) ++times[WithoutBranch(key)];
  int some = 0;  // of the ten there are
  for (int i = 0; i < 4; ++i) {
    const int n = times[fmt::format("c1/{}", i)];
    some += n > 0 && n < 10 ? 1 : 0;
  }
  CHECK(some == 4);
}

TEST_CASE("a cap keeps entries from being taken too often") {
  const auto counts = [](const std::string& args) {
    return PerClass(Fine(One("[100, 20, 1]", "balance: " + args)).Keys());
  };
  CHECK(counts("{cap: 3}") == std::map<std::string, int>{{"c0", 100}, {"c1", 60}, {"c2", 3}});
  CHECK(counts("{cap: 1}") == std::map<std::string, int>{{"c0", 100}, {"c1", 20}, {"c2", 1}});
}

TEST_CASE("balance refuses what it cannot give, at its place") {
  const auto error = [](const std::string& args) {
    return RunEntries(One("[10, 0, 5]", "balance: " + args)).errors;
  };
  CHECK(error("{}") ==
        "t.yaml:5:3: error[CFG-PLAN] it (balance): class 'c1' has no entries here, and nothing can "
        "be made of none; name the classes to balance with to: {NAME: SHARE, ...}");
  CHECK(error("{to: {c0: 0.5, c1: 0.5}}") ==
        "t.yaml:5:3: error[CFG-PLAN] it (balance): to: class 'c1' has no entries here, and nothing "
        "can be made of none; take it out of 'to'");
  CHECK(
      error("{to: {c0: 0.5, c22: 0.5}}") ==
      "t.yaml:5:3: error[CFG-PLAN] it (balance): to: there is no class 'c22'; did you mean 'c2'?");
  CHECK(error("{to: {c0: 0.5, 0: 0.5}}") ==
        "t.yaml:5:3: error[CFG-PLAN] it (balance): to: class '0' stands there by name and by "
        "number");
  CHECK(error("{to: {c0: 0.000000001, c2: 0.999999999}}") ==
        "t.yaml:5:3: error[CFG-PLAN] it (balance): 10000000000 samples would be needed; at most "
        "1000000000: lower size, or give rare shares to rare classes");
}

TEST_CASE("pictures of objects are balanced by their rarest class") {
  // Pictures of class k show objects of the classes 0 to k, so class 2 is the rarest of them.
  const Outcome outcome =
      Fine(Doc("  in: {entries: {counts: [30, 20, 10], objects: true}}\n  it: {balance: {}}\n"
               "  out: {collect: out}\n"));
  CHECK(PerClass(outcome.Keys()) == std::map<std::string, int>{{"c0", 30}, {"c1", 30}, {"c2", 30}});
}

TEST_CASE("the class table before and after is told") {
  const Outcome outcome = Fine(One("[9, 3]", "balance: equal"));
  const std::vector<std::string>& notices = outcome.report.notices;
  const auto told = [&](const std::string& text) {
    return std::find(notices.begin(), notices.end(), text) != notices.end();
  };
  CHECK(told("it: c0: 9 -> 9 entries"));
  CHECK(told("it: c1: 3 -> 9 entries"));
  CHECK(told("in: looked at 12 of 12 entries"));
}

TEST_CASE("a new file changes the choice of few others") {
  const auto run = [](const std::string& counts, const std::string& node) {
    return Fine(One(counts, node)).Keys();
  };
  for (const char* node : {"sample: 200", "sample: {share: 0.2}", "balance: {size: smallest}",
                           "balance: {size: 400}", "balance: {}"}) {
    CAPTURE(node);
    const std::vector<std::string> before = run("[800, 200]", node);
    const std::vector<std::string> after = run("[800, 201]", node);
    // One is new, and at most a few give way to it or come with it.
    CHECK(Differing(before, after) <= 8);
    CHECK(run("[800, 200]", node) == before);
  }
}

// ---- all together -------------------------------------------------------------------------------

TEST_CASE("nothing is lost in any combination, for any number of threads") {
  struct Case {
    const char* name;
    const char* nodes;
    std::size_t written;
  };
  const std::vector<Case> cases{
      {"a line of four",
       "  in: {entries: {counts: [60, 30, 10]}}\n  uniq: {dedupe: 0}\n  few: {sample: 80}\n"
       "  even: {balance: {size: 120}}\n  twice: {copies: 2}\n  look: [hflip]\n"
       "  out: {collect: out}\n",
       240},
      {"repeats before a choice",
       "  in: {entries: {counts: [60, 30, 10]}}\n  even: {balance: {}}\n  mix: {shuffle: {}}\n"
       "  few: {sample: 50}\n  look: [hflip]\n  out: {collect: out}\n",
       50},
      {"two sources",
       "  a: {entries: {counts: [60, 30]}}\n  b: {entries: {counts: [5, 5], first: 1}}\n"
       "  both: {merge: {}, from: [a, b]}\n  even: {balance: {}}\n  look: [hflip]\n"
       "  out: {collect: out}\n",
       180},
      {"two sources in a row",
       "  a: {entries: {counts: [60, 30]}}\n  b: {entries: {counts: [5, 5], prefix: x}}\n"
       "  even: {balance: {size: 100}, from: [b, a]}\n  out: {collect: out}\n",
       100},
      {"one part of a split",
       "  in: {entries: {counts: [80, 20]}}\n"
       "  parts: {split: {parts: {train: 0.75, val: 0.25}, stratify: true}}\n"
       "  even: {balance: {}, from: parts.train}\n  mix: {shuffle: {}}\n  look: [hflip]\n"
       "  out: {collect: out}\n  held: {collect: held, from: parts.val}\n",
       145},
      {"both parts meet again",
       "  in: {entries: {counts: [80, 20]}}\n  parts: {split: {train: 0.8, val: 0.2}}\n"
       "  few: {sample: 9, from: parts.train}\n  all: {sample: 5, from: parts.val}\n"
       "  out: {collect: out, from: [few, all]}\n  other: {collect: held, from: few}\n",
       23},
      {"some cannot be read",
       "  in: {entries: {counts: [60, 14], bad_every: 7}}\n  even: {balance: {}}\n"
       "  mix: {shuffle: {}}\n  look: [hflip]\n  out: {collect: out}\n",
       102},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::string yaml =
        "version: 1\nseed: 5\non_error: {max_bad: 50}\nnodes:\n" + std::string(c.nodes);
    const Outcome expected = Fine(yaml);
    CHECK(expected.report.written == c.written);
    for (const SourceCounts& source : expected.report.sources) {
      CHECK(source.in == source.written + source.filtered + source.failed);
      CHECK(source.unfinished == 0);
    }
    for (int threads = 1; threads <= 8; ++threads) {
      EntryRun how{threads, {}};
      how.options.before_node = Disturb;
      const Outcome again = Fine(yaml, how);
      CHECK(again.Keys("out") == expected.Keys("out"));
      CHECK(again.Keys("held") == expected.Keys("held"));
      CHECK(again.quarantine == expected.quarantine);
      for (std::size_t n = 0; n < expected.report.nodes.size(); ++n) {
        CHECK(again.report.nodes[n].in == expected.report.nodes[n].in);
        CHECK(again.report.nodes[n].generated == expected.report.nodes[n].generated);
        CHECK(again.report.nodes[n].out == expected.report.nodes[n].out);
        CHECK(again.report.nodes[n].filtered == expected.report.nodes[n].filtered);
        CHECK(again.report.nodes[n].failed == expected.report.nodes[n].failed);
      }
    }
  }
}

TEST_CASE("counts along a line with repeats say what happened where") {
  const Outcome outcome =
      Fine(Doc("  in: {entries: {counts: [60, 30, 10]}}\n  first: {sample: 90}\n"
               "  even: {balance: {}}\n  mix: {shuffle: {}}\n  few: {sample: 50}\n"
               "  out: {collect: out}\n"));
  CHECK(CountsOf(outcome, "in").generated == 100);
  CHECK(CountsOf(outcome, "in").out == 100);
  CHECK(CountsOf(outcome, "first").in == 100);
  CHECK(CountsOf(outcome, "first").filtered == 10);
  CHECK(CountsOf(outcome, "even").in == 90);
  const std::uint64_t repeats = CountsOf(outcome, "even").generated;
  CHECK(repeats > 50);
  CHECK(CountsOf(outcome, "mix").in == 90 + repeats);
  CHECK(CountsOf(outcome, "few").in == 90 + repeats);
  CHECK(CountsOf(outcome, "few").filtered == 40 + repeats);
  CHECK(CountsOf(outcome, "out").out == 50);
  const SourceCounts& source = outcome.report.sources[0];
  CHECK(source.in == 100);
  std::set<std::string> entries;
  for (const std::string& key : outcome.Keys()) entries.insert(WithoutBranch(key));
  CHECK(source.written == entries.size());
  CHECK(source.filtered == 100 - entries.size());
}

TEST_CASE("classes of one name are one class where sources meet") {
  // Class 0 of the second source is called c1 as well.
  const Outcome outcome = Fine(
      Doc("  a: {entries: {counts: [6, 3]}}\n  b: {entries: {counts: [2, 5], first: 1, changed: "
          "0}}\n  even: {balance: {}, from: [a, b]}\n  out: {collect: out}\n"));
  CHECK(PerClass(outcome.Keys()) == std::map<std::string, int>{{"c0", 6}, {"c1", 6}, {"c2", 6}});
}

TEST_CASE("an unreadable entry stays, is taken once and quarantined once") {
  const Outcome outcome = Fine(
      "version: 1\nseed: 5\non_error: {max_bad: 50}\nnodes:\n  in: {entries: {counts: [10, 4], "
      "bad_every: 4}}\n  even: {balance: {}}\n  out: {collect: out}\n");
  CHECK(outcome.quarantine.size() == 4);  // c0/0, c0/4, c0/8, c1/0
  CHECK(PerClass(outcome.Keys()) == std::map<std::string, int>{{"c0", 7}, {"c1", 7}});
  CHECK(outcome.report.sources[0].failed == 4);
  CHECK(CountsOf(outcome, "in").failed == 4);
}

TEST_CASE("a limit keeps the first entries of the plan, with their repeats") {
  const std::string yaml =
      Doc("  in: {entries: {counts: [30, 3]}}\n  even: {balance: {}}\n  mix: {shuffle: {}}\n"
          "  few: {sample: 40}\n  out: {collect: out}\n");
  const std::vector<std::string> all = Fine(yaml).Keys();
  const std::vector<std::string> everything = Fine(One("[30, 3]", "balance: {}")).Keys();
  REQUIRE(everything.size() == 60);
  for (const std::uint64_t limit : {1, 2, 7, 20, 33, 1000}) {
    EntryRun how;
    how.options.limit = limit;
    const Outcome outcome = Fine(yaml, how);
    std::vector<std::string> expected;
    std::set<std::string> entries;
    for (const std::string& key : all) {
      if (entries.size() == limit && entries.count(WithoutBranch(key)) == 0) continue;
      entries.insert(WithoutBranch(key));
      expected.push_back(key);
    }
    CHECK(outcome.Keys() == expected);
    const SourceCounts& source = outcome.report.sources[0];
    CHECK(source.written == entries.size());
    CHECK(source.unfinished == 0);
    // Left out by `few`: what it would have dropped of entries that run, and entries that it drops
    // whole; entries beyond the limit do not count at all.
    std::uint64_t left_out = 0;
    for (const std::string& key : everything) {
      const std::string entry = WithoutBranch(key);
      const bool chosen = std::find(all.begin(), all.end(), key) != all.end();
      const bool whole = std::none_of(all.begin(), all.end(), [&](const std::string& other) {
        return WithoutBranch(other) == entry;
      });
      left_out += !chosen && (whole || entries.count(entry) > 0) ? 1 : 0;
    }
    CHECK(CountsOf(outcome, "few").filtered == left_out);
  }
}

TEST_CASE("entries that are left out are never read") {
  TakeReads();
  const Outcome outcome =
      Fine(Doc("  in: {entries: {counts: [50, 50]}}\n  a: {sample: 60}\n  b: {shuffle: {}}\n"
               "  c: {sample: {share: 0.5}}\n  out: {collect: out}\n"));
  const auto reads = TakeReads();
  CHECK(reads.size() == 30);
  for (const auto& [key, n] : reads) CHECK(n <= 2);  // the budget looks at the first one too
  // A survey reads each once; the run reads what was chosen, neighbours once.
  Fine(One("[50, 5]", "balance: {size: smallest}"));
  const auto surveyed = TakeReads();
  CHECK(surveyed.size() == 55);
  int once = 0;
  for (const auto& [key, n] : surveyed) once += n == 1 ? 1 : 0;
  CHECK(once == 45);
  // Repeats that follow each other share what was read.
  Fine(One("[6, 2]", "balance: {}"));
  CHECK(TakeReads().at("c1/1") == 2);
}

TEST_CASE("replay goes by the plan") {
  LoadOptions load;
  load.registry = &EntryRegistry();
  Pipeline pipeline = Pipeline::Parse(
      Doc("  in: {entries: {counts: [6, 2]}}\n  even: {balance: {}}\n  mix: {shuffle: {}}\n"
          "  look: [{hflip: {p: 0.5}}, {gamma: [0.5, 2]}]\n  out: {collect: out}\n"),
      "t.yaml", load);
  const Outcome outcome = RunPipeline(pipeline);
  for (const char* branch : {"", "1"}) {
    std::vector<const Sample*> expected;
    for (const Collected& c : outcome.samples) {
      const bool wanted = *branch == 0 || BranchText(c.sample.identity.branch) == branch;
      if (c.sample.key == "c1/1" && wanted) expected.push_back(&c.sample);
    }
    const auto replayed = pipeline.Replay("c1/1", branch);
    REQUIRE(replayed.size() == expected.size());
    REQUIRE(replayed.size() == (*branch == 0 ? 3 : 1));
    for (std::size_t i = 0; i < replayed.size(); ++i) {
      CHECK(SampleDifference(replayed[i].sample, *expected[i]) == "");
    }
  }
  CHECK(RunPipeline(pipeline).Keys() == outcome.Keys());
  Pipeline small = Pipeline::Parse(One("[6]", "sample: 1"), "t.yaml", load);
  int refused = 0;
  for (int i = 0; i < 6; ++i) {
    try {
      const auto replayed = small.Replay(fmt::format("c0/{}", i));
      CHECK(replayed.size() == 1);
    } catch (const ConfigError&) {
      ++refused;
    }
  }
  CHECK(refused == 5);
}

TEST_CASE("a stop during the survey ends the run before it begins") {
  const std::atomic<bool> stop{true};
  EntryRun how;
  how.options.stop = &stop;
  const Outcome outcome = RunEntries(One("[50, 5]", "balance: {}"), how);
  CHECK(outcome.report.interrupted);
  CHECK(outcome.samples.empty());
}

// A million entries; run it with --no-skip to see what that costs.
TEST_CASE("a plan of a million entries" * doctest::skip()) {
  const auto start = std::chrono::steady_clock::now();
  EntryRun how{0, {}};
  how.options.limit = 10;
  const Outcome outcome =
      Fine(Doc("  in: {entries: {counts: [900000, 90000, 10000], quiet: true}}\n  few: {sample: "
               "900000}\n"
               "  even: {balance: {size: 1000000}}\n  mix: {shuffle: {}}\n  out: {collect: out}\n"),
           how);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  MESSAGE("seconds: ", spent.count());
  CHECK(outcome.samples.size() >= 10);
  CHECK(CountsOf(outcome, "few").filtered == 100'000);
}

}  // namespace
}  // namespace pixloom::testing
