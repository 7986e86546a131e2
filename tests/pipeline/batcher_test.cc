// SPDX-License-Identifier: Apache-2.0
// Batcher by itself: every item runs once, blocks keep to their rules, nobody waits for ever.
#include "pipeline/batcher.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace pixloom {
namespace {

using namespace std::chrono_literals;

struct Seen {
  std::vector<int> items;
  std::string reason;
};

class Log {
 public:
  void Add(const Batcher<int>::Block& block) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back({block.items, std::string(block.reason)});
    count_ += static_cast<int>(block.items.size());
  }
  std::vector<Seen> Blocks() {
    const std::lock_guard lock(mutex_);
    return blocks_;
  }
  void WaitFor(int items) {
    while (count_ < items) std::this_thread::sleep_for(100us);
  }

 private:
  std::mutex mutex_;
  std::vector<Seen> blocks_;
  std::atomic<int> count_{0};
};

// Holds the one thread of a batcher until it is let go, so that others gather.
class Gate {
 public:
  void Pass() {
    entered = true;
    while (!open) std::this_thread::sleep_for(50us);
  }
  std::atomic<bool> entered{false}, open{false};
};

TEST_CASE("whoever comes first goes at once, the rest as full blocks while the device is busy") {
  Log log;
  Gate gate;
  Batcher<int> batcher({4, 1, 10s}, [&](const Batcher<int>::Block& block) {
    if (block.items.front() == 0) gate.Pass();
    log.Add(block);
  });
  batcher.Submit(7, 0);
  while (!gate.entered) std::this_thread::sleep_for(50us);
  for (int i = 1; i < 10; ++i) batcher.Submit(7, i);
  gate.open = true;
  log.WaitFor(10);
  const std::vector<Seen> blocks = log.Blocks();
  REQUIRE(blocks.size() == 4);
  CHECK(blocks[0].items == std::vector<int>{0});
  CHECK(blocks[0].reason == "idle");
  CHECK(blocks[1].items == std::vector<int>{1, 2, 3, 4});
  CHECK(blocks[1].reason == "full");
  CHECK(blocks[2].items == std::vector<int>{5, 6, 7, 8});
  CHECK(blocks[3].items == std::vector<int>{9});
  CHECK(blocks[3].reason == "idle");
}

TEST_CASE("with a thread free and the other busy, an item waits for company, but not for ever") {
  Log log;
  Gate gate;
  Batcher<int> batcher({4, 2, 20ms}, [&](const Batcher<int>::Block& block) {
    if (block.items.front() == 0) gate.Pass();
    log.Add(block);
  });
  batcher.Submit(1, 0);
  while (!gate.entered) std::this_thread::sleep_for(50us);
  batcher.Submit(1, 1);
  log.WaitFor(1);
  REQUIRE(log.Blocks().size() == 1);
  CHECK(log.Blocks()[0].items == std::vector<int>{1});
  CHECK(log.Blocks()[0].reason == "time");
  gate.open = true;
  log.WaitFor(2);
}

TEST_CASE("when nothing more is coming, what waits goes without a delay") {
  Log log;
  Gate gate;
  Batcher<int> batcher({4, 2, 1h}, [&](const Batcher<int>::Block& block) {
    if (block.items.front() == 0) gate.Pass();
    log.Add(block);
  });
  batcher.Submit(1, 0);
  while (!gate.entered) std::this_thread::sleep_for(50us);
  batcher.Submit(1, 1);
  batcher.Submit(2, 2);
  batcher.Flush();
  log.WaitFor(2);
  std::map<int, std::string> reasons;
  for (const Seen& block : log.Blocks()) reasons[block.items.front()] = block.reason;
  CHECK(reasons[1] == "quiet");
  CHECK(reasons[2] == "quiet");
  gate.open = true;
  log.WaitFor(3);
}

TEST_CASE("buckets never mix, and blocks by plan go whole and in their order") {
  Log log;
  {
    Batcher<int> batcher({3, 1, 100us}, [&](const Batcher<int>::Block& block) { log.Add(block); });
    for (int i = 0; i < 300; ++i) batcher.Submit(static_cast<std::uint64_t>(i % 5), i);
  }
  std::set<int> seen;
  for (const Seen& block : log.Blocks()) {
    CHECK(block.items.size() <= 3);
    for (const int item : block.items) {
      CHECK(item % 5 == block.items.front() % 5);
      CHECK(seen.insert(item).second);
    }
  }
  CHECK(seen.size() == 300);

  Log plan;
  {
    Batcher<int> batcher({3, 1, 1h}, [&](const Batcher<int>::Block& block) { plan.Add(block); });
    for (int i = 0; i < 50; ++i) batcher.SubmitBlock({i, i, i, i, i}, "full");
  }
  const std::vector<Seen> blocks = plan.Blocks();
  REQUIRE(blocks.size() == 50);
  for (int i = 0; i < 50; ++i) {
    CHECK(blocks[static_cast<std::size_t>(i)].items == std::vector<int>(5, i));
  }
}

TEST_CASE("many threads submit, many run, all is run once, the end waits for the rest") {
  std::atomic<int> total{0};
  {
    Batcher<int> batcher({5, 3, 200us}, [&](const Batcher<int>::Block& block) {
      total += static_cast<int>(block.items.size());
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 500; ++i) {
          batcher.Submit(static_cast<std::uint64_t>(t % 3), i);
          if (i % 50 == 0) batcher.Flush();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(total == 4000);
}

}  // namespace
}  // namespace pixloom
