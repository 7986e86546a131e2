// SPDX-License-Identifier: Apache-2.0
#include "pipeline/graph.h"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/bind_cache.h"
#include "pipeline/config.h"

namespace pixloom {

std::vector<std::pair<int, int>> Graph::Readers(int node) const {
  std::vector<std::pair<int, int>> readers;
  for (std::size_t r = 0; r < nodes.size(); ++r) {
    for (std::size_t i = 0; i < nodes[r].inputs.size(); ++i) {
      if (nodes[r].inputs[i].node == node) {
        readers.emplace_back(static_cast<int>(r), static_cast<int>(i));
      }
    }
  }
  return readers;
}

int Graph::Find(std::string_view name) const {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

std::string Graph::From(const Input& input) const {
  const Node& from = nodes[static_cast<std::size_t>(input.node)];
  const std::string& output = from.outputs[static_cast<std::size_t>(input.output)];
  return output.empty() ? from.name : from.name + "." + output;
}

namespace {

std::string StepText(const ChainStep& step) {
  std::string text;
  switch (step.kind) {
    case ChainStep::Kind::kOperator:
      text = step.op->Info().name;
      break;
    case ChainStep::Kind::kSequence:
      text = "chain";
      break;
    case ChainStep::Kind::kOneOf:
      text = "one_of";
      break;
    case ChainStep::Kind::kSomeOf:
      text = "some_of";
      break;
    case ChainStep::Kind::kSometimes:
      text = "sometimes";
      break;
    case ChainStep::Kind::kRandomOrder:
      text = "random_order";
      break;
    case ChainStep::Kind::kSwitch:
      text = "switch";
      break;
    case ChainStep::Kind::kScope:
    case ChainStep::Kind::kModel:
      text = step.verb;
      break;
  }
  if (!step.children.empty()) {
    text += "(";
    for (std::size_t i = 0; i < step.children.size(); ++i) {
      const ChainStep& child = step.children[i];
      if (i > 0) text += ", ";
      if (child.when != nullptr) text += child.when->Text() + ": ";
      text += StepText(child);
    }
    text += ")";
  }
  if (step.p < 1) text += fmt::format(" p={}", step.p);
  return text;
}

std::string NodeText(const Node& node) {
  if (node.kind != Node::Kind::kChain && node.kind != Node::Kind::kCache) {
    if (node.kind == Node::Kind::kCopies) return fmt::format("copies {}", node.copies);
    if (node.kind == Node::Kind::kRoute) return "route to " + StepText(node.steps[0]);
    if (node.kind == Node::Kind::kFilter) return fmt::format("filter {}", node.keep->Text());
    return node.verb;
  }
  std::string text;
  for (const ChainStep& step : node.steps) text += (text.empty() ? "" : " > ") + StepText(step);
  if (node.kind == Node::Kind::kCache) return fmt::format("cache({})", text);
  return text.empty() ? "(nothing)" : text;
}

std::string Escaped(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' || text[i] == '\\') text.insert(i++, 1, '\\');
  }
  return text;
}

Value StepYaml(const ChainStep& step);

Value StepsYaml(const std::vector<ChainStep>& steps) {
  std::vector<Value> items;
  for (const ChainStep& step : steps) items.push_back(StepYaml(step));
  return Value::List(std::move(items));
}

// Cases of a switch, branches of a scope: sequences without a name of their own.
Value CasesYaml(const std::vector<ChainStep>& cases) {
  std::vector<Value> items;
  for (const ChainStep& one : cases) {
    if (one.when != nullptr) {
      items.push_back(Value::Map({{"when", {}, Value::String(one.when->Text(), {})},
                                  {"then", {}, StepsYaml(one.children)}}));
    } else {
      items.push_back(Value::Map({{"else", {}, StepsYaml(one.children)}}));
    }
  }
  return Value::List(std::move(items));
}

Value StepYaml(const ChainStep& step) {
  std::string verb;
  Value args = Value::Map({});
  switch (step.kind) {
    case ChainStep::Kind::kOperator:
      verb = step.op->Info().name;
      args = step.op->Arguments();
      break;
    case ChainStep::Kind::kSequence:
      verb = "chain";
      args = StepsYaml(step.children);
      break;
    case ChainStep::Kind::kOneOf:
      verb = "one_of";
      args = StepsYaml(step.children);
      break;
    case ChainStep::Kind::kRandomOrder:
      verb = "random_order";
      args = StepsYaml(step.children);
      break;
    case ChainStep::Kind::kSwitch:
      verb = "switch";
      args = CasesYaml(step.children);
      break;
    case ChainStep::Kind::kModel:
      verb = step.verb;
      args = step.args;
      break;
    case ChainStep::Kind::kScope: {
      verb = step.verb;
      args = step.args.kind == Value::Kind::kMap ? step.args : Value::Map({});
      const bool one_branch = step.children.size() == 1 && step.children[0].stream == nullptr;
      args.entries.push_back(
          {"steps", {}, StepsYaml(one_branch ? step.children[0].children : step.children)});
      break;
    }
    case ChainStep::Kind::kSomeOf:
      verb = "some_of";
      args = Value::Map(
          {{"n", {}, Value::List({Value::Int(step.count_min), Value::Int(step.count_max)})},
           {"steps", {}, StepsYaml(step.children)}});
      break;
    case ChainStep::Kind::kSometimes: {
      verb = "sometimes";
      std::vector<Value::Entry> entries{{"then", {}, StepsYaml(step.children)}};
      if (!step.otherwise.empty()) entries.push_back({"else", {}, StepsYaml(step.otherwise)});
      args = Value::Map(std::move(entries));
      break;
    }
  }
  std::vector<Value::Entry> entries{{verb, {}, std::move(args)}};
  // What p is when it is not given depends on the verb.
  const double usual_p = step.kind == ChainStep::Kind::kSometimes ? 0.5 : 1;
  if (step.p != usual_p) entries.push_back({"p", {}, Value::Float(step.p)});
  if (step.weight != 1) entries.push_back({"weight", {}, Value::Float(step.weight)});
  // The name fixes the stream, whatever was taken out by passes or is inserted later.
  const std::string& stream = *step.stream;
  entries.push_back({"name", {}, Value::String(stream.substr(stream.find('/') + 1), {})});
  // Geometry inside a group with fields moves everything all the same.
  const bool geometric = step.kind == ChainStep::Kind::kOperator && step.op->Info().IsGeometric();
  if (!step.fields.empty() && !geometric) {
    std::vector<Value> fields;
    for (const std::string& f : step.fields) fields.push_back(Value::String(f, {}));
    entries.push_back({"fields", {}, Value::List(std::move(fields))});
  }
  if (step.scope == Scope::kFrame) entries.push_back({"scope", {}, Value::String("frame", {})});
  if (step.resample_each) entries.push_back({"resample", {}, Value::String("each", {})});
  return Value::Map(std::move(entries));
}

}  // namespace

std::string StepsText(const std::vector<ChainStep>& steps) {
  return pixloom::ToYaml(StepsYaml(steps));
}

std::string Graph::ToText() const {
  std::string text;
  for (const Node& node : nodes) {
    std::string from;
    for (const Input& input : node.inputs) {
      from += (from.empty() ? "" : ", ") + From(input);
    }
    text += fmt::format("{:<12} {}", node.name, NodeText(node));
    if (!from.empty()) text += "   <- " + from;
    if (!node.meta.empty()) text += "   [" + node.meta[0].Text() + "]";
    std::string notes;
    const auto note = [&](bool on, std::string_view word) {
      if (on) notes += (notes.empty() ? "" : ", ") + std::string(word);
    };
    note(node.push_down, "push_down");
    note(node.fused, "fused");
    note(node.planned_by >= 0, "in the plan");
    if (!notes.empty()) text += "   {" + notes + "}";
    text += '\n';
  }
  return text;
}

std::string Graph::ToDot() const {
  std::string dot =
      "digraph pixloom {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n";
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    const char* shape =
        node.kind == Node::Kind::kSource || node.kind == Node::Kind::kSink ? "cylinder" : "box";
    dot += fmt::format("  n{} [label=\"{}\\n{}\", shape={}];\n", i, node.name,
                       Escaped(NodeText(node)), shape);
    for (const Input& input : node.inputs) {
      const std::string& output = nodes[static_cast<std::size_t>(input.node)]
                                      .outputs[static_cast<std::size_t>(input.output)];
      const auto& meta = nodes[static_cast<std::size_t>(input.node)].meta;
      std::string label = output;
      if (!meta.empty()) {
        label += (label.empty() ? "" : " ") + meta[static_cast<std::size_t>(input.output)].Text();
      }
      dot += fmt::format("  n{} -> n{} [label=\"{}\"];\n", input.node, i, Escaped(label));
    }
  }
  return dot + "}\n";
}

