// SPDX-License-Identifier: Apache-2.0
// network_dump LIST.yaml FOLDER SIDE: every graph of a layer list with drawn parameters and inputs
// (open sides: SIDE), and what Forward makes of them, with batch normalisation as it is and folded.
// FOLDER/numbers.json says where in FOLDER/numbers.f64 each array is. For layer_torch_test.py.
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "models/layer_list.h"
#include "pipeline/config.h"
#include "pipeline/rng.h"

namespace pixloom {
namespace {

void Set(Value& map, const char* key, Value value) {
  Value::Entry& entry = map.entries.emplace_back();
  entry.key = key;
  entry.value = std::move(value);
}

class Numbers {
 public:
  explicit Numbers(const std::string& folder) : file_(folder + "/numbers.f64", std::ios::binary) {}

  Value Add(const std::string& name, const Dims& dims, const std::vector<double>& data) {
    file_.write(reinterpret_cast<const char*>(data.data()),
                static_cast<std::streamsize>(data.size() * sizeof(double)));
    std::vector<Value> sizes;
    for (const std::int64_t d : dims) sizes.push_back(Value::Int(d));
    Value entry = Value::Map({});
    Set(entry, "name", Value::String(name, {}));
    Set(entry, "dims", Value::List(std::move(sizes)));
    Set(entry, "start", Value::Int(count_));
    count_ += static_cast<std::int64_t>(data.size());
    return entry;
  }

 private:
  std::ofstream file_;
  std::int64_t count_ = 0;
};

Value Outputs(Numbers& numbers, const LayerGraph& graph, const std::vector<Array>& outputs) {
  std::vector<Value> list;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    list.push_back(numbers.Add(graph.outputs[i].first, outputs[i].dims, outputs[i].data));
  }
  return Value::List(std::move(list));
}

Value Dump(const LayerList& list, const LayerGraph& graph, std::int64_t side, Numbers& numbers) {
  const Parameters parameters = DrawParameters(list, graph, 7, WeightDraw::kTest);
  std::vector<Value> drawn, given;
  for (const auto& [name, tensor] : parameters) {
    drawn.push_back(
        numbers.Add(name, tensor.dims(), {tensor.data(), tensor.data() + tensor.size()}));
  }
  std::vector<Array> inputs;
  for (const int index : graph.inputs) {
    const Layer& layer = graph.At(index);
    Array array;
    array.dims = {3};
    for (const Side& s : layer.shape) array.dims.push_back(s.Of(side));
    Rng rng({.key = 11, .id = StreamId(layer.name), .stream = 0});
    for (std::int64_t i = 0; i < Elements(array.dims); ++i) {
      array.data.push_back(rng.Uniform("", -1, 1));
    }
    given.push_back(numbers.Add(layer.name, array.dims, array.data));
    inputs.push_back(std::move(array));
  }
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Array> outputs = Forward(graph, parameters, inputs);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const auto [folded, merged] = FoldBatchNorm(graph, parameters);
  Value dump = Value::Map({});
  Set(dump, "name", Value::String(graph.name, {}));
  Set(dump, "seconds", Value::Float(took.count()));
  Set(dump, "layers", Value::Int(static_cast<std::int64_t>(graph.layers.size())));
  Set(dump, "layers_folded", Value::Int(static_cast<std::int64_t>(folded.layers.size())));
  Set(dump, "parameters", Value::List(std::move(drawn)));
  Set(dump, "inputs", Value::List(std::move(given)));
  Set(dump, "outputs", Outputs(numbers, graph, outputs));
  Set(dump, "folded", Outputs(numbers, graph, Forward(folded, merged, inputs)));
  return dump;
}

int Main(const std::string& path, const std::string& folder, std::int64_t side) {
  Diagnostics diagnostics;
  const auto list = LoadLayerList(path, diagnostics);
  for (const Diagnostic& found : diagnostics.All()) {
    std::fprintf(stderr, "%s\n", found.Text().c_str());
  }
  if (!list) return kExitConfig;
  Numbers numbers(folder);
  std::vector<Value> graphs;
  for (const LayerGraph& graph : list->graphs) graphs.push_back(Dump(*list, graph, side, numbers));
  std::ofstream(folder + "/numbers.json") << ToJson(Value::List(std::move(graphs)));
  return kExitOk;
}

}  // namespace
}  // namespace pixloom

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "network_dump LIST.yaml FOLDER SIDE\n");
    return 2;
  }
  try {
    return pixloom::Main(argv[1], argv[2], std::stoll(argv[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 70;
  }
}
