// SPDX-License-Identifier: Apache-2.0
// What the executor costs: the same samples through the same calls in a bare loop, and through the
// flow graph with 1 and 2 threads. Rounds alternate, since machines drift; ratios of neighbours.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "api/pixloom.h"
#include "bench/preloaded.h"
#include "pipeline/chain.h"

namespace {

using namespace pixloom;
using Clock = std::chrono::steady_clock;

constexpr const char* kPipeline = R"(
version: 1
seed: 1
nodes:
  in: {shapes: {count: 400, size: [375, 500], encode: jpeg, masks: false, keypoints: false}}
  look:
    - random_resized_crop: {size: [224, 224]}
    - hflip: {p: 0.5}
    - color_jitter
  out: {discard: {}}
)";

double Seconds(const std::function<void()>& body) {
  const auto start = Clock::now();
  body();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Spread {
  double low, median, high;  // quartiles
};

Spread Quartiles(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return {v[v.size() / 4], v[v.size() / 2], v[v.size() * 3 / 4]};
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 21;
  Pipeline pipeline = Pipeline::Parse(kPipeline);
  // The bench stands in for the source of the graph it owns.
  auto& graph = const_cast<Graph&>(pipeline.graph());
  graph.nodes[0].source = std::make_unique<Preloaded>(*graph.nodes[0].source);
  const Source& source = *graph.nodes[0].source;
  const auto entries = *graph.nodes[0].source->List([](const std::string&) {});
  const ChainRunner chains(BuiltInFamilies(), BuiltInCodec(), graph.seed);

  const auto bare = [&] {
    for (const SourceEntry& entry : entries) {
      Sample sample = *source.Read(entry);
      sample.identity.id = SampleId("in", entry.key);
      sample.key = entry.key;
      if (chains.Run(graph.nodes[1], sample)) std::abort();
      auto prepared = graph.nodes[2].sink->Prepare(std::move(sample));
      graph.nodes[2].sink->Write(std::move(*prepared));
    }
  };
  const auto run = [&](int threads) {
    RunOptions options;
    options.threads = threads;
    pipeline.Run(options);
  };
  bare();
  run(1);
  run(2);
  std::vector<double> overhead, speedup, one_thread;
  for (int i = 0; i < rounds; ++i) {
    // The order turns round, so that a drift within a round cancels out.
    double loop = 0, one = 0, two = 0;
    if (i % 2 == 0) {
      loop = Seconds(bare), one = Seconds([&] { run(1); }), two = Seconds([&] { run(2); });
    } else {
      two = Seconds([&] { run(2); }), one = Seconds([&] { run(1); }), loop = Seconds(bare);
    }
    overhead.push_back(one / loop);
    speedup.push_back(one / two);
    one_thread.push_back(one);
  }
  const Spread o = Quartiles(overhead), s = Quartiles(speedup), t = Quartiles(one_thread);
  fmt::print("executor: {} samples of 500x375 JPEG to 224x224, {} alternating rounds\n",
             entries.size(), rounds);
  fmt::print("{:<44}{:>8}{:>10}{:>8}\n", "", "median", "quartiles", "");
  fmt::print("{:<44}{:>8.3f}{:>10.3f}{:>8.3f}\n", "time with 1 thread / bare loop", o.median, o.low,
             o.high);
  fmt::print("{:<44}{:>8.3f}{:>10.3f}{:>8.3f}\n", "speed-up of 2 threads over 1", s.median, s.low,
             s.high);
  fmt::print("{:<44}{:>8.0f}\n", "samples per second, 1 thread",
             static_cast<double>(entries.size()) / t.median);
  return 0;
}
