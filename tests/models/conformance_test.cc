// SPDX-License-Identifier: Apache-2.0
// Every network through every backend that is there, with changing batches, against the float64
// forward pass. A backend that is wrong must be refused with a reason; what is accepted is right.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "models/backends.h"
#include "models/network.h"
#include "models/network_files.h"
#include "tests/models/small_networks.h"
#include "tests/support/verbs.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;

constexpr double kTolerance = 1e-4;
constexpr std::int64_t kMostItems = 16;
constexpr std::int64_t kBatches[] = {3, 1, 16, 2, 8, 1, 3, 16};
constexpr std::int64_t kSide = 24;  // of pictures that may have any size

struct Case {
  LayerList list;
  std::map<std::string, Parameters> parameters;
  bool small = false;  // put together to be awkward: a backend may refuse it
};

std::vector<Case> AllNetworks() {
  std::vector<Case> cases;
  for (SmallNetwork& network : SmallNetworks()) {
    cases.push_back({std::move(network.list), std::move(network.parameters), true});
  }
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator("configs/networks")) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  REQUIRE(!paths.empty());
  for (const std::string& path : paths) {
    Diagnostics diagnostics;
    auto list = LoadLayerList(path, diagnostics);
    REQUIRE_MESSAGE(list.has_value(), path);
    Case made{std::move(*list), {}, false};
    for (const LayerGraph& graph : made.list.graphs) {
      made.parameters[graph.name] = DrawParameters(made.list, graph, 1, WeightDraw::kTest);
    }
    cases.push_back(std::move(made));
  }
  return cases;
}

// Inputs and right outputs of one graph.
struct Reference {
  std::vector<Array> inputs, outputs;
};

Tensor FirstItems(const Network& network, const Array& array, std::int64_t batch) {
  Dims dims = array.dims;
  dims[0] = batch;
  Tensor tensor = network.NewInput(dims);
  std::copy_n(array.data.begin(), tensor.size(), tensor.data());
  return tensor;
}

// The largest difference, relative to the larger of 1 and the largest value; infinite for wrong
// shapes.
double Difference(const Tensor& got, const Array& want, std::int64_t batch) {
  Dims dims = want.dims;
  dims[0] = batch;
  if (got.dims() != dims) return std::numeric_limits<double>::infinity();
  double worst = 0, largest = 1;
  for (std::int64_t i = 0; i < got.size(); ++i) {
    const double right = want.data[static_cast<std::size_t>(i)], value = got.data()[i];
    if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, std::abs(value - right));
    largest = std::max(largest, std::abs(right));
  }
  return worst / largest;
}

double WorstOf(const Model& model, const std::map<std::string, Reference>& references) {
  double worst = 0;
  for (const auto& [name, reference] : references) {
    Network& network = model.At(name);
    for (const std::int64_t batch : kBatches) {
      std::vector<Tensor> inputs;
      for (const Array& array : reference.inputs) {
        inputs.push_back(FirstItems(network, array, batch));
      }
      const auto outputs = network.Run(inputs);
      REQUIRE_MESSAGE(outputs.Ok(), (outputs.Ok() ? "" : outputs.Error().message));
      REQUIRE(outputs->size() == reference.outputs.size());
      for (std::size_t i = 0; i < outputs->size(); ++i) {
        worst = std::max(worst, Difference((*outputs)[i], reference.outputs[i], batch));
      }
    }
  }
  return worst;
}

std::vector<std::string> BackendsThere() {
  std::vector<std::string> ids;
  for (const BackendInfo& info : ListBackends()) {
    const auto backend = OpenBackend(info.id);
    if (backend) {
      ids.push_back(info.id);
    } else {
      fmt::print("backend {} is not there: {}\n", info.id, backend.Error());
    }
  }
  return ids;
}

TEST_CASE("every backend runs every network right, or is refused with a reason") {
  const std::vector<std::string> backends = BackendsThere();
  REQUIRE_MESSAGE(!backends.empty(), "no backend is built; set PIXLOOM_PLUGIN_PATH");
  std::string table = fmt::format("{:<22} {:<12} {}\n", "network", "backend", "worst difference");
  for (const Case& c : AllNetworks()) {
    CAPTURE(c.list.name);
    const testing::TempFolder folder;
    const NetworkFiles files = WriteNetwork(c.list, c.parameters, folder.Path());
    std::map<std::string, Reference> references;
    for (const LayerGraph& graph : c.list.graphs) {
      Reference& reference = references[graph.name];
      reference.inputs = InputsOf(graph, kMostItems, kSide);
      reference.outputs = Forward(graph, c.parameters.at(graph.name), reference.inputs);
    }

    bool taken = false;
    for (const std::string& id : backends) {
      CAPTURE(id);
      std::string row;
      try {
        ModelChoice choice;
        choice.backend = id;
        choice.device = "cpu";
        const auto model = LoadModel(files.manifest, choice);
        const double worst = WorstOf(*model, references);
        CHECK(worst <= kTolerance);
        taken = true;
        row = fmt::format("{:.2g}", worst);
      } catch (const ModelRejectedError& error) {
        // Nothing that comes with the product may be refused, nor anything by a runtime that is
        // meant to know all of ONNX or all of PyTorch.
        const std::string why = error.what();
        CHECK_MESSAGE((c.small && id == "opencv"), why);
        CHECK(why.find(files.manifest) != std::string::npos);
        CHECK(why.find("check") != std::string::npos);
        row = std::string("refused: ") + error.Code();
        MESSAGE(why);
      }
      table += fmt::format("{:<22} {:<12} {}\n", c.list.name, id, row);
    }

    ModelChoice any;
    any.device = "cpu";
    if (!taken) {
      CHECK_THROWS_AS(LoadModel(files.manifest, any), ModelRejectedError);
      continue;
    }
    const auto chosen = LoadModel(files.manifest, any);
    CHECK(WorstOf(*chosen, references) <= kTolerance);
    CHECK(!chosen->notes.empty());
  }
  fmt::print("{}", table);
}

}  // namespace
}  // namespace pixloom
