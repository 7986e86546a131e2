// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include <xxhash.h>

#include "models/layer_list.h"
#include "pipeline/rng.h"

namespace pixloom {

namespace {

std::uint64_t HashText(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

// Every draw takes a fixed number of words, so that a value's place tells which.
Rng Stream(std::uint64_t seed, const std::string& graph, const std::string& layer,
           const std::string& parameter) {
  return Rng({.key = HashCombine(HashCombine(0x77656967687473u, seed), HashText(graph)),
              .id = HashText(layer),
              .stream = StreamId(parameter)});
}

void FillNormal(Tensor& tensor, Rng rng, double mean, double deviation) {
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    tensor.data()[i] = static_cast<float>(rng.Normal("", mean, deviation));
  }
}

void FillUniform(Tensor& tensor, Rng rng, double lo, double hi) {
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    tensor.data()[i] = static_cast<float>(rng.Uniform("", lo, hi));
  }
}

void Fill(Tensor& tensor, double value) {
  std::fill_n(tensor.data(), tensor.size(), static_cast<float>(value));
}

// How much an activation takes away, to be made up for (He et al. 2015).
double Gain(const Layer& activation) {
  switch (activation.activation) {
    case Activation::kRelu:
    case Activation::kElu:
    case Activation::kSoftplus:
      return std::sqrt(2.0);
    case Activation::kLeakyRelu:
      return std::sqrt(2.0 / (1 + activation.alpha * activation.alpha));
    default:
      return 1;
  }
}

// Of the first activation that reads the layer, batch normalisation between them or not.
double GainAfter(const LayerGraph& graph, int index) {
  for (std::size_t i = static_cast<std::size_t>(index) + 1; i < graph.layers.size(); ++i) {
    const Layer& reader = graph.layers[i];
    if (std::find(reader.inputs.begin(), reader.inputs.end(), index) == reader.inputs.end()) {
      continue;
    }
    if (reader.kind == LayerKind::kActivation) return Gain(reader);
    if (reader.kind == LayerKind::kBatchNorm) return GainAfter(graph, static_cast<int>(i));
  }
  return 1;
}

// Products that add up in one number of the output.
double FanIn(const Layer& layer, const Dims& weight) {
  const auto of = [&](std::size_t i) { return static_cast<double>(weight[i]); };
  if (layer.kind == LayerKind::kDense) return of(1);
  if (layer.kind == LayerKind::kConv) return of(1) * of(2) * of(3);
  // A px of the output is reached by one place of the kernel in stride x stride.
  const auto step = static_cast<double>(layer.stride * layer.stride);
  return std::max(1.0, of(0) / static_cast<double>(layer.groups) * of(2) * of(3) / step);
}

struct Drawer {
  const LayerList& list;
  const LayerGraph& graph;
  std::uint64_t seed;
  WeightDraw draw;

  void BatchNorm(Tensor& tensor, const std::string& name, Rng rng) const {
    if (draw == WeightDraw::kTest) {
      if (name == "weight" || name == "var") FillUniform(tensor, rng, 0.5, 1.5);
      if (name == "bias" || name == "mean") FillNormal(tensor, rng, 0, 0.2);
    } else if (name == "weight" && list.weights == "dcgan") {
      FillNormal(tensor, rng, 1, 0.02);
    } else {
      Fill(tensor, name == "weight" || name == "var" ? 1 : 0);
    }
  }

  double Deviation(const Layer& layer, int index, const Dims& weight) const {
    if (draw == WeightDraw::kTraining) {
      if (layer.deviation) return *layer.deviation;
      if (list.weights == "dcgan") return 0.02;
    }
    return GainAfter(graph, index) / std::sqrt(FanIn(layer, weight));
  }

  Tensor Draw(const Layer& layer, int index, const ParameterSpec& spec) const {
    Tensor tensor(spec.dims);
    const Rng rng = Stream(seed, graph.name, layer.name, spec.name);
    if (layer.kind == LayerKind::kBatchNorm) {
      BatchNorm(tensor, spec.name, rng);
    } else if (spec.name == "weight") {
      FillNormal(tensor, rng, 0, Deviation(layer, index, spec.dims));
    } else if (draw == WeightDraw::kTest) {
      FillNormal(tensor, rng, layer.bias_start, 0.1);
    } else {
      Fill(tensor, layer.bias_start);
    }
    return tensor;
  }
};

}  // namespace

Parameters DrawParameters(const LayerList& list, const LayerGraph& graph, std::uint64_t seed,
                          WeightDraw draw) {
  const Drawer drawer{list, graph, seed, draw};
  Parameters parameters;
  for (std::size_t i = 0; i < graph.layers.size(); ++i) {
    const Layer& layer = graph.layers[i];
    for (const ParameterSpec& spec : ParametersOf(layer, graph.layers)) {
      parameters.emplace(layer.name + "_" + spec.name,
                         drawer.Draw(layer, static_cast<int>(i), spec));
    }
  }
  return parameters;
}

}  // namespace pixloom
