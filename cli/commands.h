// SPDX-License-Identifier: Apache-2.0
// The subcommands of `pixloom`. Each returns an exit code (pipeline/error.h) and throws what the
// library throws; main.cc turns that into messages and codes. Called once, from the main thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/error.h"

namespace pixloom {
class Pipeline;
}

namespace pixloom::cli {

struct ConfigArguments {
  std::string config;
  std::vector<std::string> set;  // KEY=VALUE
  std::optional<std::uint64_t> seed;
  std::vector<std::string> disabled;
  bool quiet = false;
};

struct RunArguments {
  int threads = 0;
  std::optional<std::uint64_t> limit;
  std::string memory;
  bool overwrite = false;
  bool json = false;
  std::string progress = "auto";  // auto, plain, json, none
  std::string quarantine;
  std::string part;  // I/N
  bool verify_inputs = false;
};

int Run(const ConfigArguments& config, const RunArguments& run, const std::atomic<bool>& stop);
// The same with a pipeline at hand.
int RunLoaded(Pipeline pipeline, bool quiet, const RunArguments& run,
              const std::atomic<bool>& stop);
int Validate(const ConfigArguments& config);

enum class ExplainAs { kText, kDot, kSvg, kYaml };
int Explain(const ConfigArguments& config, ExplainAs as);

enum class OpsAs { kText, kJson, kMarkdown };
int Ops(const std::string& name, OpsAs as);

struct ImportArguments {
  std::string peer;       // albumentations, torchvision
  std::string input;      // a file, "-", or the text of a torchvision transform
  std::string out;        // empty: stdout
  std::vector<int> size;  // height and width
  bool tensors = false;
  bool overwrite = false;
  bool json = false;
  bool quiet = false;
};
// Exit code 3: something has no equivalent; the rest is written all the same.
int ImportPipeline(const ImportArguments& arguments);

struct ExportArguments {
  std::string set;
  std::string format;  // a sink: coco, yolo, voc, tar, image_folder
  std::string out;
  std::vector<std::string> parameters;  // NAME=VALUE, of the sink
  bool quiet = false;
};
int Export(const ExportArguments& arguments, const RunArguments& run,
           const std::atomic<bool>& stop);

// The command line itself is wrong; exit code 2.
ConfigError UsageError(std::string text);

int Replay(const ConfigArguments& config, const std::string& key, const std::string& branch,
           const std::string& out);

// Commands on networks.
struct NetworkArguments {
  std::string path;  // of a layer list, or a manifest
  std::string out;
  std::uint64_t seed = 1;
  bool test_weights = false;
  bool no_torchscript = false;
  std::string backend = "auto", device = "auto", precision = "auto";
  bool json = false;
};
int MakeNetwork(const NetworkArguments& arguments);
int ShowNetwork(const NetworkArguments& arguments);
int CheckNetwork(const NetworkArguments& arguments);

struct PluginArguments {
  std::vector<std::string> ids;  // empty: all
  bool check = false;            // load them
  bool json = false;
};
// Exit code 8: one that was checked cannot be used.
int Plugins(const PluginArguments& arguments);

// Commands on stored data sets. Exit code 4: a set is damaged.
struct SetArguments {
  std::string path;
  int threads = 0;
  bool json = false;
  bool quiet = false;
};
struct MergeArguments {
  std::vector<std::string> inputs;
  bool any = false;
  std::uint64_t shard_rows = 0;
  bool master = false;
  bool overwrite = false;
};
int MergeSets(const SetArguments& arguments, const MergeArguments& merge,
              const std::atomic<bool>& stop);
int VerifySet(const SetArguments& arguments, const std::atomic<bool>& stop);
int SetStatus(const SetArguments& arguments);
int RepairSet(const SetArguments& arguments, const std::string& config,
              const std::atomic<bool>& stop);
int Inspect(const SetArguments& arguments, const std::string& sheet, int pictures);

}  // namespace pixloom::cli
