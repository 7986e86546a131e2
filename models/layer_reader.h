// SPDX-License-Identifier: Apache-2.0
// The language of layer lists.
//
//   document = {network: NAME, about?, weights?: he | dcgan, graphs: {NAME: graph}, manifest?}
//   graph    = {inputs: {NAME: dims}, layers: [layer+], outputs?: {NAME: LAYER}}
//   dims     = [FEATURES] | [CHANNELS, HEIGHT, WIDTH] | [CHANNELS, any, any]
//   layer    = VERB | {VERB: args, name?: NAME, from?: LAYER}
//   args     = scalar or list (the primary attribute) | mapping
//
//   conv, deconv      channels, kernel, stride = 1, padding = 0 | same, dilation = 1, groups = 1,
//                     bias = true, deviation; deconv also output_padding = 0. `same`: as many on
//                     both sides as keep the size at stride 1 (conv), or multiply it by the stride
//                     (deconv). deviation: of the weights that training begins with
//   dense             features, bias = true, deviation
//   embedding         features: a one-hot input times a matrix
//   batch_norm        epsilon = 1e-5
//   relu, sigmoid, tanh, softplus, softmax; leaky_relu: alpha = 0.01; elu: alpha = 1
//   max_pool, avg_pool    kernel, stride = kernel, padding = 0
//   global_pool, flatten, reshape: dims, pixel_shuffle: factor
//   upsample          factor, mode = nearest | bilinear
//   concat, add, mul  a list of layers, or one that goes with the layer before
//   residual          layers; what they make is added to what they read
//   repeat            times, layers (which cannot have names)
//   lstm_cell         features, state = h, cell = c: reads these and makes NAME_h and NAME_c
//   conv_lstm_cell    channels, kernel = 3, state = h, cell = c: the same with convolutions
//
// A layer reads the one before it, or `from`; the first one the only input. Names that are not
// given are VERB_N, counted from 1 in each graph. Without `outputs` the last layer goes out as
// `out`.
#pragma once

#include <string>

#include "models/layer_builder.h"
#include "models/layer_list.h"

namespace pixloom {

// A layer as written, before its verb is looked at.
struct LayerSpec {
  std::string verb;
  Position at;
  const Value* args = nullptr;
  std::string name;  // "": none given
  const Value* from = nullptr;
  std::optional<int> input;  // what it reads; none: there is no layer before it
};

// Reads layers in order, the first from `input`. Returns the last, or nothing when there is none.
std::optional<int> ReadLayers(GraphBuilder& builder, const Value& list, std::optional<int> input,
                              bool may_have_names);

// One layer by its verb (layer_verbs.cc); the index of what it made.
int ReadVerb(GraphBuilder& builder, const LayerSpec& spec, bool may_have_names);
const std::vector<std::string>& LayerVerbs();

// {FEATURES}, {CHANNELS, HEIGHT, WIDTH}; empty when it is neither, which was reported.
Shape ReadShape(const Value& value, bool may_be_open, const std::string& where,
                Diagnostics& diagnostics);

LayerGraph ReadGraph(const std::string& name, const Value& value, Diagnostics& diagnostics);

}  // namespace pixloom
