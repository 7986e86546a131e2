// SPDX-License-Identifier: Apache-2.0
// The `pixloom` command: arguments in, exit codes out.
#include <unistd.h>
#include <csignal>
#include <cstdio>

#include <atomic>
#include <exception>
#include <new>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "api/pixloom.h"
#include "cli/commands.h"

namespace {

using namespace pixloom;

std::atomic<bool> stop_requested{false};
std::atomic<int> stop_signal{0};

// The first signal finishes what is in flight; the second ends the process at once.
extern "C" void OnSignal(int signal) {
  if (stop_requested.exchange(true)) _exit(128 + signal);
  stop_signal = signal;
}

void InstallSignals() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a closed terminal does not end a run
}

void AddConfig(CLI::App& app, cli::ConfigArguments& config) {
  app.add_option("config", config.config, "pipeline file (YAML)")->required();
  app.add_option("--set", config.set, "NAME=VALUE for $(NAME) in the file")->take_all();
  app.add_option("--seed", config.seed, "seed instead of the file's");
  app.add_option("--disable-pass", config.disabled, "leave a pass out, to find a problem")
      ->take_all();
  app.add_flag("--quiet,-q", config.quiet, "print errors only");
}

int Report(const std::exception& error, int code) {
  fmt::print(stderr, "{}\n", error.what());
  return code;
}

int Dispatch(int argc, char** argv) {
  CLI::App app{"Pixloom weaves a folder of images into a training set."};
  app.require_subcommand(1);
  cli::ConfigArguments config;
  cli::RunArguments run;
  std::string name, key, branch, out = "replay";
  bool dot = false, svg = false, yaml = false, json = false, markdown = false;

  auto* run_cmd = app.add_subcommand("run", "run a pipeline");
  AddConfig(*run_cmd, config);
  run_cmd->add_option("--threads,-j", run.threads, "worker threads; 0: all cores")
      ->check(CLI::Range(0, 1024));
  run_cmd->add_option("--limit", run.limit, "only the first N source entries");
  run_cmd->add_option("--memory", run.memory, "budget for samples in flight, as 256MiB or 2GiB");
  run_cmd->add_flag("--overwrite", run.overwrite, "replace results that exist");
  run_cmd->add_flag("--json", run.json, "print the report as JSON");
  run_cmd->add_option("--progress", run.progress, "auto, plain, json or none")
      ->check(CLI::IsMember({"auto", "plain", "json", "none"}));
  run_cmd->add_option("--quarantine", run.quarantine, "where bad samples are listed");

  auto* validate_cmd = app.add_subcommand("validate", "check a pipeline, run nothing");
  AddConfig(*validate_cmd, config);

  auto* explain_cmd = app.add_subcommand("explain", "show the graph and what each pass did");
  AddConfig(*explain_cmd, config);
  auto* dot_flag = explain_cmd->add_flag("--dot", dot, "as Graphviz text");
  auto* svg_flag = explain_cmd->add_flag("--svg", svg, "as a picture")->excludes(dot_flag);
  explain_cmd->add_flag("--yaml", yaml, "as YAML with everything written out")
      ->excludes(dot_flag)
      ->excludes(svg_flag);

  auto* ops_cmd = app.add_subcommand("ops", "list operators, sources and sinks");
  ops_cmd->add_option("name", name, "one of them in full");
  auto* json_flag = ops_cmd->add_flag("--json", json, "everything as JSON");
  ops_cmd->add_flag("--markdown", markdown, "everything as Markdown")->excludes(json_flag);

  auto* schema_cmd = app.add_subcommand("schema", "print the JSON Schema, for editors");

  auto* replay_cmd = app.add_subcommand("replay", "make one result again from its identity");
  AddConfig(*replay_cmd, config);
  replay_cmd->add_option("key", key, "the source entry, as in the sidecar")->required();
  replay_cmd->add_option("--branch", branch, "one copy, as 0 or 2-1");
  replay_cmd->add_option("--out", out, "folder for the pictures");

  cli::ImportArguments import;
  auto* import_cmd = app.add_subcommand("import", "write another library's pipeline as Pixloom's");
  import_cmd->add_option("library", import.peer, "albumentations or torchvision")
      ->required()
      ->check(CLI::IsMember({"albumentations", "torchvision"}));
  import_cmd
      ->add_option("input", import.input,
                   "file of A.save, or of print(transform); -: stdin; torchvision: also the text")
      ->required();
  import_cmd->add_option("--out", import.out, "file to write instead of stdout");
  import_cmd->add_option("--size", import.size, "height and width of the pictures")
      ->expected(2)
      ->check(CLI::Range(1, 65500));
  import_cmd->add_flag("--tensors", import.tensors,
                       "keep steps that make float planes, for a training loader");
  import_cmd->add_flag("--overwrite", import.overwrite, "replace a file that exists");
  import_cmd->add_flag("--json", import.json, "the report as JSON");
  import_cmd->add_flag("--quiet,-q", import.quiet, "no report");

  auto* version_cmd = app.add_subcommand("version", "print the version");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitConfig;
  }
  if (*run_cmd) {
    InstallSignals();
    const int code = cli::Run(config, run, stop_requested);
    return code == kExitInterrupted && stop_signal == SIGTERM ? kExitTerminated : code;
  }
  if (*validate_cmd) return cli::Validate(config);
  if (*explain_cmd) {
    using As = cli::ExplainAs;
    return cli::Explain(config, dot ? As::kDot : svg ? As::kSvg : yaml ? As::kYaml : As::kText);
  }
  if (*ops_cmd) {
    using As = cli::OpsAs;
    return cli::Ops(name, json ? As::kJson : markdown ? As::kMarkdown : As::kText);
  }
  if (*schema_cmd) fmt::print("{}\n", JsonSchema(BuiltIns()));
  if (*replay_cmd) return cli::Replay(config, key, branch, out);
  if (*import_cmd) return cli::ImportPipeline(import);
  if (*version_cmd) fmt::print("pixloom {}\n", kVersion);
  return kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Dispatch(argc, argv);
  } catch (const ConfigError& error) {
    return Report(error, kExitConfig);
  } catch (const OutputBusyError& error) {
    return Report(error, kExitOutputBusy);
  } catch (const EnvironmentError& error) {
    return Report(error, kExitEnvironment);
  } catch (const std::bad_alloc& error) {
    return Report(error, kExitEnvironment);
  } catch (const std::exception& error) {
    return Report(error, kExitInternal);
  }
}
