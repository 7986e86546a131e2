// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_begin.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "datasets/set_damage.h"
#include "datasets/set_finish.h"
#include "datasets/set_verify.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr double kSpareSpace = 1.05;
constexpr std::uint64_t kSpareBytes = std::uint64_t{1} << 20;

class Beginning {
 public:
  Beginning(const SetOptions& options, const SetPlan& plan) : options_(options), plan_(plan) {
    out_.paths = SetPaths::Of(options.path, options.shard_rows > 0, plan.part, plan.parts);
  }

  BegunSet Run() {
    MakeFoldersAbove(out_.paths.target);
    out_.lock = SetLock(Work());
    Describe();
    const auto stored = Stored();
    if (AlreadyThere(stored)) return std::move(out_);
    if (stored) {
      GoOn(*stored);
    } else {
      StartAnew();
    }
    OpenFiles();
    CheckSpace();
    return std::move(out_);
  }

 private:
  std::string Work() const { return out_.paths.Work(); }
  void Describe();
  std::optional<SetDescription> Stored() const;
  bool AlreadyThere(const std::optional<SetDescription>& stored);
  void GoOn(const SetDescription& stored);
  void TidyUp();
  void StartAnew();
  void OpenFiles();
  void OpenData();
  void CheckShards() const;
  void CheckTail(const JournalContent& journal) const;
  void RemoveLeftovers() const;
  void CheckSpace();
  std::uint64_t BytesInWork() const;

  const SetOptions& options_;
  const SetPlan& plan_;
  BegunSet out_;
};

void Beginning::Describe() {
  SetDescription& set = out_.set;
  set.digest = plan_.digest.empty() ? plan_.fingerprint.Digest() : plan_.digest;
  set.first = plan_.first;
  set.first_groups = plan_.first_groups;
  set.filters = options_.filters;
  set.first_unit = plan_.first_unit;
  set.end_unit = plan_.end_unit;
  set.units = plan_.units;
  set.part = plan_.part;
  set.parts = plan_.parts;
  set.rows_expected = plan_.rows;
  set.shard_rows = options_.shard_rows;
  set.replaces = plan_.overwrite;
  set.data_start = DataStartOf(set, plan_.attributes);
}

// What W says it is; nothing when it is to be begun.
std::optional<SetDescription> Beginning::Stored() const {
  if (plan_.overwrite) return std::nullopt;
  const std::string path = out_.paths.InWork(kSetDescription);
  const auto text = ReadTextIfThere(path);
  if (!text) return std::nullopt;  // written last: nothing was stored before it
  auto set = SetDescription::FromJson(*text);
  if (!set) {
    throw ResumeRefusedError(
        fmt::format("cannot go on with '{}': {}; use --overwrite to start again",
                    EscapeName(Work()), set.Error()));
  }
  return *set;
}

bool Beginning::AlreadyThere(const std::optional<SetDescription>& stored) {
  const std::string& target = out_.paths.target;
  const auto is_this = [&](const std::optional<FinishedSet>& found) {
    return found && found->digest == out_.set.digest;
  };
  if (PathExists(target)) {
    if (IsFolder(target) != out_.paths.folder) {
      throw OutputBusyError(fmt::format("'{}' exists and is {} directory; choose another path",
                                        EscapeName(target), IsFolder(target) ? "a" : "no"));
    }
    if (!out_.paths.folder && !IsPlainFile(target)) {
      throw OutputBusyError(
          fmt::format("'{}' exists and is no plain file; choose another path", EscapeName(target)));
    }
    const auto found = ReadFinishedSet(target, out_.paths.folder);
    if (plan_.overwrite) {
      // Only what is a set may lose a whole folder.
      if (out_.paths.folder && !found) {
        throw OutputBusyError(fmt::format("'{}' exists and is no finished set; choose another path",
                                          EscapeName(target)));
      }
    } else if (is_this(found)) {
      TidyUp();
      out_.summary = found->summary;
      out_.state = BegunSet::State::kPublished;
      return true;
    } else if (!stored || !stored->replaces) {
      throw OutputBusyError(
          fmt::format("'{}' exists; choose another path, or use --overwrite", EscapeName(target)));
    }
  }
  if (plan_.overwrite || !out_.paths.folder) return false;
  const auto complete = ReadFinishedSet(Work(), true);
  if (!is_this(complete)) return false;
  out_.summary = complete->summary;
  out_.state = BegunSet::State::kToPublish;
  if (stored) out_.set = *stored;
  return true;
}

