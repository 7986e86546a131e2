// SPDX-License-Identifier: Apache-2.0
// The files behind set_columns.h.
#include <fcntl.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "datasets/set_columns.h"
#include "datasets/set_damage.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

// Rows of at least this many bytes go to the file one by one.
constexpr std::size_t kLargeRow = std::size_t{64} << 10;
// The disk may begin with what is this far behind.
constexpr std::uint64_t kWritebackBytes = std::uint64_t{8} << 20;

std::uint64_t HashOf(std::span<const std::uint8_t> bytes) {
  return XXH64(bytes.data(), bytes.size(), 0);
}

}  // namespace

// ---- StreamFile -------------------------------------------------------------------------------

StreamFile::StreamFile(const std::string& path)
    : file_(std::make_shared<SetFile>(path, O_RDWR | O_CREAT | O_TRUNC)), changed_(true) {}

StreamFile::StreamFile(const std::string& path, const StreamState& state, const StreamState* before)
    : changed_(true) {
  auto file = SetFile::OpenExisting(path, O_RDWR);
  if (!file && state.bytes > 0) throw SetDamageError(path, "is missing");
  file_ = std::make_shared<SetFile>(file ? std::move(*file) : SetFile(path, O_RDWR | O_CREAT));
  const std::uint64_t size = file_->Size();
  if (size < state.bytes) {
    throw SetDamageError(
        path, fmt::format("has {} bytes; {} were written and flushed", size, state.bytes));
  }
  if (size > state.bytes) file_->Truncate(state.bytes);
  if (before != nullptr) {
    block_at_ = before->bytes / kStreamBlock * kStreamBlock;
    chain_ = before->chain;
  } else {
    block_at_ = state.bytes / kStreamBlock * kStreamBlock;
    chain_ = state.chain;
  }
  while (true) {
    block_.resize(std::min<std::uint64_t>(kStreamBlock, state.bytes - block_at_));
    file_->ReadAt(block_, block_at_);
    written_ = block_.size();
    if (block_.size() < kStreamBlock) break;
    EndBlock();
  }
  StreamState now;
  Describe(now);
  if (now.chain != state.chain || now.hash != state.hash) {
    throw SetDamageError(path, "is not what was written and flushed");
  }
}

void StreamFile::EndBlock() {
  if (written_ < block_.size()) {
    file_->WriteAt(std::span(block_).subspan(written_), block_at_ + written_);
  }
  chain_ = ChainHash(chain_, HashOf(block_));
  block_at_ += block_.size();
  block_.clear();
  written_ = 0;
}

void StreamFile::Append(std::span<const std::uint8_t> bytes) {
  changed_ = changed_ || !bytes.empty();
  while (!bytes.empty()) {
    const std::size_t n = std::min(bytes.size(), kStreamBlock - block_.size());
    block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    if (block_.size() == kStreamBlock) EndBlock();
    bytes = bytes.subspan(n);
  }
}

void StreamFile::AppendRepeated(std::span<const std::uint8_t> entry, std::uint64_t count) {
  constexpr std::uint64_t kAtOnce = 1024;
  std::vector<std::uint8_t> some;
  for (std::uint64_t i = 0; i < std::min(count, kAtOnce); ++i) {
    some.insert(some.end(), entry.begin(), entry.end());
  }
  for (; count >= kAtOnce; count -= kAtOnce) Append(some);
  Append(std::span(some).first(count * entry.size()));
}

bool StreamFile::Flush() {
  if (written_ < block_.size()) {
    file_->WriteAt(std::span(block_).subspan(written_), block_at_ + written_);
    written_ = block_.size();
  }
  return std::exchange(changed_, false);
}

void StreamFile::Restart() {
  file_->Truncate(0);
  block_.clear();
  block_at_ = 0;
  written_ = 0;
  chain_ = 0;
  changed_ = true;
}

void StreamFile::Describe(StreamState& state) const {
  state.bytes = Bytes();
  state.chain = chain_;
  state.hash = block_.empty() ? chain_ : ChainHash(chain_, HashOf(block_));
}

// ---- DataFile ---------------------------------------------------------------------------------

DataFile::DataFile(const std::string& path, std::uint64_t start)
    : file_(std::make_shared<SetFile>(path, O_RDWR | O_CREAT)), start_(start), changed_(true) {}

void DataFile::Append(std::span<const std::uint8_t> bytes) {
  changed_ = changed_ || !bytes.empty();
  if (small_.size() + bytes.size() > kStreamBlock || bytes.size() >= kLargeRow) Flush();
  if (bytes.size() >= kLargeRow) {
    file_->WriteAt(bytes, start_ + bytes_);
  } else {
    small_.insert(small_.end(), bytes.begin(), bytes.end());
  }
  changed_ = true;
  bytes_ += bytes.size();
  if (bytes_ - written_back_ >= 2 * kWritebackBytes) {
    file_->StartWriteback(start_ + written_back_, kWritebackBytes);
    written_back_ += kWritebackBytes;
  }
}

bool DataFile::Flush() {
  if (!small_.empty()) {
    file_->WriteAt(small_, start_ + bytes_ - small_.size());
    small_.clear();
  }
  return std::exchange(changed_, false);
}

void DataFile::CutTo(std::uint64_t bytes) {
  const std::uint64_t size = file_->Size();
  if (bytes > 0 && size < start_ + bytes) {
    throw SetDamageError(file_->Path(), fmt::format("has {} bytes; {} were written and flushed",
                                                    size, start_ + bytes));
  }
  if (bytes == 0) {
    file_->Truncate(0);  // never flushed: what is before the data means nothing either
  } else if (size > start_ + bytes) {
    file_->Truncate(start_ + bytes);
  }
  bytes_ = bytes;
  written_back_ = bytes;
  small_.clear();
  changed_ = true;
}

}  // namespace pixloom
