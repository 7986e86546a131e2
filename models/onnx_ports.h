// SPDX-License-Identifier: Apache-2.0
// What an ONNX file says about itself, read without a protobuf library: names and shapes of inputs
// and outputs, and whether it is whole.
//
// Every length is compared with the bytes that are there, so that any bytes at all may be given.
// Backends look here first: their own parsers trust the file, and weights that are cut off or a
// stride of 0 end the process. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/plugin.h"

namespace pixloom {

struct OnnxPorts {
  std::vector<plugin::Port> inputs, outputs;  // inputs without those that are weights
  std::int64_t opset = 0;
};

// Throws plugin::Error(PIXLOOM_BAD_MODEL): damaged, no ONNX, weights cut off, a node that reads
// what nobody makes, a port that holds no float32.
OnnxPorts ReadOnnxPorts(std::span<const std::uint8_t> file);

// The whole file. Throws plugin::Error(PIXLOOM_BAD_MODEL).
std::vector<std::uint8_t> ReadModelFile(const std::string& path);

// `there` in the order of `names` (all, where that is empty). `what` is "input" or "output".
// Throws plugin::Error(PIXLOOM_BAD_SHAPE) for a name that is not there; inputs must all be named.
std::vector<plugin::Port> ChoosePorts(const std::vector<plugin::Port>& there,
                                      const std::vector<std::string>& names,
                                      const std::string& what);

// Throws plugin::Error(PIXLOOM_BAD_SHAPE) unless the tensors fit: number, dimensions, fixed sizes.
void CheckInputs(const std::vector<plugin::Port>& ports, std::span<const plugin::Tensor> tensors);

std::string SizesText(std::span<const std::int64_t> dims);  // "?x3x32x32"

}  // namespace pixloom
