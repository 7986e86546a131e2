// SPDX-License-Identifier: Apache-2.0
// The executor: same results whatever the timing, nothing lost, never stuck.
#include "pipeline/executor.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "api/pixloom.h"
#include "tests/support/test_nodes.h"

namespace pixloom {
namespace {

using namespace testing;

bool Prove() { return std::getenv("PIXLOOM_PROVE") != nullptr; }

// Sleeps that look random but are a function of place, so that a failure repeats.
void Disturb(std::string_view node, std::uint64_t seq) {
  const std::uint64_t hash = HashCombine(StreamId(node), seq);
  if (hash % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(hash % 2000));
}

constexpr const char* kGraph = R"(
version: 1
seed: 5
nodes:
  scenes: {shapes: {count: 24, size: [96, 128], encode: jpeg, min_object: 16}}
  views:  {copies: 3}
  look:
    - random_resized_crop: {size: [64, 64]}
    - rotate: {angle: [-30, 30], p: 0.5}
    - one_of: [{gaussian_blur: {}}, {gaussian_noise: {}}, {jpeg: {}}, {elastic: {alpha: 20}}]
    - color_jitter
  again:  {copies: 2, from: look}
  pairs:  {test_neighbour: {size: 4}, from: again}
  parts:  {split: {a: 0.5, b: 0.5}}
  a: {test_keep: {name: a}, from: parts.a}
  b: {test_keep: {name: b}, from: [parts.b, look]}
)";

TEST_CASE("any number of threads and any timing give the same results in the same order") {
  const std::vector<std::string> expected = RunKept(kGraph, {.threads = 1});
  REQUIRE(expected.size() == 24 * 3 * 2 + 24 * 3);
  for (const int threads : {1, 2, 3, 8}) {
    CAPTURE(threads);
    CHECK(RunKept(kGraph, {.threads = threads}) == expected);
    CHECK(RunKept(kGraph, {.threads = threads, .before_node = Disturb}) == expected);
  }
}

TEST_CASE("copies in the plan are the copies a node would make") {
  // A second reader of the source keeps the copies out of the plan.
  const auto run = [](const std::string& extra) {
    const std::string yaml = R"(
version: 1
seed: 5
nodes:
  in: {test_numbers: {count: 9}}
  views: {copies: 3}
  look: [{rotate: [-30, 30]}, color_jitter]
  out: {test_keep: {name: out}}
)" + extra;
    std::vector<std::string> lines = RunKept(yaml, {.threads = 2});
    std::erase_if(lines, [](const std::string& line) { return !line.starts_with("out "); });
    return lines;
  };
  const std::vector<std::string> planned = run("");
  CHECK(planned.size() == 27);
  CHECK(run("  other: {test_keep: {name: other}, from: in}\n") == planned);
}

TEST_CASE("from a list concatenates sources, merge takes turns") {
  const auto keys = [](const std::string& join) {
    std::vector<std::string> order;
    const std::string yaml = R"(
version: 1
seed: 1
nodes:
  one: {test_numbers: {count: 3, prefix: a}}
  two: {test_numbers: {count: 2, prefix: b}}
)" + join + "  out: {test_keep: {name: out}}\n";
    Pipeline pipeline = Pipeline::Parse(yaml, "test.yaml", {.registry = &TestRegistry()});
    Kept().clear();
    pipeline.Run({.threads = 4, .before_node = Disturb});
    for (const KeptSample& kept : Kept()) order.push_back(kept.key);
    return order;
  };
  CHECK(keys("  all: {chain: [hflip], from: [one, two]}\n") ==
        std::vector<std::string>{"a0", "a1", "a2", "b0", "b1"});
  CHECK(keys("  all: {chain: [hflip], from: [two, one]}\n") ==
        std::vector<std::string>{"b0", "b1", "a0", "a1", "a2"});
  CHECK(keys("  all: {merge: {}, from: [one, two]}\n") ==
        std::vector<std::string>{"a0", "b0", "a1", "b1", "a2"});
}

TEST_CASE("every budget from the least upward ends, with windows and a slow sink") {
  const std::string yaml = R"(
version: 1
seed: 2
nodes:
  in:  {test_numbers: {count: 40, side: 64, vary: true}}
  two: {copies: 2}
  mix: {test_neighbour: {size: 6}}
  more: {copies: 2, from: mix}
  mix2: {test_neighbour: {size: 3}}
  out: {test_keep: {name: out, delay_us: 300}}
)";
  const std::vector<std::string> expected = RunKept(yaml, {.threads = 1});
  REQUIRE(expected.size() == 160);
  // The least budget is named by the refusal of a smaller one.
  CHECK_THROWS_AS(RunKept(yaml, {.threads = 2, .memory = 1}), ConfigError);
  const std::uint64_t least = LeastBudget(yaml, 2);
  for (const double factor : {1.0, 1.01, 1.2, 1.5, 2.0, 4.0, 16.0}) {
    for (const int threads : {1, 2}) {
      CAPTURE(factor);
      CAPTURE(threads);
      const auto memory = static_cast<std::uint64_t>(static_cast<double>(least) * factor);
      CHECK(RunKept(yaml, {.threads = threads, .memory = memory, .before_node = Disturb}) ==
            expected);
    }
  }
}

