// SPDX-License-Identifier: Apache-2.0
// Networks inside chains: routed to batches of many samples and put back in order, to the same
// pixels as one by one.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "api/pixloom.h"
#include "tests/support/test_nodes.h"

namespace pixloom {
namespace {

using namespace testing;

void Disturb(std::string_view node, std::uint64_t seq) {
  const std::uint64_t hash = HashCombine(StreamId(node), seq);
  if (hash % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(hash % 1500));
}

std::string Around(const std::string& steps, const std::string& source = "{count: 37}") {
  return "version: 1\nseed: 4\nnodes:\n  in: {test_numbers: " + source +
         "}\n  two: {copies: 2}\n  look: " + steps + "\n  out: {test_keep: {name: out}}\n";
}

const std::vector<std::string> kChains{
    "{test_model: {}}",
    "[{test_model: {}}]",
    "[hflip, {test_model: {batch: 5}}, {rotate: [-20, 20]}]",
    "[{test_model: {level: 3}, p: 0.5}, {brightness: {factor: [0.5, 1.5]}}]",
    "[{one_of: [{test_model: {level: 3}}, hflip, {test_model: {level: 50, batch: 3}}]}]",
    "[{rotate: [-9, 9]}, {one_of: [{test_model: {}, weight: 3}, [hflip, vflip]], p: 0.7}, hflip]",
    "[{sometimes: {p: 0.4, then: [hflip, {test_model: {}}, vflip], else: [{gamma: 2}]}}]",
    "[{switch: [{when: brightness < 0.5, then: [{test_model: {level: 90}}]},"
    " {when: brightness < 0.51, then: [hflip]}]}, {gamma: 1.2}]",
    "[{switch: [{when: brightness < 0.5, then: [{test_model: {}}]}, {else: [vflip]}], p: 0.8}]",
    "[{repeat: {times: 2, steps: [{test_model: {}, p: 0.5}, {rotate: [-9, 9]}]}}]",
    "[{one_of: [{one_of: [{test_model: {}}, hflip]}, {chain: [{test_model: {level: 1}}, hflip],"
    " p: 0.5}]}]",
    "[{some_of: {n: 1, steps: [{test_model: {}}, hflip]}}, {random_order: [{test_model: {}}, "
    "hflip]}]",
    "[{rotate: [-9, 9]}, [hflip, {test_model: {}}, {rotate: 4}], {rotate: [-9, 9]}]",
    "{chain: [{rotate: [-9, 9]}, {test_model: {}, p: 0.5}, {rotate: [-9, 9]}], resample: each}",
};

TEST_CASE("networks in a choice give the same samples in the same order, batched or one by one") {
  for (const std::string& chain : kChains) {
    CAPTURE(chain);
    BatchSizes().clear();
    const std::vector<std::string> expected = RunKept(Around(chain), {.threads = 1}, {"route"});
    REQUIRE(expected.size() == 74);
    CHECK(BatchSizes().size() > 7);
    CHECK(RunKept(Around(chain), {.threads = 2}, {"prune"}) == expected);
    CHECK(RunKept(Around(chain), {.threads = 2}, {"prune", "route"}) == expected);
    for (const int threads : {1, 2, 5, 8}) {
      CAPTURE(threads);
      CHECK(RunKept(Around(chain), {.threads = threads}) == expected);
      CHECK(RunKept(Around(chain), {.threads = threads, .before_node = Disturb}) == expected);
    }
    CHECK(RunKept(Around(chain), {.threads = 2, .memory = LeastBudget(Around(chain), 2)}) ==
          expected);
  }
}

TEST_CASE("batches are full, and there are as few as blocks of the plan allow") {
  BatchSizes().clear();
  RunKept(Around("[{test_model: {batch: 8}}]"), {.threads = 3});
  // 74 units in blocks of 8.
  std::vector<std::size_t> sizes(9, 8);
  sizes.push_back(2);
  std::sort(BatchSizes().begin(), BatchSizes().end(), std::greater<>());
  CHECK(BatchSizes() == sizes);
  BatchSizes().clear();
  RunKept(Around("[{test_model: {batch: 8}}]"), {.threads = 1}, {"route"});
  CHECK(BatchSizes() == std::vector<std::size_t>(74, 1));
  // Pictures of other sizes go into batches of their own.
  BatchSizes().clear();
  RunKept(Around("[{test_model: {batch: 8}}]", "{count: 37, vary: true}"), {.threads = 3});
  CHECK(BatchSizes().size() > 10);
  CHECK(std::accumulate(BatchSizes().begin(), BatchSizes().end(), std::size_t{0}) == 74);
}

TEST_CASE("routers and networks account for every sample, and replay goes through them") {
  const std::string yaml = Around("[{one_of: [{test_model: {}}, hflip]}, {gamma: [0.5, 2]}]");
  Pipeline pipeline = Pipeline::Parse(yaml, "test.yaml", {.registry = &TestRegistry()});
  Kept().clear();
  const RunReport report = pipeline.Run({.threads = 3});
  std::uint64_t routed = 0, enhanced = 0;
  for (const NodeCounts& node : report.nodes) {
    CHECK(node.in + node.generated == node.out + node.filtered + node.failed);
    if (node.verb == "route") routed += node.out;
    if (node.verb == "test_model") enhanced += node.out;
  }
  CHECK(routed == 74);
  CHECK(enhanced > 20);
  CHECK(enhanced < 54);
  for (const char* key : {"n0", "n13", "n36"}) {
    std::vector<std::uint64_t> run;
    for (const KeptSample& kept : Kept()) {
      if (kept.key == key) run.push_back(kept.hash);
    }
    std::vector<std::uint64_t> again;
    for (const auto& replayed : pipeline.Replay(key)) again.push_back(ContentHash(replayed.sample));
    CHECK(again == run);
  }
}

TEST_CASE("a batch that fails takes its samples out, all others arrive") {
  const std::string yaml =
      "version: 1\nseed: 4\non_error: {max_bad: 100%}\nnodes:\n"
      "  in: {test_numbers: {count: 12}}\n  look: [{test_model: {batch: 4, fail_at: 0}}]\n"
      "  out: {test_keep: {name: out}}\n";
  Kept().clear();
  const RunReport report =
      Pipeline::Parse(yaml, "test.yaml", {.registry = &TestRegistry()})
          .Run({.threads = 2, .quarantine_file = TemporaryFile("quarantine.jsonl")});
  CHECK(report.quarantined % 4 == 0);
  CHECK(report.quarantined + report.written == 12);
}

}  // namespace
}  // namespace pixloom