// What a run may leave behind that is killed when the set has its name already.
void Beginning::TidyUp() {
  RemoveSetFolder(Work(), true);
  out_.lock.Release();
  if (!out_.paths.folder) return;
  SetLock::RemoveStray(out_.paths.target);
  RemoveFile(out_.paths.target + "/" + kSetDescription);
  const std::string replaced = out_.paths.Replaced();
  if (ReadFinishedSet(replaced, true)) RemoveSetFolder(replaced, false);
}

void Beginning::StartAnew() {
  RemoveSetFolder(Work(), true);
  MakeFolder(out_.paths.InWork(kSetColumns));
  WriteTextDurably(out_.paths.InWork(kSetFacts), plan_.fingerprint.FactsToJson());
  WriteTextDurably(out_.paths.InWork(kSetInputs), plan_.fingerprint.InputsToText());
  WriteTextDurably(out_.paths.InWork(kSetDescription), out_.set.ToJson());
  SyncFolder(FolderOf(Work()));
}

void Beginning::GoOn(const SetDescription& stored) {
  const auto refuse = [&](const std::string& why) {
    throw ResumeRefusedError(fmt::format("cannot go on with '{}': {}", EscapeName(Work()), why));
  };
  const auto facts = ReadTextIfThere(out_.paths.InWork(kSetFacts));
  const auto inputs = ReadTextIfThere(out_.paths.InWork(kSetInputs));
  if (!facts || !inputs) refuse("its fingerprint is missing; use --overwrite to start again");
  const auto before = Fingerprint::Read(*facts, *inputs);
  if (!before) refuse(before.Error() + "; use --overwrite to start again");
  FingerprintDifferences found = Compare(*before, plan_.fingerprint);
  for (std::string& line : stored.Differences(out_.set)) found.refusals.push_back(std::move(line));
  if (found.refusals.empty() && stored.digest != out_.set.digest) {
    found.refusals.push_back(
        fmt::format("fingerprint: was {}, is {}", stored.digest, out_.set.digest));
  }
  if (!found.refusals.empty()) {
    std::string text = fmt::format("{} {} changed since it was begun", found.refusals.size(),
                                   found.refusals.size() == 1 ? "thing" : "things");
    for (const std::string& line : found.refusals) text += "\n  " + line;
    refuse(text + "\nrun it as it was begun, or use --overwrite to start again");
  }
  for (const std::string& line : found.warnings) plan_.notice(line);
  out_.set = stored;
}

void Beginning::CheckShards() const {
  for (const FinishedShard& shard : out_.shards) {
    const std::string path = out_.paths.InWork(shard.file);
    const auto file = SetFile::OpenExisting(path, O_RDONLY);
    if (!file) throw SetDamageError(path, "is missing");
    if (file->Size() != shard.bytes) {
      throw SetDamageError(path, fmt::format("has {} bytes; {} were written and flushed",
                                             file->Size(), shard.bytes));
    }
  }
}

void Beginning::OpenData() {
  const std::string path = out_.paths.InWork(kSetData);
  const bool there = PathExists(path);
  if (!there && out_.last.rows > out_.last.first_row) {
    // A shard that got its name, but no record: it is finished once more.
    const std::string shard =
        out_.paths.InWork(out_.paths.ShardName(out_.set.digest, out_.shards.size()));
    if (!out_.paths.folder || !PathExists(shard)) throw SetDamageError(path, "is missing");
    RenamePath(shard, path);
  }
  out_.data = DataFile(path, out_.set.data_start);
  out_.data.CutTo(out_.last.data_bytes);
}

// Rows that came after the record before the last.
void Beginning::CheckTail(const JournalContent& journal) const {
  const std::uint64_t rows = out_.columns->Rows();
  const std::uint64_t known = journal.before ? journal.before->rows - journal.before->first_row : 0;
  const std::uint64_t at = journal.before ? journal.before->data_bytes : 0;
  StoredRowReader reader(*out_.columns->StoredRows().file.File(), rows, known);
  CheckRows(*out_.data.File(), out_.set.data_start + at, std::move(reader), known, rows - known);
}

