// SPDX-License-Identifier: Apache-2.0
// Pass prune: takes out steps that never act and flattens plain sequences. Streams are named before
// this pass, so nothing that stays draws anything else.
#include <fmt/format.h>

#include "pipeline/passes.h"

namespace pixloom {

namespace {

int PruneSteps(std::vector<ChainStep>& steps);

int PruneInside(ChainStep& step) {
  // Children of a choice keep their places: which one runs depends on them.
  const bool choice = step.kind == ChainStep::Kind::kOneOf ||
                      step.kind == ChainStep::Kind::kSomeOf ||
                      step.kind == ChainStep::Kind::kRandomOrder ||
                      step.kind == ChainStep::Kind::kSwitch || step.kind == ChainStep::Kind::kScope;
  if (!choice) return PruneSteps(step.children) + PruneSteps(step.otherwise);
  int removed = 0;
  for (ChainStep& child : step.children) removed += PruneInside(child);
  return removed;
}

// A scope around nothing; its steps are one branch, which has no name of its own.
bool HasEmptyBranch(const ChainStep& step) {
  return step.kind == ChainStep::Kind::kScope && step.children.size() == 1 &&
         step.children[0].stream == nullptr && step.children[0].children.empty();
}

int PruneSteps(std::vector<ChainStep>& steps) {
  int removed = 0;
  std::vector<ChainStep> kept;
  for (ChainStep& step : steps) {
    removed += PruneInside(step);
    const bool never = step.p <= 0 && step.otherwise.empty();
    // A chain that resamples by itself ends the group before it, even when nothing is left inside.
    const bool holds =
        step.kind != ChainStep::Kind::kOperator && step.kind != ChainStep::Kind::kModel;
    const bool childless = step.children.empty() || HasEmptyBranch(step);
    const bool empty = holds && !step.resample_each && childless && step.otherwise.empty();
    if (never || empty) {
      ++removed;
      continue;
    }
    if (step.IsPlainSequence()) {
      for (ChainStep& child : step.children) kept.push_back(std::move(child));
      continue;
    }
    kept.push_back(std::move(step));
  }
  steps = std::move(kept);
  return removed;
}

}  // namespace

Graph Prune(Graph graph, PassContext& context) {
  for (Node& node : graph.nodes) {
    if (node.kind != Node::Kind::kChain && node.kind != Node::Kind::kCache) continue;
    if (const int removed = PruneSteps(node.steps); removed > 0) {
      context.Note(
          fmt::format("{}: {} step{} never act", node.name, removed, removed == 1 ? "" : "s"));
    }
  }
  return graph;
}

}  // namespace pixloom
