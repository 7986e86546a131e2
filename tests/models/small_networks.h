// SPDX-License-Identifier: Apache-2.0
// Small networks that between them have every kind of layer, put together by hand; each can be
// written with a manifest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/layer_list.h"

namespace pixloom {

// Of one graph.
struct SmallNetwork {
  LayerList list;
  std::map<std::string, Parameters> parameters;  // by graph
  const LayerGraph& Graph() const { return list.graphs.front(); }
};

std::vector<SmallNetwork> SmallNetworks();

// Numbers in [-1, 1) that depend on the three arguments and their place alone.
Array DrawnArray(std::uint64_t seed, const std::string& name, Dims dims);

// Inputs for `batch` items; a side that may be anything becomes `side`. Item n does not depend on
// the batch.
std::vector<Array> InputsOf(const LayerGraph& graph, std::int64_t batch, std::int64_t side);

}  // namespace pixloom
