// SPDX-License-Identifier: Apache-2.0
// A file that grows while a run goes on and gets its name when it is whole. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "datasets/file_io.h"

namespace pixloom {

class OutputFile {
 public:
  // Creates `temporary`, or empties it. Everything here throws EnvironmentError.
  explicit OutputFile(std::string temporary);
  // Removes what was not finished.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void Append(std::span<const std::uint8_t> bytes);
  void Append(std::string_view text);
  // Everything that `other` holds.
  void AppendAll(OutputFile& other);
  std::uint64_t Size() const { return written_ + buffer_.size(); }

  // On disk, then under its name.
  void FinishAs(const std::string& path);

 private:
  void WriteOut();
  [[noreturn]] void Fail(const char* what, int error) const;

  std::string temporary_;
  FileHandle file_;
  std::string buffer_;
  std::uint64_t written_ = 0;
};

}  // namespace pixloom
