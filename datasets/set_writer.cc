// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_writer.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "datasets/set_begin.h"
#include "datasets/set_commit.h"
#include "datasets/set_damage.h"
#include "datasets/set_finish.h"
#include "datasets/set_publish.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

using Clock = std::chrono::steady_clock;

Cell FillCell(const Column& column) {
  Cell cell;
  cell.column = column;
  const auto fill = Fill(column.element);
  cell.bytes.reserve(column.EntryBytes());
  while (cell.bytes.size() < column.EntryBytes()) {
    cell.bytes.insert(cell.bytes.end(), fill.begin(), fill.end());
  }
  return cell;
}

}  // namespace

class SetWriter::Impl {
 public:
  explicit Impl(SetOptions options) : options_(std::move(options)) {
    PIXLOOM_CHECK(options_.commit_bytes > 0, "commit_bytes");
  }

  std::string Target() const {
    return SetPaths::Of(options_.path, options_.shard_rows > 0, plan_.part, plan_.parts).target;
  }
  std::uint64_t ShardRows() const { return begun_ ? begun_->set.shard_rows : options_.shard_rows; }
  std::uint64_t Open(SetPlan plan);
  Packed Pack(Row row) const;
  std::string Mismatch(const Packed& packed) const {
    PIXLOOM_CHECK(begun_ && begun_->columns, "no rows are expected");
    return begun_->columns->Mismatch(packed.row);
  }
  void Append(Packed packed);
  void Advance(std::uint64_t next_unit, std::uint64_t quarantined);
  SetSummary Finish();
  void Leave();

  bool Failed() const { return failed_; }

  // Runs `what`; after an error of the machine says what is stored and how to go on.
  template <class What>
  auto Guarded(What what) {
    PIXLOOM_CHECK(!failed_, "the writer failed before");
    try {
      return what();
    } catch (const SetDamageError&) {
      failed_ = true;
      throw;
    } catch (const EnvironmentError& error) {
      failed_ = true;
      throw EnvironmentError(fmt::format("{}; {}", error.what(), HowToGoOn()));
    } catch (...) {
      failed_ = true;
      throw;
    }
  }

 private:
  bool Repeated(const Packed& packed);
  void CommitIfDue();
  void Commit();
  JournalRecord Record() const;
  void FinishShard();
  SetSummary FinishSingleFile();
  SetSummary FinishFolder();
  FinishedFile FinishThis();
  std::string HowToGoOn() const;
  [[noreturn]] void Differs() const;

  SetOptions options_;
  SetPlan plan_;
  std::optional<BegunSet> begun_;
  std::unique_ptr<SetCommitter> committer_;
  bool failed_ = false;

  // What the next record of the journal says.
  std::uint64_t next_unit_ = 0, rows_ = 0, quarantined_ = 0;
  std::uint64_t unit_rows_ = 0, unit_hash_ = 0;
  std::uint64_t first_row_ = 0;
  bool complete_ = false;
  // Rows of next_unit that are stored already and come once more, and the hash over theirs.
  std::uint64_t repeated_ = 0, repeated_hash_ = 0;

  std::uint64_t pending_bytes_ = 0;  // since the last commit
  bool pending_ = false;
  bool new_names_ = true;  // in W, since the last commit
  Clock::time_point last_commit_;
};

// ---- Opening ----------------------------------------------------------------------------------

std::uint64_t SetWriter::Impl::Open(SetPlan plan) {
  PIXLOOM_CHECK(!begun_, "opened twice");
  PIXLOOM_CHECK(!options_.filters.Any() || plan.first.per.empty(),
                "filters need a column with one entry per row");
  plan_ = std::move(plan);
  begun_.emplace(BeginSet(options_, plan_));
  if (begun_->state != BegunSet::State::kWriting) {
    complete_ = true;
    return plan_.end_unit;
  }
  const JournalRecord& last = begun_->last;
  next_unit_ = last.next_unit;
  rows_ = last.rows;
  quarantined_ = last.quarantined;
  unit_rows_ = repeated_ = last.unit_rows;
  unit_hash_ = last.unit_hash;
  first_row_ = last.first_row;
  complete_ = last.complete;
  last_commit_ = Clock::now();
  committer_ = std::make_unique<SetCommitter>(std::move(begun_->journal), plan_.sync);
  return complete_ ? plan_.end_unit : next_unit_;
}

// ---- Rows -------------------------------------------------------------------------------------

