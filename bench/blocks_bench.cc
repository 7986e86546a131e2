// SPDX-License-Identifier: Apache-2.0
// What gathering samples for a device is worth: a simulated one that takes 4 ms a run and 0.3 ms a
// picture, fed picture by picture, by blocks of the plan, and by time. Its ceiling with blocks of B
// is B / (4 + 0.3 B) pictures a millisecond. Rounds alternate; medians of one run.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "api/pixloom.h"

namespace {

using namespace pixloom;
using Clock = std::chrono::steady_clock;

constexpr int kFixedUs = 4000, kEachUs = 300;

class Device final : public ModelOperator {
 public:
  Device(int block, int in_flight) : pace_{block, in_flight, true} {}
  Pace GetPace() const override { return pace_; }
  ModelUse GetUse() const override { return use_; }
  std::vector<std::optional<DataError>> Run(std::span<Item> block, bool) override {
    const std::lock_guard lock(busy_);
    const auto start = Clock::now();
    // Until the moment, so that a late wake-up does not make the device slower than it says.
    const auto end =
        start + std::chrono::microseconds(kFixedUs + kEachUs * static_cast<int>(block.size()));
    std::this_thread::sleep_until(end - std::chrono::microseconds(150));
    while (Clock::now() < end) {
    }
    ++use_.runs;
    use_.pictures += block.size();
    use_.nanoseconds += static_cast<std::uint64_t>((Clock::now() - start).count());
    return std::vector<std::optional<DataError>>(block.size());
  }

 private:
  const Pace pace_;
  std::mutex busy_;
  ModelUse use_{"a simulated device"};
};

struct Simulated {
  std::int64_t block = 16, in_flight = 2;
  static constexpr std::string_view kName = "simulated";
  static constexpr std::string_view kDoc = "A device of fixed cost.";
  static constexpr auto Params() {
    return std::tuple{Param("block", &Simulated::block), Param("in_flight", &Simulated::in_flight)};
  }
  std::shared_ptr<ModelOperator> Make(const Services&) const {
    return std::make_shared<Device>(static_cast<int>(block), static_cast<int>(in_flight));
  }
};

struct Measured {
  double rate = 0, mean = 0, busy = 0, wait_p50 = 0, wait_p95 = 0;
};

Measured Run(const Registry& registry, int block, bool by_time, int count) {
  const std::string yaml = fmt::format(
      "version: 1\nseed: 1\nnodes:\n  in: {{shapes: {{count: {}, size: [48, 48], masks: false, "
      "keypoints: false, min_object: 12}}}}\n"
      "  look: [hflip, {{simulated: {{block: {}}}}}, "
      "{{gamma: [0.8, 1.2]}}]\n  out: {{discard: {{}}}}\n",
      count, block);
  Pipeline pipeline = Pipeline::Parse(yaml, "bench.yaml", {.registry = &registry});
  RunOptions options;
  options.threads = 2;
  if (by_time) options.blocks = RunOptions::Blocks::kByTime;
  const RunReport report = pipeline.Run(options);
  Measured measured;
  measured.rate = count / report.seconds;
  for (const NodeCounts& node : report.nodes) {
    if (!node.blocks) continue;
    const BlockCounts& blocks = *node.blocks;
    measured.mean = static_cast<double>(blocks.use.pictures) / static_cast<double>(blocks.use.runs);
    measured.busy = static_cast<double>(blocks.use.nanoseconds) * 1e-9 / report.seconds;
    measured.wait_p50 = blocks.wait_p50;
    measured.wait_p95 = blocks.wait_p95;
  }
  return measured;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  Registry registry;
  RegisterBuiltIns(registry);
  registry.AddModel<Simulated>();
  struct Way {
    std::string name;
    int block;
    bool by_time;
    int count;
    std::vector<Measured> runs{};
  };
  std::vector<Way> ways{{"one by one", 1, false, 120},
                        {"blocks of 16, by plan", 16, false, 1600},
                        {"blocks of 32, by plan", 32, false, 1600},
                        {"blocks of 16, by time", 16, true, 1600},
                        {"blocks of 32, by time", 32, true, 1600}};
  for (int r = 0; r < rounds; ++r) {
    for (Way& way : ways) way.runs.push_back(Run(registry, way.block, way.by_time, way.count));
  }
  const auto median = [](std::vector<Measured> runs) {
    std::sort(runs.begin(), runs.end(), [](auto& a, auto& b) { return a.rate < b.rate; });
    return runs[runs.size() / 2];
  };
  const double single = median(ways[0].runs).rate;
  fmt::print("{:<24}{:>10}{:>8}{:>10}{:>8}{:>8}{:>10}{:>10}\n", "simulated device", "pictures/s",
             "times", "ceiling", "mean", "busy", "wait p50", "wait p95");
  for (const Way& way : ways) {
    const Measured m = median(way.runs);
    const double ceiling = 1e6 * way.block / (kFixedUs + kEachUs * way.block);
    fmt::print("{:<24}{:>10.0f}{:>8.2f}{:>9.1f}%{:>8.1f}{:>7.1f}%{:>8.1f}ms{:>8.1f}ms\n", way.name,
               m.rate, m.rate / single, 100 * m.rate / ceiling, m.mean, 100 * m.busy, m.wait_p50,
               m.wait_p95);
  }
  return 0;
}
