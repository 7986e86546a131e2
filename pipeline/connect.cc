// SPDX-License-Identifier: Apache-2.0
#include "pipeline/connect.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace pixloom {

namespace {

class Connector {
 public:
  Connector(const GraphSpec& spec, Graph& graph, Diagnostics& diagnostics)
      : spec_(spec), graph_(graph), diagnostics_(diagnostics) {}

  void Run() {
    for (std::size_t i = 0; i < spec_.nodes.size(); ++i) Connect(i);
    PlanCopies();
    CheckUse();
    CheckCycles();
    if (!diagnostics_.HasErrors()) CheckPlanNodes(graph_, diagnostics_);
    CheckIdentities();
  }

 private:
  using Kind = Node::Kind;

  void Error(std::string code, const Position& at, std::string text) {
    diagnostics_.Error(std::move(code), at, std::move(text));
  }

  void Connect(std::size_t index) {
    const NodeSpec& spec = spec_.nodes[index];
    Node& node = graph_.nodes[index];
    if (node.kind == Kind::kSource) {
      if (spec.from) {
        Error("CFG-FROM", spec.from_at,
              fmt::format("{}: {} is a source and reads no other node", spec.name, node.verb));
      }
      return;
    }
    if (!spec.from) {
      Follow(index);
      return;
    }
    for (const Reference& ref : *spec.from) AddInput(index, ref);
    if (node.kind == Kind::kJoin) CheckPorts(index);
    if (node.kind == Kind::kMerge && node.inputs.size() == 1) {
      Error("CFG-FROM", spec.from_at, spec.name + ": merge needs at least two inputs");
    }
  }

  void Follow(std::size_t index) {
    const NodeSpec& spec = spec_.nodes[index];
    const auto explain = [&](std::string why) {
      Error("CFG-FROM", spec.at, fmt::format("{}: {}; write from: NODE", spec.name, why));
    };
    if (spec.included) return explain("nodes of included files name what they read");
    if (index == 0) return explain("the first node is a source, or names what it reads");
    if (graph_.nodes[index].kind == Kind::kMerge)
      return explain("merge names what it reads: from: [a, b]");
    if (graph_.nodes[index].kind == Kind::kJoin) {
      // Arguments that are no ports were reported when they were read.
      if (spec.step.args.kind == Value::Kind::kNull || spec.step.args.kind == Value::Kind::kMap) {
        Error("CFG-FROM", spec.at,
              spec.name + " (join): names what it reads, as join: {image: a, target: b}");
      }
      return;
    }
    const Node& above = graph_.nodes[index - 1];
    if (above.kind == Kind::kSink) {
      return explain(fmt::format("the node above, '{}', is a sink and has no output", above.name));
    }
    if (above.outputs.size() > 1) {
      return explain(fmt::format("the node above, '{}', has several outputs", above.name));
    }
    Input input;
    input.node = static_cast<int>(index) - 1;
    input.at = spec.at;
    graph_.nodes[index].inputs.push_back(input);
  }

  void AddInput(std::size_t index, const Reference& ref) {
    const NodeSpec& spec = spec_.nodes[index];
    const bool join = graph_.nodes[index].kind == Kind::kJoin;
    if (join && ref.port.empty()) {
      Error("CFG-FROM", ref.at,
            fmt::format("{} (join): which field does '{}' give? Write join: {{image: {}, target: "
                        "NODE}}",
                        spec.name, ref.node, ref.node));
      return;
    }
    if (!join && !ref.port.empty()) {
      Error("CFG-FROM", ref.at,
            fmt::format("{}: {} has no input '{}'; write from: NODE or from: [NODE, NODE]",
                        spec.name, spec.step.verb, ref.port));
      return;
    }
    const int from = graph_.Find(ref.node);
    if (from < 0) {
      std::vector<std::string> names;
      for (const NodeSpec& other : spec_.nodes) names.push_back(other.name);
      Error("CFG-FROM", ref.at,
            fmt::format("{}: from: there is no node '{}'{}", spec.name, ref.node,
                        Suggestion(ref.node, names)));
      return;
    }
    const Node& writer = graph_.nodes[static_cast<std::size_t>(from)];
    Input input;
    input.node = from;
    input.port = ref.port;
    input.at = ref.at;
    if (writer.kind == Kind::kSink) {
      Error("CFG-FROM", ref.at,
            fmt::format("{}: from: '{}' is a sink and has no output", spec.name, ref.node));
      return;
    }
    const auto it = std::find(writer.outputs.begin(), writer.outputs.end(), ref.output);
    if (it == writer.outputs.end()) {
      std::string names;
      for (const std::string& o : writer.outputs) {
        if (!o.empty()) names += (names.empty() ? "" : ", ") + ref.node + "." + o;
      }
      Error("CFG-FROM", ref.at,
            fmt::format("{}: from: '{}' has {}", spec.name, ref.node,
                        names.empty() ? "one output; leave '." + ref.output + "' out"
                                      : "the outputs " + names));
      return;
    }
    input.output = static_cast<int>(it - writer.outputs.begin());
    graph_.nodes[index].inputs.push_back(input);
  }

