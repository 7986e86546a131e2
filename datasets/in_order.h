// SPDX-License-Identifier: Apache-2.0
// Work of several threads, taken in order by one.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace pixloom {

// Threads to use when `asked` is 0.
inline int ThreadsFor(int asked) {
  return asked > 0 ? asked : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

// Calls make(i) for i in [first, end) in `threads` threads, and take(i, result) in this one, in
// order. At most `ahead` results exist at a time. take returns false to stop. What make or take
// throw is thrown here, when all threads are done.
template <class Make, class Take>
void InOrder(std::uint64_t first, std::uint64_t end, int threads, std::uint64_t ahead,
             const Make& make, const Take& take) {
  using Made = decltype(make(first));
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::uint64_t, Made> made;
  std::uint64_t next = first;   // to make
  std::uint64_t taken = first;  // to take
  bool stop = false;
  std::exception_ptr error;

  const auto work = [&] {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stop || next == end || next < taken + ahead; });
      if (stop || next == end) return;
      const std::uint64_t i = next++;
      lock.unlock();
      try {
        Made result = make(i);
        lock.lock();
        made.emplace(i, std::move(result));
      } catch (...) {
        if (!lock.owns_lock()) lock.lock();
        if (!error) error = std::current_exception();
        stop = true;
      }
      changed.notify_all();
    }
  };
  std::vector<std::thread> workers;
  const std::uint64_t useful =
      std::min<std::uint64_t>(static_cast<std::uint64_t>(threads), end > first ? end - first : 0);
  workers.reserve(useful);
  for (std::uint64_t i = 0; i < useful; ++i) workers.emplace_back(work);

  std::unique_lock lock(mutex);
  while (!stop && taken < end) {
    changed.wait(lock, [&] { return stop || made.count(taken) > 0; });
    if (stop) break;
    auto node = made.extract(taken);
    lock.unlock();
    bool go_on = false;
    std::exception_ptr failed;
    try {
      go_on = take(node.key(), std::move(node.mapped()));
    } catch (...) {
      failed = std::current_exception();
    }
    lock.lock();
    ++taken;
    if (failed && !error) error = failed;
    if (!go_on) stop = true;
    changed.notify_all();
  }
  stop = true;
  changed.notify_all();
  lock.unlock();
  for (std::thread& worker : workers) worker.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace pixloom
