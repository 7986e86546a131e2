// SPDX-License-Identifier: Apache-2.0
// The background thread that makes durable what was written: files first, then the record of the
// journal that speaks of them.
//
// One thread gives it work. An error is kept and thrown by every call after it; nothing more is
// recorded then.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "datasets/set_journal.h"

namespace pixloom {

class SetCommitter {
 public:
  struct Work {
    std::vector<std::shared_ptr<SetFile>> files;  // changed since the work before
    std::vector<std::string> folders;             // in which files were created
    JournalRecord record;
  };

  // `sync` is called in the thread, before every record.
  SetCommitter(JournalFile journal, std::function<void()> sync);
  ~SetCommitter();  // ends what is under way
  SetCommitter(const SetCommitter&) = delete;
  SetCommitter& operator=(const SetCommitter&) = delete;

  bool Busy() const;
  void Submit(Work work);  // waits for the work before
  void Wait();             // until everything is durable
  void Check() const;      // throws what went wrong
  // The last record that was written here.
  std::optional<JournalRecord> Durable() const;

 private:
  void Run();
  void Do(const Work& work);

  JournalFile journal_;
  const std::function<void()> sync_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<Work> work_;  // under way
  std::optional<JournalRecord> durable_;
  std::exception_ptr error_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace pixloom
