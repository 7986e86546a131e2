// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>

namespace pixloom::cli {

namespace {

constexpr double kPlainInterval = 10;  // seconds between lines in a log
constexpr double kJsonInterval = 1;
constexpr std::uint64_t kShownPerCode = 10;

std::string Duration(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02} min", s / 60, s % 60);
  return fmt::format("{}:{:02} h", s / 3600, s / 60 % 60);
}

}  // namespace

ProgressPrinter::ProgressPrinter(const std::string& style) {
  style_ = style == "none"              ? Style::kNone
           : style == "json"            ? Style::kJson
           : style == "plain"           ? Style::kPlain
           : isatty(STDERR_FILENO) == 1 ? Style::kTerminal
                                        : Style::kPlain;
}

ProgressPrinter::~ProgressPrinter() {
  if (open_line_) std::fputc('\n', stderr);
}

void ProgressPrinter::Line(const std::string& text) {
  fmt::print(stderr, "{}{}\n", open_line_ ? "\r\x1b[K" : "", text);
  open_line_ = false;
}

void ProgressPrinter::ShowBad(const QuarantineRecord& record) {
  const std::lock_guard lock(mutex_);
  if (style_ != Style::kNone && ++bad_[record.error.code] <= kShownPerCode) Line(record.ToText());
}

void ProgressPrinter::ShowBadCounts() {
  const std::lock_guard lock(mutex_);
  for (const auto& [code, count] : bad_) {
    if (count > kShownPerCode) Line(fmt::format("error[{}] {} in all", code, count));
  }
}

void ProgressPrinter::Show(const Progress& p) {
  if (style_ == Style::kNone) return;
  const std::lock_guard lock(mutex_);
  const double rate = p.seconds > 0 ? static_cast<double>(p.done) / p.seconds : 0;
  const double left = rate > 0 ? static_cast<double>(p.total - p.done) / rate : 0;
  if (style_ == Style::kJson) {
    if (!p.finished && p.seconds - last_shown_ < kJsonInterval) return;
    last_shown_ = p.seconds;
    fmt::print(stderr,
               "{{\"done\": {}, \"total\": {}, \"quarantined\": {}, \"seconds\": {:.3f}, \"rate\": "
               "{:.2f}, \"eta\": {:.1f}}}\n",
               p.done, p.total, p.quarantined, p.seconds, rate, left);
    return;
  }
  const double percent =
      p.total > 0 ? 100.0 * static_cast<double>(p.done) / static_cast<double>(p.total) : 100;
  const std::string line =
      fmt::format("{}/{} ({:.0f} %)  {:.0f}/s  {}{}", p.done, p.total, percent, rate,
                  p.finished ? "done in " + Duration(p.seconds) : Duration(left) + " left",
                  p.quarantined > 0 ? fmt::format("  {} quarantined", p.quarantined) : "");
  if (style_ == Style::kTerminal) {
    fmt::print(stderr, "\r\x1b[K{}", line);
    open_line_ = true;
    if (p.finished) {
      std::fputc('\n', stderr);
      open_line_ = false;
    }
    std::fflush(stderr);
    return;
  }
  if (!p.finished && p.seconds - last_shown_ < kPlainInterval) return;
  if (last_shown_ < 0 && !p.finished) {
    last_shown_ = p.seconds;  // the first plain line comes after a full interval
    return;
  }
  last_shown_ = p.seconds;
  fmt::print(stderr, "{}\n", line);
}

}  // namespace pixloom::cli