SetWriter::Packed SetWriter::Impl::Pack(Row row) const {
  Packed packed;
  packed.hash = RowHash(row);
  const Column& first = plan_.first;
  auto cell = std::find_if(row.cells.begin(), row.cells.end(),
                           [&](const Cell& c) { return c.column.path == first.path; });
  if (cell == row.cells.end() && first.per.empty()) {
    row.cells.push_back(FillCell(first));
    cell = row.cells.end() - 1;
  }
  std::span<const std::uint8_t> bytes;
  if (cell != row.cells.end()) {
    PIXLOOM_CHECK(cell->column == first, fmt::format("column '{}' of another kind", first.path));
    bytes = cell->Bytes();
    PIXLOOM_CHECK(!first.per.empty() || bytes.size() == first.EntryBytes(),
                  fmt::format("column '{}' has {} bytes", first.path, bytes.size()));
  }
  if (options_.filters.Any()) {
    packed.chunk = pixloom::Pack(options_.filters, SizeOf(first.element), bytes);
    row.cells.erase(cell);
    bytes = packed.chunk;
  }
  packed.first_hash = XXH64(bytes.data(), bytes.size(), 0);
  packed.row = std::move(row);
  return packed;
}

void SetWriter::Impl::Differs() const {
  throw ResumeRefusedError(fmt::format(
      "cannot go on with '{}': unit {} gives other results than before; use --overwrite "
      "to start again",
      EscapeName(begun_->paths.Work()), next_unit_));
}

// True for rows that are stored already, of a unit that was not complete.
bool SetWriter::Impl::Repeated(const Packed& packed) {
  if (repeated_ == 0) return false;
  --repeated_;
  repeated_hash_ = ChainHash(repeated_hash_, packed.hash);
  if (repeated_ == 0 && repeated_hash_ != unit_hash_) Differs();
  return true;
}

void SetWriter::Impl::Append(Packed packed) {
  PIXLOOM_CHECK(committer_ && !complete_, "no rows are expected");
  committer_->Check();
  if (Repeated(packed)) return;
  SetColumns& columns = *begun_->columns;
  if (ShardRows() > 0 && columns.Rows() == ShardRows()) FinishShard();
  const Cell* cell = packed.row.Find(plan_.first.path);
  std::span<const std::uint8_t> bytes = packed.chunk;
  if (!options_.filters.Any() && cell != nullptr) bytes = cell->Bytes();
  columns.Append(packed.row, packed.hash, {bytes.size(), packed.first_hash});
  begun_->data.Append(bytes);
  ++rows_;
  ++unit_rows_;
  unit_hash_ = ChainHash(unit_hash_, packed.hash);
  pending_bytes_ += packed.Bytes();
  pending_ = true;
  CommitIfDue();
}

void SetWriter::Impl::Advance(std::uint64_t next_unit, std::uint64_t quarantined) {
  PIXLOOM_CHECK(committer_ && !complete_, "no units are expected");
  committer_->Check();
  if (repeated_ > 0) Differs();
  next_unit_ = next_unit;
  quarantined_ += quarantined;
  unit_rows_ = unit_hash_ = 0;
  pending_ = true;
  CommitIfDue();
}

// ---- Commits ----------------------------------------------------------------------------------

JournalRecord SetWriter::Impl::Record() const {
  JournalRecord record;
  record.next_unit = next_unit_;
  record.rows = rows_;
  record.quarantined = quarantined_;
  record.unit_rows = unit_rows_;
  record.unit_hash = unit_hash_;
  record.first_row = first_row_;
  record.data_bytes = begun_->data.Bytes();
  record.streams = begun_->columns->Describe();
  record.complete = complete_;
  return record;
}

// Rather later than waiting for the disk, unless it is a whole commit behind.
void SetWriter::Impl::CommitIfDue() {
  const auto limit = std::chrono::duration<double>(options_.commit_seconds);
  if (pending_bytes_ < options_.commit_bytes && Clock::now() - last_commit_ < limit) return;
  if (pending_bytes_ < 2 * options_.commit_bytes && committer_->Busy()) return;
  Commit();
}

void SetWriter::Impl::Commit() {
  SetCommitter::Work work;
  if (begun_->data.Flush()) work.files.push_back(begun_->data.File());
  for (const auto& stream : begun_->columns->Streams()) {
    if (stream->file.Flush()) work.files.push_back(stream->file.File());
  }
  if (begun_->columns->TakeCreated() || new_names_) {
    work.folders = {begun_->paths.InWork(kSetColumns), begun_->paths.Work()};
    new_names_ = false;
  }
  work.record = Record();
  committer_->Submit(std::move(work));
  pending_bytes_ = 0;
  pending_ = false;
  last_commit_ = Clock::now();
}

std::string SetWriter::Impl::HowToGoOn() const {
  if (!committer_) return "run the same command again";
  const JournalRecord durable = committer_->Durable().value_or(begun_->last);
  return fmt::format(
      "{} rows of {} of {} units are stored in '{}'; {} to go on", durable.rows,
      durable.next_unit - begun_->set.first_unit, begun_->set.end_unit - begun_->set.first_unit,
      EscapeName(begun_->paths.Work()),
      plan_.overwrite ? "run the same command without --overwrite" : "run the same command again");
}

