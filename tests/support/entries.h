// SPDX-License-Identifier: Apache-2.0
// `entries`: a source of tiny pictures with as many of each class as asked for, which counts who
// reads what; `pairs`, a window that notes who met whom; and a run with them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/verbs.h"

namespace pixloom::testing {

//   entries {counts: [900, 90, 10], prefix, objects, frames, changed, bad_every, first, quiet}
//   pairs {size}
const Registry& EntryRegistry();

// How often each entry was read since the last call.
std::map<std::string, int> TakeReads();

struct EntryRun {
  int threads = 1;
  RunOptions options{};
};

Outcome RunEntries(const std::string& yaml, EntryRun how = {});

// The same for a configuration that runs, with every node's counts checked.
Outcome Fine(const std::string& yaml, EntryRun how = {});

// Of the node's line in the report.
const NodeCounts& CountsOf(const Outcome& outcome, std::string_view node);

// "c3" of "c3/17".
std::string ClassOfKey(const std::string& key);

// Keys by their class.
std::map<std::string, int> PerClass(const std::vector<std::string>& keys);
// How many keys are in one of the two only.
std::size_t Differing(std::vector<std::string> a, std::vector<std::string> b);

// Sets an environment variable for as long as it lives.
class Environment {
 public:
  Environment(std::string name, const std::string& value);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::string name_, before_;
  bool was_set_;
};

}  // namespace pixloom::testing
