// SPDX-License-Identifier: Apache-2.0
// Pass schedule: works out once, per source, what a token has to cover: how many results one unit
// leaves in sinks, and the largest picture of known size on the way. Without the pass the executor
// works it out for every unit; the tokens are the same.
#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "pipeline/passes.h"

namespace pixloom {

std::optional<TokenModel> MakeTokenModel(const Graph& graph, int source,
                                         std::optional<Size> picture) {
  TokenModel model;
  bool known = true;
  const auto bytes = [](const Meta& meta) {
    const std::uint64_t depth = meta.depth == Depth::kF32 ? 4 : meta.depth == Depth::kU16 ? 2 : 1;
    const auto channels = static_cast<std::uint64_t>(meta.channels.value_or(3));
    return static_cast<std::uint64_t>(meta.size->Area()) * depth * channels;
  };
  const std::function<void(int, std::uint64_t)> walk = [&](int n, std::uint64_t count) {
    const Node& node = graph.nodes[static_cast<std::size_t>(n)];
    const Meta* in = nullptr;
    if (!node.inputs.empty()) {
      const Input& input = node.inputs[0];
      const Node& from = graph.nodes[static_cast<std::size_t>(input.node)];
      if (!from.meta.empty()) in = &from.meta[static_cast<std::size_t>(input.output)];
    }
    if (node.kind == Node::Kind::kCopies && node.planned_by < 0) {
      count *= static_cast<std::uint64_t>(node.copies);
    }
    if (node.kind == Node::Kind::kViews) {
      // Geometry before the views may have changed the size; the source's is the best guess.
      const std::optional<Size> size = in != nullptr && in->size ? in->size : picture;
      known = known && size.has_value();
      if (size) count *= node.views->Views(*size).size();
    }
    if (node.kind == Node::Kind::kSink) {
      if (in != nullptr && in->size) {
        model.known_results += count;
        model.known_bytes += count * bytes(*in);
      } else {
        model.results += count;
      }
      return;
    }
    if (!node.meta.empty() && node.meta[0].size) {
      model.largest = std::max(model.largest, bytes(node.meta[0]));
    }
    for (const auto& [reader, input] : graph.Readers(n)) {
      // A sample takes one way out of a router.
      const Node& r = graph.nodes[static_cast<std::size_t>(reader)];
      const bool other_way =
          node.kind == Node::Kind::kRoute && r.inputs[static_cast<std::size_t>(input)].output > 0;
      if (!other_way) walk(reader, count);
    }
  };
  walk(source, 1);
  if (!known) return std::nullopt;
  return model;
}

Graph Schedule(Graph graph, PassContext& context) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& node = graph.nodes[n];
    if (node.kind != Node::Kind::kSource) continue;
    node.tokens = MakeTokenModel(graph, static_cast<int>(n), std::nullopt);
    if (!node.tokens) {
      context.Note(fmt::format("{}: a token covers the views of each picture", node.name));
      continue;
    }
    const std::uint64_t results = node.tokens->results + node.tokens->known_results;
    context.Note(fmt::format(
        "{}: a token covers {} result{}{}", node.name, results, results == 1 ? "" : "s",
        node.tokens->largest > 0 ? fmt::format(" of up to {} kB", node.tokens->largest / 1000)
                                 : ""));
  }
  return graph;
}

}  // namespace pixloom
