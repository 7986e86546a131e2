// SPDX-License-Identifier: Apache-2.0
// The process in which HDF5 reads a file.
//
// It is a fork of this one that keeps nothing but a socket to it, with limits on memory, processor
// time and open files. It ends when its parent does (the socket closes), when an answer takes too
// long, and when damage makes HDF5 crash; the parent then gets an error and may start another one.
// Not thread-safe: one question at a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "datasets/file_io.h"
#include "datasets/set_reader.h"
#include "pipeline/error.h"

namespace pixloom {

// Which file the child opens; it refuses another one that took its name meanwhile.
struct Hdf5Target {
  std::string path;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
};

enum class Hdf5Question : std::uint64_t { kDescribe, kChunks, kRead };

class Hdf5Child {
 public:
  // Throws EnvironmentError when there can be no process.
  Hdf5Child(const Hdf5Target& target, const Hdf5Limits& limits);
  ~Hdf5Child();
  Hdf5Child(const Hdf5Child&) = delete;
  Hdf5Child& operator=(const Hdf5Child&) = delete;

  // False in a fork of the process that started it, and after it ended.
  bool Usable() const;

  // The answer, of at most `most` bytes. An error that leaves the child unusable says how it ended.
  Result<std::vector<std::uint8_t>, std::string> Ask(std::span<const std::uint8_t> question,
                                                     std::uint64_t most);

 private:
  std::string End(bool too_slow);  // kills, waits, says why

  const int seconds_;
  FileHandle socket_;
  pid_t child_ = -1;
  pid_t owner_ = -1;
};

}  // namespace pixloom