TEST_CASE("tokens keep to the budget unless one sample alone exceeds it") {
  Pipeline pipeline = Pipeline::Parse(R"(
version: 1
seed: 2
nodes:
  in:  {test_numbers: {count: 50, side: 200}}
  out: {test_keep: {name: out}}
)",
                                      "test.yaml", {.registry = &TestRegistry()});
  const RunReport report = pipeline.Run({.threads = 2, .memory = 2 << 20});
  CHECK(report.peak_tokens <= report.memory);
  CHECK(report.peak_tokens > 0);
}

// ---- what goes wrong ----------------------------------------------------------------------------

std::string Failing(const std::string& source, const std::string& on_error,
                    const std::string& step = "hflip") {
  return "version: 1\nseed: 1\non_error: " + on_error + "\nnodes:\n  in: {test_numbers: " + source +
         "}\n  look: [" + step + "]\n  out: {test_keep: {name: out}}\n";
}

RunReport RunOf(const std::string& yaml, RunOptions options = {}) {
  Kept().clear();
  if (options.quarantine_file.empty()) options.quarantine_file = TemporaryFile("quarantine.jsonl");
  return Pipeline::Parse(yaml, "test.yaml", {.registry = &TestRegistry()}).Run(std::move(options));
}

TEST_CASE("bad entries are quarantined in plan order and everything is accounted for") {
  const std::string file = TemporaryFile("quarantine.jsonl");
  const RunReport report = RunOf(Failing("{count: 30, bad_every: 7}", "{max_bad: 50%}"),
                                 {.threads = 3, .quarantine_file = file});
  CHECK(report.quarantined == 5);
  CHECK(report.written == 25);
  REQUIRE(report.sources.size() == 1);
  CHECK(report.sources[0].in == 30);
  CHECK(report.sources[0].failed == 5);
  CHECK(report.sources[0].written == 25);
  CHECK(report.quarantine_file == file);
  std::ifstream in(file);
  std::vector<std::string> keys;
  for (std::string line; std::getline(in, line);) {
    CHECK(line.find("\"code\":\"TST-BAD\"") != std::string::npos);
    CHECK(line.find("\"node\":\"in\"") != std::string::npos);
    keys.push_back(line.substr(line.find("\"key\":\"") + 7, 3));
  }
  CHECK(keys == std::vector<std::string>{"n0\"", "n7\"", "n14", "n21", "n28"});
}

TEST_CASE("a sample that fails inside a chain takes only itself out") {
  const RunReport report =
      RunOf(Failing("{count: 20}", "{max_bad: 50%}", "{test_fail: {every: 5}}"));
  CHECK(report.written == 16);
  CHECK(report.quarantined == 4);
  CHECK(report.nodes[1].in == 20);
  CHECK(report.nodes[1].out == 16);
  CHECK(report.nodes[1].failed == 4);
}

TEST_CASE("too many bad entries stop the run") {
  SUBCASE("by share") {
    const RunReport report = RunOf(Failing("{count: 300, bad_every: 2}", "{max_bad: 10%}"));
    CHECK(report.too_many_bad);
    CHECK(report.sources[0].unfinished > 0);
    CHECK(report.stop_reason.find("max_bad") != std::string::npos);
  }
  SUBCASE("by count") {
    CHECK(RunOf(Failing("{count: 30, bad_every: 7}", "{max_bad: 4}")).too_many_bad);
    CHECK_FALSE(RunOf(Failing("{count: 30, bad_every: 7}", "{max_bad: 5}")).too_many_bad);
  }
  SUBCASE("the first hundred all bad, whatever is allowed") {
    const RunReport report = RunOf(Failing("{count: 500, bad_every: 1}", "{max_bad: 100%}"));
    CHECK(report.too_many_bad);
    CHECK(report.stop_reason.find("first 100") != std::string::npos);
  }
  SUBCASE("on_error: fail") {
    CHECK(RunOf(Failing("{count: 30, bad_every: 20}", "fail")).too_many_bad);
  }
}