  void CheckPorts(std::size_t index) {
    const NodeSpec& spec = spec_.nodes[index];
    if (spec.from->size() < 2 || spec.from->front().port != "image") {
      Error("CFG-FROM", spec.from_at,
            fmt::format("{} (join): needs at least two ports, 'image' first: it is the main field "
                        "and gives the labels",
                        spec.name));
    }
    for (const Reference& ref : *spec.from) {
      if (!ref.port.empty() && !IsName(ref.port)) {
        Error("CFG-NAME", ref.at,
              fmt::format("{} (join): field '{}': use lower-case letters, digits and _, a letter "
                          "first",
                          spec.name, ref.port));
      }
    }
  }

  // Copies of a source that nothing else reads are units of the plan. This is part of the language:
  // windows count units.
  void PlanCopies() {
    for (Node& node : graph_.nodes) {
      if (node.kind != Kind::kCopies || node.inputs.size() != 1) continue;
      const int from = node.inputs[0].node;
      const bool source = graph_.nodes[static_cast<std::size_t>(from)].kind == Kind::kSource;
      if (source && graph_.Readers(from).size() == 1) node.planned_by = from;
    }
  }

  // Everything that is made must be used, or somebody waits for results in vain.
  void CheckUse() {
    if (graph_.nodes.empty()) {
      Error("CFG-NODE", {}, "nodes: the graph is empty; it needs a source and a sink");
      return;
    }
    // One report per cause: a broken reference above explains an unused node below.
    if (diagnostics_.HasErrors() && HasBrokenReference()) return;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      for (std::size_t o = 0; o < node.outputs.size(); ++o) {
        bool used = false;
        for (const auto& [reader, input] : graph_.Readers(static_cast<int>(i))) {
          const Node& r = graph_.nodes[static_cast<std::size_t>(reader)];
          used = used || r.inputs[static_cast<std::size_t>(input)].output == static_cast<int>(o);
        }
        if (!used) {
          const std::string name =
              node.outputs[o].empty() ? node.name : node.name + "." + node.outputs[o];
          Error("CFG-UNUSED", node.at,
                fmt::format("nothing reads '{}'; write it to a sink or take it out", name));
        }
      }
    }
  }

  bool HasBrokenReference() const {
    return std::any_of(diagnostics_.All().begin(), diagnostics_.All().end(),
                       [](const Diagnostic& d) { return d.code == "CFG-FROM"; });
  }

  void CheckCycles() {
    const std::size_t n = graph_.nodes.size();
    std::vector<int> state(n, 0);  // 0 new, 1 on the path, 2 done
    std::vector<int> path;
    const std::function<bool(int)> visit = [&](int i) {
      state[static_cast<std::size_t>(i)] = 1;
      path.push_back(i);
      for (const Input& input : graph_.nodes[static_cast<std::size_t>(i)].inputs) {
        const int from = input.node;
        if (state[static_cast<std::size_t>(from)] == 1) {
          std::string cycle = graph_.nodes[static_cast<std::size_t>(from)].name;
          for (auto it = path.rbegin(); it != path.rend(); ++it) {
            cycle += " -> " + graph_.nodes[static_cast<std::size_t>(*it)].name;
            if (*it == from) break;
          }
          Error("CFG-CYCLE", input.at, "the graph has a cycle: " + cycle);
          return false;
        }
        if (state[static_cast<std::size_t>(from)] == 0 && !visit(from)) return false;
      }
      path.pop_back();
      state[static_cast<std::size_t>(i)] = 2;
      return true;
    };
    for (std::size_t i = 0; i < n; ++i) {
      if (state[i] == 0 && !visit(static_cast<int>(i))) return;
    }
  }

  // Where a sample on an edge came from, as far as its identity goes.
  struct Origin {
    int source = -1;
    // What each index of its branch counts: "copies 3", or the node that makes views.
    std::vector<std::string> branch;
    std::map<int, int> parts;  // split node -> the output it took
    std::string through;       // the edge it came along last

    // They took different outputs of one split, so no sample can be both.
    bool PartedFrom(const Origin& other) const {
      return std::any_of(parts.begin(), parts.end(), [&](const auto& part) {
        const auto it = other.parts.find(part.first);
        return it != other.parts.end() && it->second != part.second;
      });
    }
    bool Apart(const Origin& other) const {
      return source != other.source || branch.size() != other.branch.size() || PartedFrom(other);
    }
    // Samples of both may have equal (id, branch).
    bool Meets(const Origin& other) const {
      return source == other.source && branch == other.branch && !PartedFrom(other);
    }
  };

