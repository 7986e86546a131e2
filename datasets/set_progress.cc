// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "datasets/set_begin.h"
#include "datasets/set_writer.h"
#include "datasets/text.h"

namespace pixloom {

Result<SetProgress, std::string> ReadProgress(const std::string& partial_folder) try {
  const std::string folder = EscapeName(partial_folder);
  const auto text = ReadTextIfThere(partial_folder + "/" + kSetDescription);
  if (!text) return fmt::format("'{}' has no {}: no set was begun there", folder, kSetDescription);
  const auto set = SetDescription::FromJson(*text);
  if (!set) return fmt::format("'{}/{}' cannot be read: {}", folder, kSetDescription, set.Error());

  SetProgress progress;
  progress.first_unit = (*set).first_unit;
  progress.end_unit = (*set).end_unit;
  progress.units = (*set).units;
  progress.rows_expected = (*set).rows_expected;
  const JournalContent journal =
      ReadJournal(partial_folder + "/" + kSetJournal, JournalSeed((*set).digest));
  for (const FinishedShard& shard : journal.shards) {
    ++progress.shards;
    progress.bytes += shard.bytes;
  }
  if (journal.last) {
    progress.units_done = journal.last->next_unit - (*set).first_unit;
    progress.rows = journal.last->rows;
    progress.quarantined = journal.last->quarantined;
    progress.bytes += journal.last->data_bytes;
    for (const StreamState& stream : journal.last->streams) progress.bytes += stream.bytes;
  }
  if (const auto holder = SetLock::Holder(partial_folder)) {
    progress.locked = true;
    progress.holder = *holder;
  }
  return progress;
} catch (const EnvironmentError& error) {
  return std::string(error.what());
}

}  // namespace pixloom
