// SPDX-License-Identifier: Apache-2.0
// What a large picture costs: the picture, its result, and a few tens of megabytes.
#include <doctest/doctest.h>
#include <features.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cstdint>
#include <fstream>
#include <string>

#include "models/nodes.h"
#include "tests/models/item_network.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PIXLOOM_TEST_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PIXLOOM_TEST_SANITIZED
#endif

namespace pixloom::testing {
namespace {

constexpr std::int64_t kMega = std::int64_t{1} << 20;

// The most that this process ever held, in bytes; 0: not told.
std::int64_t PeakBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stoll(line.substr(6)) * 1024;
  }
  return 0;
}

TEST_CASE("96 megapixels in tiles take the picture, the result, and 64 MB") {
#ifdef __GLIBC__
  // Freed blocks go back at once, so that what is measured is what is held.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
  const std::int64_t before = PeakBytes();
#ifdef PIXLOOM_TEST_SANITIZED
  MESSAGE("[skipped] memory of a large picture: sanitizers keep what was freed");
  return;
#endif
  if (before == 0) {
    MESSAGE("[skipped] memory of a large picture: there is no /proc/self/status");
    return;
  }
  auto model = FakeModel(ModelRole::kEnhancer, Map([](float v) { return 1 - v; }));
  MainOf(*model).device = "cuda:0";  // where runs are of several tiles
  const auto enhance = MakeEnhance(model, {});
  Sample sample;
  cv::Mat pixels(8000, 12'000, CV_8UC3);
  for (int y = 0; y < pixels.rows; ++y) {
    for (int i = 0; i < pixels.cols * 3; ++i) {
      pixels.ptr(y)[i] = static_cast<std::uint8_t>(i * 7 + y * 13 + (i * y) / 1024);
    }
  }
  const cv::Mat source = pixels;
  sample.images.emplace_back("image", ImageField::Of(pixels));
  ModelOperator::Item item{&sample, {}, Rng({1, 2, 3})};
  const auto errors = enhance->Run({&item, 1}, false);
  REQUIRE(!errors[0]);
  const std::int64_t held = 2 * std::int64_t{8000} * 12'000 * 3;
  MESSAGE("beside picture and result: ", (PeakBytes() - before - held) / kMega, " MB");
  CHECK(PeakBytes() - before <= held + 64 * kMega);

  const cv::Mat& made = sample.images[0].second.frames[0].pixels;
  REQUIRE(made.size() == source.size());
  bool right = true;
  for (int y = 0; y < made.rows; ++y) {
    const auto *was = source.ptr(y), *is = made.ptr(y);
    for (int i = 0; i < made.cols * 3; ++i) right = right && is[i] == 255 - was[i];
  }
  CHECK(right);
  for (const Dims& run : MainOf(*model).runs) CHECK(run == Dims{4, 3, 512, 512});
}

}  // namespace
}  // namespace pixloom::testing
