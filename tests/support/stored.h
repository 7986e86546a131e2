// SPDX-License-Identifier: Apache-2.0
// Stored samples as bytes, for tests that look at all of a sample at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/sample_io.h"

namespace pixloom::testing {

using ByteList = std::vector<std::uint8_t>;

class ListSink final : public ByteSink {
 public:
  void Write(std::span<const std::uint8_t> bytes) override {
    list.insert(list.end(), bytes.begin(), bytes.end());
  }
  ByteList list;
};

class ListSource final : public ByteSource {
 public:
  explicit ListSource(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::uint64_t Left() const override { return bytes_.size(); }
  bool Read(std::span<std::uint8_t> to) override {
    if (to.size() > bytes_.size()) return false;
    std::copy_n(bytes_.begin(), to.size(), to.begin());
    bytes_ = bytes_.subspan(to.size());
    return true;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

// Everything the sample carries, recipe included.
inline ByteList ContentOf(const Sample& sample) {
  ListSink sink;
  WriteContent(sample, sink);
  return std::move(sink.list);
}

inline ByteList StoredForm(const Sample& sample) {
  ListSink sink;
  WriteSample(sample, sink);
  return std::move(sink.list);
}

inline Result<Sample, std::string> FromStored(std::span<const std::uint8_t> bytes) {
  ListSource source(bytes);
  return ReadSample(source);
}

}  // namespace pixloom::testing
