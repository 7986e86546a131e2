// SPDX-License-Identifier: Apache-2.0
// Networks from their layer lists to results, with every backend that is there.
#include <stdlib.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "models/backends.h"
#include "models/network.h"
#include "models/network_files.h"
#include "models/self_check.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;

struct Written {
  explicit Written(const std::string& name) {
    std::string pattern = (fs::temp_directory_path() / "load_networks.XXXXXX").string();
    folder = mkdtemp(pattern.data());
    Diagnostics diagnostics;
    const std::string path = "configs/networks/" + name + ".yaml";
    list = LoadLayerList(path, diagnostics);
    REQUIRE_MESSAGE(list.has_value(), path);
    for (const LayerGraph& graph : list->graphs) {
      parameters[graph.name] = DrawParameters(*list, graph, 5, WeightDraw::kTest);
    }
    files = WriteNetwork(*list, parameters, folder.string());
  }
  ~Written() { fs::remove_all(folder); }
  fs::path folder;
  std::optional<LayerList> list;
  std::map<std::string, Parameters> parameters;
  NetworkFiles files;
};

// Item `item` of inputs that no check uses.
std::vector<Tensor> Inputs(const Network& network, std::int64_t batch) {
  std::vector<Tensor> inputs;
  for (const Port& port : network.Inputs()) {
    Dims dims = port.dims;
    std::replace(dims.begin(), dims.end(), std::int64_t{-1}, std::int64_t{24});
    dims.insert(dims.begin(), batch);
    Tensor& input = inputs.emplace_back(network.NewInput(dims));
    for (std::int64_t n = 0; n < batch; ++n) DrawCheckInput(77, port.name, n, input.item(n));
  }
  return inputs;
}

Array AsArray(const Tensor& tensor) {
  return {tensor.dims(), std::vector<double>(tensor.data(), tensor.data() + tensor.size())};
}

// How far a graph is from the float64 forward pass, relative to the larger of 1 and its values.
double WorstOf(Network& network, const LayerGraph& graph, const Parameters& parameters,
               std::int64_t batch) {
  const std::vector<Tensor> inputs = Inputs(network, batch);
  std::vector<Array> arrays;
  for (const Tensor& input : inputs) arrays.push_back(AsArray(input));
  const std::vector<Array> want = Forward(graph, parameters, arrays);
  const auto got = network.Run(inputs);
  REQUIRE_MESSAGE(got.Ok(), (got.Ok() ? "" : got.Error().message));
  REQUIRE(got->size() == want.size());
  double worst = 0;
  for (std::size_t o = 0; o < want.size(); ++o) {
    REQUIRE((*got)[o].dims() == want[o].dims);
    double largest = 1;
    for (const double v : want[o].data) largest = std::max(largest, std::abs(v));
    for (std::size_t i = 0; i < want[o].data.size(); ++i) {
      const double off = std::abs(want[o].data[i] - static_cast<double>((*got)[o].data()[i]));
      worst = std::max(worst, off / largest);
    }
  }
  return worst;
}

TEST_CASE("every network runs rightly on every backend, whatever the batch") {
  if (const char* build = getenv("PIXLOOM_BINARY_DIR")) {
    setenv("PIXLOOM_PLUGIN_PATH", (std::string(build) + "/plugins").c_str(), 1);
  }
  std::vector<std::string> backends;
  for (const BackendInfo& info : ListBackends()) {
    if (const auto opened = OpenBackend(info.id)) {
      backends.push_back(info.id);
    } else {
      MESSAGE("left out: " << opened.Error());
    }
  }
  REQUIRE(std::find(backends.begin(), backends.end(), "opencv") != backends.end());
  for (const std::string name :
       {"autoencoder784", "cnn_classifier", "cnn_denoiser", "conv_lstm", "gan32_conditional",
        "lstm_features", "super_resolution_x2", "vae28"}) {
    CAPTURE(name);
    const Written written(name);
    for (const std::string& note : written.files.notes) MESSAGE(note);
    for (const std::string& backend : backends) {
      CAPTURE(backend);
      ModelChoice choice;
      choice.backend = backend;
      choice.device = "cpu";
      std::shared_ptr<Model> model;
      try {
        model = LoadModel(written.files.manifest, choice);
      } catch (const ModelRejectedError& error) {
        const bool unwritten =
            error.Code() == "MOD-BACKEND" && backend == "libtorch" && !written.files.notes.empty();
        CHECK_MESSAGE(unwritten, std::string(error.what()));
        continue;
      }
      for (const LayerGraph& graph : written.list->graphs) {
        CAPTURE(graph.name);
        for (const std::int64_t batch : {2, 5, 1, 2}) {
          const double worst =
              WorstOf(model->At(graph.name), graph, written.parameters.at(graph.name), batch);
          CHECK(worst < 1e-4);
        }
      }
    }
  }
}

}  // namespace
}  // namespace pixloom
