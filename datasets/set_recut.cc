// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_recut.h"

#include <utility>

#include <fmt/format.h>

#include "datasets/set_folder.h"
#include "datasets/set_merge.h"
#include "datasets/set_reader.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

bool HasFolder(const SetOptions& options) { return options.shard_rows > 0; }

SetPaths PathsOf(const SetOptions& options, int part, int parts) {
  return SetPaths::Of(options.path, HasFolder(options), part, parts);
}

// One file for a folder, and the other way round; a folder keeps the rows that it was begun with.
SetOptions OtherKind(const SetOptions& wanted) {
  SetOptions other = wanted;
  other.shard_rows = HasFolder(wanted) ? 0 : 1;
  other.master = false;
  return other;
}

bool IsFinished(const SetPaths& paths, const std::string& digest) {
  if (!PathExists(paths.target)) return false;
  const auto found = ReadFinishedSet(paths.target, paths.folder);
  return found && found->digest == digest;
}

}  // namespace

SetOptions SetRecut::Begun(const SetOptions& wanted, const SetPlan& plan) {
  const SetPaths here = PathsOf(wanted, plan.part, plan.parts);
  if (plan.overwrite || PathExists(here.target)) return wanted;
  const SetOptions other = OtherKind(wanted);
  const SetPaths there = PathsOf(other, plan.part, plan.parts);
  if (IsFinished(there, plan.fingerprint.Digest())) return other;
  const bool begun_there = PathExists(there.InWork(kSetDescription));
  return begun_there && !PathExists(here.InWork(kSetDescription)) ? other : wanted;
}

SetRecut::SetRecut(SetOptions wanted, const SetOptions& begun, const SetPlan& plan,
                   std::uint64_t rows_in_use)
    : wanted_(std::move(wanted)),
      other_kind_(HasFolder(begun) != HasFolder(wanted_)),
      rows_in_use_(rows_in_use),
      part_(plan.part),
      parts_(plan.parts),
      attributes_(plan.attributes),
      notice_(plan.notice) {
  ours_ = other_kind_ && !PathExists(PathsOf(begun, part_, parts_).target);
}

std::string SetRecut::Place() const { return PathsOf(wanted_, part_, parts_).target; }

bool SetRecut::Needed(const std::string& target) const {
  if (other_kind_) return true;
  if (!HasFolder(wanted_)) return false;
  if (rows_in_use_ != wanted_.shard_rows) return true;
  // It may have been finished by a run that was killed before it could do this.
  const auto set = SetReader::Open(target);
  if (!set) return false;
  const std::uint64_t rows = (*set)->Rows();
  const auto file_of = [&](std::uint64_t row) { return (*set)->Locate(row).first; };
  return rows > 0 && (file_of(std::min(wanted_.shard_rows, rows) - 1) != 0 ||
                      (rows > wanted_.shard_rows && file_of(wanted_.shard_rows) != 1));
}

void SetRecut::Run(const std::string& target) const {
  try {
    if (!Needed(target)) return;
  } catch (const EnvironmentError& error) {
    throw EnvironmentError(
        fmt::format("{}; all rows are written; run the same command again to make sure that "
                    "they are cut as wanted",
                    error.what()));
  }
  MergeRequest request;
  request.inputs = {target};
  request.out = wanted_;
  request.part = part_;
  request.parts = parts_;
  request.attributes = attributes_;
  request.overwrite = true;
  request.notice = notice_;
  notice_(HasFolder(wanted_) ? fmt::format("'{}' is cut into files of {} rows", EscapeName(target),
                                           wanted_.shard_rows)
                             : fmt::format("'{}' is put into one file", EscapeName(target)));
  MergeSets(request);
  if (!ours_) return;
  if (HasFolder(wanted_)) {
    RemoveFile(target);
  } else {
    RemoveSetFolder(target, false);
  }
}

}  // namespace pixloom
