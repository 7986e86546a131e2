// SPDX-License-Identifier: Apache-2.0
// Pass fuse: neighbouring colour steps run strip by strip while a strip is in cache, and tables of
// neighbouring curves become one. Affine steps compose in lowering, which is part of the language;
// here they are only reported.
#include <fmt/format.h>

#include "pipeline/passes.h"

namespace pixloom {

namespace {

std::string GroupName(const OpInfo& info) {
  const std::string& cls = info.classes.front();
  if (cls == "affine") return "affine";
  if (cls == "lut" || cls == "color_matrix" || cls == "pixel") return "colour";
  return "";
}

// Runs of neighbours of one class, as they form when all of them are applied.
void ReportGroups(const Node& node, const std::vector<ChainStep>& steps, PassContext& context) {
  std::string open, members;
  int count = 0;
  const auto close = [&] {
    if (count > 1) context.Note(fmt::format("{}: {} group of {}", node.name, open, members));
    open.clear();
    members.clear();
    count = 0;
  };
  for (const ChainStep& step : steps) {
    if (step.kind != ChainStep::Kind::kOperator) {
      close();
      ReportGroups(node, step.children, context);
      continue;
    }
    const std::string name = GroupName(step.op->Info());
    if (name != open) close();
    if (name.empty()) continue;
    open = name;
    members += (members.empty() ? "" : ", ") + step.op->Info().name;
    ++count;
  }
  close();
}

}  // namespace

Graph Fuse(Graph graph, PassContext& context) {
  for (Node& node : graph.nodes) {
    if (node.kind != Node::Kind::kChain && node.kind != Node::Kind::kCache) continue;
    node.fused = true;
    ReportGroups(node, node.steps, context);
  }
  return graph;
}

}  // namespace pixloom
