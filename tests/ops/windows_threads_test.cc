// SPDX-License-Identifier: Apache-2.0
// Windows give the same bytes whatever the timing.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/support/test_nodes.h"

namespace pixloom {
namespace {

TEST_CASE("the same bytes for any number of threads and any timing") {
  const auto disturb = [](std::string_view node, std::uint64_t seq) {
    const std::uint64_t hash = HashCombine(StreamId(node), seq);
    if (hash % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(hash % 1500));
  };
  const std::string yaml = R"(
version: 1
seed: 5
nodes:
  scenes: {shapes: {count: 14, size: [72, 96], min_object: 16}}
  views:  {copies: 2}
  look:   [{random_resized_crop: {size: [64, 64]}}]
  a: {mixup: {block: 3}, from: look}
  b: {cutmix: {block: 5}, from: look}
  c: {mosaic: {size: [70, 90], grid: [2, 3]}, from: look, p: 0.8}
  d: {copy_paste: {position: random, blend: feather, scale: [0.5, 2], flip: 0.5}}
  e: {mixup: {block: 4}}
  ka: {test_keep: {name: a}, from: a}
  kb: {test_keep: {name: b}, from: b}
  ke: {test_keep: {name: e}, from: e}
)";
  const auto run = [&](RunOptions options) {
    auto lines = testing::RunKept(yaml, std::move(options));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const Sample& sample = testing::Kept()[i].sample;
      lines[i] += fmt::format(" {}", fmt::join(sample.labels.soft, " "));
      for (const Instance& instance : sample.instances) {
        lines[i] += fmt::format(" {}", instance.id);
        if (instance.HasMask()) lines[i] += fmt::format(":{}", cv::countNonZero(instance.Bits()));
      }
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  const auto expected = run({.threads = 1});
  REQUIRE(expected.size() == 3 * 28);
  for (int threads = 1; threads <= 8; ++threads) {
    CAPTURE(threads);
    CHECK(run({.threads = threads}) == expected);
    CHECK(run({.threads = threads, .before_node = disturb}) == expected);
  }
}

}  // namespace
}  // namespace pixloom