std::string Graph::ToYaml() const {
  const bool fail = on_error.policy == OnError::Policy::kFail;
  const Value max_bad =
      on_error.max_bad_count
          ? Value::Int(*on_error.max_bad_count)
          : Value::String(fmt::format("{:.12g}%", on_error.max_bad_fraction * 100), {});
  std::vector<Value::Entry> doc{
      {"version", {}, Value::Int(1)},
      {"seed", {}, Value::Int(static_cast<std::int64_t>(seed))},
      {"on_error",
       {},
       Value::Map({{"policy", {}, Value::String(fail ? "fail" : "quarantine", {})},
                   {"max_bad", {}, max_bad}})},
      {"limits",
       {},
       Value::Map({{"max_pixels", {}, Value::Int(limits.max_pixels)},
                   {"max_side", {}, Value::Int(limits.max_side)},
                   {"max_ratio", {}, Value::Int(limits.max_ratio)},
                   {"max_scans", {}, Value::Int(limits.max_scans)}})}};
  if (memory) doc.push_back({"memory", {}, Value::Int(static_cast<std::int64_t>(*memory))});
  std::vector<Value::Entry> list;
  for (const Node& node : nodes) {
    std::vector<Value::Entry> entries;
    switch (node.kind) {
      case Node::Kind::kChain:
        entries.push_back({"chain", {}, StepsYaml(node.steps)});
        break;
      case Node::Kind::kCopies:
        entries.push_back({"copies", {}, Value::Int(node.copies)});
        break;
      case Node::Kind::kMerge:
        entries.push_back({"merge", {}, Value::Map({})});
        break;
      case Node::Kind::kFilter:
        entries.push_back({"filter", {}, Value::String(node.keep->Text(), {})});
        break;
      case Node::Kind::kJoin: {
        std::vector<Value::Entry> ports;
        for (const Input& input : node.inputs) {
          ports.push_back({input.port, {}, Value::String(From(input), {})});
        }
        entries.push_back({"join", {}, Value::Map(std::move(ports))});
        break;
      }
      case Node::Kind::kSplit: {
        std::vector<Value::Entry> parts;
        for (const SplitPart& part : node.parts) {
          parts.push_back({part.name, {}, Value::Float(part.share)});
        }
        Value split = Value::Map(std::move(parts));
        if (node.stratify || !node.split_group.empty()) {
          split = Value::Map(
              {{"parts", {}, std::move(split)}, {"stratify", {}, Value::Bool(node.stratify)}});
          if (!node.split_group.empty()) {
            split.entries.push_back({"group", {}, Value::String(node.split_group, {})});
          }
        }
        entries.push_back({"split", {}, std::move(split)});
        break;
      }
      case Node::Kind::kCache: {
        Value args = node.args;
        if (!node.steps.empty()) {
          args.entries.insert(args.entries.begin(), {"steps", {}, StepsYaml(node.steps)});
        }
        entries.push_back({"cache", {}, std::move(args)});
        break;
      }
      case Node::Kind::kRoute:
      case Node::Kind::kModel:
      case Node::Kind::kPlan:
      case Node::Kind::kViews:
      case Node::Kind::kWindow:
      case Node::Kind::kSource:
      case Node::Kind::kSink:
        entries.push_back({node.verb, {}, node.args});
        break;
    }
    if (node.on_error) {
      const bool stop = *node.on_error == OnError::Policy::kFail;
      entries.push_back({"on_error", {}, Value::String(stop ? "fail" : "quarantine", {})});
    }
    if (node.p < 1) entries.push_back({"p", {}, Value::Float(node.p)});
    if (!node.inputs.empty() && node.kind != Node::Kind::kJoin) {
      std::vector<Value> from;
      for (const Input& input : node.inputs) {
        from.push_back(Value::String(From(input), {}));
      }
      entries.push_back({"from", {}, from.size() == 1 ? from[0] : Value::List(std::move(from))});
    }
    list.push_back({node.name, {}, Value::Map(std::move(entries))});
  }
  doc.push_back({"nodes", {}, Value::Map(std::move(list))});
  return pixloom::ToYaml(Value::Map(std::move(doc)));
}

