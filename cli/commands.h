// SPDX-License-Identifier: Apache-2.0
// The subcommands of `pixloom`. Each returns an exit code (pipeline/error.h) and throws what the
// library throws; main.cc turns that into messages and codes. Called once, from the main thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
};

int Run(const ConfigArguments& config, const RunArguments& run, const std::atomic<bool>& stop);
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

int Replay(const ConfigArguments& config, const std::string& key, const std::string& branch,
           const std::string& out);

}  // namespace pixloom::cli
