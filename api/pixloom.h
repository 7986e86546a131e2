// SPDX-License-Identifier: Apache-2.0
// The public face of Pixloom: load a pipeline, explain it, run it. Start here.
//
//   pixloom::Pipeline pipeline = pixloom::Pipeline::Load("pipeline.yaml");
//   pixloom::RunReport report = pipeline.Run({.threads = 4});
//
// A Pipeline may be used from one thread at a time; different ones are independent. Errors come as
// ConfigError, EnvironmentError, OutputBusyError and InternalError (pipeline/error.h); bad samples
// are counted in the report and never thrown.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipeline/config.h"
#include "pipeline/executor.h"
#include "pipeline/graph.h"
#include "pipeline/passes.h"
#include "pipeline/registry.h"
#include "pipeline/report.h"
#include "pipeline/version.h"

namespace pixloom {

// Everything this build knows: operators, sources, sinks. Immutable; shared by all threads.
const Registry& BuiltIns();
// Adds all of it to a registry of your own, beside your own operators (examples/custom_op.cc).
void RegisterBuiltIns(Registry& registry);
// The codec and pixel kernels of this build. Stateless.
const Codec& BuiltInCodec();
const Families& BuiltInFamilies();

struct LoadOptions {
  std::map<std::string, std::string> set{};  // values for $(NAME), before the environment
  std::optional<std::uint64_t> seed{};       // instead of the configuration's
  std::set<std::string> disabled_passes{};
  const Registry* registry = nullptr;  // null: BuiltIns()
};

class Pipeline {
 public:
  // Both throw ConfigError with everything that is wrong.
  static Pipeline Load(const std::string& path, const LoadOptions& options = {});
  static Pipeline Parse(std::string_view yaml, const std::string& name = "pipeline.yaml",
                        const LoadOptions& options = {});

  RunReport Run(RunOptions options = {});

  // One source entry again, from configuration and identity alone: the samples that reach the
  // sinks, in order, without writing anything.
  struct Replayed {
    std::string sink;
    Sample sample;
  };
  // `key` as the source names it; `branch` keeps only that copy ("" keeps all). Throws ConfigError
  // when there is no such entry.
  std::vector<Replayed> Replay(const std::string& key, const std::string& branch = "");

  const Graph& graph() const { return compiled_.graph; }
  const std::vector<PassLog>& passes() const { return compiled_.log; }
  const std::vector<Diagnostic>& notices() const { return notices_; }
  // The configuration with every default and every `from` written out.
  const std::string& ToYaml() const { return compiled_.yaml; }

 private:
  Pipeline() = default;
  static Pipeline FromDocument(const std::optional<Value>& document, Variables& variables,
                               Diagnostics& diagnostics, const LoadOptions& options);
  std::shared_ptr<const Codec> codec_;  // with the limits of this configuration
  Compiled compiled_;
  std::vector<Diagnostic> notices_;
};

// Everything `text` says about this build's verbs, for people and machines.
std::string OpsText(const Registry& registry, const std::string& name = "");
std::string OpsMarkdown(const Registry& registry);
std::string OpsJson(const Registry& registry);
// JSON Schema of the configuration language, for editors.
std::string JsonSchema(const Registry& registry);

}  // namespace pixloom
