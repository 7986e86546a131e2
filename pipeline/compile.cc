// SPDX-License-Identifier: Apache-2.0
// Runs the passes in order, verifying the graph after each.
#include "pipeline/passes.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace pixloom {

const std::vector<Pass>& Passes() {
  static const std::vector<Pass> passes{
      {"infer", "pixel types and sizes must be known before anything is rewritten", Infer},
      {"prune", "steps that never act would split groups of their neighbours", Prune},
      {"route", "networks need batches; before the passes that look at single chains", Route},
      {"push_down", "needs the final first step of each chain", PushDown},
      {"fuse", "last rewrite, or groups would split again", Fuse},
      {"schedule", "sizes memory tokens for what the rewrites left", Schedule},
  };
  return passes;
}

namespace {

// Arguments of sinks that say where results lie and in how many pieces, not what they are.
constexpr std::array<std::string_view, 5> kPlaces{"path", "shards", "master", "commit", "verify"};

// Arguments of networks that say how they are run: a run that stopped for want of memory goes on
// with others. A network whose results do depend on them says so in its Facts.
constexpr std::array<std::string_view, 3> kWays{"batch", "in_flight", "tile"};

// Arguments without some of them, and what they were before.
class WithoutSome {
 public:
  void Erase(Value& args, std::span<const std::string_view> keys) {
    kept_.emplace_back(&args, args);
    std::erase_if(args.entries, [&](const Value::Entry& entry) {
      return std::find(keys.begin(), keys.end(), entry.key) != keys.end();
    });
  }
  void EraseWays(std::vector<ChainStep>& steps) {
    for (ChainStep& step : steps) {
      if (step.model != nullptr) Erase(step.args, kWays);
      EraseWays(step.children);
      EraseWays(step.otherwise);
    }
  }
  ~WithoutSome() {
    for (auto& [args, before] : kept_) *args = std::move(before);
  }

 private:
  std::vector<std::pair<Value*, Value>> kept_;
};

std::string DecisiveYaml(Graph& graph) {
  const auto memory = std::exchange(graph.memory, std::nullopt);
  const OnError on_error = std::exchange(graph.on_error, {});
  WithoutSome without;
  for (Node& node : graph.nodes) {
    if (node.kind == Node::Kind::kSink) without.Erase(node.args, kPlaces);
    if (node.source != nullptr && node.source->Network() != nullptr) {
      without.Erase(node.args, kWays);
    }
    without.EraseWays(node.steps);
  }
  std::string yaml = graph.ToYaml();
  graph.memory = memory;
  graph.on_error = on_error;
  return yaml;
}

// Plan nodes choose before anything runs, and what repeats an entry starts from what was read: none
// may stand below a source whose pictures a network makes, merges and splits between or not.
void RefuseChoices(const Graph& graph, int source, int from, Diagnostics& diagnostics) {
  for (const auto& [r, i] : graph.Readers(from)) {
    const Node& reader = graph.nodes[static_cast<std::size_t>(r)];
    if (reader.kind == Node::Kind::kMerge || reader.kind == Node::Kind::kSplit) {
      RefuseChoices(graph, source, r, diagnostics);
    }
    if (reader.kind != Node::Kind::kPlan) continue;
    diagnostics.Error(
        "CFG-PLAN", reader.at,
        fmt::format("{} ({}): cannot choose among pictures that '{}' has yet to "
                    "make; set count and classes there",
                    reader.name, reader.verb, graph.nodes[static_cast<std::size_t>(source)].name));
  }
}

// A source whose pictures a network makes hands out what the network needs; the network stands
// directly behind it, and whoever reads the source reads what came out.
void InsertNetworks(Graph& graph, Diagnostics& diagnostics) {
  const std::size_t written = graph.nodes.size();
  for (std::size_t n = 0; n < written; ++n) {
    if (graph.nodes[n].kind != Node::Kind::kSource) continue;
    auto network = graph.nodes[n].source->Network();
    if (network == nullptr) continue;
    Node node;
    node.name = graph.nodes[n].name + ".network";
    node.verb = graph.nodes[n].verb;
    node.kind = Node::Kind::kModel;
    node.at = graph.nodes[n].at;
    node.on_error = graph.nodes[n].on_error;
    ChainStep step;
    step.kind = ChainStep::Kind::kModel;
    step.model = std::move(network);
    step.verb = node.verb;
    step.stream = std::make_shared<const std::string>(graph.nodes[n].name + "/" + node.verb);
    step.stream_id = StreamId(*step.stream);
    step.holds_model = true;
    step.at = node.at;
    node.steps.push_back(std::move(step));
    RefuseChoices(graph, static_cast<int>(n), static_cast<int>(n), diagnostics);
    for (const auto& [r, i] : graph.Readers(static_cast<int>(n))) {
      Node& reader = graph.nodes[static_cast<std::size_t>(r)];
      reader.inputs[static_cast<std::size_t>(i)].node = static_cast<int>(graph.nodes.size());
      // Copies are made of what the network gave, not of what it was given.
      if (reader.planned_by == static_cast<int>(n)) reader.planned_by = -1;
    }
    Input input;
    input.node = static_cast<int>(n);
    node.inputs.push_back(std::move(input));
    graph.nodes.push_back(std::move(node));
  }
}

}  // namespace

Compiled Compile(const GraphSpec& spec, const Registry& registry, const Services& services,
                 const CompileOptions& options, Diagnostics& diagnostics) {
  for (const std::string& name : options.disabled) {
    const bool known = std::any_of(Passes().begin(), Passes().end(),
                                   [&](const Pass& pass) { return pass.name == name; });
    if (known) continue;
    std::vector<std::string> names;
    for (const Pass& pass : Passes()) names.push_back(pass.name);
    diagnostics.Error("CFG-PASS", {},
                      name == "bind"
                          ? "pass 'bind' cannot be disabled: without it there is no graph"
                          : fmt::format("there is no pass '{}'{}", name, Suggestion(name, names)));
  }
  Compiled compiled;
  compiled.graph = Bind(spec, registry, services, diagnostics);
  if (diagnostics.HasErrors()) throw ConfigError(diagnostics);
  Verify(compiled.graph);
  compiled.yaml = compiled.graph.ToYaml();
  compiled.decisive_yaml = DecisiveYaml(compiled.graph);
  compiled.log.push_back({"bind", "names and values become typed operators and edges",
                          fmt::format("{} nodes", compiled.graph.nodes.size())});
  InsertNetworks(compiled.graph, diagnostics);
  if (diagnostics.HasErrors()) throw ConfigError(diagnostics);
  for (const Pass& pass : Passes()) {
    if (options.disabled.count(pass.name) > 0) {
      compiled.log.push_back({pass.name, pass.why, "disabled"});
      continue;
    }
    PassContext context{diagnostics, ""};
    compiled.graph = pass.run(std::move(compiled.graph), context);
    if (diagnostics.HasErrors()) throw ConfigError(diagnostics);
    Verify(compiled.graph);
    compiled.log.push_back({pass.name, pass.why, context.note});
  }
  return compiled;
}

}  // namespace pixloom
