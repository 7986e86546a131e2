// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "models/layer_list.h"
#include "tests/models/layer_lists.h"

namespace pixloom {
namespace {

struct Moments {
  double mean = 0, deviation = 0;
};

Moments Of(const Tensor& tensor) {
  Moments m;
  const auto n = static_cast<double>(tensor.size());
  for (std::int64_t i = 0; i < tensor.size(); ++i) m.mean += tensor.data()[i] / n;
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    m.deviation += std::pow(tensor.data()[i] - m.mean, 2) / n;
  }
  m.deviation = std::sqrt(m.deviation);
  return m;
}

bool Equal(const Tensor& a, const Tensor& b) {
  return a.dims() == b.dims() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

LayerList ListOf(const std::string& weights, const std::string& inputs, const std::string& layers) {
  LayerList list;
  list.weights = weights;
  list.graphs = {Graph(inputs, layers)};
  return list;
}

Parameters Training(const LayerList& list, std::uint64_t seed = 1) {
  return DrawParameters(list, list.graphs[0], seed, WeightDraw::kTraining);
}

// FNV-1a of the bits, so that a change of the draws is noticed.
std::uint64_t Hash(const Parameters& parameters) {
  std::uint64_t hash = 14695981039346656037u;
  for (const auto& [name, tensor] : parameters) {
    for (std::int64_t i = 0; i < tensor.size(); ++i) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, tensor.data() + i, sizeof(bits));
      hash = (hash ^ bits) * 1099511628211u;
    }
  }
  return hash;
}

TEST_CASE("draws are the same for ever") {
  const LayerList list = ListOf("he", "{x: [3, any, any]}",
                                "- conv: {channels: 8, kernel: 3}\n- batch_norm\n- relu\n"
                                "- deconv: {channels: 4, kernel: 4, stride: 2}");
  CHECK(Hash(Training(list)) == 11834260217599470889u);
  CHECK(Hash(DrawParameters(list, list.graphs[0], 1, WeightDraw::kTest)) == 2362124509395962623u);
}

TEST_CASE("a draw depends on seed, graph, layer and parameter, and on nothing else") {
  const std::string conv = "- {conv: {channels: 4, kernel: 3, padding: same}, name: a}\n";
  const LayerList list = ListOf("he", "{x: [4, any, any]}", conv);
  const Tensor first = std::move(Training(list).at("a_weight"));
  // Layers before and after it, of the same kind and of others.
  const LayerList longer = ListOf("he", "{x: [4, any, any]}",
                                  "- {conv: {channels: 4, kernel: 3}, name: b}\n- batch_norm\n" +
                                      conv + "- {conv: {channels: 9, kernel: 1}, name: c}");
  CHECK(Equal(Training(longer).at("a_weight"), first));
  CHECK_FALSE(Equal(Training(longer).at("b_weight"), first));
  CHECK_FALSE(Equal(Training(list, 2).at("a_weight"), first));
  LayerList other = list;
  other.graphs[0].name = "encoder";
  CHECK_FALSE(Equal(Training(other).at("a_weight"), first));
  // Fewer channels: the same values in the same places of memory, but for the deviation.
  const LayerList fewer = ListOf("he", "{x: [4, any, any]}",
                                 "- {conv: {channels: 2, kernel: 3, padding: same}, name: a}\n");
  const Parameters part = Training(fewer);
  CHECK(std::memcmp(part.at("a_weight").data(), first.data(), 2 * 4 * 9 * sizeof(float)) == 0);
}

TEST_CASE("he: the deviation makes up for fan-in and activation") {
  const auto deviation = [](const std::string& input, const std::string& layers,
                            const std::string& parameter) {
    return Of(Training(ListOf("he", "{x: " + input + "}", layers)).at(parameter)).deviation;
  };
  const auto near = [](double value) { return doctest::Approx(value).epsilon(0.02); };
  const std::string conv = "- conv: {channels: 64, kernel: 3}\n";
  CHECK(deviation("[64, 9, 9]", conv, "conv_1_weight") == near(1 / std::sqrt(576.0)));
  CHECK(deviation("[64, 9, 9]", conv + "- relu", "conv_1_weight") == near(std::sqrt(2 / 576.0)));
  CHECK(deviation("[64, 9, 9]", conv + "- batch_norm\n- leaky_relu: 0.5", "conv_1_weight") ==
        near(std::sqrt(2 / 1.25 / 576.0)));
  CHECK(deviation("[64, 9, 9]", conv + "- sigmoid", "conv_1_weight") == near(1 / 24.0));
  CHECK(deviation("[64, 9, 9]", "- conv: {channels: 64, kernel: 3, groups: 4}", "conv_1_weight") ==
        near(1 / 12.0));
  // Each px of the output is the sum of 2 x 2 places of the kernel.
  CHECK(deviation("[64, 9, 9]", "- deconv: {channels: 32, kernel: 4, stride: 2}\n- elu",
                  "deconv_1_weight") == near(std::sqrt(2 / 256.0)));
  CHECK(deviation("[300]", "- dense: 200", "dense_1_weight") == near(1 / std::sqrt(300.0)));
  CHECK(deviation("[100]", "- embedding: 200", "embedding_1_weight") == near(1));
  CHECK(deviation("[300]", "- dense: {features: 200, deviation: 0.125}\n- relu",
                  "dense_1_weight") == near(0.125));
}

