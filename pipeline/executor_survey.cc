// SPDX-License-Identifier: Apache-2.0
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "pipeline/survey.h"

namespace pixloom {

void ForEachEntry(std::size_t count, int threads, const std::atomic<bool>* stop,
                  const std::function<void(std::size_t)>& body) {
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  arena.execute([&] {
    tbb::parallel_for(std::size_t{0}, count, [&](std::size_t i) {
      if (stop == nullptr || !*stop) body(i);
    });
  });
}

}  // namespace pixloom
