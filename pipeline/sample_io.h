// SPDX-License-Identifier: Apache-2.0
// The binary form of what a sample carries: pictures (decoded or not), masks, objects, labels,
// scalars, text, counts and recipe. Who it is (identity, key, source) and what its integers stand
// for (names) belong to whoever reads it; recipe entries with parents have no binary form.
//
//   "PXLS", version (u32) | content | bytes of the content (u64) | xxh64 of all before (u64)
//
// Little endian, nothing aligned. Reading trusts no byte: every length is held against what is left
// before anything is allocated, and what does not check out is an error, never a crash. Pure
// functions over the streams they are given.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "pipeline/error.h"
#include "pipeline/sample.h"

namespace pixloom {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void Write(std::span<const std::uint8_t> bytes) = 0;
};

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t Left() const = 0;
  // Fills `to`; false when less is left.
  virtual bool Read(std::span<std::uint8_t> to) = 0;
};

// The content alone; equal bytes exactly for equal content.
void WriteContent(const Sample& sample, ByteSink& to);
// Bytes that WriteSample writes.
std::uint64_t StoredSize(const Sample& sample);

void WriteSample(const Sample& sample, ByteSink& to);
// Everything that is left in `from`; the error says what is wrong with it.
Result<Sample, std::string> ReadSample(ByteSource& from);

}  // namespace pixloom
