// SPDX-License-Identifier: Apache-2.0
// Pass infer: what is known about pixels and labels on every edge, before the first file is opened.
#include <algorithm>

#include <fmt/format.h>

#include "pipeline/passes.h"

namespace pixloom {

Meta EitherMeta(const Meta& a, const Meta& b) {
  Meta meta = a;
  if (a.size != b.size) meta.size.reset();
  if (a.depth != b.depth) meta.depth.reset();
  if (a.channels != b.channels) meta.channels.reset();
  meta.planar = a.planar || b.planar;
  meta.targets = a.targets | b.targets;
  std::erase_if(meta.fields, [&](const std::string& f) {
    return std::find(b.fields.begin(), b.fields.end(), f) == b.fields.end();
  });
  return meta;
}

namespace {

// Whether any picture that `in` allows is one the operator works on.
bool MayAccept(const Support& support, const Meta& in) {
  constexpr int kMany = 5;  // stands for every count that has no rule of its own
  for (const Depth depth : {Depth::kU8, Depth::kU16, Depth::kF32}) {
    if (in.depth && *in.depth != depth) continue;
    for (const int channels : {1, 3, 4, kMany}) {
      if (support.Accepts(depth, in.channels.value_or(channels))) return true;
    }
  }
  return false;
}

class Inference {
 public:
  Inference(const Graph& graph, const Node& node, Diagnostics& diagnostics)
      : graph_(graph), node_(node), diagnostics_(diagnostics) {}

  Meta Steps(const std::vector<ChainStep>& steps, Meta meta) {
    for (const ChainStep& step : steps) meta = OneStep(step, meta);
    return meta;
  }

 private:
  Meta OneStep(const ChainStep& step, const Meta& in) {
    Meta out = in;
    switch (step.kind) {
      case ChainStep::Kind::kOperator:
        out = Apply(step, in);
        break;
      case ChainStep::Kind::kSequence:
        out = Steps(step.children, in);
        break;
      case ChainStep::Kind::kOneOf: {
        out = OneStep(step.children[0], in);
        for (const ChainStep& child : step.children) out = EitherMeta(out, OneStep(child, in));
        break;
      }
      case ChainStep::Kind::kSometimes: {
        out = Steps(step.children, in);
        return EitherMeta(out, Steps(step.otherwise, in));
      }
      case ChainStep::Kind::kSomeOf:
        // Any subset may run: keep what holds whether each child runs or not.
        for (const ChainStep& child : step.children) out = EitherMeta(out, OneStep(child, out));
        break;
      case ChainStep::Kind::kSwitch:
        CheckCases(step, in);
        // One of them, or none when no case holds.
        for (std::size_t i = 0; i < step.children.size(); ++i) {
          const Meta after = OneStep(step.children[i], in);
          out = i == 0 ? after : EitherMeta(out, after);
        }
        if (step.children.back().when != nullptr) out = EitherMeta(out, in);
        break;
      case ChainStep::Kind::kScope:
        InScope(step, in);
        break;
      case ChainStep::Kind::kModel:
        CheckModel(step, in);
        out = step.model->OutputMeta(in);
        break;
      case ChainStep::Kind::kRandomOrder:
        // In any order: a fixed size holds only when the order cannot matter to it.
        for (const ChainStep& child : step.children) {
          const Meta after = OneStep(child, out);
          out = after.size == in.size ? after : EitherMeta(out, after);
        }
        break;
    }
    return step.p < 1 ? EitherMeta(in, out) : out;
  }

  // Planes cannot be measured.
  void CheckCases(const ChainStep& step, const Meta& in) {
    const auto measures = [](const ChainStep& one) {
      return one.when != nullptr && one.when->NeedsPixels();
    };
    if (!in.planar || std::none_of(step.children.begin(), step.children.end(), measures)) return;
    diagnostics_.Error("CFG-TYPE", step.at,
                       fmt::format("{} (switch): measures planar pictures from {}; change the "
                                   "layout last",
                                   node_.name, Inputs()));
  }

