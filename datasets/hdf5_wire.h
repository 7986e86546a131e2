// SPDX-License-Identifier: Apache-2.0
// Messages between a reader and its child: numbers and texts, one behind the other. Both sides run
// the same program on the same machine, but the reader trusts nothing it gets. Plain values.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pixloom {

class WireWriter {
 public:
  void Number(std::uint64_t number) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&number);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof number);
  }
  void Text(std::string_view text) {
    Number(text.size());
    bytes_.insert(bytes_.end(), text.begin(), text.end());
  }
  void Numbers(std::span<const std::uint64_t> numbers) {
    Number(numbers.size());
    for (const std::uint64_t number : numbers) Number(number);
  }
  std::vector<std::uint8_t>& Bytes() { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

// Reads what a WireWriter wrote. Past the end, or after a length that cannot be, everything is zero
// and empty and Ok() is false.
class WireReader {
 public:
  explicit WireReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool Ok() const { return ok_; }
  bool AtEnd() const { return ok_ && bytes_.empty(); }

  std::uint64_t Number() {
    std::uint64_t number = 0;
    const auto bytes = Take(sizeof number);
    if (ok_) std::memcpy(&number, bytes.data(), sizeof number);
    return number;
  }
  std::string Text() {
    const auto bytes = Take(Number());
    return {bytes.begin(), bytes.end()};
  }
  // A count of things that need at least `least` bytes each.
  std::uint64_t Count(std::uint64_t least) {
    const std::uint64_t count = Number();
    if (count > bytes_.size() / least) ok_ = false;
    return ok_ ? count : 0;
  }
  std::vector<std::uint64_t> Numbers() {
    std::vector<std::uint64_t> numbers(Count(sizeof(std::uint64_t)));
    for (std::uint64_t& number : numbers) number = Number();
    return numbers;
  }

 private:
  std::span<const std::uint8_t> Take(std::uint64_t count) {
    if (count > bytes_.size()) ok_ = false;
    if (!ok_) return {};
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  std::span<const std::uint8_t> bytes_;
  bool ok_ = true;
};

}  // namespace pixloom
