// SPDX-License-Identifier: Apache-2.0
#include "models/layer_builder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "models/layer_shapes.h"

namespace pixloom {

bool IsLayerName(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && name.size() <= 64 && letter(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void GraphBuilder::Error(std::string code, const Position& at, std::string text) {
  diagnostics_.Error(std::move(code), at, std::move(text));
}

std::string GraphBuilder::FreeName(const std::string& verb) {
  for (;;) {
    std::string name = fmt::format("{}_{}", verb, ++counts_[verb]);
    if (!names_.contains(name) && !parameter_names_.contains(name)) return name;
  }
}

bool GraphBuilder::CheckName(const std::string& name, const Position& at) {
  if (!IsLayerName(name)) {
    Error("NET-NAME", at,
          fmt::format("{} cannot be a name: letters, digits and _, not a digit first, at most 64",
                      Quoted(name)));
    return false;
  }
  if (const auto owner = parameter_names_.find(name); owner != parameter_names_.end()) {
    Error("NET-NAME", at,
          fmt::format("'{}' is what a parameter of layer '{}' is called; choose another name", name,
                      owner->second));
    return false;
  }
  return true;
}

int GraphBuilder::Add(Layer layer) {
  const int index = static_cast<int>(graph_.layers.size());
  if (graph_.layers.size() == kMostLayers && !full_) {
    full_ = true;
    Error("NET-VALUE", layer.at, fmt::format("a graph has at most {} layers", kMostLayers));
  }
  std::vector<Shape> shapes;
  for (const int input : layer.inputs) shapes.push_back(ShapeOfLayer(input));
  const bool known = std::none_of(shapes.begin(), shapes.end(), [](auto& s) { return s.empty(); });
  Result<Shape, std::string> shape = known ? ShapeOf(layer, shapes) : Shape{};
  if (shape) {
    layer.shape = *shape;
  } else {
    layer.shape.clear();
    Error("NET-SHAPE", layer.at, shape.Error());
  }
  names_[layer.name] = index;
  graph_.layers.push_back(std::move(layer));
  const Layer& added = graph_.layers.back();
  if (!known) return index;
  const bool within = parameters_ <= kMostParameters;
  Layer biased = added;  // as it may become by folding
  biased.bias = true;
  for (const ParameterSpec& spec : ParametersOf(biased, graph_.layers)) {
    parameters_ += Elements(spec.dims);
    const std::string name = added.name + "_" + spec.name;
    parameter_names_[name] = added.name;
    if (!names_.contains(name)) continue;
    Error("NET-NAME", added.at,
          fmt::format("a parameter of layer '{}' would be called '{}', which is a layer; choose "
                      "another name for one of them",
                      added.name, name));
  }
  if (within && parameters_ > kMostParameters) {
    full_ = true;
    Error("NET-VALUE", added.at,
          fmt::format("a graph has at most {} million parameters", kMostParameters / 1'000'000));
  }
  return index;
}

int GraphBuilder::AddUnknown(const std::string& name, const Position& at) {
  const int index = static_cast<int>(graph_.layers.size());
  Layer layer;
  layer.name = name;
  layer.at = at;
  if (!name.empty()) names_[name] = index;
  graph_.layers.push_back(std::move(layer));
  return index;
}

const int* GraphBuilder::Find(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

std::optional<int> GraphBuilder::Find(const Value& reference) {
  if (reference.kind != Value::Kind::kString) {
    Error("NET-NAME", reference.at,
          fmt::format("expected the name of a layer, got {}", reference.Describe()));
    return {};
  }
  if (const int* index = Find(reference.text)) return *index;
  std::vector<std::string> known;
  for (const auto& [name, index] : names_) known.push_back(name);
  Error("NET-NAME", reference.at,
        fmt::format("no layer before this one is called {}{}", Quoted(reference.text),
                    Suggestion(reference.text, known)));
  return {};
}

void GraphBuilder::CheckUse() {
  std::vector<bool> used(graph_.layers.size());
  for (const auto& [name, index] : graph_.outputs) used[static_cast<std::size_t>(index)] = true;
  for (std::size_t i = graph_.layers.size(); i-- > 0;) {
    const Layer& layer = graph_.layers[i];
    if (!used[i]) {
      Error("NET-NAME", layer.at,
            fmt::format("no output needs {} '{}'; read it, make it an output or take it out",
                        layer.kind == LayerKind::kInput ? "input" : "layer", layer.name));
    }
    // Of a chain that leads nowhere only the end is reported.
    for (const int input : layer.inputs) used[static_cast<std::size_t>(input)] = true;
  }
}

void GraphBuilder::CheckSides(const Position& at) {
  const int multiple = graph_.MultipleOf();
  if (multiple > kMostMultiple) {
    Error("NET-SHAPE", at,
          fmt::format("sides would have to be multiples of {} px; at most {}, or give fixed sizes",
                      multiple, kMostMultiple));
  } else if (graph_.Least() > (1 << 16)) {
    Error("NET-SHAPE", at, "no picture is large enough to leave something; give fixed sizes");
  }
}

}  // namespace pixloom