  // Pictures of a sample have one coordinate system: either all of them change their size, or none.
  void CheckModel(const ChainStep& step, const Meta& in) {
    if (!CheckFields(step, step.verb, in)) return;
    const Meta part = OfFields(step, in);
    std::string why = step.model->Refuses(part);
    Meta probe = in;
    if (!probe.size) probe.size = Size{64, 64};
    if (why.empty() && part.fields.size() < in.fields.size() &&
        step.model->OutputMeta(probe).size != probe.size) {
      why = "changes the size of some pictures of a sample and not of others; leave `fields` out";
    }
    if (why.empty()) return;
    diagnostics_.Error("CFG-TYPE", step.at, fmt::format("{} ({}): {}", node_.name, step.verb, why));
  }

  // What a scope hands out comes back as it went: same size, same type.
  void InScope(const ChainStep& step, const Meta& in) {
    const auto refuse = [&](const std::string& why) {
      diagnostics_.Error("CFG-TYPE", step.at,
                         fmt::format("{} ({}): {}", node_.name, step.verb, why));
    };
    if (!CheckFields(step, step.verb, in)) return;
    const Meta part = OfFields(step, in);
    if (const std::string why = step.scope_operator->Refuses(part); !why.empty()) {
      refuse(why);
      return;
    }
    const Meta inside = step.scope_operator->Inside(part);
    for (const ChainStep& child : step.children) {
      const Meta after = OneStep(child, inside);
      if (after.depth == inside.depth && after.channels == inside.channels &&
          after.size == inside.size && !after.planar) {
        continue;
      }
      refuse(fmt::format("the steps inside make {} of {}; size and type must stay", after.Text(),
                         inside.Text()));
    }
  }

  // What is known of the fields a step works on: it is known about the first of all.
  static Meta OfFields(const ChainStep& step, const Meta& in) {
    if (step.fields.empty()) return in;
    Meta meta = in;
    std::erase_if(meta.fields, [&](const std::string& f) {
      return std::find(step.fields.begin(), step.fields.end(), f) == step.fields.end();
    });
    if (meta.fields.empty() || meta.fields.front() != in.fields.front()) {
      meta.size.reset();
      meta.depth.reset();
      meta.channels.reset();
    }
    return meta;
  }

  bool CheckFields(const ChainStep& step, const std::string& verb, const Meta& in) {
    bool known = true;
    for (const std::string& field : step.fields) {
      if (std::find(in.fields.begin(), in.fields.end(), field) != in.fields.end()) continue;
      known = false;
      diagnostics_.Error("CFG-KEY", step.at,
                         fmt::format("{} ({}): there is no field '{}' here{}", node_.name, verb,
                                     field, Suggestion(field, in.fields)));
    }
    return known;
  }

  Meta Apply(const ChainStep& step, const Meta& in) {
    const OpInfo& info = step.op->Info();
    if (!MayAccept(info.support, in)) {
      std::string got = in.depth ? DepthName(*in.depth) : "pictures";
      if (in.channels) {
        got += fmt::format(" with {} channel{}", *in.channels, *in.channels == 1 ? "" : "s");
      }
      diagnostics_.Error("CFG-TYPE", step.at,
                         fmt::format("{} ({}): works on {}, but gets {} from {}", node_.name,
                                     info.name, info.support.Text(), got, Inputs()));
    }
    CheckFields(step, info.name, in);
    if (in.planar) {
      diagnostics_.Error(
          "CFG-TYPE", step.at,
          fmt::format("{} ({}): gets planar pictures from {}; change the layout last", node_.name,
                      info.name, Inputs()));
    }
    Meta out = step.op->Out(in);
    // What is known is about the first field; but nothing may follow planes in any of them.
    const bool first = step.fields.empty() || std::find(step.fields.begin(), step.fields.end(),
                                                        in.fields.front()) != step.fields.end();
    if (first) return out;
    const bool planar = out.planar;
    out = in;
    out.planar = planar;
    return out;
  }