// What an interrupted attempt left behind.
void Beginning::RemoveLeftovers() const {
  std::set<std::string> known{kSetLock, kSetFacts,   kSetInputs, kSetDescription,
                              kSetData, kSetColumns, kSetJournal};
  for (const FinishedShard& shard : out_.shards) known.insert(shard.file);
  for (const std::string& name : NamesIn(Work())) {
    if (!known.contains(name)) RemoveFile(out_.paths.InWork(name));
  }
}

void Beginning::OpenFiles() {
  const std::string path = out_.paths.InWork(kSetJournal);
  JournalContent journal = ReadJournal(path, JournalSeed(out_.set.digest));
  out_.shards = journal.shards;
  CheckShards();
  if (journal.last) {
    out_.last = *journal.last;
  } else {
    out_.last.next_unit = out_.set.first_unit;
  }
  OpenData();
  RemoveLeftovers();
  const std::string columns = out_.paths.InWork(kSetColumns);
  if (journal.last) {
    out_.columns = std::make_unique<SetColumns>(columns, out_.set.first, *journal.last,
                                                journal.before ? &*journal.before : nullptr);
    CheckTail(journal);
  } else {
    for (const std::string& name : NamesIn(columns)) RemoveFile(columns + "/" + name);
    out_.columns = std::make_unique<SetColumns>(columns, out_.set.first, out_.set.first_groups);
  }
  out_.journal = JournalFile(path, journal);
}

std::uint64_t Beginning::BytesInWork() const {
  std::uint64_t bytes = out_.data.File()->AllocatedBytes();
  for (const auto& stream : out_.columns->Streams()) bytes += stream->file.File()->AllocatedBytes();
  for (const FinishedShard& shard : out_.shards) bytes += shard.bytes;
  return bytes;
}

void Beginning::CheckSpace() {
  if (plan_.rows == 0 || out_.last.complete) return;
  const bool dense = !out_.set.filters.Any() && out_.set.first.per.empty();
  const std::uint64_t row_bytes = plan_.row_bytes > 0 ? plan_.row_bytes
                                  : dense             ? out_.set.first.EntryBytes()
                                                      : 0;
  if (row_bytes == 0) return;
  const auto needed = static_cast<std::uint64_t>(static_cast<double>(plan_.rows) *
                                                 static_cast<double>(row_bytes) * kSpareSpace) +
                      kSpareBytes;
  const std::uint64_t stored = BytesInWork();
  const std::uint64_t missing = needed > stored ? needed - stored : 0;
  const auto text = [&] {
    return fmt::format("'{}' needs {} more, and {} are free at '{}'", EscapeName(out_.paths.target),
                       SizeText(missing), SizeText(SpaceAt(Work()).free),
                       EscapeName(FolderOf(Work())));
  };
  const bool fits = SpaceAt(Work()).free >= missing;
  if (!dense) {
    if (!fits) plan_.notice(text() + ", unless it gets smaller than its pictures are");
    return;
  }
  if (!fits) throw EnvironmentError(text() + "; free space or choose another path");
  const std::uint64_t left = plan_.rows - std::min(plan_.rows, out_.last.first_row);
  const std::uint64_t here = out_.set.shard_rows > 0 ? std::min(left, out_.set.shard_rows) : left;
  if (out_.data.File()->Reserve(out_.set.data_start + here * out_.set.first.EntryBytes())) return;
  const int error = errno;
  if (error != ENOSPC && error != EDQUOT && error != EFBIG) return;  // not possible here
  throw EnvironmentError(
      fmt::format("cannot reserve space: {}; {}; free space or choose another "
                  "path",
                  ErrnoText(error), text()));
}

}  // namespace

std::uint64_t JournalSeed(const std::string& digest) {
  return XXH64(digest.data(), digest.size(), 0);
}

BegunSet BeginSet(const SetOptions& options, const SetPlan& plan) {
  return Beginning(options, plan).Run();
}

}  // namespace pixloom
