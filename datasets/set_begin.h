// SPDX-License-Identifier: Apache-2.0
// Opening TARGET.partial: takes the lock, decides whether a set begins, goes on or is there
// already, and brings the files to the state of the last record of the journal. One thread.
#pragma once

#include <memory>
#include <vector>

#include "datasets/set_columns.h"
#include "datasets/set_folder.h"
#include "datasets/set_journal.h"
#include "datasets/set_writer.h"

namespace pixloom {

struct BegunSet {
  enum class State {
    kWriting,    // rows, or the finishing of what is there
    kToPublish,  // a folder that is complete and has not got its name yet
    kPublished,
  };

  State state = State::kWriting;
  SetPaths paths;
  SetDescription set;
  SetLock lock;        // not of a published set
  SetSummary summary;  // kToPublish, kPublished
  // kWriting:
  std::unique_ptr<SetColumns> columns;
  DataFile data;
  JournalFile journal;
  std::vector<FinishedShard> shards;
  JournalRecord last;  // where it goes on
};

BegunSet BeginSet(const SetOptions& options, const SetPlan& plan);

// Of the journal; so that one of another set has no records here.
std::uint64_t JournalSeed(const std::string& digest);

}  // namespace pixloom
