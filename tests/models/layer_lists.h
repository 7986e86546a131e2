// SPDX-License-Identifier: Apache-2.0
// Short layer lists for tests.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/layer_list.h"
#include "pipeline/config.h"
#include "pipeline/rng.h"

namespace pixloom {

inline std::optional<LayerList> Parse(const std::string& text, Diagnostics& diagnostics) {
  Variables variables;
  variables.use_environment = false;
  const auto document = ParseYaml(text, "net.yaml", variables, diagnostics);
  return document ? ParseLayerList(*document, diagnostics) : std::nullopt;
}

// One graph `main`; `inputs` as a flow mapping, `layers` as lines of a list at the left margin.
inline std::string Text(const std::string& inputs, const std::string& layers,
                        const std::string& outputs = "") {
  std::string text = "network: n\ngraphs:\n  main:\n    inputs: " + inputs + "\n";
  if (!outputs.empty()) text += "    outputs: " + outputs + "\n";
  text += "    layers:\n";
  for (std::size_t from = 0; from < layers.size();) {
    const std::size_t end = layers.find('\n', from);
    text += "      " + layers.substr(from, end - from) + "\n";
    if (end == std::string::npos) break;
    from = end + 1;
  }
  return text;
}

inline std::string Messages(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& found : diagnostics.All()) text += found.Text() + "\n";
  return text;
}

inline LayerGraph Graph(const std::string& inputs, const std::string& layers,
                        const std::string& outputs = "") {
  Diagnostics diagnostics;
  const auto list = Parse(Text(inputs, layers, outputs), diagnostics);
  REQUIRE_MESSAGE(list, Messages(diagnostics));
  return list->graphs.at(0);
}

// Parameters that all have an effect.
inline Parameters Drawn(const LayerGraph& graph, std::uint64_t seed = 1) {
  LayerList list;
  list.weights = "he";
  return DrawParameters(list, graph, seed, WeightDraw::kTest);
}

// Uniform in [-1, 1); open sides are `side`.
inline std::vector<Array> Inputs(const LayerGraph& graph, std::int64_t side, std::int64_t batch) {
  std::vector<Array> inputs;
  for (const int index : graph.inputs) {
    Array& array = inputs.emplace_back();
    array.dims = {batch};
    for (const Side& s : graph.At(index).shape) array.dims.push_back(s.Of(side));
    Rng rng({.key = 3, .id = static_cast<std::uint64_t>(index), .stream = 0});
    for (std::int64_t i = 0; i < Elements(array.dims); ++i) {
      array.data.push_back(rng.Uniform("", -1, 1));
    }
  }
  return inputs;
}

}  // namespace pixloom
