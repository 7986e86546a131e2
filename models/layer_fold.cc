// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "models/layer_list.h"

namespace pixloom {

namespace {

Tensor Copy(const Tensor& tensor) {
  Tensor copy(tensor.dims());
  std::copy_n(tensor.data(), tensor.size(), copy.data());
  return copy;
}

// How many layers and outputs read each layer.
std::vector<int> CountReaders(const LayerGraph& graph) {
  std::vector<int> readers(graph.layers.size());
  for (const Layer& layer : graph.layers) {
    for (const int input : layer.inputs) ++readers[static_cast<std::size_t>(input)];
  }
  for (const auto& [name, index] : graph.outputs) ++readers[static_cast<std::size_t>(index)];
  return readers;
}

bool CanTakeScale(LayerKind kind) {
  return kind == LayerKind::kConv || kind == LayerKind::kDeconv || kind == LayerKind::kDense;
}

// Which channel of the output a weight makes. Of a deconv, dims are [in, out / groups, k, k].
std::int64_t OutChannel(const Layer& layer, const Dims& dims, std::int64_t place) {
  const std::int64_t per_row = Elements(dims) / dims[0];
  if (layer.kind != LayerKind::kDeconv) return place / per_row;
  const std::int64_t row = place / per_row;  // channel of the input
  const std::int64_t group = row / (dims[0] / layer.groups);
  return group * dims[1] + place % per_row / (dims[2] * dims[3]);
}

void Fold(Layer& layer, const Layer& norm, Parameters& parameters) {
  const Tensor& gamma = parameters.at(norm.name + "_weight");
  const Tensor& beta = parameters.at(norm.name + "_bias");
  const Tensor& mean = parameters.at(norm.name + "_mean");
  const Tensor& var = parameters.at(norm.name + "_var");
  std::vector<double> scale;
  for (std::int64_t c = 0; c < layer.channels; ++c) {
    scale.push_back(gamma.data()[c] / std::sqrt(var.data()[c] + norm.epsilon));
  }
  Tensor& weight = parameters.at(layer.name + "_weight");
  for (std::int64_t i = 0; i < weight.size(); ++i) {
    const auto c = static_cast<std::size_t>(OutChannel(layer, weight.dims(), i));
    weight.data()[i] = static_cast<float>(weight.data()[i] * scale[c]);
  }
  if (!layer.bias) {
    Tensor zero({layer.channels});
    std::fill_n(zero.data(), zero.size(), 0.0f);
    parameters.insert_or_assign(layer.name + "_bias", std::move(zero));
    layer.bias = true;
  }
  Tensor& bias = parameters.at(layer.name + "_bias");
  for (std::int64_t c = 0; c < layer.channels; ++c) {
    const double centred = static_cast<double>(bias.data()[c]) - mean.data()[c];
    bias.data()[c] =
        static_cast<float>(centred * scale[static_cast<std::size_t>(c)] + beta.data()[c]);
  }
  for (const char* name : {"_weight", "_bias", "_mean", "_var"}) parameters.erase(norm.name + name);
}

}  // namespace

std::pair<LayerGraph, Parameters> FoldBatchNorm(const LayerGraph& graph,
                                                const Parameters& parameters) {
  LayerGraph out;
  out.name = graph.name;
  Parameters folded;
  for (const auto& [name, tensor] : parameters) folded.emplace(name, Copy(tensor));
  const std::vector<int> readers = CountReaders(graph);
  std::vector<int> moved;  // where each layer of `graph` is in `out`
  for (const Layer& layer : graph.layers) {
    if (layer.kind == LayerKind::kBatchNorm) {
      const auto before = static_cast<std::size_t>(layer.inputs[0]);
      Layer& target = out.layers[static_cast<std::size_t>(moved[before])];
      if (readers[before] == 1 && CanTakeScale(target.kind)) {
        Fold(target, layer, folded);
        moved.push_back(moved[before]);
        continue;
      }
    }
    moved.push_back(static_cast<int>(out.layers.size()));
    out.layers.push_back(layer);
    for (int& input : out.layers.back().inputs) input = moved[static_cast<std::size_t>(input)];
  }
  for (const int input : graph.inputs) {
    out.inputs.push_back(moved[static_cast<std::size_t>(input)]);
  }
  for (const auto& [name, index] : graph.outputs) {
    out.outputs.emplace_back(name, moved[static_cast<std::size_t>(index)]);
  }
  return {std::move(out), std::move(folded)};
}

}  // namespace pixloom