// ---- Finishing --------------------------------------------------------------------------------

FinishedFile SetWriter::Impl::FinishThis() {
  FileFacts facts;
  facts.quarantined = quarantined_;
  if (begun_->paths.folder) facts.shard = static_cast<std::int64_t>(begun_->shards.size());
  return FinishFile({begun_->set, plan_.attributes, *begun_->columns, begun_->data,
                     begun_->paths.InWork(kSetMoved), facts, options_.verify});
}

void SetWriter::Impl::FinishShard() {
  Commit();
  committer_->Wait();
  const FinishedFile file = FinishThis();
  FinishedShard shard;
  shard.file = begun_->paths.ShardName(begun_->set.digest, begun_->shards.size());
  shard.rows = file.rows;
  shard.bytes = file.bytes;
  shard.hash = file.hash;
  shard.row_hashes_at = file.row_hashes_at;
  shard.columns = RowColumns(*begun_->columns, begun_->set.first);
  RenamePath(file.path, begun_->paths.InWork(shard.file));
  SyncFolder(begun_->paths.Work());

  begun_->shards.push_back(shard);
  first_row_ = rows_;
  SetCommitter::Work work;
  work.record = Record();
  work.record.streams = begun_->columns->DescribeRestarted();
  work.record.data_bytes = 0;
  work.record.shard = shard;
  committer_->Submit(std::move(work));
  committer_->Wait();

  begun_->columns->Restart();
  if (complete_) return;
  RemoveFile(begun_->paths.InWork(kSetData));  // when the shard was made beside it
  begun_->data = DataFile(begun_->paths.InWork(kSetData), begun_->set.data_start);
  new_names_ = true;
  if (!options_.filters.Any() && plan_.first.per.empty() && plan_.rows > rows_) {
    begun_->data.File()->Reserve(begun_->set.data_start +
                                 std::min(ShardRows(), plan_.rows - rows_) *
                                     plan_.first.EntryBytes());
  }
}

SetSummary SetWriter::Impl::Finish() {
  PIXLOOM_CHECK(begun_, "not open");
  switch (begun_->state) {
    case BegunSet::State::kPublished:
      return begun_->summary;
    case BegunSet::State::kToPublish:
      PublishFolder(*begun_);
      break;
    case BegunSet::State::kWriting:
      if (!complete_) {
        if (repeated_ > 0) Differs();
        complete_ = true;
        Commit();
      }
      committer_->Wait();
      if (begun_->paths.folder) {
        if (begun_->columns->Rows() > 0 || begun_->shards.empty()) FinishShard();
        begun_->summary = WriteIndex(*begun_, plan_, quarantined_, options_.master);
        PublishFolder(*begun_);
      } else {
        const FinishedFile file = FinishThis();
        begun_->summary = {file.rows, quarantined_, file.content_hash, {begun_->paths.target}};
        PublishFile(*begun_, file.path);
      }
  }
  committer_.reset();
  begun_->state = BegunSet::State::kPublished;
  return begun_->summary;
}

void SetWriter::Impl::Leave() {
  if (!begun_) return;
  if (committer_) {
    if (pending_) Commit();
    committer_->Wait();
    committer_.reset();
  }
  begun_->lock.Release();
}

// ---- SetWriter --------------------------------------------------------------------------------

std::size_t SetWriter::Packed::Bytes() const { return row.Bytes() + chunk.size(); }

SetWriter::SetWriter(SetOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
SetWriter::~SetWriter() = default;

std::string SetWriter::Target() const { return impl_->Target(); }
std::uint64_t SetWriter::ShardRowsInUse() const { return impl_->ShardRows(); }
std::uint64_t SetWriter::Open(SetPlan plan) {
  return impl_->Guarded([&] { return impl_->Open(std::move(plan)); });
}
SetWriter::Packed SetWriter::Pack(Row row) const { return impl_->Pack(std::move(row)); }
std::string SetWriter::Mismatch(const Packed& packed) const { return impl_->Mismatch(packed); }
void SetWriter::Append(Packed packed) {
  impl_->Guarded([&] { impl_->Append(std::move(packed)); });
}
void SetWriter::Advance(std::uint64_t next_unit, std::uint64_t quarantined) {
  impl_->Guarded([&] { impl_->Advance(next_unit, quarantined); });
}
SetSummary SetWriter::Finish() {
  return impl_->Guarded([&] { return impl_->Finish(); });
}
void SetWriter::Leave() {
  if (impl_->Failed()) return;  // nothing more can be made durable
  impl_->Guarded([&] { impl_->Leave(); });
}

}  // namespace pixloom
