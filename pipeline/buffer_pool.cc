// SPDX-License-Identifier: Apache-2.0
#include "pipeline/buffer_pool.h"

#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#include <opencv2/core.hpp>

namespace pixloom {

namespace {

constexpr std::size_t kPooledFrom = std::size_t{64} << 10;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kAutoStep = 0x7fffffff;  // as the C interface of OpenCV writes it

// Sizes are rounded up to eighths of a power of two, so that pictures of similar size share buffers
// and at most an eighth is wasted.
std::size_t SizeClass(std::size_t bytes) {
  if (bytes == 0) bytes = 1;
  const std::size_t step = std::bit_floor(bytes) / 8;
  const std::size_t unit = step > kAlignment ? step : kAlignment;
  return (bytes + unit - 1) / unit * unit;
}

class Pool {
 public:
  void* Take(std::size_t size) {
    if (size >= kPooledFrom) {
      const std::lock_guard lock(mutex_);
      const auto it = free_.find(size);
      if (it != free_.end() && !it->second.empty()) {
        void* block = it->second.back();
        it->second.pop_back();
        free_bytes_ -= size;
        return block;
      }
    }
    void* block = std::aligned_alloc(kAlignment, size);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }

  void Give(void* block, std::size_t size) {
    if (size >= kPooledFrom) {
      const std::lock_guard lock(mutex_);
      if (free_bytes_ + size <= kBufferPoolLimit) {
        free_[size].push_back(block);
        free_bytes_ += size;
        return;
      }
    }
    std::free(block);
  }

  std::size_t FreeBytes() {
    const std::lock_guard lock(mutex_);
    return free_bytes_;
  }

 private:
  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;  // by size class
  std::size_t free_bytes_ = 0;
};

class PoolAllocator final : public cv::MatAllocator {
 public:
  Pool& pool() const { return pool_; }

  cv::UMatData* allocate(int dims, const int* sizes, int type, void* data, std::size_t* step,
                         cv::AccessFlag, cv::UMatUsageFlags) const override {
    std::size_t total = CV_ELEM_SIZE(type);
    for (int i = dims - 1; i >= 0; --i) {
      if (step != nullptr) {
        if (data != nullptr && step[i] != kAutoStep) {
          CV_Assert(total <= step[i]);
          total = step[i];
        } else {
          step[i] = total;
        }
      }
      total *= static_cast<std::size_t>(sizes[i]);
    }
    auto* header = new cv::UMatData(this);
    header->size = total;
    if (data != nullptr) {
      header->data = header->origdata = static_cast<uchar*>(data);
      header->flags |= cv::UMatData::USER_ALLOCATED;
      return header;
    }
    try {
      header->data = header->origdata = static_cast<uchar*>(pool_.Take(SizeClass(total)));
    } catch (...) {
      delete header;
      throw;
    }
    return header;
  }

  bool allocate(cv::UMatData* header, cv::AccessFlag, cv::UMatUsageFlags) const override {
    return header != nullptr;
  }

  void deallocate(cv::UMatData* header) const override {
    if (header == nullptr) return;
    const bool own = (header->flags & cv::UMatData::USER_ALLOCATED) == 0;
    if (own && header->origdata != nullptr) pool_.Give(header->origdata, SizeClass(header->size));
    delete header;
  }

 private:
  mutable Pool pool_;
};

PoolAllocator& TheAllocator() {
  static PoolAllocator& allocator = *new PoolAllocator;  // Mats may live until the process ends
  return allocator;
}

}  // namespace

void InstallBufferPool() {
  static std::once_flag once;
  std::call_once(once, [] { cv::Mat::setDefaultAllocator(&TheAllocator()); });
}

std::size_t BufferPoolFreeBytes() { return TheAllocator().pool().FreeBytes(); }

}  // namespace pixloom
