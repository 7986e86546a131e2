// SPDX-License-Identifier: Apache-2.0
// Blocks of networks in the executor: on the pool or on threads of their own, by plan or by time.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "api/pixloom.h"
#include "tests/support/test_nodes.h"

namespace pixloom {
namespace {

using namespace testing;

struct Setting {
  int block = 4, in_flight = 1, threads = 2;
  bool waits = false;
  int fixed_us = 0;
  std::string Text() const {
    return fmt::format("{{batch: {}, in_flight: {}, waits: {}, fixed_us: {}}}", block, in_flight,
                       waits, fixed_us);
  }
};

std::string Graph(const Setting& s, const std::string& shape) {
  const std::string model = s.Text();
  if (shape == "windows") {
    return fmt::format(
        "version: 1\nseed: 3\nnodes:\n  in: {{test_numbers: {{count: 23}}}}\n  many: {{copies: "
        "2}}\n"
        "  mix: {{test_neighbour: {{size: 3}}}}\n  a: [{{rotate: [-9, 9]}}, {{test_model: {0}}}]\n"
        "  again: {{test_neighbour: {{size: 4}}}}\n  b: [{{test_model: {0}, p: 0.5}}, hflip]\n"
        "  out: {{test_keep: {{}}}}\n",
        model);
  }
  if (shape == "choice") {
    return fmt::format(
        "version: 1\nseed: 3\nnodes:\n  in: {{test_numbers: {{count: 46}}}}\n"
        "  a: [{{one_of: [{{test_model: {0}}}, hflip, {{test_model: {0}}}]}}]\n"
        "  parts: {{split: {{x: 0.5, y: 0.5}}}}\n"
        "  more: {{chain: [{{test_model: {0}}}], from: parts.x}}\n"
        "  out: {{test_keep: {{}}, from: [more, parts.y]}}\n",
        model);
  }
  return fmt::format(
      "version: 1\nseed: 3\non_error: {{max_bad: 100%}}\nnodes:\n  in: {{test_numbers: {{count: "
      "46, bad_every: 7, vary: "
      "true}}}}\n"
      "  a: [{{test_model: {0}}}, {{some_of: {{n: 1, steps: [{{test_model: {0}}}, hflip]}}}}]\n"
      "  out: {{test_keep: {{}}}}\n",
      model);
}

std::vector<std::string> Sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST_CASE(
    "no combination of block, blocks in flight, threads and memory locks up or changes bytes") {
  std::mt19937 random(11);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (const char* shape : {"windows", "choice", "simple"}) {
    Setting least{1, 1, 1};
    const std::vector<std::string> expected = RunKept(Graph(least, shape), {.threads = 1});
    REQUIRE(!expected.empty());
    for (int round = 0; round < 40; ++round) {
      const Setting s{1 + below(round % 4 == 0 ? 60 : 9), 1 + below(4), 1 + below(4), below(2) == 1,
                      below(3) == 0 ? 300 : 0};
      const std::string yaml = Graph(s, shape);
      CAPTURE(yaml);
      CAPTURE(s.threads);
      RunOptions options{.threads = s.threads};
      // Pictures of one size: the first tells what the others need.
      if (yaml.find("vary") == std::string::npos) options.memory = LeastBudget(yaml, s.threads);
      const std::vector<std::string> got = RunKept(yaml, options);
      CHECK(got.size() == expected.size());
      const auto [a, b] = std::mismatch(got.begin(), got.end(), expected.begin(), expected.end());
      if (a != got.end() && b != expected.end()) CHECK(*a == *b);
    }
  }
}

TEST_CASE("by time, every sample comes through with the same bytes") {
  std::mt19937 random(12);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (const char* shape : {"windows", "choice", "simple"}) {
    const std::vector<std::string> expected =
        Sorted(RunKept(Graph(Setting{1, 1, 1}, shape), {.threads = 1}));
    for (int round = 0; round < 20; ++round) {
      const Setting s{1 + below(round % 4 == 0 ? 60 : 9), 1 + below(4), 1 + below(4), below(2) == 1,
                      below(3) == 0 ? 300 : 0};
      const std::string yaml = Graph(s, shape);
      CAPTURE(yaml);
      RunOptions options{.threads = s.threads};
      options.blocks = RunOptions::Blocks::kByTime;
      options.block_delay = std::chrono::microseconds(below(2) == 0 ? 500 : 3'600'000'000);
    }
  }
}

TEST_CASE("the report says how blocks came together") {
  const std::string yaml = Graph({8, 2, 2, true, 200}, "choice");
  Pipeline pipeline = Pipeline::Parse(yaml, "test.yaml", {.registry = &TestRegistry()});
  Kept().clear();
  const RunReport report = pipeline.Run({.threads = 2});
  std::uint64_t seen = 0;
  for (const NodeCounts& node : report.nodes) {
    if (!node.blocks) continue;
    ++seen;
    CHECK(node.blocks->samples == node.in);
    std::uint64_t blocks = 0;
    for (const auto& [reason, count] : node.blocks->reasons) blocks += count;
    CHECK(blocks == node.blocks->blocks);
    CHECK(node.blocks->wait_p50 <= node.blocks->wait_p95);
    CHECK(node.blocks->use.device == "a simulated device");
    CHECK(node.blocks->use.pictures == node.in);
  }
  CHECK(seen == 3);
  CHECK(report.ToText().find("on a simulated device") != std::string::npos);
  CHECK(report.ToJson().find("\"wait_ms_p95\"") != std::string::npos);
}

TEST_CASE("a run may go on with blocks of another size, but not with another network") {
  const auto fingerprint = [](const std::string& model) {
    Ledgers().clear();
    RunKept(
        "version: 1\nseed: 3\nnodes:\n  in: {test_numbers: {count: 9}}\n  a: [{some_of: {n: 1, "
        "steps: [{test_model: {" +
            model + "}}]}}, {test_model: {" + model +
            "}}]\n"
            "  out: {test_ledger: {}}\n",
        {.threads = 1});
    REQUIRE(Ledgers().size() == 1);
    return Ledgers().begin()->second.fingerprint.Digest();
  };
  CHECK(fingerprint("batch: 4, in_flight: 1") == fingerprint("batch: 2, in_flight: 3"));
  CHECK(fingerprint("batch: 4, level: 3") != fingerprint("batch: 4, level: 5"));
  Ledgers().clear();
}

TEST_CASE("a stop and a failure end a run with blocks on their way") {
  for (const bool waits : {false, true}) {
    for (const bool by_time : {false, true}) {
      CAPTURE(waits);
      CAPTURE(by_time);
      Setting s{5, 2, 2, waits, 500};
      Pipeline pipeline =
          Pipeline::Parse(Graph(s, "choice"), "test.yaml", {.registry = &TestRegistry()});
      std::atomic<bool> stop{false};
      RunOptions options{.threads = 2};
      options.stop = &stop;
      if (by_time) options.blocks = RunOptions::Blocks::kByTime;
      options.before_node = [&](std::string_view, std::uint64_t seq) { stop = stop || seq > 12; };
      Kept().clear();
      CHECK(pipeline.Run(options).interrupted);
      options.stop = nullptr;
      options.before_node = nullptr;
      std::string bad = Graph(s, "choice");
      bad.replace(bad.find("  a: ["), 6, "  a: [{test_fail: {every: 9, kind: bug}}, ");
      CHECK_THROWS_AS(RunKept(bad, options), InternalError);
    }
  }
}

}  // namespace
}  // namespace pixloom
