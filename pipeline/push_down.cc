// SPDX-License-Identifier: Apache-2.0
// Pass push_down: a chain whose first step draws without looking at pixels knows what it will cut
// out before anything is decoded, so the decoder reads only that part. Region decode equals full
// decode and crop, bit for bit; the scale of a decode is not decided here but in lowering.
#include <fmt/format.h>

#include "pipeline/passes.h"

namespace pixloom {

namespace {

const ChainStep* FirstOperator(const std::vector<ChainStep>& steps) {
  for (const ChainStep& step : steps) {
    if (step.kind == ChainStep::Kind::kOperator) return &step;
    if (const ChainStep* inner = FirstOperator(step.children)) return inner;
  }
  return nullptr;
}

}  // namespace

Graph PushDown(Graph graph, PassContext& context) {
  for (Node& node : graph.nodes) {
    if (node.kind != Node::Kind::kChain) continue;
    const ChainStep* first = FirstOperator(node.steps);
    if (first == nullptr) continue;
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
