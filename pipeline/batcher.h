// SPDX-License-Identifier: Apache-2.0
// Batcher hands work to a network on threads of its own, so that a pool's thread never waits for a
// device: whole blocks in the order they come, or single items that become blocks.
//
// Single items go when as many of one bucket are there as a block takes ("full"), when nothing else
// is under way ("idle"), when the oldest of a bucket waited long enough ("time"), or when the owner
// says that nothing more is coming ("quiet"). With two threads one block is packed while the other
// is on the device. All methods may be called from any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace pixloom {

template <class T>
class Batcher {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    std::size_t size = 1;  // items of a block
    int threads = 2;
    std::chrono::microseconds delay{2000};
  };
  struct Block {
    std::vector<T> items;
    std::string_view reason;
  };

  // `run` must not throw.
  Batcher(const Options& options, std::function<void(Block)> run)
      : options_(options), run_(std::move(run)) {
    for (int t = 0; t < std::max(options.threads, 1); ++t) {
      threads_.emplace_back([this] { Loop(); });
    }
  }
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;
  // Runs what is left.
  ~Batcher() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void SubmitBlock(std::vector<T> items, std::string_view reason) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back({std::move(items), reason});
    wake_.notify_one();
  }

  void Submit(std::uint64_t bucket, T item) {
    const std::lock_guard lock(mutex_);
    buckets_[bucket].push_back({std::move(item), Clock::now()});
    wake_.notify_one();
  }

  // Nothing more is on its way: what waits goes now.
  void Flush() {
    const std::lock_guard lock(mutex_);
    quiet_ = !buckets_.empty();
    if (quiet_) wake_.notify_all();
  }

 private:
  struct Waiting {
    T item;
    Clock::time_point since;
  };
  using Bucket = std::deque<Waiting>;

  void Loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Block block;
      if (Next(block)) {
        ++running_;
        lock.unlock();
        run_(std::move(block));
        lock.lock();
        --running_;
        continue;
      }
      if (ending_ && blocks_.empty() && buckets_.empty()) return;
      if (buckets_.empty()) {
        wake_.wait(lock);
      } else {
        wake_.wait_until(lock, Oldest()->second.front().since + options_.delay);
      }
    }
  }

  typename std::map<std::uint64_t, Bucket>::iterator Oldest() {
    return std::min_element(buckets_.begin(), buckets_.end(), [](const auto& a, const auto& b) {
      return a.second.front().since < b.second.front().since;
    });
  }

  bool Next(Block& block) {
    if (!blocks_.empty()) {
      block = std::move(blocks_.front());
      blocks_.pop_front();
      return true;
    }
    if (buckets_.empty()) {
      quiet_ = false;
      return false;
    }
    const auto full = std::find_if(buckets_.begin(), buckets_.end(), [this](const auto& bucket) {
      return bucket.second.size() >= options_.size;
    });
    const auto chosen = full != buckets_.end() ? full : Oldest();
    block.reason = full != buckets_.end()                                          ? "full"
                   : quiet_ || ending_                                             ? "quiet"
                   : running_ == 0                                                 ? "idle"
                   : Clock::now() - chosen->second.front().since >= options_.delay ? "time"
                                                                                   : "";
    if (block.reason.empty()) return false;
    Bucket& bucket = chosen->second;
    const std::size_t count = std::min(bucket.size(), std::max<std::size_t>(options_.size, 1));
    for (std::size_t i = 0; i < count; ++i) {
      block.items.push_back(std::move(bucket.front().item));
      bucket.pop_front();
    }
    if (bucket.empty()) buckets_.erase(chosen);
    return true;
  }

  const Options options_;
  const std::function<void(Block)> run_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Block> blocks_;
  std::map<std::uint64_t, Bucket> buckets_;  // none is empty
  int running_ = 0;
  bool quiet_ = false;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pixloom
