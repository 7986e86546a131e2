// SPDX-License-Identifier: Apache-2.0
// What a cache gains and costs: 300 JPEGs of 1500x1000, resized to 256, through a chain, a cold
// cache, and a warm one on disk and in memory. Rounds alternate; figures are medians, ratios are to
// the chain. The files are in the page cache.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "api/pixloom.h"

namespace {

using namespace pixloom;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kPictures = 300;

struct Way {
  const char* name;
  std::function<void()> before;
  Pipeline pipeline;
  std::vector<double> seconds;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  std::string work = (fs::temp_directory_path() / "pixloom_bench_XXXXXX").string();
  if (mkdtemp(work.data()) == nullptr) return 1;
  Pipeline::Parse(fmt::format("version: 1\nseed: 1\nnodes:\n  in: {{shapes: {{count: {}, size: "
                              "[1000, 1500], masks: false}}}}\n  out: {{image_folder: {{path: "
                              "{}/in, format: jpg}}}}\n",
                              kPictures, work))
      .Run();
  const auto pipeline = [&](const std::string& small) {
    return Pipeline::Parse(
        fmt::format("version: 1\nseed: 1\nnodes:\n  in: {{image_folder: {{path: {}/in}}}}\n  "
                    "small: {}\n  look: [hflip: {{p: 0.5}}, color_jitter]\n  out: {{discard: {{}}}}"
                    "\n",
                    work, small));
  };
  constexpr const char* kSteps = "[resize: {size: 256, interpolation: antialias}]";
  const auto on_disk = [&](const char* folder) {
    return pipeline(fmt::format("{{cache: {{steps: {}, path: {}/{}}}}}", kSteps, work, folder));
  };
  std::vector<Way> ways;
  ways.push_back({"chain", [] {}, pipeline(kSteps), {}});
  ways.push_back({"cold", [&] { fs::remove_all(work + "/cold"); }, on_disk("cold"), {}});
  ways.push_back({"warm, on disk", [] {}, on_disk("warm"), {}});
  ways.push_back({"warm, in memory",
                  [] {},
                  pipeline(fmt::format("{{cache: {{steps: {}, memory: 1GiB}}}}", kSteps)),
                  {}});
  for (const int threads : {1, 2}) {
    for (Way& way : ways) way.seconds.clear();
    for (int round = -1; round < rounds; ++round) {  // the first one fills caches
      for (Way& way : ways) {
        way.before();
        const auto start = Clock::now();
        way.pipeline.Run({.threads = threads});
        const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
        if (round >= 0) way.seconds.push_back(seconds);
      }
    }
    for (const Way& way : ways) {
      fmt::print("{} thread{}  {:<16} {:7.2f} ms per picture  {:5.2f}x\n", threads,
                 threads == 1 ? " " : "s", way.name, 1000 * Median(way.seconds) / kPictures,
                 Median(ways[0].seconds) / Median(way.seconds));
    }
  }
  fs::remove_all(work);
  return 0;
}
