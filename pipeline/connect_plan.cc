// SPDX-License-Identifier: Apache-2.0
// Plan nodes choose entries before anything is read, so what is above them must be known by then,
// and nobody else may wait for what they leave out.
#include <functional>
#include <set>
#include <string>

#include <fmt/format.h>

#include "pipeline/connect.h"

namespace pixloom {

namespace {

using Kind = Node::Kind;

bool MayStandAbove(const Node& node) {
  return node.kind == Kind::kSource || node.kind == Kind::kPlan || node.kind == Kind::kMerge ||
         node.kind == Kind::kSplit;
}

bool Repeats(const Node& node) {
  return node.kind == Kind::kPlan && node.plan != nullptr && node.plan->Repeats();
}

class Checker {
 public:
  Checker(const Graph& graph, int node, Diagnostics& diagnostics)
      : graph_(graph), node_(node), diagnostics_(diagnostics) {}

  void Run() { Above(node_); }

 private:
  const Node& At(int n) const { return graph_.nodes[static_cast<std::size_t>(n)]; }

  void Error(const Position& at, const std::string& text) {
    const Node& node = At(node_);
    diagnostics_.Error("CFG-PLAN", at, fmt::format("{} ({}): {}", node.name, node.verb, text));
  }

  void Above(int n) {
    for (const Input& input : At(n).inputs) {
      const Node& from = At(input.node);
      if (!MayStandAbove(from)) {
        Error(input.at, fmt::format("reads '{}' ({}); it must stand before any random op: below "
                                    "sources, merge, split and other plan nodes only",
                                    graph_.From(input), from.verb));
        continue;
      }
      if (At(node_).kind == Kind::kPlan && !CheckReaders(n, input)) continue;
      if (Repeats(At(node_)) && Repeats(from)) {
        Error(input.at, fmt::format("takes entries more than once, and so does '{}' above it; one "
                                    "of them can",
                                    from.name));
        continue;
      }
      if (seen_.insert(input.node).second) Above(input.node);
    }
  }

  // False when somebody else reads what `reader` reads through `input`.
  bool CheckReaders(int reader, const Input& input) {
    for (const auto& [other, index] : graph_.Readers(input.node)) {
      const Input& theirs = At(other).inputs[static_cast<std::size_t>(index)];
      if (theirs.output != input.output || other == reader) continue;
      Error(theirs.at, fmt::format("chooses among what '{}' gives, so '{}' cannot read all of it "
                                   "too; let it read '{}', or split first",
                                   graph_.From(input), At(other).name, At(node_).name));
      return false;
    }
    return true;
  }

  const Graph& graph_;
  const int node_;
  Diagnostics& diagnostics_;
  std::set<int> seen_;
};

}  // namespace

void CheckPlanNodes(const Graph& graph, Diagnostics& diagnostics) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const bool surveyed = node.kind == Kind::kPlan || (node.kind == Kind::kSplit && node.stratify);
    if (surveyed) Checker(graph, static_cast<int>(n), diagnostics).Run();
  }
}

}  // namespace pixloom
