// SPDX-License-Identifier: Apache-2.0
// HDF5 files of tests: a folder that comes and goes, and h5py and h5dump as independent readers.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "datasets/hdf5_structure.h"

namespace pixloom::testing {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "pixloom-hdf5-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

inline Bytes ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return {text.begin(), text.end()};
}

inline void WriteBytesAt(const std::string& path, std::uint64_t offset, const Bytes& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

struct Said {
  int status = 0;
  std::string text;
};

inline Said Run(const std::string& command) {
  Said said;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (std::size_t n = 0; (n = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    said.text.append(buffer, n);
  }
  said.status = ::pclose(pipe);
  return said;
}

// tests/datasets/hdf5_check.py, with /usr/bin/python3: see there.
inline std::string Python(const std::string& arguments) {
  const Said said = Run("/usr/bin/python3 tests/datasets/hdf5_check.py " + arguments);
  INFO(said.text);
  CHECK(said.status == 0);
  return said.text;
}

// Where `dump_all FILE OUT` puts a dataset.
inline std::string DumpOf(const std::string& out, std::string path) {
  std::replace(path.begin(), path.end(), '/', '.');
  return out + "." + path;
}

// Bytes that look like nothing in particular but compress a little.
inline Bytes SomeBytes(std::uint64_t count, std::uint64_t seed) {
  Bytes bytes(count);
  std::uint64_t state = seed * 2654435761u + 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<std::uint8_t>(state >> 60 << 2);
  }
  return bytes;
}

}  // namespace pixloom::testing
