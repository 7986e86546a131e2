// SPDX-License-Identifier: Apache-2.0
// Bounded reads from a block of bytes, for the header parsers.
//
// Every read outside the block gives 0, so that a parser needs one check for the block's length
// and none per field. Views only; does not own the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace pixloom {

class ByteView {
 public:
  explicit ByteView(std::span<const std::uint8_t> bytes, bool little_endian = false)
      : bytes_(bytes), little_endian_(little_endian) {}

  std::uint64_t Size() const { return bytes_.size(); }
  bool Has(std::uint64_t at, std::uint64_t count) const {
    return at <= bytes_.size() && count <= bytes_.size() - at;
  }

  std::uint32_t U8(std::uint64_t at) const { return at < bytes_.size() ? bytes_[at] : 0; }
  std::uint32_t U16(std::uint64_t at) const {
    return little_endian_ ? U8(at) | U8(at + 1) << 8 : U8(at) << 8 | U8(at + 1);
  }
  std::uint32_t U24(std::uint64_t at) const {
    return little_endian_ ? U16(at) | U8(at + 2) << 16 : U16(at) << 8 | U8(at + 2);
  }
  std::uint32_t U32(std::uint64_t at) const {
    return little_endian_ ? U16(at) | U16(at + 2) << 16 : U16(at) << 16 | U16(at + 2);
  }

  bool StartsWith(std::string_view text, std::uint64_t at = 0) const {
    return Has(at, text.size()) && std::memcmp(bytes_.data() + at, text.data(), text.size()) == 0;
  }

  // The part [at, at + count), cut at the end of the block.
  std::span<const std::uint8_t> Part(std::uint64_t at, std::uint64_t count) const {
    if (at >= bytes_.size()) return {};
    const std::uint64_t left = bytes_.size() - at;
    return bytes_.subspan(at, count < left ? count : left);
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool little_endian_;
};

}  // namespace pixloom
