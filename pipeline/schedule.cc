// SPDX-License-Identifier: Apache-2.0
// Pass schedule: a `copies` node that alone reads a source is handed out by the source itself, one
// copy per token, so that a memory budget has to hold one copy and not all of them. The order of
// results is the same either way: source entry first, then copy. Where a sink lists several
// branches of the copies one after the other that would not hold, and they stay together.
#include <algorithm>

#include <fmt/format.h>

#include "pipeline/passes.h"

namespace pixloom {

namespace {

bool Reaches(const Graph& graph, int from, int to) {
  if (from == to) return true;
  const std::vector<Input>& inputs = graph.nodes[static_cast<std::size_t>(to)].inputs;
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const Input& input) { return Reaches(graph, from, input.node); });
}

// The sink that lists several branches of `node` one after the other, or nullptr. It writes all
// copies of an entry from one branch before the next, which needs them in one unit of work.
const Node* ListsBranches(const Graph& graph, int node) {
  for (const Node& sink : graph.nodes) {
    if (sink.kind != Node::Kind::kSink) continue;
    const auto branches =
        std::count_if(sink.inputs.begin(), sink.inputs.end(),
                      [&](const Input& input) { return Reaches(graph, node, input.node); });
    if (branches > 1) return &sink;
  }
  return nullptr;
}

}  // namespace

Graph Schedule(Graph graph, PassContext& context) {
  for (Node& node : graph.nodes) {
    if (node.kind != Node::Kind::kCopies || node.inputs.size() != 1) continue;
    const int from = node.inputs[0].node;
    const Node& source = graph.nodes[static_cast<std::size_t>(from)];
    if (source.kind != Node::Kind::kSource || graph.Readers(from).size() != 1) continue;
    if (const Node* sink = ListsBranches(graph, graph.Find(node.name))) {
      context.Note(fmt::format("{}: not one by one, {} lists several branches of it", node.name,
                               sink->name));
      continue;
    }
    node.lifted_into = from;
    context.Note(
        fmt::format("{}: {} hands out {} copies one by one", node.name, source.name, node.copies));
  }
  return graph;
}

}  // namespace pixloom
