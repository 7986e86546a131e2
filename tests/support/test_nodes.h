// SPDX-License-Identifier: Apache-2.0
// Sources, sinks, windows and steps for tests of the engine, in a registry beside the built-ins.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/pixloom.h"

namespace pixloom::testing {

// What reached a test_keep sink, in the order it was written.
struct KeptSample {
  std::string sink;
  std::string key;
  std::vector<std::uint32_t> branch;
  std::uint64_t hash = 0;  // of pixels, masks and labels
  std::string recipe;
  std::map<std::string, std::string> text;
  Sample sample;
};
std::vector<KeptSample>& Kept();
// How many pictures each call of a test_model got.
std::vector<std::size_t>& BatchSizes();

// What test_ledger sinks hold, by name: it stays when a run stops, and the next one goes on.
struct Ledger {
  std::uint64_t done = 0;                   // units
  std::uint64_t quarantined = 0;            // of these
  std::vector<std::string> lines, pending;  // results of whole units; of the one that comes
  std::optional<std::uint64_t> expected;    // results, as the engine told
  std::vector<std::string> sources;         // that reach it
  Fingerprint fingerprint;
  int opened = 0;
};
std::map<std::string, Ledger>& Ledgers();

// Built-in operators and sources, and:
//   test_numbers {count, side, vary, bad_every, same_key, prefix}   small pictures "n0", "n1", ...
//   test_keep {name, delay_us, fail_at}                             sink into Kept()
//   test_ledger {name, fail_at}                                     sink into Ledgers()
//   test_model {batch, level, fail_at, in_flight, waits,            network: adds a level, and
//               fixed_us, each_us}                                  takes its time like a device
//   test_neighbour {size, throw_every}                              window: blends with the next
//   one test_fail {every, kind: data|bug|memory|opencv}                 step that fails
const Registry& TestRegistry();
void RegisterTestNodes(Registry& registry);  // for a registry with more of them

// Runs and returns one line per kept sample: sink, key, branch, hash, recipe.
std::vector<std::string> RunKept(const std::string& yaml, RunOptions options,
                                 const std::set<std::string>& disabled = {});

// The least budget that `threads` threads are allowed to run with.
std::uint64_t LeastBudget(const std::string& yaml, int threads);

// A path in a fresh folder of its own.
std::string TemporaryFile(const std::string& name);

// Hash of everything a sample carries that results are judged by.
std::uint64_t ContentHash(const Sample& sample);

}  // namespace pixloom::testing