TEST_CASE("faults of the environment and our own bugs stop the run and are thrown") {
  const std::string yaml = R"(
version: 1
seed: 1
nodes:
  in: {test_numbers: {count: 200}}
  out: {test_keep: {name: out, fail_at: 50}}
)";
  CHECK_THROWS_AS(RunOf(yaml, {.threads = 2}), EnvironmentError);
  CHECK(Kept().size() < 200);
  CHECK_THROWS_AS(RunOf(Failing("{count: 20}", "fail", "{test_fail: {kind: bug}}")), InternalError);
  CHECK_THROWS_AS(RunOf(Failing("{count: 20}", "fail", "{test_fail: {kind: memory}}")),
                  EnvironmentError);
  // OpenCV's complaints are about the sample.
  const RunReport report =
      RunOf(Failing("{count: 20}", "{max_bad: 100%}", "{test_fail: {kind: opencv, every: 4}}"));
  CHECK(report.quarantined == 5);
}

TEST_CASE("a stop finishes what is in flight and leaves an ordered beginning") {
  const std::string yaml = R"(
version: 1
seed: 1
nodes:
  in: {test_numbers: {count: 5000}}
  mix: {test_neighbour: {size: 4}}
  out: {test_keep: {name: out}}
)";
  std::atomic<bool> stop{false};
  RunOptions options;
  options.threads = 2;
  options.stop = &stop;
  options.before_node = [&](std::string_view, std::uint64_t seq) {
    if (seq == 100) stop = true;
  };
  const RunReport report = RunOf(yaml, std::move(options));
  CHECK(report.interrupted);
  CHECK(report.written == Kept().size());
  CHECK(report.written >= 96);
  CHECK(report.sources[0].unfinished == 5000 - report.sources[0].written);
  for (std::size_t i = 0; i < Kept().size(); ++i) CHECK(Kept()[i].key == "n" + std::to_string(i));
}

TEST_CASE("holes stay holes: a window works with the survivors of its block") {
  const std::string yaml = R"(
version: 1
seed: 1
on_error: {max_bad: 100%}
nodes:
  in: {test_numbers: {count: 12, bad_every: 5}}
  mix: {test_neighbour: {size: 4}}
  out: {test_keep: {name: out}}
)";
  const RunReport report = RunOf(yaml);
  CHECK(report.written == 9);
  // Blocks {1,2,3} {4,6,7} {8,9,11}: each result names its partner, the next survivor.
  std::vector<std::string> partners;
  for (const KeptSample& kept : Kept()) partners.push_back(kept.text.at("partner"));
  CHECK(partners ==
        std::vector<std::string>{"n2", "n3", "n1", "n6", "n7", "n4", "n9", "n11", "n8"});
}

TEST_CASE("what OpenCV throws in a window is an error of the anchor alone") {
  const std::string yaml = R"(
version: 1
seed: 1
on_error: {max_bad: 100%}
nodes:
  in: {test_numbers: {count: 12}}
  mix: {test_neighbour: {size: 4, throw_every: 3}}
  out: {test_keep: {name: out}}
)";
  const RunReport report = RunOf(yaml);
  CHECK(report.quarantined == 4);
  CHECK(report.written == 8);
  for (const KeptSample& kept : Kept()) CHECK(kept.sample.identity.seq % 3 != 0);
}

TEST_CASE("progress counts to the end") {
  std::vector<Progress> seen;
  RunOptions options;
  options.progress = [&](const Progress& p) { seen.push_back(p); };
  RunOf(Failing("{count: 30, bad_every: 7}", "{max_bad: 50%}"), std::move(options));
  REQUIRE_FALSE(seen.empty());
  CHECK(seen.back().finished);
  CHECK(seen.back().done == 30);
  CHECK(seen.back().total == 30);
  CHECK(seen.back().quarantined == 5);
}

TEST_CASE("plans: keys must be unique, sources must have entries, limit keeps the beginning") {
  CHECK_THROWS_AS(RunOf(Failing("{count: 0}", "fail")), ConfigError);
  CHECK_THROWS_AS(RunOf(Failing("{count: 5, same_key: true}", "fail")), ConfigError);
  CHECK(RunOf(Failing("{count: 30}", "fail"), {.limit = 7}).written == 7);
}

TEST_CASE("long: thousands of samples through disturbed threads") {
  if (!Prove()) return;
  const std::string yaml = R"(
version: 1
seed: 2
nodes:
  in:  {test_numbers: {count: 4000, side: 32, vary: true}}
  two: {copies: 2}
  mix: {test_neighbour: {size: 6}}
  look: [hflip, {rotate: [-20, 20]}, color_jitter]
  out: {test_keep: {name: out}}
)";
  const std::vector<std::string> expected = RunKept(yaml, {.threads = 1});
  for (int round = 0; round < 10; ++round) {
    CHECK(RunKept(yaml, {.threads = 1 + round % 8, .before_node = Disturb}) == expected);
  }
}

}  // namespace
}  // namespace pixloom
