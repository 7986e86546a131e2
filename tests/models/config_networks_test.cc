// SPDX-License-Identifier: Apache-2.0
// The networks in configs/networks: that they are read, and that their manifests say what is so.
// layer_torch_test.py works them out.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "models/layer_list.h"
#include "models/network_files.h"
#include "tests/models/layer_lists.h"

namespace pixloom {
namespace {

struct Network {
  LayerList list;
  Manifest manifest;
};

Network Load(const std::string& path) {
  Diagnostics diagnostics;
  auto list = LoadLayerList(path, diagnostics);
  REQUIRE_MESSAGE(list, Messages(diagnostics));
  Manifest manifest = DescribeNetwork(*list, diagnostics);
  REQUIRE_MESSAGE(!diagnostics.HasErrors(), Messages(diagnostics));
  return {std::move(*list), std::move(manifest)};
}

// Radius of the graph that takes pictures and scale of its output.
struct Expected {
  ModelRole role;
  std::optional<int> radius;
  Tiling::Mode tiling;
  int multiple_of = 1;
  int scale = 1;
};

TEST_CASE("every network is read and described") {
  using enum ModelRole;
  using Mode = Tiling::Mode;
  const std::map<std::string, Expected> expected = {
      {"autoencoder784", {kAutoencoder, {}, Mode::kNever}},
      {"cnn_classifier", {kClassifier, {}, Mode::kNever}},
      {"cnn_denoiser", {kEnhancer, 7, Mode::kSupported}},
      {"conv_lstm", {kSequence, 4, Mode::kNever}},
      {"deconv32", {kAutoencoder, 9, Mode::kNever}},
      {"gan128", {kGenerator, {}, Mode::kNever}},
      {"gan32_conditional", {kGenerator, {}, Mode::kNever}},
      {"lstm_features", {kSequence, {}, Mode::kNever, 8}},
      {"super_resolution_x2", {kEnhancer, 6, Mode::kSupported, 1, 2}},
      {"vae128", {kVae, {}, Mode::kNever}},
      {"vae28", {kVae, {}, Mode::kNever}},
  };
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("configs/networks")) {
    const std::string name = entry.path().stem().string();
    INFO(name);
    REQUIRE(expected.contains(name));
    const Expected& e = expected.at(name);
    const Network network = Load(entry.path().string());
    CHECK(network.list.name == name);
    CHECK_FALSE(network.list.about.empty());
    CHECK(network.manifest.role == e.role);
    CHECK(network.list.graphs[0].Radius() == e.radius);
    CHECK(network.manifest.tiling.mode == e.tiling);
    if (e.tiling == Tiling::Mode::kSupported) CHECK(network.manifest.tiling.overlap == *e.radius);
    CHECK(network.manifest.picture.multiple_of == e.multiple_of);
    CHECK(network.manifest.output.scale == e.scale);
    ++count;
  }
  CHECK(count == expected.size());
}

TEST_CASE("sizes that the networks are known by") {
  const auto out = [](const char* name, const char* graph) {
    const Network network = Load(std::string("configs/networks/") + name + ".yaml");
    const LayerGraph* found = network.list.Find(graph);
    REQUIRE(found != nullptr);
    std::string text;
    for (const auto& [output, index] : found->outputs) {
      text += output + " " + ShapeText(found->At(index).shape) + " ";
    }
    return text;
  };
  CHECK(out("gan128", "generator") == "image 3x128x128 ");
  CHECK(out("gan128", "discriminator") == "score 1 ");
  CHECK(out("gan32_conditional", "generator") == "image 3x32x32 ");
  CHECK(out("vae128", "encoder") == "mu 128 logvar 128 ");
  CHECK(out("vae128", "decoder") == "image 3x128x128 ");
  CHECK(out("vae28", "decoder") == "image 1x28x28 ");
  CHECK(out("super_resolution_x2", "main") == "large 3x?*2x?*2 ");
  CHECK(out("conv_lstm", "cell") == "image 3x?x? h_next 16x?x? c_next 16x?x? motion 8 ");
  CHECK(out("cnn_classifier", "main") == "scores 10 ");
}

}  // namespace
}  // namespace pixloom
