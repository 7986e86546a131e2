// SPDX-License-Identifier: Apache-2.0
// From a layer list and parameters to files that LoadModel reads: NAME.GRAPH.onnx, NAME.GRAPH.pt
// where the libtorch backend is there, and the manifest NAME.yaml with its checks, worked out by
// the float64 forward pass.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/layer_list.h"
#include "models/manifest.h"

namespace pixloom {

struct NetworkFiles {
  std::string manifest;            // path
  std::vector<std::string> files;  // all that were written
  std::vector<std::string> notes;  // "no TorchScript: backend libtorch is not there (...)"
};

// `parameters` by graph. Everything is written beside its place and renamed. Throws ConfigError
// (the manifest part of the list is wrong) or EnvironmentError.
NetworkFiles WriteNetwork(const LayerList& list,
                          const std::map<std::string, Parameters>& parameters,
                          const std::string& folder, bool torchscript = true);

// What the list says about the manifest, completed by what its graphs tell: ports, scale, overlap,
// multiple_of. Hashes and checks are left open.
Manifest DescribeNetwork(const LayerList& list, Diagnostics& diagnostics);

}  // namespace pixloom
