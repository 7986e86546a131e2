// SPDX-License-Identifier: Apache-2.0
// Pass push_down: a chain whose first step draws without looking at pixels knows what it will cut
// out before anything is decoded, so the decoder reads only that part. Region decode equals full
// decode and crop, bit for bit; the scale of a decode is not decided here but in lowering.
#include <algorithm>

#include <fmt/format.h>

#include "pipeline/passes.h"

namespace pixloom {

namespace {

// The first step that does something: an operator, or a switch that looks at pixels to choose.
const ChainStep* FirstAction(const std::vector<ChainStep>& steps) {
  for (const ChainStep& step : steps) {
    if (step.kind == ChainStep::Kind::kOperator) return &step;
    if (step.kind == ChainStep::Kind::kSwitch &&
        std::any_of(step.children.begin(), step.children.end(), [](const ChainStep& one) {
          return one.when != nullptr && one.when->NeedsPixels();
        })) {
      return &step;
    }
    if (const ChainStep* inner = FirstAction(step.children)) return inner;
  }
  return nullptr;
}

}  // namespace

Graph PushDown(Graph graph, PassContext& context) {
  for (Node& node : graph.nodes) {
    if (node.kind != Node::Kind::kChain && node.kind != Node::Kind::kCache) continue;
    const ChainStep* first = FirstAction(node.steps);
    if (first == nullptr) continue;
    if (first->kind == ChainStep::Kind::kSwitch) {
      context.Note(fmt::format("{}: not possible, switch measures pixels to choose", node.name));
      continue;
    }
    const OpInfo& info = first->op->Info();
    if (info.needs_pixels) {
      context.Note(
          fmt::format("{}: not possible, {} looks at pixels to draw", node.name, info.name));
      continue;
    }
    node.push_down = info.IsGeometric();
    if (node.push_down) {
      context.Note(fmt::format("{}: decodes only what {} reads", node.name, info.name));
    }
  }
  return graph;
}

}  // namespace pixloom
