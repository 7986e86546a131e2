// SPDX-License-Identifier: Apache-2.0
#include "api/pixloom.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <opencv2/core/utility.hpp>

#include "datasets/codec.h"
#include "datasets/register.h"
#include "models/register.h"
#include "ops/families.h"
#include "ops/kernels/simd.h"
#include "ops/register.h"
#include "pipeline/buffer_pool.h"
#include "pipeline/config.h"
#include "pipeline/language.h"
#include "pipeline/plan.h"

namespace pixloom {

namespace {

// OpenCV must not start threads of its own: parallelism is across samples, on one pool.
void SettleLibraries() {
  static std::once_flag once;
  std::call_once(once, [] {
    cv::setNumThreads(1);
    InstallBufferPool();
    // Beside OpenCV's own OPENCV_CPU_DISABLE; results are the same bits either way.
    if (const char* names = std::getenv("PIXLOOM_CPU_DISABLE")) DisableSimd(names);
  });
}

std::vector<std::string> VerbsOf(const Registry& registry) {
  std::vector<std::string> verbs = CompositeVerbs();
  verbs.insert(verbs.end(), StructureVerbs().begin(), StructureVerbs().end());
  for (std::string& name : registry.VerbNames()) verbs.push_back(std::move(name));
  for (const auto& [name, info] : registry.Operators()) {
    verbs.insert(verbs.end(), info.aliases.begin(), info.aliases.end());
  }
  return verbs;
}

std::uint64_t SeedFromSystem() {
  std::uint32_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed)) return 0;
  return seed;
}

void ModelFacts(const std::vector<ChainStep>& steps, const std::string& where,
                std::vector<std::pair<std::string, std::string>>& facts) {
  for (const ChainStep& step : steps) {
    if (step.model != nullptr) {
      for (const auto& [name, value] : step.model->Facts()) {
        facts.emplace_back(fmt::format("{} ({}): {}", where, step.verb, name), value);
      }
    }
    ModelFacts(step.children, where, facts);
    ModelFacts(step.otherwise, where, facts);
  }
}

// What decides the results of a run beside its inputs: whoever goes on with it must have the same.
std::vector<std::pair<std::string, std::string>> DecisiveFacts(const Compiled& compiled,
                                                               const RunOptions& options) {
  std::vector<std::pair<std::string, std::string>> facts{{"pixloom", std::string(kVersion)},
                                                         {"OpenCV", cv::getVersionString()},
                                                         {"codecs", CodecVersions()},
                                                         {"configuration", compiled.decisive_yaml}};
  for (const Node& node : compiled.graph.nodes) ModelFacts(node.steps, node.name, facts);
  if (options.limit != RunOptions{}.limit) {
    facts.emplace_back("limit", std::to_string(options.limit));
  }
  return facts;
}

// Keeps samples instead of writing them.
class CollectingSink final : public Sink {
 public:
  struct Held : Prepared {
    Sample sample;
    std::size_t Bytes() const override { return sample.Bytes(); }
  };
  CollectingSink(std::string name, std::vector<Pipeline::Replayed>& out)
      : name_(std::move(name)), out_(out) {}
  std::uint64_t Open(const RunInfo& run, const Expected&) override { return run.first_unit; }
  Result<std::unique_ptr<Prepared>> Prepare(Sample sample) const override {
    auto held = std::make_unique<Held>();
    held->sample = std::move(sample);
    return std::unique_ptr<Prepared>(std::move(held));
  }
  void Write(std::unique_ptr<Prepared> prepared) override {
    out_.push_back({name_, std::move(static_cast<Held&>(*prepared).sample)});
  }
  void Close(bool) override {}
  std::string Location() const override { return ""; }

 private:
  std::string name_;
  std::vector<Pipeline::Replayed>& out_;
};

}  // namespace

void RegisterBuiltIns(Registry& registry) {
  RegisterOps(registry);
  RegisterDatasets(registry);
  RegisterModels(registry);
}

const Registry& BuiltIns() {
  static const Registry& registry = *[] {
    auto* r = new Registry;  // lives as long as the process: bound operators point into it
    RegisterBuiltIns(*r);
    return r;
  }();
  return registry;
}

