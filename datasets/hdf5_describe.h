// SPDX-License-Identifier: Apache-2.0
// What the child process does: it opens one file with HDF5 and answers questions about it. Never
// called outside that process; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "datasets/hdf5_child.h"
#include "datasets/hdf5_wire.h"

namespace pixloom {

class Hdf5Describer {
 public:
  Hdf5Describer(Hdf5Target target, const Hdf5Limits& limits);
  ~Hdf5Describer();

  // Throws std::runtime_error with what is wrong.
  std::vector<std::uint8_t> Answer(WireReader question);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The other end of what kDescribe answers: datasets, attributes of the root. Runs in the parent and
// trusts nothing: checks every place against the size of the file.
struct Hdf5Description {
  std::vector<Hdf5Dataset> datasets;  // sorted by path
  std::vector<Attribute> root;
  Attributes groups;  // those that have any
};
void WriteDescription(WireWriter& to, const Hdf5Description& description);
Result<Hdf5Description, std::string> ReadDescription(WireReader from, std::uint64_t file_bytes);

}  // namespace pixloom