void Verify(const Graph& graph) {
  const int n = static_cast<int>(graph.nodes.size());
  std::vector<int> waiting(graph.nodes.size(), 0);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    for (const Input& input : node.inputs) {
      PIXLOOM_CHECK(input.node >= 0 && input.node < n,
                    node.name + " reads a node that is not there");
      const auto& outputs = graph.nodes[static_cast<std::size_t>(input.node)].outputs;
      PIXLOOM_CHECK(input.output >= 0 && input.output < static_cast<int>(outputs.size()),
                    node.name + " reads an output that is not there");
      ++waiting[i];
    }
    const bool is_source = node.kind == Node::Kind::kSource;
    PIXLOOM_CHECK(is_source == node.inputs.empty(), node.name + " has the wrong number of inputs");
    PIXLOOM_CHECK(is_source == (node.source != nullptr), node.name + " lacks its source");
    PIXLOOM_CHECK((node.kind == Node::Kind::kSink) == (node.sink != nullptr),
                  node.name + " lacks its sink");
    PIXLOOM_CHECK((node.kind == Node::Kind::kWindow) == (node.window != nullptr),
                  node.name + " lacks its window operator");
    PIXLOOM_CHECK((node.kind == Node::Kind::kFilter) == (node.keep != nullptr),
                  node.name + " lacks its expression");
    PIXLOOM_CHECK((node.kind == Node::Kind::kViews) == (node.views != nullptr),
                  node.name + " lacks its views");
    PIXLOOM_CHECK((node.kind == Node::Kind::kCache) == (node.cache != nullptr),
                  node.name + " lacks its cache");
    PIXLOOM_CHECK(node.meta.empty() || node.meta.size() == node.outputs.size(),
                  node.name + " has facts for another number of outputs");
    PIXLOOM_CHECK(node.kind != Node::Kind::kCopies || node.copies > 0,
                  node.name + " makes no copy");
  }
  // Kahn's algorithm: every node must become ready.
  std::vector<int> ready;
  for (int i = 0; i < n; ++i) {
    if (waiting[static_cast<std::size_t>(i)] == 0) ready.push_back(i);
  }
  std::size_t done = 0;
  while (done < ready.size()) {
    for (const auto& [reader, input] : graph.Readers(ready[done++])) {
      if (--waiting[static_cast<std::size_t>(reader)] == 0) ready.push_back(reader);
    }
  }
  PIXLOOM_CHECK(done == graph.nodes.size(), "the graph has a cycle");
}

}  // namespace pixloom