TEST_CASE("training begins with normalisation that does nothing, and no bias") {
  const LayerList he = ListOf("he", "{x: [3, 9, 9]}",
                              "- conv: {channels: 500, kernel: 3}\n- "
                              "batch_norm");
  const Parameters p = Training(he);
  for (const char* name : {"conv_1_bias", "batch_norm_1_bias", "batch_norm_1_mean"}) {
    CHECK(Of(p.at(name)).mean == 0);
    CHECK(Of(p.at(name)).deviation == 0);
  }
  for (const char* name : {"batch_norm_1_weight", "batch_norm_1_var"}) {
    CHECK(Of(p.at(name)).mean == doctest::Approx(1).epsilon(1e-12));
    CHECK(Of(p.at(name)).deviation < 1e-7);
  }
  const LayerList dcgan =
      ListOf("dcgan", "{x: [3, 9, 9]}", "- conv: {channels: 500, kernel: 3}\n- batch_norm\n- relu");
  const Parameters d = Training(dcgan);
  CHECK(Of(d.at("conv_1_weight")).deviation == doctest::Approx(0.02).epsilon(0.03));
  CHECK(std::abs(Of(d.at("conv_1_weight")).mean) < 0.001);
  CHECK(Of(d.at("batch_norm_1_weight")).mean == doctest::Approx(1).epsilon(0.01));
  CHECK(Of(d.at("batch_norm_1_weight")).deviation == doctest::Approx(0.02).epsilon(0.1));
  CHECK(Of(d.at("batch_norm_1_bias")).deviation == 0);
}

TEST_CASE("a cell begins by remembering") {
  const LayerList list =
      ListOf("he", "{x: [7], h: [5], c: [5]}", "- {lstm_cell: 5, from: x, name: cell}");
  const Parameters p = Training(list);
  CHECK(Of(p.at("cell_f_bias")).mean == doctest::Approx(1).epsilon(1e-12));
  for (const char* gate : {"cell_i_bias", "cell_g_bias", "cell_o_bias"}) {
    CHECK(Of(p.at(gate)).mean == 0);
  }
}

TEST_CASE("drawn for tests, every parameter has an effect") {
  const LayerGraph graph =
      Graph("{x: [3, 6, 6]}",
            "- conv: {channels: 5, kernel: 3, padding: same}\n- batch_norm\n- leaky_relu: 0.2\n"
            "- deconv: {channels: 4, kernel: 4, stride: 2, padding: same}\n- batch_norm\n- tanh\n"
            "- flatten\n- dense: {features: 6, deviation: 0}");
  Parameters parameters = Drawn(graph);
  const std::vector<Array> inputs = Inputs(graph, 6, 2);
  const Array before = Forward(graph, parameters, inputs)[0];
  for (auto& [name, tensor] : parameters) {
    INFO(name);
    // Neither 0 nor 1, which would hide a multiplication or addition that is left out.
    CHECK(Of(tensor).deviation > 0.01);
    const float kept = tensor.data()[0];
    tensor.data()[0] = kept + 0.5f;
    const Array after = Forward(graph, parameters, inputs)[0];
    tensor.data()[0] = kept;
    CHECK(after.data != before.data);
  }
  for (const char* name : {"batch_norm_1_weight", "batch_norm_1_var"}) {
    for (std::int64_t i = 0; i < 5; ++i) {
      CHECK(parameters.at(name).data()[i] >= 0.5f);
      CHECK(parameters.at(name).data()[i] <= 1.5f);
    }
  }
}

}  // namespace
}  // namespace pixloom
