// SPDX-License-Identifier: Apache-2.0
// A run that goes on may want its results in other files than it was begun with: one file or many,
// more rows in each or fewer. It then goes on as it was begun, and the finished set is cut anew.
//
// Nothing is lost on the way: the old set is complete before the new one is begun, and goes when
// the new one is complete. One thread.
#pragma once

#include <functional>
#include <string>

#include "datasets/set_writer.h"

namespace pixloom {

class SetRecut {
 public:
  // What to open the writer with: what was asked for, unless a set of this plan lies there
  // otherwise.
  static SetOptions Begun(const SetOptions& wanted, const SetPlan& plan);

  // `begun` as above; `rows_in_use` is the writer's ShardRowsInUse() after it was opened.
  SetRecut(SetOptions wanted, const SetOptions& begun, const SetPlan& plan,
           std::uint64_t rows_in_use);

  // Where the wanted set will be.
  std::string Place() const;
  // Cuts the finished set at `target` anew, if it is not as wanted.
  void Run(const std::string& target) const;

 private:
  bool Needed(const std::string& target) const;

  SetOptions wanted_;
  bool other_kind_ = false;  // a file where a folder is wanted, or the other way round
  bool ours_ = false;        // and it is not finished yet: nobody else can need it
  std::uint64_t rows_in_use_ = 0;
  int part_ = 1, parts_ = 1;
  Attributes attributes_;  // the configuration that is running, not the one it was begun with
  std::function<void(std::string)> notice_;
};

}  // namespace pixloom
