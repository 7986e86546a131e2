// SPDX-License-Identifier: Apache-2.0
#include "models/layer_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "models/layer_shapes.h"

namespace pixloom {

namespace {

constexpr std::size_t kMostPorts = 32;  // PIXLOOM_MAX_PORTS

// The verb among the keys of a mapping; reports when there is none, or another one.
const Value::Entry* FindVerb(GraphBuilder& builder, const Value& value) {
  const std::vector<std::string>& verbs = LayerVerbs();
  const auto is = [](const std::vector<std::string>& known, const std::string& key) {
    return std::find(known.begin(), known.end(), key) != known.end();
  };
  const std::vector<std::string> modifiers = {"name", "from"};
  const Value::Entry* verb = nullptr;
  for (const Value::Entry& entry : value.entries) {
    if (!is(verbs, entry.key)) continue;
    if (verb != nullptr) {
      builder.Error("NET-LAYER", entry.at,
                    fmt::format("'{}' and '{}' in one layer; write each as an item of its own",
                                verb->key, entry.key));
      return nullptr;
    }
    verb = &entry;
  }
  for (const Value::Entry& entry : value.entries) {
    if (&entry == verb || is(modifiers, entry.key)) continue;
    if (verb == nullptr) {
      builder.Error(
          "NET-LAYER", entry.at,
          fmt::format("unknown layer {}{}", Quoted(entry.key), Suggestion(entry.key, verbs)));
      return nullptr;
    }
    builder.Error("NET-KEY", entry.at,
                  fmt::format("{}: unknown key {} beside the layer{}", verb->key, Quoted(entry.key),
                              Suggestion(entry.key, modifiers)));
  }
  if (verb == nullptr) builder.Error("NET-LAYER", value.at, "a layer without a verb");
  return verb;
}

std::string ReadName(GraphBuilder& builder, const Value& value, bool may_have_names) {
  if (!may_have_names) {
    builder.Error("NET-NAME", value.at, "layers in a repeat cannot have names; there are several");
    return "";
  }
  if (value.kind != Value::Kind::kString) {
    builder.Error("NET-NAME", value.at, fmt::format("expected a name, got {}", value.Describe()));
    return "";
  }
  if (!builder.CheckName(value.text, value.at)) return "";
  if (builder.Find(value.text) != nullptr) {
    builder.Error("NET-NAME", value.at,
                  fmt::format("there is already a layer called '{}'", value.text));
    return "";
  }
  return value.text;
}

int ReadLayer(GraphBuilder& builder, const Value& value, std::optional<int> before,
              bool may_have_names) {
  static const Value nothing;
  LayerSpec spec;
  spec.at = value.at;
  spec.input = before;
  if (value.kind == Value::Kind::kString) {
    spec.verb = value.text;
    spec.args = &nothing;
    const std::vector<std::string>& verbs = LayerVerbs();
    if (std::find(verbs.begin(), verbs.end(), spec.verb) == verbs.end()) {
      builder.Error(
          "NET-LAYER", value.at,
          fmt::format("unknown layer {}{}", Quoted(spec.verb), Suggestion(spec.verb, verbs)));
      return builder.AddUnknown("", value.at);
    }
    return ReadVerb(builder, spec, may_have_names);
  }
  if (value.kind != Value::Kind::kMap) {
    builder.Error(
        "NET-LAYER", value.at,
        fmt::format("expected a layer like `relu` or {{dense: 64}}, got {}", value.Describe()));
    return builder.AddUnknown("", value.at);
  }
  const Value::Entry* verb = FindVerb(builder, value);
  if (const Value* name = value.Find("name")) {
    spec.name = ReadName(builder, *name, may_have_names);
  }
  if (verb == nullptr) return builder.AddUnknown(spec.name, value.at);
  spec.verb = verb->key;
  spec.at = verb->at;
  spec.args = &verb->value;
  spec.from = value.Find("from");
  if (spec.from != nullptr) {
    spec.input = builder.Find(*spec.from);
    if (!spec.input) return builder.AddUnknown(spec.name, value.at);
  }
  return ReadVerb(builder, spec, may_have_names);
}

void ReadInputs(GraphBuilder& builder, const Value& inputs) {
  for (const Value::Entry& entry : inputs.entries) {
    if (!builder.CheckName(entry.key, entry.at)) continue;
    Shape shape = ReadShape(entry.value, true, "input " + entry.key, builder.Found());
    if (shape.empty()) {
      builder.Graph().inputs.push_back(builder.AddUnknown(entry.key, entry.at));
      continue;
    }
    Layer layer;
    layer.kind = LayerKind::kInput;
    layer.name = entry.key;
    layer.at = entry.at;
    layer.shape = std::move(shape);
    builder.Graph().inputs.push_back(builder.Add(std::move(layer)));
  }
}

void ReadOutput(GraphBuilder& builder, const std::string& name, const Position& at, int index) {
  LayerGraph& graph = builder.Graph();
  if (!builder.CheckName(name, at)) return;
  if (std::find(graph.inputs.begin(), graph.inputs.end(), index) != graph.inputs.end()) {
    builder.Error("NET-VALUE", at, fmt::format("output '{}' is an input as it came", name));
    return;
  }
  if (const int* same = builder.Find(name); same != nullptr && *same != index) {
    builder.Error("NET-NAME", at,
                  fmt::format("output '{}' has the name of a layer or input that is not what goes "
                              "out; choose another name",
                              name));
    return;
  }
  graph.outputs.emplace_back(name, index);
}

void ReadOutputs(GraphBuilder& builder, const Value* outputs, std::optional<int> last,
                 const Position& at) {
  if (outputs == nullptr) {
    if (last) ReadOutput(builder, "out", at, *last);
    return;
  }
  if (outputs->kind != Value::Kind::kMap || outputs->entries.empty() ||
      outputs->entries.size() > kMostPorts) {
    builder.Error("NET-VALUE", outputs->at,
                  fmt::format("outputs: expected {{NAME: LAYER}} with at most {} names, got {}",
                              kMostPorts, outputs->Describe()));
    return;
  }
  for (const Value::Entry& entry : outputs->entries) {
    if (const auto index = builder.Find(entry.value)) {
      ReadOutput(builder, entry.key, entry.at, *index);
    }
  }
}

}  // namespace

Shape ReadShape(const Value& value, bool may_be_open, const std::string& where,
                Diagnostics& diagnostics) {
  const auto wrong = [&]() -> Shape {
    diagnostics.Error(
        "NET-VALUE", value.at,
        fmt::format("{}: expected [features] or [channels, height, width]{}, with numbers from 1 "
                    "on, got {}",
                    where, may_be_open ? " (or [channels, any, any])" : "", value.Describe()));
    return {};
  };
  if (value.kind != Value::Kind::kList) return wrong();
  if (value.items.size() != 1 && value.items.size() != 3) return wrong();
  Shape shape;
  for (const Value& item : value.items) {
    if (item.kind == Value::Kind::kString && item.text == "any" && may_be_open && !shape.empty()) {
      shape.push_back(Side::Any());
    } else if (item.kind == Value::Kind::kInt && item.integer >= 1 &&
               item.integer <= kMostFeatures) {
      shape.push_back(Side::Fixed(item.integer));
    } else {
      return wrong();
    }
  }
  if (IsPicture(shape) && shape[1].IsFixed() != shape[2].IsFixed()) return wrong();
  return shape;
}

std::optional<int> ReadLayers(GraphBuilder& builder, const Value& list, std::optional<int> input,
                              bool may_have_names) {
  if (list.kind != Value::Kind::kList || list.items.empty()) {
    builder.Error("NET-VALUE", list.at,
                  fmt::format("layers: expected a list of layers, got {}", list.Describe()));
    return {};
  }
  std::optional<int> last = input;
  for (const Value& item : list.items) {
    if (builder.Full()) break;
    last = ReadLayer(builder, item, last, may_have_names);
  }
  return last;
}

LayerGraph ReadGraph(const std::string& name, const Value& value, Diagnostics& diagnostics) {
  GraphBuilder builder(diagnostics);
  builder.Graph().name = name;
  const int errors = diagnostics.ErrorCount();
  const std::vector<std::string> keys = {"inputs", "layers", "outputs"};
  if (value.kind != Value::Kind::kMap) {
    builder.Error(
        "NET-VALUE", value.at,
        fmt::format("graph {}: expected inputs and layers, got {}", name, value.Describe()));
    return {};
  }
  for (const Value::Entry& entry : value.entries) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) continue;
    builder.Error("NET-KEY", entry.at,
                  fmt::format("graph {}: unknown key {}{}", name, Quoted(entry.key),
                              Suggestion(entry.key, keys)));
  }
  const Value* inputs = value.Find("inputs");
  const Value* layers = value.Find("layers");
  if (inputs == nullptr || inputs->kind != Value::Kind::kMap || inputs->entries.empty() ||
      inputs->entries.size() > kMostPorts) {
    builder.Error("NET-VALUE", inputs == nullptr ? value.at : inputs->at,
                  fmt::format("graph {}: inputs must be {{NAME: dims}} with at most {} names", name,
                              kMostPorts));
    return {};
  }
  if (layers == nullptr) {
    builder.Error("NET-VALUE", value.at, fmt::format("graph {}: layers are missing", name));
    return {};
  }
  ReadInputs(builder, *inputs);
  const std::vector<int>& ports = builder.Graph().inputs;
  const auto first = ports.size() == 1 ? std::optional<int>(ports[0]) : std::nullopt;
  const auto last = ReadLayers(builder, *layers, first, true);
  // After "one too many" the rest was not read, and outputs would not be found.
  if (!builder.Full()) ReadOutputs(builder, value.Find("outputs"), last, value.at);
  if (diagnostics.ErrorCount() == errors) {
    builder.CheckUse();
    builder.CheckSides(layers->at);
  }
  return std::move(builder.Graph());
}

}  // namespace pixloom
