// SPDX-License-Identifier: Apache-2.0
// The `pixloom` command: arguments in, exit codes out.
#include <sys/resource.h>
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
#include "pipeline/set_report.h"

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
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is an error like a full disk
}

void AddConfig(CLI::App& app, cli::ConfigArguments& config) {
  app.add_option("config", config.config, "pipeline file (YAML)")->required();
  app.add_option("--set", config.set, "NAME=VALUE for $(NAME) in the file")->take_all();
  app.add_option("--seed", config.seed, "seed instead of the file's");
  app.add_option("--disable-pass", config.disabled, "leave a pass out, to find a problem")
      ->take_all();
  app.add_flag("--quiet,-q", config.quiet, "print errors only");
}

void AddRun(CLI::App& app, cli::RunArguments& run) {
  app.add_option("--threads,-j", run.threads, "worker threads; 0: all cores")
      ->check(CLI::Range(0, 1024));
  app.add_option("--limit", run.limit, "only the first N source entries");
  app.add_option("--memory", run.memory, "budget for samples in flight, as 256MiB or 2GiB");
  app.add_flag("--overwrite", run.overwrite, "replace results that exist");
  app.add_flag("--json", run.json, "print the report as JSON");
  app.add_option("--progress", run.progress, "auto, plain, json or none")
      ->check(CLI::IsMember({"auto", "plain", "json", "none"}));
  app.add_option("--part", run.part, "I/N: the share of the I-th of N machines; then merge");
  app.add_flag("--verify-inputs", run.verify_inputs,
               "compare the bytes of all inputs when a stopped run goes on, not only sizes");
  app.add_option("--quarantine", run.quarantine, "where bad samples are listed");
}

void AddSet(CLI::App& app, cli::SetArguments& set, const char* what, bool long_work) {
  app.add_option("path", set.path, what)->required();
  if (long_work) {
    app.add_option("--threads,-j", set.threads, "worker threads; 0: all cores")
        ->check(CLI::Range(0, 1024));
  }
  app.add_flag("--json", set.json, "print the report as JSON");
  app.add_flag("--quiet,-q", set.quiet, "print errors only");
}

struct NetworkCommands {
  CLI::App *make = nullptr, *show = nullptr, *check = nullptr;
};

NetworkCommands AddNetwork(CLI::App& app, cli::NetworkArguments& network) {
  auto* group = app.add_subcommand("network", "make, show and check networks");
  group->require_subcommand(1);
  NetworkCommands commands;
  commands.make =
      group->add_subcommand("make", "draw weights for a layer list and write the files");
  commands.make->add_option("list", network.path, "layer list (YAML)")->required();
  commands.make->add_option("--out", network.out, "folder for the network")->required();
  commands.make->add_option("--seed", network.seed, "of the weights");
  commands.make->add_flag("--test-weights", network.test_weights,
                          "weights with which every layer has an effect, for trying backends");
  commands.make->add_flag("--no-torchscript", network.no_torchscript, "ONNX files only");
  commands.show = group->add_subcommand("show", "the layers of a list, or what a manifest says");
  commands.show->add_option("file", network.path, "layer list or manifest (YAML)")->required();
  commands.check =
      group->add_subcommand("check", "load a network, compare its numbers, and time it");
  commands.check->add_option("manifest", network.path, "manifest (YAML)")->required();
  commands.check->add_option("--backend", network.backend, "auto, or one of `pixloom plugins`");
  commands.check->add_option("--device", network.device, "auto, cpu, cuda, cuda:1 or tensorrt");
  commands.check->add_option("--precision", network.precision, "auto, fp32 or fp16")
      ->check(CLI::IsMember({"auto", "fp32", "fp16"}));
  for (CLI::App* command : {commands.make, commands.check}) {
    command->add_flag("--json", network.json, "print the report as JSON");
  }
  return commands;
}

