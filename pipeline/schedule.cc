// SPDX-License-Identifier: Apache-2.0
// Pass schedule: works out once, per source, what a token has to cover: how many results one unit
// leaves in sinks, and the largest picture of known size on the way. Without the pass the executor
// works it out for every unit; the tokens are the same.
#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "pipeline/passes.h"

namespace pixloom {

TokenModel MakeTokenModel(const Graph& graph, int source) {
  TokenModel model;
  const std::function<void(int, std::uint64_t)> walk = [&](int n, std::uint64_t count) {
    const Node& node = graph.nodes[static_cast<std::size_t>(n)];
    if (node.kind == Node::Kind::kCopies && node.planned_by < 0) {
      count *= static_cast<std::uint64_t>(node.copies);
    }
    if (node.kind == Node::Kind::kSink) {
      model.results += count;
      return;
    }
    if (!node.meta.empty() && node.meta[0].size) {
      const Meta& meta = node.meta[0];
      const std::uint64_t depth = meta.depth == Depth::kF32 ? 4 : meta.depth == Depth::kU16 ? 2 : 1;
      const auto channels = static_cast<std::uint64_t>(meta.channels.value_or(3));
      model.largest =
          std::max(model.largest, static_cast<std::uint64_t>(meta.size->Area()) * depth * channels);
    }
    for (const auto& [reader, input] : graph.Readers(n)) walk(reader, count);
  };
  walk(source, 1);
  return model;
}

Graph Schedule(Graph graph, PassContext& context) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& node = graph.nodes[n];
    if (node.kind != Node::Kind::kSource) continue;
    node.tokens = MakeTokenModel(graph, static_cast<int>(n));
    context.Note(fmt::format("{}: a token covers {} result{}{}", node.name, node.tokens->results,
                             node.tokens->results == 1 ? "" : "s",
                             node.tokens->largest > 0
                                 ? fmt::format(" of up to {} kB", node.tokens->largest / 1000)
                                 : ""));
  }
  return graph;
}

}  // namespace pixloom
