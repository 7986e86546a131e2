// SPDX-License-Identifier: Apache-2.0
// What is worked out for a manifest, what is refused, and that files appear whole or not at all.
#include "models/network_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "models/self_check.h"
#include "pipeline/config.h"
#include "tests/models/small_networks.h"
#include "tests/support/verbs.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;

LayerList Parse(const std::string& yaml) {
  Diagnostics diagnostics;
  Variables none;
  const auto document = ParseYaml(yaml, "list.yaml", none, diagnostics);
  REQUIRE(document.has_value());
  auto list = ParseLayerList(*document, diagnostics);
  for (const Diagnostic& d : diagnostics.All()) MESSAGE(d.Text());
  REQUIRE(list.has_value());
  return std::move(*list);
}

Manifest Describe(const std::string& yaml) {
  Diagnostics diagnostics;
  Manifest manifest = DescribeNetwork(Parse(yaml), diagnostics);
  for (const Diagnostic& d : diagnostics.All()) MESSAGE(d.Text());
  CHECK(!diagnostics.HasErrors());
  return manifest;
}

// The first error, as the user sees it.
std::string Wrong(const std::string& yaml) {
  Diagnostics diagnostics;
  DescribeNetwork(Parse(yaml), diagnostics);
  return diagnostics.HasErrors() ? diagnostics.All().front().Text() : "";
}

std::string Read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// Halves and doubles: sides must be even.
constexpr const char* kLayers = R"(
network: net
graphs:
  main:
    inputs: {image: [3, any, any]}
    layers:
      - conv: {channels: 4, kernel: 3, padding: 1}
      - conv: {channels: 4, kernel: 4, stride: 2, padding: 1}
      - deconv: {channels: 3, kernel: 4, stride: 2, padding: 1}
    outputs: {clean: deconv_1}
)";

TEST_CASE("sizes, scale and overlap come from the graph when nobody said them") {
  const Manifest manifest = Describe(kLayers);
  CHECK(manifest.name == "net");
  CHECK(manifest.role == ModelRole::kEnhancer);
  CHECK(manifest.picture.color == PictureInput::Color::kRgb);
  CHECK(manifest.picture.multiple_of == 2);
  CHECK(manifest.output.scale == 1);
  CHECK(manifest.tiling.mode == Tiling::Mode::kSupported);
  // By hand: px 0 of the result reads -1..0 of the middle, which reads -3..2, which reads -4..3.
  CHECK(manifest.tiling.overlap == 4);
  const GraphFile& graph = manifest.graphs.at("main");
  CHECK(graph.inputs.at(0).name == "image");
  CHECK(graph.inputs.at(0).dims == Dims{3, -1, -1});
  CHECK(graph.outputs.at(0).name == "clean");
  CHECK(graph.files.empty());
  CHECK(!graph.check.has_value());

  const std::string said = std::string(kLayers) +
                           "manifest: {picture: {multiple_of: 8, least: 64}, tiling: {overlap: 40},"
                           " output: {kind: residual}, batch: {size: 4}}\n";
  const Manifest other = Describe(said);
  CHECK(other.picture.multiple_of == 8);
  CHECK(other.picture.least == 64);
  CHECK(other.tiling.overlap == 40);
  CHECK(other.output.kind == PictureOutput::Kind::kResidual);
  CHECK(other.batch == 4);
}

TEST_CASE("what a graph cannot do is refused with its place") {
  const auto with = [](const char* manifest) {
    return Wrong(std::string(kLayers) + "manifest:\n  " + manifest + "\n");
  };
  CHECK(with("picture: {multiple_of: 3}") ==
        "list.yaml:12:26: error[NET-MANIFEST] multiple_of: 3, but the graph takes multiples of 2 "
        "only; leave it out");
  CHECK(with("output: {scale: 2}").find("scale: 2, but the graph enlarges 1 times") !=
        std::string::npos);
  CHECK(with("tiling: {overlap: 1}").find("overlap: 1, but one pixel depends on") !=
        std::string::npos);
  CHECK(with("tiling: {overlap: 1, mode: discouraged}") == "");
  CHECK(with("role: vae").find("graph 'encoder' is missing") != std::string::npos);
  CHECK(with("rolle: vae").find("did you mean 'role'") != std::string::npos);
  CHECK(with("role: enhancer") == "");

  // A picture of half the size is no enhanced picture.
  const std::string half =
      "network: n\ngraphs: {main: {inputs: {image: [3, any, any]}, layers: [conv: {channels: 3, "
      "kernel: 2, stride: 2}]}}\n";
  CHECK(Wrong(half).find("needs a whole multiple") != std::string::npos);
  CHECK(Wrong(half + "manifest: {role: classifier}\n") == "");
}

