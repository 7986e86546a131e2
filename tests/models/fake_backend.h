// SPDX-License-Identifier: Apache-2.0
// A backend behind the C interface whose every answer a test decides: it multiplies by 3. It counts
// instances and notices when two threads use one.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "models/backends.h"

namespace pixloom::testing {

struct FakePort {
  std::string name;
  std::vector<std::int64_t> dims;  // with the batch; empty: not known
};

struct FakeBehaviour {
  // What the graph has; the order in which the host wants it is not looked at.
  std::vector<FakePort> inputs{{"x", {-1, 3, -1, -1}}}, outputs{{"y", {-1, 3, -1, -1}}};
  std::string runs_on;  // "": where it was told to
  bool concurrent = false;
  bool waits = false;
  std::set<std::string> devices{"cpu"};  // that are there
  pixloom_status probe = PIXLOOM_OK;     // and its text is "fake probe"
  pixloom_status create = PIXLOOM_OK;    // "fake create"
  int most_instances = 1000;             // then out of memory
  std::function<float(float, bool fp16)> value = [](float x, bool) { return 3 * x; };
  // In place of a run: nullopt is not needed, it may do nothing but return.
  std::function<pixloom_status(const pixloom_tensor*, pixloom_outputs*)> run;
  bool pinned = false;
};

struct FakeCounts {
  std::atomic<int> created{0}, destroyed{0}, runs{0}, shared{0}, pinned{0};
  std::atomic<int> running{0}, most_running{0};
  std::vector<std::string> seen_inputs, seen_outputs;  // names that the host asked for
  std::uint32_t threads = 0;
};

// Backends "fake0" ... "fake3", each a table of its own, added to the process once. Their
// preference falls with the number: `auto` tries fake0 first.
inline constexpr int kFakeBackends = 4;
FakeBehaviour& Behaviour(int fake);
FakeCounts& Counts(int fake);
// Everything as in the beginning; only these backends are offered, with these devices.
void ResetFakes(int offered, std::vector<std::string> devices = {"cpu"});

}  // namespace pixloom::testing
