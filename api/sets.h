// SPDX-License-Identifier: Apache-2.0
// Stored data sets as a whole: joined, verified, repaired, looked into.
//
//   pixloom::VerifyReport report = pixloom::sets::Verify("out/train.h5");
//
// Sets are given as in a configuration ("out/train"), as a file or as a folder. Everything here
// throws ConfigError when there is no set, EnvironmentError for faults of the machine and
// DamagedSetError when a set is too damaged to say what is wrong (pipeline/set_report.h). Functions
// may be called from any thread; one at a time for one set that is written to.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/set_report.h"

namespace pixloom::sets {

// How work that takes a while is watched and stopped.
struct Work {
  int threads = 0;  // 0: as many as the machine has
  const std::atomic<bool>* stop = nullptr;
  std::function<void(std::uint64_t rows, std::uint64_t of)> progress{};
  std::function<void(std::string)> notice{};
};

struct MergeOptions {
  std::string out;                  // "out/train", "out/train.h5"
  std::vector<std::string> inputs;  // finished sets
  bool any = false;                 // of different runs, in the order given
  std::uint64_t shard_rows = 0;     // rows per file; 0: one file
  bool master = false;              // with shard_rows: a virtual data set over them
  bool overwrite = false;
};
// Parts of one plan become the set that one run would have made, byte for byte; one set is cut anew
// into other shards. Also throws OutputBusyError and ResumeRefusedError.
MergeReport Merge(const MergeOptions& options, const Work& work = {});

VerifyReport Verify(const std::string& path, const Work& work = {});

StatusReport Status(const std::string& path);

// Rows that are damaged are made again from the configuration in the set, or from `config`.
RepairReport Repair(const std::string& path, const std::optional<std::string>& config = {},
                    const Work& work = {});

struct InspectOptions {
  std::string sheet;  // a contact sheet to write; "": none
  int pictures = 24;  // on it
};
// Any HDF5 file.
InspectReport Inspect(const std::string& path, const InspectOptions& options = {});

}  // namespace pixloom::sets
