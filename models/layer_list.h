// SPDX-License-Identifier: Apache-2.0
// Layer lists: a network as YAML becomes a list of simple layers whose shapes are known.
//
// Composite layers (residual, lstm_cell, conv_lstm_cell, embedding) are taken apart while reading:
// what follows (ONNX, TorchScript, the float64 forward pass, training) knows only the kinds below.
// docs/models.md lists the verbs, models/layer_reader.h has the grammar. Plain values; functions
// are pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/tensor.h"
#include "pipeline/error.h"
#include "pipeline/value.h"

namespace pixloom {

// A side of a picture while the picture may have any size: size * num / den + add. A fixed size has
// num = 0 and stands in add.
struct Side {
  std::int64_t num = 0, den = 1, add = 0;
  static Side Fixed(std::int64_t size) { return {0, 1, size}; }
  static Side Any() { return {1, 1, 0}; }
  bool IsFixed() const { return num == 0; }
  std::int64_t Of(std::int64_t size) const { return size * num / den + add; }
  bool operator==(const Side&) const = default;
};

// Of one item, the batch apart: {features}, or {channels, height, width}.
using Shape = std::vector<Side>;
std::string ShapeText(const Shape& shape);  // "3x?x?", "16x?/2x?/2"
Dims ShapeDims(const Shape& shape);         // -1 where any size goes

enum class LayerKind {
  kInput,
  kConv,       // weight [out, in / groups, k, k], bias [out]
  kDeconv,     // weight [in, out / groups, k, k], bias [out]
  kDense,      // weight [out, in], bias [out]
  kBatchNorm,  // weight, bias, mean, var, each [channels]; of pictures and of features
  kActivation,
  kMaxPool,
  kAvgPool,       // padding is not counted
  kGlobalPool,    // mean over the picture: {channels}
  kUpsample,      // factor; nearest or bilinear (half-pixel centres)
  kPixelShuffle,  // factor; channels as PyTorch orders them
  kReshape,       // to a fixed shape
  kConcat,        // along channels or features
  kAdd,
  kMul,
};

enum class Activation {
  kRelu,
  kLeakyRelu,  // alpha
  kElu,        // alpha
  kSigmoid,
  kTanh,
  kSoftplus,
  kSoftmax,  // over features
};

struct Layer {
  LayerKind kind = LayerKind::kInput;
  // Unique in its graph, and no parameter is called so: [A-Za-z_][A-Za-z0-9_]*. May be a keyword of
  // some other language ("class").
  std::string name;
  std::vector<int> inputs{};  // indices of earlier layers
  Shape shape{};              // of its output
  Position at{};

  std::int64_t channels = 0;  // conv, deconv, dense: of the output
  std::int64_t kernel = 1, stride = 1, padding = 0;
  std::int64_t output_padding = 0, dilation = 1, groups = 1;
  bool bias = true;
  double bias_start = 0;              // what training begins with: 1 for the forget gate of a cell
  std::optional<double> deviation{};  // of weights that training begins with; none: the list's rule
  double epsilon = 1e-5;              // batch_norm
  Activation activation = Activation::kRelu;
  double alpha = 0.01;
  std::int64_t factor = 2;
  bool bilinear = false;
};

// One parameter of a layer: its name in the graph is LAYER + "_" + name ("conv1_weight").
struct ParameterSpec {
  std::string name;
  Dims dims;
  bool buffer = false;  // running statistics: not trained by the optimiser
};
std::vector<ParameterSpec> ParametersOf(const Layer& layer, const std::vector<Layer>& layers);

struct LayerGraph {
  std::string name;  // "main", "encoder", ...
  std::vector<Layer> layers;
  std::vector<int> inputs;  // layers of kind kInput, in order
  // Name, layer. One layer may go out under two names; no input does, and an output that has the
  // name of a layer is that layer.
  std::vector<std::pair<std::string, int>> outputs;

  const Layer& At(int index) const { return layers[static_cast<std::size_t>(index)]; }
  // px of the first input that one output pixel depends on, on each side; nullopt: everything
  // (a dense layer or a global pool mixes the whole picture).
  std::optional<int> Radius() const;
  // The first input's sides must be multiples of this, where they are not fixed.
  int MultipleOf() const;
  // How much larger the first output is than the first input, where neither is fixed; 0: it is not.
  int Scale() const;
  // The least side of the first input that leaves every layer a pixel, a multiple of MultipleOf.
  int Least() const;
};

struct LayerList {
  std::string name;
  std::string about;
  std::string weights;  // how they are drawn: "he" (default) or "dcgan"
  std::vector<LayerGraph> graphs;
  Value manifest;  // what the manifest says beside graphs: role, picture, output, ... (may be null)

  const LayerGraph* Find(std::string_view graph) const;
};

// Everything that is wrong goes to `diagnostics` with its place ("NET-SHAPE", "NET-LAYER", ...);
// nullopt exactly when something was.
std::optional<LayerList> ParseLayerList(const Value& document, Diagnostics& diagnostics);
std::optional<LayerList> LoadLayerList(const std::string& path, Diagnostics& diagnostics);

// ---- Weights ------------------------------------------------------------------------------------

// Parameters of one graph by their name in it ("conv1_weight").
using Parameters = std::map<std::string, Tensor>;

enum class WeightDraw {
  kTraining,  // where training begins: batch_norm does nothing yet
  kTest,  // every parameter has an effect, statistics of batch_norm too; outputs stay of order 1
};

// Keyed by seed, graph, layer, parameter and place: no draw depends on another.
Parameters DrawParameters(const LayerList& list, const LayerGraph& graph, std::uint64_t seed,
                          WeightDraw draw);

// The same function with batch normalisation folded into the conv, deconv or dense layer before it,
// where that is all that reads the layer; elsewhere it stays. Layers keep their names.
std::pair<LayerGraph, Parameters> FoldBatchNorm(const LayerGraph& graph,
                                                const Parameters& parameters);

// ---- Forward pass -------------------------------------------------------------------------------

// In double precision, layer by layer as the textbook has it: what every backend is compared with.
struct Array {
  Dims dims;  // the batch first
  std::vector<double> data;
};
std::vector<Array> Forward(const LayerGraph& graph, const Parameters& parameters,
                           const std::vector<Array>& inputs);

}  // namespace pixloom
