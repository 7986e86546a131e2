// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "api/pixloom.h"
#include "cli/layout.h"
#include "cli/progress.h"
#include "pipeline/language.h"

namespace pixloom::cli {

ConfigError UsageError(std::string text) {
  Diagnostics diagnostics;
  diagnostics.Error("CFG-USAGE", {}, std::move(text));
  return ConfigError(diagnostics);
}

namespace {

LoadOptions ToLoadOptions(const ConfigArguments& config) {
  LoadOptions options;
  options.seed = config.seed;
  for (const std::string& assignment : config.set) {
    const std::size_t equals = assignment.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw UsageError(fmt::format("--set {}: expected NAME=VALUE", assignment));
    }
    options.set[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  options.disabled_passes.insert(config.disabled.begin(), config.disabled.end());
  return options;
}

Pipeline LoadWithNotices(const ConfigArguments& config) {
  Pipeline pipeline = Pipeline::Load(config.config, ToLoadOptions(config));
  if (!config.quiet) {
    for (const Diagnostic& notice : pipeline.notices()) fmt::print(stderr, "{}\n", notice.Text());
  }
  return pipeline;
}

// "2/5": the second of five machines.
void ReadPart(const std::string& text, RunOptions& options) {
  if (text.empty()) return;
  int used = 0;
  const int found = std::sscanf(text.c_str(), "%d/%d%n", &options.part, &options.parts, &used);
  const bool whole = found == 2 && static_cast<std::size_t>(used) == text.size();
  if (whole && options.part >= 1 && options.part <= options.parts) return;
  throw UsageError(fmt::format("--part {}: expected I/N with 1 <= I <= N, as 2/5", text));
}

int CodeOf(const RunReport& report) {
  if (report.too_many_bad) return kExitTooManyBad;
  if (report.interrupted) return kExitInterrupted;
  return report.quarantined > 0 ? kExitSomeQuarantined : kExitOk;
}

}  // namespace

int Run(const ConfigArguments& config, const RunArguments& run, const std::atomic<bool>& stop) {
  return RunLoaded(LoadWithNotices(config), config.quiet, run, stop);
}

int RunLoaded(Pipeline pipeline, bool quiet, const RunArguments& run,
              const std::atomic<bool>& stop) {
  RunOptions options;
  options.threads = run.threads;
  options.overwrite = run.overwrite;
  options.quarantine_file = run.quarantine;
  options.hash_inputs = run.verify_inputs;
  ReadPart(run.part, options);
  options.stop = &stop;
  if (run.limit) options.limit = *run.limit;
  if (!run.memory.empty()) {
    const auto bytes = ParseBytes(run.memory);
    if (!bytes || *bytes == 0) {
      throw UsageError(fmt::format("--memory {}: expected a size like 256MiB or 2GiB", run.memory));
    }
    options.memory = *bytes;
  }
  if (!quiet) {
    options.notice = [](const std::string& text) {
      fmt::print(stderr, "notice: {}\n", EscapeForLog(text));
    };
  }
  RunReport report;
  {
    ProgressPrinter printer(quiet ? "none" : run.progress);
    options.progress = [&](const Progress& progress) { printer.Show(progress); };
    options.quarantined = [&](const QuarantineRecord& record) { printer.ShowBad(record); };
    report = pipeline.Run(std::move(options));
    printer.ShowBadCounts();
  }
  if (run.json) {
    fmt::print("{}\n", report.ToJson());
  } else if (!quiet) {
    fmt::print("{}", report.ToText());
    for (const std::string& output : report.outputs) fmt::print("results: {}\n", output);
    if (!report.quarantine_file.empty()) fmt::print("quarantine: {}\n", report.quarantine_file);
  }
  if (!report.stop_reason.empty()) {
    fmt::print(stderr, "error[RUN-BAD] stopped: {}\n", report.stop_reason);
  } else if (report.interrupted) {
    fmt::print(stderr, "stopped on request; run the same command {}\n",
               report.can_resume ? "again to go on" : "with --overwrite to start over");
  }
  return CodeOf(report);
}

int Validate(const ConfigArguments& config) {
  const Pipeline pipeline = LoadWithNotices(config);
  if (!config.quiet) {
    fmt::print("{}: valid, {} nodes\n", config.config, pipeline.graph().nodes.size());
  }
  return kExitOk;
}

int Explain(const ConfigArguments& config, ExplainAs as) {
  const Pipeline pipeline = LoadWithNotices(config);
  switch (as) {
    case ExplainAs::kDot:
      fmt::print("{}", pipeline.graph().ToDot());
      break;
    case ExplainAs::kSvg:
      fmt::print("{}", ToSvg(pipeline.graph()));
      break;
    case ExplainAs::kYaml:
      fmt::print("{}", pipeline.ToYaml());
      break;
    case ExplainAs::kText:
      for (const PassLog& pass : pipeline.passes()) {
        fmt::print("pass {:<10} {}\n", pass.name, pass.why);
        std::size_t start = 0;
        while (start < pass.note.size()) {
          const std::size_t end = std::min(pass.note.find('\n', start), pass.note.size());
          fmt::print("     {}\n", pass.note.substr(start, end - start));
          start = end + 1;
        }
      }
      fmt::print("\n{}", pipeline.graph().ToText());
      break;
  }
  return kExitOk;
}

int Ops(const std::string& name, OpsAs as) {
  const Registry& registry = BuiltIns();
  if (as == OpsAs::kJson) {
    fmt::print("{}\n", OpsJson(registry));
  } else if (as == OpsAs::kMarkdown) {
    fmt::print("{}", OpsMarkdown(registry));
  } else {
    const std::string text = OpsText(registry, name);
    if (text.empty()) {
      std::vector<std::string> known;
      for (const auto& [key, op] : registry.Operators()) known.push_back(key);
      for (const auto& [key, source] : registry.Sources()) known.push_back(key);
      for (const auto& [key, sink] : registry.Sinks()) known.push_back(key);
      throw UsageError(fmt::format("there is no verb '{}'{}", name, Suggestion(name, known)));
    }
    fmt::print("{}", text);
  }
  return kExitOk;
}

int Replay(const ConfigArguments& config, const std::string& key, const std::string& branch,
           const std::string& out) {
  namespace fs = std::filesystem;
  Pipeline pipeline = LoadWithNotices(config);
  const auto replayed = pipeline.Replay(key, branch);
  if (replayed.empty()) {
    throw UsageError(fmt::format("'{}' leaves no result{}", key,
                                 branch.empty() ? "" : " with branch " + branch));
  }
  fs::create_directories(out);
  std::map<std::string, int> names;
  for (const Pipeline::Replayed& result : replayed) {
    const ImageField* image = result.sample.Image();
    if (image == nullptr) continue;
    const std::string suffix = BranchText(result.sample.identity.branch);
    std::string stem = result.sink + (suffix.empty() ? "" : "_" + suffix);
    if (const int n = names[stem]++; n > 0) stem += fmt::format("_{}", n);
    const auto bytes = BuiltInCodec().Encode(image->frames[0].pixels, {});
    if (!bytes) throw EnvironmentError(bytes.Error().message);
    const fs::path path = fs::path(out) / (stem + ".png");
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes->data()),
               static_cast<std::streamsize>(bytes->size()));
    file.close();
    if (!file) throw EnvironmentError(fmt::format("cannot write {}", path.string()));
    if (!config.quiet) {
      fmt::print("{}\n{}\n", path.string(), result.sample.recipe.ToJson());
    }
  }
  return kExitOk;
}

}  // namespace pixloom::cli
