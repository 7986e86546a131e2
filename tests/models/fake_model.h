// SPDX-License-Identifier: Apache-2.0
// A model on disk for the fake backends, and what tests say about it.
#pragma once

#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "models/network.h"
#include "models/self_check.h"
#include "tests/models/fake_backend.h"

namespace pixloom::testing {

namespace fs = std::filesystem;

// A folder with net.yaml for an enhancer whose graph is "y = 3 x".
struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "network_test.XXXXXX").string();
    path = mkdtemp(name.data());
    std::ofstream(path / "net.onnx") << "no graph, the backend is fake";
    manifest.name = "net";
    GraphFile& graph = manifest.graphs["main"];
    graph.files["onnx"] = "net.onnx";
    graph.hashes["onnx"] = HashFile((path / "net.onnx").string());
    graph.inputs = {{"x", {3, -1, -1}}};
    graph.outputs = {{"y", {3, -1, -1}}};
    GraphCheck& check = graph.check.emplace();
    check.sizes["x"] = {3, 4, 5};
    std::vector<double> values;
    for (std::int64_t n = 0; n < check.batch; ++n) {
      std::vector<float> item(60);
      DrawCheckInput(check.seed, "x", n, item);
      for (const float x : item) values.push_back(3.0 * x);
    }
    check.outputs["y"] = Summarise(check.seed, "y", values);
  }
  ~Folder() { fs::remove_all(path); }
  GraphFile& Main() { return manifest.graphs["main"]; }
  std::string Write(const std::string& name = "net.yaml") const {
    std::ofstream(path / name) << ManifestText(manifest);
    return (path / name).string();
  }
  fs::path path;
  Manifest manifest;
};

// By fakes alone: plugins that happen to be there have no say.
inline ModelChoice Fake(int n, const std::string& device = "cpu") {
  ModelChoice choice;
  choice.backend = "fake" + std::to_string(n);
  choice.device = device;
  return choice;
}

struct Rejection {
  std::string code, text;
};

inline Rejection Rejected(const std::string& path, const ModelChoice& choice) {
  try {
    LoadModel(path, choice);
  } catch (const ModelRejectedError& error) {
    return {error.Code(), error.what()};
  }
  return {};
}

inline bool Has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  MESSAGE(text);
  return false;
}

inline Result<std::vector<Tensor>, RunFailure> RunOnes(Network& network, std::int64_t batch = 2) {
  std::vector<Tensor> inputs;
  inputs.push_back(network.NewInput({batch, 3, 4, 5}));
  std::fill_n(inputs[0].data(), inputs[0].size(), 1.0f);
  return network.Run(inputs);
}

}  // namespace pixloom::testing
