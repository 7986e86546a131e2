// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_verify.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "datasets/set_damage.h"

namespace pixloom {

namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::uint64_t kSampleEvery = std::uint64_t{64} << 20;

// xxh64 of bytes that come in parts.
class Hasher {
 public:
  Hasher() : state_(XXH64_createState()) { Restart(); }
  ~Hasher() { XXH64_freeState(state_); }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  void Restart() { XXH64_reset(state_, 0); }
  void Add(std::span<const std::uint8_t> bytes) {
    XXH64_update(state_, bytes.data(), bytes.size());
  }
  std::uint64_t Value() const { return XXH64_digest(state_); }

 private:
  XXH64_state_t* state_;
};

[[noreturn]] void Damaged(const SetFile& file, const std::string& what) {
  throw SetDamageError(file.Path(),
                       fmt::format("reads back differently from what was written ({})", what));
}

// A part of the file that is compared while it is read.
class Region {
 public:
  Region(std::uint64_t at, std::uint64_t bytes) : at_(at), bytes_(bytes) {}
  virtual ~Region() = default;
  std::uint64_t At() const { return at_; }
  std::uint64_t Bytes() const { return bytes_; }
  virtual void Add(std::span<const std::uint8_t> bytes) = 0;  // in order
  virtual void End() {}

 private:
  std::uint64_t at_, bytes_;
};

class StructureRegion final : public Region {
 public:
  StructureRegion(const SetFile& file, std::uint64_t at, std::span<const std::uint8_t> expected)
      : Region(at, expected.size()), file_(file), expected_(expected) {}
  void Add(std::span<const std::uint8_t> bytes) override {
    if (!std::equal(bytes.begin(), bytes.end(), expected_.begin())) Damaged(file_, "structure");
    expected_ = expected_.subspan(bytes.size());
  }

 private:
  const SetFile& file_;
  std::span<const std::uint8_t> expected_;
};

// A column, hashed as StreamFile did when it was written.
class StreamRegion final : public Region {
 public:
  StreamRegion(const SetFile& file, std::uint64_t at, const SetColumns::Stream& stream)
      : Region(at, stream.file.Bytes()), file_(file), stream_(stream) {}

  void Add(std::span<const std::uint8_t> bytes) override {
    while (!bytes.empty()) {
      const auto part = bytes.first(std::min(bytes.size(), kStreamBlock - in_block_));
      block_.Add(part);
      in_block_ += part.size();
      if (in_block_ == kStreamBlock) EndBlock();
      bytes = bytes.subspan(part.size());
    }
  }
  void End() override {
    if (in_block_ > 0) EndBlock();
    StreamState expected;
    stream_.file.Describe(expected);
    if (chain_ != expected.hash) Damaged(file_, fmt::format("'{}'", stream_.column.path));
  }

 private:
  void EndBlock() {
    chain_ = ChainHash(chain_, block_.Value());
    block_.Restart();
    in_block_ = 0;
  }

  const SetFile& file_;
  const SetColumns::Stream& stream_;
  Hasher block_;
  std::size_t in_block_ = 0;
  std::uint64_t chain_ = 0;
};

// The first column, row by row.
class RowsRegion final : public Region {
 public:
  RowsRegion(const SetFile& file, std::uint64_t at, std::uint64_t bytes, StoredRowReader rows,
             std::uint64_t first, std::uint64_t count)
      : Region(at, bytes), file_(file), rows_(std::move(rows)), row_(first), left_(count) {}

  void Add(std::span<const std::uint8_t> bytes) override {
    while (!bytes.empty()) {
      if (!open_) Begin();
      const auto part =
          bytes.first(std::min<std::uint64_t>(bytes.size(), current_.bytes - in_row_));
      hasher_.Add(part);
      in_row_ += part.size();
      if (in_row_ == current_.bytes) EndRow();
      bytes = bytes.subspan(part.size());
    }
  }
  void End() override {
    while (left_ > 0) {  // rows without bytes
      Begin();
      EndRow();
    }
  }

 private:
  void Begin() {
    if (left_ == 0) Damaged(file_, "more than its rows");
    --left_;
    current_ = rows_.Next();
    open_ = true;
    in_row_ = 0;
    hasher_.Restart();
  }
  void EndRow() {
    if (in_row_ != current_.bytes || hasher_.Value() != current_.hash) {
      Damaged(file_, fmt::format("row {}", row_));
    }
    open_ = false;
    ++row_;
  }

