// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_commit.h"

#include <utility>

namespace pixloom {

SetCommitter::SetCommitter(JournalFile journal, std::function<void()> sync)
    : journal_(std::move(journal)), sync_(std::move(sync)), thread_([this] { Run(); }) {}

SetCommitter::~SetCommitter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool SetCommitter::Busy() const {
  const std::lock_guard lock(mutex_);
  return work_.has_value();
}

void SetCommitter::Check() const {
  const std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
}

std::optional<JournalRecord> SetCommitter::Durable() const {
  const std::lock_guard lock(mutex_);
  return durable_;
}

void SetCommitter::Wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !work_; });
  if (error_) std::rethrow_exception(error_);
}

void SetCommitter::Submit(Work work) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !work_; });
  if (error_) std::rethrow_exception(error_);
  work_ = std::move(work);
  lock.unlock();
  changed_.notify_all();
}

void SetCommitter::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return work_ || stop_; });
    if (!work_) return;
    lock.unlock();
    std::exception_ptr error;
    try {
      Do(*work_);  // nobody else touches it until it is reset
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (!error) durable_ = std::move(work_->record);
    error_ = error;
    work_.reset();
    changed_.notify_all();
  }
}

void SetCommitter::Do(const Work& work) {
  sync_();
  for (const std::string& folder : work.folders) SyncFolder(folder);
  for (const auto& file : work.files) file->SyncData();
  journal_.Append(work.record);
}

}  // namespace pixloom
