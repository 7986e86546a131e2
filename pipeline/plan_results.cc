// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plan_results.h"

#include <algorithm>
#include <map>
#include <set>

namespace pixloom {

namespace {

using Branch = std::vector<std::uint32_t>;
// What one unit becomes on an edge, told apart by branch; nullopt: as many as the picture decides.
using Results = std::optional<std::set<Branch>>;

// Follows one unit through the graph. Which part of a split it goes to is known in advance.
class Tracer {
 public:
  Tracer(const Graph& graph, int source, const std::map<int, int>& parts)
      : graph_(graph), source_(source), parts_(parts), settled_(graph.nodes.size()) {}

  Results Arriving(int node) {
    Results all = std::set<Branch>{};
    for (const Input& input : graph_.nodes[static_cast<std::size_t>(node)].inputs) {
      const Results& some = Leaving(input.node, input.output);
      if (!some) return std::nullopt;
      all->insert(some->begin(), some->end());
    }
    return all;
  }

 private:
  const Results& Leaving(int n, int output) {
    auto& known = settled_[static_cast<std::size_t>(n)];
    const auto it = known.find(output);
    if (it != known.end()) return it->second;
    return known[output] = Work(n, output);
  }

  Results Work(int n, int output) {
    const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
    switch (node.kind) {
      case Node::Kind::kSource:
        return n == source_ ? std::set<Branch>{Branch{}} : std::set<Branch>{};
      case Node::Kind::kCopies:
        // Planned copies are units of their own.
        return node.planned_by >= 0 ? Arriving(n)
                                    : Times(Arriving(n), static_cast<std::size_t>(node.copies));
      case Node::Kind::kViews: {
        const Meta& in = graph_.nodes[static_cast<std::size_t>(node.inputs[0].node)]
                             .meta[static_cast<std::size_t>(node.inputs[0].output)];
        const Results arriving = Arriving(n);
        if (arriving && arriving->empty()) return arriving;
        if (!in.size) return std::nullopt;
        return Times(arriving, node.views->Views(*in.size).size());
      }
      case Node::Kind::kSplit: {
        const auto part = parts_.find(n);
        if (part == parts_.end() || part->second != output) return std::set<Branch>{};
        return Arriving(n);
      }
      case Node::Kind::kJoin:
        return Joined(node);
      default:
        // A router hands every sample to one of its outputs; taken together they count once.
        return Arriving(n);
    }
  }

  static Results Times(const Results& results, std::size_t count) {
    if (!results) return std::nullopt;
    std::set<Branch> more;
    for (const Branch& branch : *results) {
      for (std::size_t i = 0; i < count; ++i) {
        Branch longer = branch;
        longer.push_back(static_cast<std::uint32_t>(i));
        more.insert(std::move(longer));
      }
    }
    return more;
  }

  // Only what arrives at every port.
  Results Joined(const Node& node) {
    Results common;
    for (std::size_t p = 0; p < node.inputs.size(); ++p) {
      const Results& port = Leaving(node.inputs[p].node, node.inputs[p].output);
      if (!port) return std::nullopt;
      if (p == 0) {
        common = port;
      } else {
        std::erase_if(*common, [&](const Branch& branch) { return !port->contains(branch); });
      }
    }
    return common;
  }

  const Graph& graph_;
  const int source_;
  const std::map<int, int>& parts_;
  std::vector<std::map<int, Results>> settled_;  // per node and output
};

// Splits behind other splits last.
std::vector<int> SplitsInOrder(const Graph& graph) {
  std::vector<int> depth(graph.nodes.size(), 0);
  for (std::size_t round = 0; round < graph.nodes.size(); ++round) {
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      for (const Input& input : graph.nodes[n].inputs) {
        depth[n] = std::max(depth[n], depth[static_cast<std::size_t>(input.node)] + 1);
      }
    }
  }
  std::vector<int> splits;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].kind == Node::Kind::kSplit) splits.push_back(static_cast<int>(n));
  }
  std::stable_sort(splits.begin(), splits.end(), [&](int a, int b) {
    return depth[static_cast<std::size_t>(a)] < depth[static_cast<std::size_t>(b)];
  });
  return splits;
}

// Units of one source that take the same way at every split they meet become the same.
class Ways {
 public:
  using PerSink = std::vector<std::optional<std::uint64_t>>;

  Ways(const Graph& graph, const Plan& plan, const std::vector<int>& sinks)
      : graph_(graph), plan_(plan), sinks_(sinks), splits_(SplitsInOrder(graph)) {}

  const PerSink& Of(const Plan::Unit& unit) {
    Way way{unit.source, {}};
    for (const int split : splits_) {
      // The plan knows nothing about samples that do not come by.
      if (!Meets(way, split)) continue;
      way.second[split] = plan_.PartOf(graph_, split, plan_.IdOf(unit));
    }
    const auto it = counts_.find(way);
    if (it != counts_.end()) return it->second;
    Tracer tracer(graph_, way.first, way.second);
    PerSink counts;
    for (const int sink : sinks_) {
      const Results results = tracer.Arriving(sink);
      counts.push_back(results ? std::optional<std::uint64_t>(results->size()) : std::nullopt);
    }
    return counts_.emplace(std::move(way), std::move(counts)).first->second;
  }

 private:
  using Way = std::pair<int, std::map<int, int>>;  // source, part of each split so far

  bool Meets(const Way& way, int split) {
    const auto [it, fresh] = meets_.emplace(std::pair(way, split), false);
    if (fresh) {
      const Results results = Tracer(graph_, way.first, way.second).Arriving(split);
      it->second = !results || !results->empty();
    }
    return it->second;
  }

  const Graph& graph_;
  const Plan& plan_;
  const std::vector<int>& sinks_;
  const std::vector<int> splits_;
  std::map<std::pair<Way, int>, bool> meets_;
  std::map<Way, PerSink> counts_;
};

}  // namespace

std::vector<std::optional<std::uint64_t>> ExpectedResults(const Graph& graph, const Plan& plan,
                                                          std::uint64_t first, std::uint64_t end) {
  std::vector<int> sinks;
  std::vector<std::optional<std::uint64_t>> expected(graph.nodes.size());
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].kind != Node::Kind::kSink) continue;
    sinks.push_back(static_cast<int>(n));
    expected[n] = 0;
  }
  Ways ways(graph, plan, sinks);
  for (std::uint64_t seq = first; seq < end; ++seq) {
    const Ways::PerSink& more = ways.Of(plan.At(seq));
    for (std::size_t s = 0; s < sinks.size(); ++s) {
      auto& sum = expected[static_cast<std::size_t>(sinks[s])];
      sum = sum && more[s] ? std::optional(*sum + *more[s]) : std::nullopt;
    }
  }
  return expected;
}

}  // namespace pixloom