  const SetFile& file_;
  StoredRowReader rows_;
  std::uint64_t row_, left_;
  bool open_ = false;
  StoredRow current_;
  std::uint64_t in_row_ = 0;
  Hasher hasher_;
};

using Regions = std::vector<std::unique_ptr<Region>>;

Regions RegionsOf(const FileToVerify& file, bool first_column) {
  const Places& places = file.structure.places;
  Regions regions;
  for (std::size_t i = 0; i < places.written.size(); ++i) {
    regions.push_back(std::make_unique<StructureRegion>(file.file, places.written[i].first,
                                                        file.structure.parts[i]));
  }
  for (std::size_t i = 0; i < file.streams.size(); ++i) {
    if (file.streams[i] != nullptr) {
      regions.push_back(
          std::make_unique<StreamRegion>(file.file, places.data[i], *file.streams[i]));
    } else if (first_column) {
      const std::uint64_t rows = file.columns.Rows();
      StoredRowReader reader(*file.columns.StoredRows().file.File(), rows);
      regions.push_back(std::make_unique<RowsRegion>(file.file, places.data[i], file.data_bytes,
                                                     std::move(reader), 0, rows));
    }
  }
  std::sort(regions.begin(), regions.end(),
            [](const auto& a, const auto& b) { return a->At() < b->At(); });
  return regions;
}

template <class Visit>
void ReadThrough(const SetFile& file, std::uint64_t at, std::uint64_t bytes, Visit visit) {
  std::vector<std::uint8_t> buffer(std::min<std::uint64_t>(bytes, kReadBytes));
  while (bytes > 0) {
    const auto part = std::span(buffer).first(std::min<std::uint64_t>(bytes, buffer.size()));
    file.ReadAt(part, at);
    visit(part);
    at += part.size();
    bytes -= part.size();
  }
}

}  // namespace

StoredRowReader::StoredRowReader(const SetFile& file, std::uint64_t rows, std::uint64_t first)
    : file_(file), rows_(rows), next_(first) {}

StoredRow StoredRowReader::Next() {
  if (at_ == some_.size()) {
    some_.resize(std::min<std::uint64_t>(rows_ - next_, kStreamBlock / sizeof(StoredRow)));
    PIXLOOM_CHECK(!some_.empty(), "no more rows");
    file_.ReadAt({reinterpret_cast<std::uint8_t*>(some_.data()), some_.size() * sizeof(StoredRow)},
                 next_ * sizeof(StoredRow));
    next_ += some_.size();
    at_ = 0;
  }
  return some_[at_++];
}

void CheckRows(const SetFile& file, std::uint64_t at, StoredRowReader rows, std::uint64_t first,
               std::uint64_t count) {
  std::vector<std::uint8_t> bytes;
  for (std::uint64_t row = first; row < first + count; ++row) {
    const StoredRow expected = rows.Next();
    bytes.resize(expected.bytes);
    file.ReadAt(bytes, at);
    if (XXH64(bytes.data(), bytes.size(), 0) != expected.hash) {
      Damaged(file, fmt::format("row {}", row));
    }
    at += expected.bytes;
  }
}

std::uint64_t VerifyEverything(const FileToVerify& file) {
  Hasher whole;
  std::uint64_t at = 0;
  const auto gap = [&](std::uint64_t until) {
    PIXLOOM_CHECK(at <= until, "parts of the file overlap");
    ReadThrough(file.file, at, until - at, [&](std::span<const std::uint8_t> part) {
      whole.Add(part);
      const bool zero =
          std::all_of(part.begin(), part.end(), [](std::uint8_t b) { return b == 0; });
      if (!zero) Damaged(file.file, "a gap");
    });
    at = until;
  };
  for (const auto& region : RegionsOf(file, true)) {
    if (region->Bytes() > 0) {
      gap(region->At());
      ReadThrough(file.file, at, region->Bytes(), [&](std::span<const std::uint8_t> part) {
        whole.Add(part);
        region->Add(part);
      });
      at += region->Bytes();
    }
    region->End();
  }
  gap(file.structure.places.end);
  return whole.Value();
}

void VerifySample(const FileToVerify& file) {
  for (const auto& region : RegionsOf(file, false)) {
    ReadThrough(file.file, region->At(), region->Bytes(),
                [&](std::span<const std::uint8_t> part) { region->Add(part); });
    region->End();
  }
  const auto first = std::find(file.streams.begin(), file.streams.end(), nullptr);
  std::uint64_t at =
      file.structure.places.data[static_cast<std::size_t>(first - file.streams.begin())];
  const SetFile& stored = *file.columns.StoredRows().file.File();
  StoredRowReader rows(stored, file.columns.Rows());
  std::uint64_t next = at;
  for (std::uint64_t row = 0; row < file.columns.Rows(); ++row) {
    const std::uint64_t bytes = rows.Next().bytes;
    if (at >= next) {
      CheckRows(file.file, at, StoredRowReader(stored, file.columns.Rows(), row), row, 1);
      next += kSampleEvery;
    }
    at += bytes;
  }
}

}  // namespace pixloom