const Codec& BuiltInCodec() {
  static const std::unique_ptr<Codec> codec = MakeCodec({});
  return *codec;
}

const Families& BuiltInFamilies() {
  static const std::unique_ptr<Families> families = MakeFamilies();
  return *families;
}

Pipeline Pipeline::Parse(std::string_view yaml, const std::string& name,
                         const LoadOptions& options) {
  Diagnostics diagnostics;
  Variables variables;
  variables.set = options.set;
  const auto document = ParseYaml(yaml, name, variables, diagnostics);
  return FromDocument(document, variables, diagnostics, options);
}

Pipeline Pipeline::Load(const std::string& path, const LoadOptions& options) {
  Diagnostics diagnostics;
  Variables variables;
  variables.set = options.set;
  const auto document = LoadYaml(path, variables, diagnostics);
  return FromDocument(document, variables, diagnostics, options);
}

Pipeline Pipeline::FromDocument(const std::optional<Value>& document, Variables& variables,
                                Diagnostics& diagnostics, const LoadOptions& options) {
  SettleLibraries();
  if (!document) throw ConfigError(diagnostics);
  const Registry& registry = options.registry != nullptr ? *options.registry : BuiltIns();
  const auto spec = ParseGraph(*document, VerbsOf(registry), variables, diagnostics);
  if (!spec) throw ConfigError(diagnostics);
  for (const auto& [variable, value] : options.set) {
    if (variables.used.count(variable) > 0) continue;
    diagnostics.Error("CFG-VAR", {},
                      fmt::format("--set {}: the configuration has no $({})", variable, variable));
  }
  GraphSpec effective = *spec;
  if (options.seed) effective.seed = options.seed;
  const bool chosen = !effective.seed.has_value();
  if (chosen) effective.seed = SeedFromSystem();
  Pipeline pipeline;
  pipeline.codec_ = MakeCodec(effective.limits);
  pipeline.compiled_ =
      Compile(effective, registry, {pipeline.codec_.get()}, {options.disabled_passes}, diagnostics);
  if (chosen) {
    diagnostics.Notice("CFG-SEED", {},
                       fmt::format("no seed given, using seed: {}", *effective.seed));
  }
  pipeline.notices_ = diagnostics.All();
  return pipeline;
}

RunReport Pipeline::Run(RunOptions options) {
  if (options.config_text.empty()) options.config_text = ToYaml();
  if (options.facts.empty()) options.facts = DecisiveFacts(compiled_, options);
  return Executor(compiled_.graph, BuiltInFamilies(), *codec_).Run(options);
}

std::vector<Pipeline::Replayed> Pipeline::Replay(const std::string& key,
                                                 const std::string& branch) {
  std::vector<Replayed> replayed;
  Graph& graph = compiled_.graph;
  std::vector<std::pair<Node*, std::unique_ptr<Sink>>> sinks;
  std::vector<std::pair<Node*, std::shared_ptr<SampleCache>>> caches;
  // From the source, whatever is stored; and nothing is written.
  for (Node& node : graph.nodes) {
    if (node.cache != nullptr) caches.emplace_back(&node, std::exchange(node.cache, nullptr));
  }
  for (Node& node : graph.nodes) {
    if (node.kind != Node::Kind::kSink) continue;
    sinks.emplace_back(&node, std::move(node.sink));
    node.sink = std::make_unique<CollectingSink>(node.name, replayed);
  }
  const auto restore = [&] {
    for (auto& [node, sink] : sinks) node->sink = std::move(sink);
    for (auto& [node, cache] : caches) node->cache = std::move(cache);
  };
  try {
    RunOptions options;
    options.threads = 1;
    options.only = key;
    options.quarantine_file = "/dev/null";  // nothing is written, a list of bad samples neither
    Executor(graph, BuiltInFamilies(), *codec_).Run(options);
  } catch (...) {
    restore();
    throw;
  }
  restore();
  // Neighbours that a window mixed into it came along.
  std::erase_if(replayed, [&](const Replayed& r) {
    const Sample& sample = r.sample;
    return sample.key != key || (!branch.empty() && BranchText(sample.identity.branch) != branch);
  });
  return replayed;
}

}  // namespace pixloom
