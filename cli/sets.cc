// SPDX-License-Identifier: Apache-2.0
// Commands on stored data sets: merge, verify, status, repair, inspect.
#include "api/sets.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/progress.h"

namespace pixloom::cli {

namespace {

// Rows done, on a terminal only: these commands are quick, or run by scripts.
class Watch {
 public:
  Watch(const SetArguments& arguments, const std::atomic<bool>& stop)
      : printer_(arguments.quiet || arguments.json || isatty(STDERR_FILENO) == 0 ? "none"
                                                                                 : "auto") {
    work_.threads = arguments.threads;
    work_.stop = &stop;
    work_.progress = [this](std::uint64_t rows, std::uint64_t of) {
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began_;
      printer_.Show({.done = rows, .total = of, .seconds = passed.count(), .finished = rows == of});
    };
    if (!arguments.quiet) {
      work_.notice = [](const std::string& text) {
        fmt::print(stderr, "notice: {}\n", EscapeForLog(text));
      };
    }
  }
  const sets::Work& Work() const { return work_; }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  ProgressPrinter printer_;
  sets::Work work_;
};

template <class Report>
void Print(const Report& report, const SetArguments& arguments) {
  if (arguments.json) {
    fmt::print("{}\n", report.ToJson());
  } else if (!arguments.quiet) {
    fmt::print("{}", report.ToText());
  }
}

}  // namespace

int MergeSets(const SetArguments& arguments, const MergeArguments& merge,
              const std::atomic<bool>& stop) {
  MergeReport report;
  {
    const Watch watch(arguments, stop);
    sets::MergeOptions options;
    options.out = arguments.path;
    options.inputs = merge.inputs;
    options.any = merge.any;
    options.shard_rows = merge.shard_rows;
    options.master = merge.master;
    options.overwrite = merge.overwrite;
    report = sets::Merge(options, watch.Work());
  }
  Print(report, arguments);
  return report.interrupted ? kExitInterrupted : kExitOk;
}

int VerifySet(const SetArguments& arguments, const std::atomic<bool>& stop) {
  VerifyReport report;
  {
    const Watch watch(arguments, stop);
    report = sets::Verify(arguments.path, watch.Work());
  }
  Print(report, arguments);
  if (!report.faults.empty() || !report.bad.empty()) return kExitTooManyBad;
  return report.interrupted ? kExitInterrupted : kExitOk;
}

int SetStatus(const SetArguments& arguments) {
  Print(sets::Status(arguments.path), arguments);
  return kExitOk;
}

int RepairSet(const SetArguments& arguments, const std::string& config,
              const std::atomic<bool>& stop) {
  RepairReport report;
  {
    const Watch watch(arguments, stop);
    report = sets::Repair(arguments.path,
                          config.empty() ? std::nullopt : std::optional<std::string>(config),
                          watch.Work());
  }
  Print(report, arguments);
  return report.Good() ? kExitOk : kExitTooManyBad;
}

int Inspect(const SetArguments& arguments, const std::string& sheet, int pictures) {
  sets::InspectOptions options;
  options.sheet = sheet;
  options.pictures = pictures;
  Print(sets::Inspect(arguments.path, options), arguments);
  return kExitOk;
}

}  // namespace pixloom::cli
