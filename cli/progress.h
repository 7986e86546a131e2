// SPDX-License-Identifier: Apache-2.0
// How a run shows that it is alive: a line that renews itself on a terminal, a line now and then
// elsewhere, or JSON lines. Used by one thread at a time.
#pragma once

#include <chrono>
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

 private:
  enum class Style { kNone, kPlain, kTerminal, kJson };
  Style style_;
  bool open_line_ = false;
  double last_shown_ = -1e9;
};

}  // namespace pixloom::cli