  // The other end of the edge: what this chain reads.
  std::string Inputs() const {
    std::string text;
    for (const Input& input : node_.inputs) {
      text += fmt::format("{}'{}'", text.empty() ? "" : ", ", graph_.From(input));
    }
    return text;
  }

  const Graph& graph_;
  const Node& node_;
  Diagnostics& diagnostics_;
};

// The first port as it is, and the picture of each other port as a further field.
Meta JoinedMeta(const Graph& graph, const Node& node, Diagnostics& diagnostics) {
  std::optional<Meta> joined;
  for (const Input& input : node.inputs) {
    const Meta& port = graph.nodes[static_cast<std::size_t>(input.node)]
                           .meta[static_cast<std::size_t>(input.output)];
    if (!joined) {
      joined = port;
      continue;
    }
    joined->planar = joined->planar || port.planar;
    if (std::find(joined->fields.begin(), joined->fields.end(), input.port) !=
        joined->fields.end()) {
      diagnostics.Error(
          "CFG-TYPE", input.at,
          fmt::format("{}: '{}' is a field of '{}' already; call the port of '{}' "
                      "something else",
                      node.name, input.port, graph.From(node.inputs[0]), graph.From(input)));
      continue;
    }
    joined->fields.push_back(input.port);
  }
  return *joined;
}

}  // namespace

Graph Infer(Graph graph, PassContext& context) {
  // Inputs first; the graph has no cycle, so each round settles at least one node.
  std::vector<bool> settled(graph.nodes.size(), false);
  const auto input_meta = [&](const Node& node) -> std::optional<Meta> {
    Meta in;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const auto from = static_cast<std::size_t>(node.inputs[i].node);
      if (!settled[from]) return std::nullopt;
      const Meta& meta = graph.nodes[from].meta[static_cast<std::size_t>(node.inputs[i].output)];
      in = i == 0 ? meta : EitherMeta(in, meta);
    }
    return in;
  };
  for (std::size_t left = graph.nodes.size(); left > 0;) {
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      Node& node = graph.nodes[n];
      std::optional<Meta> meta = settled[n] ? std::nullopt : input_meta(node);
      if (!meta) continue;
      if (node.kind == Node::Kind::kSource) meta = node.source->OutputMeta();
      if (node.kind == Node::Kind::kChain || node.kind == Node::Kind::kCache ||
          node.kind == Node::Kind::kModel) {
        meta = Inference(graph, node, context.diagnostics).Steps(node.steps, *meta);
      }
      if (node.kind == Node::Kind::kJoin) meta = JoinedMeta(graph, node, context.diagnostics);
      // A sample without a partner passes as it came.
      if (node.kind == Node::Kind::kWindow)
        meta = EitherMeta(*meta, node.window->OutputMeta(*meta));
      if (node.kind == Node::Kind::kViews) meta = node.views->OutputMeta(*meta);
      const bool reads_pixels = node.kind == Node::Kind::kViews ||
                                node.kind == Node::Kind::kWindow ||
                                (node.kind == Node::Kind::kFilter && node.keep->NeedsPixels());
      if (reads_pixels && meta->planar) {
        context.diagnostics.Error(
            "CFG-TYPE", node.at,
            fmt::format("{}: gets planar pictures from '{}'; change the layout last", node.name,
                        graph.From(node.inputs[0])));
      }
      if (node.kind == Node::Kind::kSink) {
        if (const std::string why = node.sink->Refuses(*meta); !why.empty()) {
          context.diagnostics.Error(
              "CFG-TYPE", node.at,
              fmt::format("{}: {} (from '{}')", node.name, why, graph.From(node.inputs[0])));
        }
      }
      node.meta.assign(node.outputs.size(), *meta);
      if (!node.outputs.empty()) context.Note(fmt::format("{}: {}", node.name, meta->Text()));
      settled[n] = true;
      --left;
    }
  }
  return graph;
}

}  // namespace pixloom
