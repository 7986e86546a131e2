// SPDX-License-Identifier: Apache-2.0
// Pass route: a chain that holds a network becomes nodes, so that the network works on batches of
// many samples: what stands before it, a router where it stands in a choice, the network, what
// follows. Draws come from the same streams, and sinks restore the order, so nothing changes but
// the time it takes. A network where the way is not one of a few (some_of, random_order, scopes)
// stays in its chain and works on each sample alone.
#include <fmt/format.h>

#include "pipeline/passes.h"

namespace pixloom {

namespace {

bool CanRoute(const ChainStep& step);

bool AnyCanRoute(const std::vector<ChainStep>& steps) {
  for (const ChainStep& step : steps) {
    if (CanRoute(step)) return true;
  }
  return false;
}

// Whether a network stands in the step where a router reaches it.
bool CanRoute(const ChainStep& step) {
  switch (step.kind) {
    case ChainStep::Kind::kModel:
      return true;
    case ChainStep::Kind::kSequence:
    case ChainStep::Kind::kOneOf:
    case ChainStep::Kind::kSometimes:
    case ChainStep::Kind::kSwitch:
      // What is composed differently inside must stay together.
      return !step.resample_each && (AnyCanRoute(step.children) || AnyCanRoute(step.otherwise));
    default:
      return false;
  }
}

class Router {
 public:
  Router(Graph& graph, int chain) : graph_(graph), chain_(chain) {}

  void Run() {
    Node& node = graph_.nodes[At(chain_)];
    std::vector<ChainStep> steps = std::move(node.steps);
    const std::vector<Input> inputs = node.inputs;
    std::vector<ChainStep> left;
    const std::vector<Input> last = Through(std::move(steps), inputs, left);
    Node& end = graph_.nodes[At(chain_)];  // the list may have grown
    end.inputs = last;
    end.steps = std::move(left);
  }

 private:
  static std::size_t At(int index) { return static_cast<std::size_t>(index); }

  // Nodes for `steps` up to the last network; what follows it is left to the caller.
  std::vector<Input> Through(std::vector<ChainStep> steps, std::vector<Input> from,
                             std::vector<ChainStep>& left) {
    for (ChainStep& step : steps) {
      if (!CanRoute(step)) {
        left.push_back(std::move(step));
        continue;
      }
      if (step.IsPlainSequence()) {
        from = Through(std::move(step.children), from, left);
        continue;
      }
      if (!left.empty()) from = Add(Node::Kind::kChain, std::move(left), from);
      left.clear();
      from = Step(std::move(step), from);
    }
    return from;
  }

  std::vector<Input> All(std::vector<ChainStep> steps, const std::vector<Input>& from) {
    std::vector<ChainStep> left;
    std::vector<Input> end = Through(std::move(steps), from, left);
    return left.empty() ? end : Add(Node::Kind::kChain, std::move(left), end);
  }

  std::vector<Input> Step(ChainStep step, const std::vector<Input>& from) {
    const bool always = step.p >= 1;
    if (step.kind == ChainStep::Kind::kModel && always) {
      return Add(Node::Kind::kModel, One(std::move(step)), from);
    }
    // Every way through the step, one output each.
    std::vector<std::vector<ChainStep>> ways;
    if (step.kind == ChainStep::Kind::kModel) {
      ChainStep model = step;
      model.p = 1;
      model.stream = nullptr;  // the router has recorded it
      ways = {One(std::move(model)), {}};
    } else if (step.kind == ChainStep::Kind::kOneOf || step.kind == ChainStep::Kind::kSwitch) {
      for (ChainStep& child : step.children) {
        ChainStep way = child;
        way.when = nullptr;
        ways.push_back(One(std::move(way)));
      }
      ways.emplace_back();
    } else {
      ways = {step.children, step.otherwise};
    }
    const std::vector<Input> route = Add(Node::Kind::kRoute, One(std::move(step)), from);
    Node& router = graph_.nodes[At(route[0].node)];
    router.outputs.clear();
    for (std::size_t w = 0; w < ways.size(); ++w) router.outputs.push_back(fmt::format("way{}", w));
    std::vector<Input> ends;
    for (std::size_t w = 0; w < ways.size(); ++w) {
      std::vector<Input> start = route;
      start[0].output = static_cast<int>(w);
      for (Input& end : All(std::move(ways[w]), start)) ends.push_back(end);
    }
    return ends;
  }

  static std::vector<ChainStep> One(ChainStep step) {
    std::vector<ChainStep> list;
    list.push_back(std::move(step));
    return list;
  }

  std::vector<Input> Add(Node::Kind kind, std::vector<ChainStep> steps,
                         const std::vector<Input>& from) {
    const Node& chain = graph_.nodes[At(chain_)];
    Node node;
    node.name = fmt::format("{}.{}", chain.name, ++count_);
    node.verb = kind == Node::Kind::kModel   ? steps[0].verb
                : kind == Node::Kind::kRoute ? "route"
                                             : "chain";
    node.kind = kind;
    node.at = chain.at;
    node.on_error = chain.on_error;
    node.inputs = from;
    node.steps = std::move(steps);
    graph_.nodes.push_back(std::move(node));
    Input input;
    input.node = static_cast<int>(graph_.nodes.size()) - 1;
    return {input};
  }

  Graph& graph_;
  int chain_;
  int count_ = 0;
};

}  // namespace

Graph Route(Graph graph, PassContext& context) {
  const std::size_t written = graph.nodes.size();
  for (std::size_t n = 0; n < written; ++n) {
    if (graph.nodes[n].kind != Node::Kind::kChain || !AnyCanRoute(graph.nodes[n].steps)) continue;
    const std::size_t before = graph.nodes.size();
    Router(graph, static_cast<int>(n)).Run();
    context.Note(fmt::format("{}: {} nodes around its networks", graph.nodes[n].name,
                             graph.nodes.size() - before));
  }
  if (graph.nodes.size() == written) context.Note("no network inside a chain");
  return graph;
}

}  // namespace pixloom
