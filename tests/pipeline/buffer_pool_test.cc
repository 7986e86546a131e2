// SPDX-License-Identifier: Apache-2.0
#include "pipeline/buffer_pool.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <thread>
#include <vector>

#include <opencv2/core.hpp>

namespace pixloom {
namespace {

TEST_CASE("a buffer that is let go of serves the next picture of its size") {
  InstallBufferPool();
  const std::size_t before = BufferPoolFreeBytes();
  const uchar* first = nullptr;
  {
    const cv::Mat picture(500, 400, CV_8UC3);
    first = picture.data;
    CHECK(reinterpret_cast<std::uintptr_t>(first) % 64 == 0);
  }
  const std::size_t kept = BufferPoolFreeBytes();
  CHECK(kept >= before + 500 * 400 * 3);
  // A little smaller is the same class of sizes.
  const cv::Mat again(499, 400, CV_8UC3);
  CHECK(again.data == first);
  CHECK(BufferPoolFreeBytes() < kept);
}

TEST_CASE("small buffers are left to the C library") {
  InstallBufferPool();
  const std::size_t before = BufferPoolFreeBytes();
  { const cv::Mat small(16, 16, CV_8UC3); }
  CHECK(BufferPoolFreeBytes() == before);
}

TEST_CASE("no more is kept than the limit, whoever lets go") {
  InstallBufferPool();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      std::vector<cv::Mat> pictures;
      for (int i = 0; i < 10; ++i)
        pictures.emplace_back(2000, 1500 + i * 200, CV_8UC3, cv::Scalar());
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(BufferPoolFreeBytes() > 0);
  CHECK(BufferPoolFreeBytes() <= kBufferPoolLimit);
}

}  // namespace
}  // namespace pixloom