// A set that is being written has a file per column.
void RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
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
  AddRun(*run_cmd, run);

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

  cli::ExportArguments exported;
  auto* export_cmd =
      app.add_subcommand("export", "write a stored set as a data set of other tools");
  export_cmd->add_option("set", exported.set, "HDF5 file, or folder of shards")->required();
  export_cmd->add_option("--to", exported.format, "coco, yolo, voc, tar or image_folder")
      ->required()
      ->check(CLI::IsMember({"coco", "yolo", "voc", "tar", "image_folder"}));
  export_cmd->add_option("--out", exported.out, "folder; tar: where shards go, without number")
      ->required();
  export_cmd
      ->add_option("--with", exported.parameters,
                   "NAME=VALUE for the format, as task=segment; `pixloom ops yolo` lists them")
      ->take_all();
  AddRun(*export_cmd, run);
  export_cmd->add_flag("--quiet,-q", exported.quiet, "print errors only");

  cli::SetArguments set;
  cli::MergeArguments merge;
  std::string repair_config, sheet;
  int sheet_pictures = 24;
  auto* inspect_cmd = app.add_subcommand("inspect", "show what is in an HDF5 file");
  AddSet(*inspect_cmd, set, "an HDF5 file, or the folder of a set", false);
  inspect_cmd->add_option("--sheet", sheet, "write a contact sheet of pictures (PNG)");
  inspect_cmd->add_option("--pictures", sheet_pictures, "pictures on the sheet, evenly spaced")
      ->check(CLI::Range(1, 1000));
  auto* verify_cmd = app.add_subcommand("verify", "compare a stored set with its hashes");
  AddSet(*verify_cmd, set, "the set: a file, or a folder with index.json", true);
  auto* status_cmd = app.add_subcommand("status", "how far a set is that is being made");
  AddSet(*status_cmd, set, "the set, or its TARGET.partial", false);
  auto* repair_cmd = app.add_subcommand("repair", "make damaged rows of a set again, in place");
  AddSet(*repair_cmd, set, "the set: a file, or a folder with index.json", true);
  repair_cmd->add_option("--config", repair_config, "pipeline instead of the one in the set");
  auto* merge_cmd = app.add_subcommand("merge", "join the parts that several machines made");
  AddSet(*merge_cmd, set, "the set to write", true);
  merge_cmd->add_option("inputs", merge.inputs, "finished sets; one alone is cut anew")->required();
  merge_cmd->add_flag("--any", merge.any, "sets of different runs, one behind the other");
  merge_cmd->add_option("--shard-rows", merge.shard_rows, "rows per file; 0: one file");
  merge_cmd->add_flag("--master", merge.master, "with --shard-rows: a virtual set over the files");
  merge_cmd->add_flag("--overwrite", merge.overwrite, "replace a set that exists");

  cli::NetworkArguments network;
  const NetworkCommands network_cmd = AddNetwork(app, network);

  cli::PluginArguments plugins;
  auto* plugins_cmd = app.add_subcommand("plugins", "list backends that run networks");
  auto* check_flag = plugins_cmd->add_flag("--check", plugins.check,
                                           "load them and say what they found; exit code 8: one "
                                           "cannot be used");
  plugins_cmd->add_option("id", plugins.ids, "with --check: only these")->needs(check_flag);
  plugins_cmd->add_flag("--json", plugins.json, "everything as JSON");

  auto* version_cmd = app.add_subcommand("version", "print the version");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitConfig;
  }
  if (*run_cmd || *export_cmd) {
    InstallSignals();
    const int code = *run_cmd ? cli::Run(config, run, stop_requested)
                              : cli::Export(exported, run, stop_requested);
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
  if (*inspect_cmd) return cli::Inspect(set, sheet, sheet_pictures);
  if (*status_cmd) return cli::SetStatus(set);
  if (*merge_cmd || *verify_cmd || *repair_cmd) {
    InstallSignals();
    const int code = *merge_cmd    ? cli::MergeSets(set, merge, stop_requested)
                     : *verify_cmd ? cli::VerifySet(set, stop_requested)
                                   : cli::RepairSet(set, repair_config, stop_requested);
    return code == kExitInterrupted && stop_signal == SIGTERM ? kExitTerminated : code;
  }
  if (*network_cmd.make) return cli::MakeNetwork(network);
  if (*network_cmd.show) return cli::ShowNetwork(network);
  if (*network_cmd.check) return cli::CheckNetwork(network);
  if (*plugins_cmd) return cli::Plugins(plugins);
  if (*version_cmd) fmt::print("pixloom {}\n", kVersion);
  return kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  RaiseFileLimit();
  try {
    return Dispatch(argc, argv);
  } catch (const ConfigError& error) {
    return Report(error, error.OnlyModels() ? kExitModelRejected : kExitConfig);
  } catch (const ModelRejectedError& error) {
    return Report(error, kExitModelRejected);
  } catch (const OutputBusyError& error) {
    return Report(error, kExitOutputBusy);
  } catch (const ResumeRefusedError& error) {
    return Report(error, kExitResumeRefused);
  } catch (const DamagedSetError& error) {
    return Report(error, kExitTooManyBad);
  } catch (const EnvironmentError& error) {
    return Report(error, kExitEnvironment);
  } catch (const std::bad_alloc& error) {
    return Report(error, kExitEnvironment);
  } catch (const std::exception& error) {
    return Report(error, kExitInternal);
  }
}
