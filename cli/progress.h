// SPDX-License-Identifier: Apache-2.0
// How a run shows that it is alive: a line that renews itself on a terminal, a line now and then
// elsewhere, or JSON lines. May be called from several threads.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "pipeline/report.h"

namespace pixloom::cli {

class ProgressPrinter {
 public:
  // `style`: auto, plain, json or none.
  explicit ProgressPrinter(const std::string& style);
  ~ProgressPrinter();
  ProgressPrinter(const ProgressPrinter&) = delete;
  ProgressPrinter& operator=(const ProgressPrinter&) = delete;

  void Show(const Progress& progress);
  // Bad samples: the first ten of each kind in full, the others only counted at the end.
  void ShowBad(const QuarantineRecord& record);
  void ShowBadCounts();

 private:
  enum class Style { kNone, kPlain, kTerminal, kJson };
  Style style_;
  void Line(const std::string& text);

  bool open_line_ = false;
  std::map<std::string, std::uint64_t> bad_;  // by code
  std::mutex mutex_;                          // progress and bad samples come from two nodes
  double last_shown_ = -1e9;
};

}  // namespace pixloom::cli