  std::string Describe(const Origin& origin) const {
    std::string text =
        "the samples of '" + graph_.nodes[static_cast<std::size_t>(origin.source)].name + "'";
    for (std::size_t i = 0; i < origin.branch.size(); ++i) {
      text += (i == 0 ? " as " : ", then as ") + origin.branch[i];
    }
    for (const auto& [split, output] : origin.parts) {
      const Node& node = graph_.nodes[static_cast<std::size_t>(split)];
      text += fmt::format(" of {}.{}", node.name, node.outputs[static_cast<std::size_t>(output)]);
    }
    return text;
  }

  // (id, branch) tells samples apart everywhere: in file names, in order, in randomness. A node
  // that reads one sample along two paths could not, and a join of samples that never meet would
  // wait in vain.
  void CheckIdentities() {
    if (diagnostics_.HasErrors()) return;
    std::vector<std::vector<Origin>> origins(graph_.nodes.size());
    std::vector<bool> done(graph_.nodes.size(), false);
    for (std::size_t round = 0; round < graph_.nodes.size(); ++round) {
      for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
        const Node& node = graph_.nodes[n];
        const bool ready = std::all_of(node.inputs.begin(), node.inputs.end(), [&](const Input& i) {
          return done[static_cast<std::size_t>(i.node)];
        });
        if (done[n] || !ready) continue;
        done[n] = true;
        if (node.kind == Kind::kSource) origins[n].push_back({static_cast<int>(n), {}, {}, ""});
        for (const Input& input : node.inputs) {
          const std::vector<Origin> arriving = Arriving(origins, input);
          const bool fine = node.kind == Kind::kJoin ? Joins(node, input, arriving, origins[n])
                                                     : Gathers(node, input, arriving, origins[n]);
          if (!fine) return;
        }
        // Views and plan nodes that repeat number their results in the branch as copies do.
        const bool repeats = node.kind == Kind::kPlan && node.plan->Repeats();
        if (node.kind == Kind::kCopies || node.kind == Kind::kViews || repeats) {
          const std::string what = node.kind == Kind::kCopies
                                       ? fmt::format("{} copies", node.copies)
                                   : repeats ? fmt::format("the repeats of '{}'", node.name)
                                             : fmt::format("the views of '{}'", node.name);
          for (Origin& origin : origins[n]) origin.branch.push_back(what);
        }
      }
    }
  }

  std::vector<Origin> Arriving(const std::vector<std::vector<Origin>>& origins,
                               const Input& input) const {
    const auto from = static_cast<std::size_t>(input.node);
    std::vector<Origin> arriving = origins[from];
    if (graph_.nodes[from].kind == Kind::kSplit) {
      for (Origin& origin : arriving) origin.parts[input.node] = input.output;
    }
    for (Origin& origin : arriving) origin.through = graph_.From(input);
    return arriving;
  }

  bool Gathers(const Node& node, const Input& input, const std::vector<Origin>& arriving,
               std::vector<Origin>& here) {
    for (const Origin& origin : arriving) {
      const auto met =
          std::find_if(here.begin(), here.end(), [&](const Origin& o) { return !o.Apart(origin); });
      if (met != here.end()) {
        Error("CFG-FROM", input.at,
              fmt::format("{}: the samples of '{}' come here through '{}' and through '{}' and "
                          "could not be told apart; put copies on one path, use two sinks, or "
                          "join them as two fields",
                          node.name, graph_.nodes[static_cast<std::size_t>(origin.source)].name,
                          met->through, origin.through));
        return false;
      }
      here.push_back(origin);
    }
    return true;
  }

  // Every sample of a port needs a partner in each other port.
  bool Joins(const Node& node, const Input& input, const std::vector<Origin>& arriving,
             std::vector<Origin>& here) {
    if (&input == &node.inputs.front()) {
      here = arriving;
      return true;
    }
    const auto lonely = [&](const std::vector<Origin>& a, const std::vector<Origin>& b) {
      return std::find_if(a.begin(), a.end(), [&](const Origin& origin) {
        return std::none_of(b.begin(), b.end(),
                            [&](const Origin& other) { return origin.Meets(other); });
      });
    };
    const auto first = lonely(here, arriving);
    const auto second = lonely(arriving, here);
    if (first == here.end() && second == arriving.end()) return true;
    const Origin& left = first != here.end() ? *first : here.front();
    const Origin& right = second != arriving.end() ? *second : arriving.front();
    Error("CFG-JOIN", input.at,
          fmt::format("{} (join): '{}' gives {}, '{}' gives {}; only samples of one source entry "
                      "and copy make a pair",
                      node.name, graph_.From(node.inputs.front()), Describe(left),
                      graph_.From(input), Describe(right)));
    return false;
  }

  const GraphSpec& spec_;
  Graph& graph_;
  Diagnostics& diagnostics_;
};

}  // namespace

void ConnectNodes(const GraphSpec& spec, Graph& graph, Diagnostics& diagnostics) {
  Connector(spec, graph, diagnostics).Run();
}

}  // namespace pixloom
