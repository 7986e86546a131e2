// SPDX-License-Identifier: Apache-2.0
// Writes networks with inputs and the outputs of the float64 forward pass into a folder, for
// readers in other languages: network_samples FOLDER [LAYER_LIST.yaml...]. FOLDER/index.json names
// everything; arrays are raw floats (inputs, parameters) and doubles (outputs).
#include <cstdio>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/onnx_writer.h"
#include "models/torchscript_source.h"
#include "tests/models/small_networks.h"

namespace {

using namespace pixloom;
using Json = nlohmann::json;

constexpr std::int64_t kBatch = 3;

class Samples {
 public:
  explicit Samples(std::string folder) : folder_(std::move(folder)) {}

  void Add(const std::string& name, const LayerGraph& graph, const Parameters& parameters) {
    const std::vector<std::uint8_t> onnx = OnnxBytes(graph, parameters);
    Json entry{{"name", name}};
    entry["onnx"] = File(name + ".onnx", onnx.data(), onnx.size());
    const std::string source = TorchScriptSource(graph);
    entry["source"] = File(name + ".txt", source.data(), source.size());
    for (const Layer& layer : graph.layers) {
      for (const ParameterSpec& spec : ParametersOf(layer, graph.layers)) {
        const std::string key = layer.name + "_" + spec.name;
        const Tensor& tensor = parameters.at(key);
        entry["parameters"].push_back(
            {{"name", key},
             {"dims", tensor.dims()},
             {"buffer", spec.buffer},
             {"file", File(fmt::format("{}.{}.f32", name, key), tensor.data(),
                           static_cast<std::size_t>(tensor.size()) * sizeof(float))}});
      }
    }
    const std::int64_t side = std::max(16, graph.MultipleOf());
    const std::vector<Array> inputs = InputsOf(graph, kBatch, side);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::vector<float> floats(inputs[i].data.begin(), inputs[i].data.end());
      entry["inputs"].push_back({{"name", graph.At(graph.inputs[i]).name},
                                 {"dims", inputs[i].dims},
                                 {"file", File(fmt::format("{}.in{}.f32", name, i), floats.data(),
                                               floats.size() * sizeof(float))}});
    }
    const std::vector<Array> outputs = Forward(graph, parameters, inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      entry["outputs"].push_back(
          {{"name", graph.outputs[i].first},
           {"dims", outputs[i].dims},
           {"file", File(fmt::format("{}.out{}.f64", name, i), outputs[i].data.data(),
                         outputs[i].data.size() * sizeof(double))}});
    }
    index_.push_back(entry);
  }

  void Finish() {
    const std::string text = index_.dump(1);
    File("index.json", text.data(), text.size());
  }

 private:
  std::string File(const std::string& name, const void* bytes, std::size_t size) const {
    std::ofstream out(folder_ + "/" + name, std::ios::binary);
    out.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
    if (!out.flush()) throw EnvironmentError("cannot write " + name);
    return name;
  }

  std::string folder_;
  Json index_ = Json::array();
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: network_samples FOLDER [LAYER_LIST.yaml...]\n", stderr);
    return 2;
  }
  try {
    Samples samples(argv[1]);
    for (const SmallNetwork& network : SmallNetworks()) {
      const LayerGraph& graph = network.Graph();
      samples.Add(network.list.name, graph, network.parameters.at(graph.name));
    }
    for (int i = 2; i < argc; ++i) {
      Diagnostics diagnostics;
      const auto list = LoadLayerList(argv[i], diagnostics);
      if (!list) throw ConfigError(diagnostics);
      for (const LayerGraph& graph : list->graphs) {
        samples.Add(list->name + "." + graph.name, graph,
                    DrawParameters(*list, graph, 1, WeightDraw::kTest));
      }
    }
    samples.Finish();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
