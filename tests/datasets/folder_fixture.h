// SPDX-License-Identifier: Apache-2.0
// Directories that come and go, for tests that touch files.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "datasets/codec.h"
#include "tests/datasets/image_samples.h"
#include "tests/datasets/jpeg_samples.h"

namespace pixloom::testing {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "pixloom-folder-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }

  void Put(const std::string& name, const Bytes& bytes) const {
    const fs::path file = path / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

  Strings Files() const {
    Strings names;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (!entry.is_directory()) names.push_back(fs::relative(entry.path(), path).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path path;
};

inline std::string Slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline const Codec& TheCodec() {
  static const auto codec = MakeCodec();
  return *codec;
}

inline Bytes SmallJpeg(int width = 20, int height = 10) {
  JpegSpec spec;
  spec.width = width;
  spec.height = height;
  return MakeJpeg(spec);
}

}  // namespace pixloom::testing
