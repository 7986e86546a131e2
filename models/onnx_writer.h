// SPDX-License-Identifier: Apache-2.0
// A layer graph as an ONNX file: opset 11, batch normalisation folded, dynamic batch and, where the
// list leaves them open, sizes. Inputs and outputs are found by name; inputs may stand in another
// order. Written by hand: no protobuf library, so none can clash with that of a backend. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "models/layer_list.h"

namespace pixloom {

std::vector<std::uint8_t> OnnxBytes(const LayerGraph& graph, const Parameters& parameters);

}  // namespace pixloom