TEST_CASE("grey, latent numbers and tiles that cannot be are told from the graphs") {
  const Manifest manifest = Describe(R"(
network: v
graphs:
  encoder:
    inputs: {image: [1, 8, 8]}
    layers: [flatten, {dense: 16, name: code}, {dense: 3, name: mu},
             {dense: 3, from: code, name: logvar}]
    outputs: {mu: mu, logvar: logvar}
  decoder:
    inputs: {z: [3]}
    layers: [dense: 64, reshape: [1, 8, 8]]
    outputs: {image: reshape_1}
)");
  CHECK(manifest.role == ModelRole::kVae);
  CHECK(manifest.picture.color == PictureInput::Color::kGray);
  CHECK(manifest.picture.size == Size{8, 8});
  CHECK(manifest.tiling.mode == Tiling::Mode::kNever);
  REQUIRE(manifest.latent.has_value());
  CHECK(manifest.latent->dims == Dims{3});
  CHECK(manifest.latent->input == "z");
  CHECK(manifest.latent->mean == "mu");
  CHECK(manifest.latent->log_variance == "logvar");
}

TEST_CASE("what is written is read back, with hashes and right numbers") {
  for (const SmallNetwork& network : SmallNetworks()) {
    CAPTURE(network.list.name);
    const testing::TempFolder folder;
    const NetworkFiles files =
        WriteNetwork(network.list, network.parameters, folder.Path("deep/down"), false);
    CHECK(files.notes.empty());
    REQUIRE(files.files.size() == 2);
    CHECK(files.files.back() == files.manifest);
    for (const std::string& file : files.files) CHECK(fs::is_regular_file(file));
    for (const auto& entry : fs::directory_iterator(folder.Path("deep/down"))) {
      CHECK(std::ranges::find(files.files, entry.path().string()) != files.files.end());
    }

    const Manifest manifest = LoadManifest(files.manifest);
    CHECK(manifest.name == network.list.name);
    const LayerGraph& graph = network.Graph();
    const GraphFile& file = manifest.graphs.at(graph.name);
    CHECK(HashFile(folder.Path("deep/down/" + file.files.at("onnx"))) == file.hashes.at("onnx"));
    REQUIRE(file.check.has_value());
    std::vector<Array> inputs;
    for (const Port& port : file.inputs) {
      Dims dims =
          file.check->sizes.contains(port.name) ? file.check->sizes.at(port.name) : port.dims;
      std::vector<double> all;
      for (std::int64_t n = 0; n < file.check->batch; ++n) {
        std::vector<float> item(static_cast<std::size_t>(Elements(dims)));
        DrawCheckInput(file.check->seed, port.name, n, item);
        all.insert(all.end(), item.begin(), item.end());
      }
      dims.insert(dims.begin(), file.check->batch);
      inputs.push_back({dims, all});
    }
    const auto outputs = Forward(graph, network.parameters.at(graph.name), inputs);
    REQUIRE(file.check->outputs.size() == outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const std::string& name = graph.outputs[i].first;
      const auto want = Summarise(file.check->seed, name, outputs[i].data);
      const auto& got = file.check->outputs.at(name);
      CHECK(got.mean == doctest::Approx(want.mean));
      CHECK(got.deviation == doctest::Approx(want.deviation));
      CHECK(got.values == want.values);
    }
  }
}

TEST_CASE("the same network twice is the same bytes; a failed one leaves the old one alone") {
  const auto networks = SmallNetworks();
  const SmallNetwork& network = networks.front();
  const testing::TempFolder folder;
  const auto files = WriteNetwork(network.list, network.parameters, folder.Path(), false);
  std::vector<std::string> before;
  for (const std::string& file : files.files) before.push_back(Read(file));
  WriteNetwork(network.list, network.parameters, folder.Path(), false);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(Read(files.files[i]) == before[i]);

  // Something stands where the network's file goes: nothing is left behind, the manifest stays.
  fs::remove(files.files.front());
  fs::create_directory(files.files.front());
  CHECK_THROWS_AS(WriteNetwork(network.list, network.parameters, folder.Path(), false),
                  EnvironmentError);
  CHECK(Read(files.manifest) == before.back());
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder.Path())) ++entries;
  CHECK(entries == 2);
  CHECK_THROWS_AS(WriteNetwork(network.list, network.parameters, "/dev/null/here", false),
                  EnvironmentError);
}

TEST_CASE("a wrong manifest part is an error of the configuration and writes nothing") {
  LayerList list = Parse(std::string(kLayers) + "manifest: {role: vae}\n");
  const testing::TempFolder folder;
  try {
    WriteNetwork(list, {}, folder.Path("out"), false);
    FAIL("accepted");
  } catch (const ConfigError& error) {
    CHECK(!error.OnlyModels());  // exit code 2, not 8
  }
  CHECK(!fs::exists(folder.Path("out")));
}

}  // namespace
}  // namespace pixloom
