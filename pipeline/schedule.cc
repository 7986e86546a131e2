// SPDX-License-Identifier: Apache-2.0
// Pass schedule: a `copies` node that alone reads a source is handed out by the source itself, one
// copy per token, so that a memory budget has to hold one copy and not all of them. The order of
// results is the same either way: source entry first, then copy.
#include <fmt/format.h>

#include "pipeline/passes.h"

namespace pixloom {

Graph Schedule(Graph graph, PassContext& context) {
  for (Node& node : graph.nodes) {
    if (node.kind != Node::Kind::kCopies || node.inputs.size() != 1) continue;
    const int from = node.inputs[0].node;
    const Node& source = graph.nodes[static_cast<std::size_t>(from)];
    if (source.kind != Node::Kind::kSource || graph.Readers(from).size() != 1) continue;
    node.lifted_into = from;
    context.Note(
        fmt::format("{}: {} hands out {} copies one by one", node.name, source.name, node.copies));
  }
  return graph;
}

}  // namespace pixloom
