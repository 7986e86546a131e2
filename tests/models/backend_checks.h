// SPDX-License-Identifier: Apache-2.0
// What every backend that runs ONNX must do. The networks are tiny and their results are worked out
// in double precision by loops of three lines each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/models/plugin_host.h"

namespace pixloom {

// Input x {any, 3, any, any}. Outputs: y = x + conv2(leaky(conv1(x))) and scores {any, 2} =
// dense(mean over the picture of leaky(conv1(x))).
std::string SmallNetwork();
std::vector<Numbers> SmallNetworkResults(const Numbers& input);

// Inputs a and b {any, 4}; output c = 2 * a - b.
std::string TwoInputs();

// Input z {any, 6, any, any}; output: tanh(batch norm(transposed conv)), which OpenCV 4.6 gets
// wrong when one network sees another batch size.
std::string DeconvNetwork();
Numbers DeconvResult(const Numbers& input);

Numbers DrawNumbers(const std::vector<std::int64_t>& dims, std::uint64_t seed);
double LargestDifference(const Numbers& a, const Numbers& b);  // inf where sizes differ

// A file in a temporary folder that goes when the test ends.
class ModelFile {
 public:
  explicit ModelFile(const std::string& bytes);
  ~ModelFile();
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;
  void Write(const std::string& bytes) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// doctest checks, each for a plugin that is there.
void CheckPortsAndNumbers(const PluginHost& host);
void CheckBatches(const PluginHost& host);
void CheckOrderOfPorts(const PluginHost& host);
void CheckRefusals(const PluginHost& host);
void CheckDamagedFiles(const PluginHost& host);

}  // namespace pixloom
