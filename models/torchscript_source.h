// SPDX-License-Identifier: Apache-2.0
// A layer graph as the source text of a TorchScript module: method `forward`, parameters and
// buffers as attributes, batch normalisation by running statistics unless `self.training`. The
// libtorch backend makes a module of it (plugin_abi.h, "write-torchscript/1"). Pure.
#pragma once

#include <string>

#include "models/layer_list.h"

namespace pixloom {

std::string TorchScriptSource(const LayerGraph& graph);

}  // namespace pixloom
