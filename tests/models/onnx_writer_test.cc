// SPDX-License-Identifier: Apache-2.0
// What written_networks_test.py cannot see: the bytes are the same every time, ports are those of
// the graph, and mistakes of the program are caught.
#include "models/onnx_writer.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "models/torchscript_source.h"
#include "tests/models/small_networks.h"

namespace pixloom {
namespace {

bool Has(const std::vector<std::uint8_t>& bytes, const std::string& text) {
  return std::search(bytes.begin(), bytes.end(), text.begin(), text.end()) != bytes.end();
}

TEST_CASE("the same network gives the same bytes, another weight gives others") {
  const SmallNetwork network = std::move(SmallNetworks().front());
  const LayerGraph& graph = network.Graph();
  const auto bytes = OnnxBytes(graph, network.parameters.at("main"));
  CHECK(bytes == OnnxBytes(graph, network.parameters.at("main")));
  SmallNetwork other = std::move(SmallNetworks().front());
  other.parameters.at("main").at("c1_weight").data()[0] += 0.5f;
  CHECK(bytes != OnnxBytes(graph, other.parameters.at("main")));
}

TEST_CASE("batch normalisation is folded where it can be, and stays where it cannot") {
  for (const SmallNetwork& network : SmallNetworks()) {
    const LayerGraph& graph = network.Graph();
    const auto bytes = OnnxBytes(graph, network.parameters.at(graph.name));
    CAPTURE(network.list.name);
    // In the classifier one reads the input and one reads what was joined.
    CHECK(Has(bytes, "BatchNormalization") == (network.list.name == "classifier"));
  }
}

TEST_CASE("a parameter that is missing, and an output called as an input, are our mistakes") {
  SmallNetwork network = std::move(SmallNetworks().front());
  LayerGraph graph = network.Graph();
  graph.outputs.front().first = "image";
  CHECK_THROWS_AS(OnnxBytes(graph, network.parameters.at("main")), InternalError);
  Parameters few = std::move(network.parameters.at("main"));
  few.erase("last_bias");
  CHECK_THROWS_AS(OnnxBytes(network.Graph(), few), InternalError);
}

TEST_CASE("TorchScript text names inputs as the list does and returns outputs in order") {
  const auto networks = SmallNetworks();
  const auto named = [&](const std::string& name) {
    const auto at = std::ranges::find(networks, name, [](const auto& n) { return n.list.name; });
    return TorchScriptSource(at->Graph());
  };
  CHECK(named("pools").starts_with("def forward(self, image: Tensor) -> Tensor:\n"));
  const std::string names = named("names");
  CHECK(
      names.starts_with("def forward(self, in_: Tensor, lambda_: Tensor) -> "
                        "Tuple[Tensor, Tensor, Tensor]:\n"));
  CHECK(names.find("return v4_torch, v2_class, v4_torch\n") != std::string::npos);
  // Numbers that a float goes into must not look like an int.
  CHECK(named("up_nearest").find("[3.0, 3.0]") != std::string::npos);
}

}  // namespace
}  // namespace pixloom
