// SPDX-License-Identifier: Apache-2.0
// Time during which at least one of several runs was under way. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace pixloom {

class BusyClock {
 public:
  void Start() {
    const std::lock_guard lock(mutex_);
    if (running_++ == 0) since_ = Clock::now();
  }
  void Stop() {
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) total_ += Clock::now() - since_;
  }
  void Reset() {
    const std::lock_guard lock(mutex_);
    total_ = Clock::duration::zero();
    since_ = Clock::now();
  }
  std::uint64_t Nanoseconds() const {
    const std::lock_guard lock(mutex_);
    const Clock::duration now = running_ > 0 ? Clock::now() - since_ : Clock::duration::zero();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(total_ + now).count());
  }

 private:
  using Clock = std::chrono::steady_clock;
  mutable std::mutex mutex_;
  int running_ = 0;
  Clock::time_point since_;
  Clock::duration total_ = Clock::duration::zero();
};

}  // namespace pixloom
