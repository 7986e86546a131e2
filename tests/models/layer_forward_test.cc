// SPDX-License-Identifier: Apache-2.0
// The forward pass on cases worked out by hand, and folding. layer_torch_test.py compares both with
// PyTorch.
#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>

#include "models/layer_list.h"
#include "tests/models/layer_lists.h"

namespace pixloom {
namespace {

using Numbers = std::vector<double>;

Tensor Filled(Dims dims, std::initializer_list<float> values) {
  Tensor tensor(std::move(dims));
  REQUIRE(tensor.size() == static_cast<std::int64_t>(values.size()));
  std::copy(values.begin(), values.end(), tensor.data());
  return tensor;
}

Numbers Run(const LayerGraph& graph, const Parameters& parameters, Dims dims, Numbers data) {
  return Forward(graph, parameters, {{std::move(dims), std::move(data)}})[0].data;
}

void CheckNear(const Numbers& got, const Numbers& expected, double tolerance = 1e-15) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got[i] - expected[i]) <= tolerance);
}

TEST_CASE("a convolution does not turn its kernel round") {
  const LayerGraph graph = Graph("{x: [1, 3, 3]}", "- conv: {channels: 1, kernel: 2}");
  Parameters parameters;
  parameters.emplace("conv_1_weight", Filled({1, 1, 2, 2}, {1, 10, 100, 1000}));
  parameters.emplace("conv_1_bias", Filled({1}, {0.5f}));
  // 1 2 3
  // 4 5 6
  // 7 8 9
  CHECK(Run(graph, parameters, {1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}) ==
        Numbers{5421.5, 6532.5, 8754.5, 9865.5});
}

TEST_CASE("padding, stride and dilation of a convolution") {
  const LayerGraph graph =
      Graph("{x: [1, 2, 4]}",
            "- conv: {channels: 1, kernel: 3, stride: 2, padding: 2, dilation: 2, bias: false}");
  Parameters parameters;
  parameters.emplace("conv_1_weight", Filled({1, 1, 3, 3}, {0, 0, 0, 1, 10, 100, 0, 0, 0}));
  // Of row 0: columns -2, 0, 2 and 0, 2, 4.
  CHECK(Run(graph, parameters, {1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}) == Numbers{310, 31});
}

TEST_CASE("groups of a convolution see channels of their own") {
  const LayerGraph graph =
      Graph("{x: [2, 1, 1]}", "- conv: {channels: 4, kernel: 1, groups: 2, bias: false}");
  Parameters parameters;
  parameters.emplace("conv_1_weight", Filled({4, 1, 1, 1}, {1, 2, 3, 4}));
  CHECK(Run(graph, parameters, {2, 2, 1, 1}, {10, 100, 1, 2}) ==
        Numbers{10, 20, 300, 400, 1, 2, 6, 8});
}

TEST_CASE("a transposed convolution spreads each pixel") {
  const LayerGraph graph =
      Graph("{x: [2, 1, 2]}",
            "- deconv: {channels: 2, kernel: 3, stride: 2, padding: 1, output_padding: 1, "
            "groups: 2, bias: false}");
  Parameters parameters;
  parameters.emplace("deconv_1_weight", Filled({2, 1, 3, 3}, {0, 0, 0, 1, 2, 3, 0, 0, 4,  //
                                                              0, 0, 0, 5, 6, 7, 0, 0, 0}));
  // Channel 0: 10 at column 0, 100 at 2; each spreads 1 2 3 around it and 4 below right.
  CHECK(Run(graph, parameters, {1, 2, 1, 2}, {10, 100, 1, 10}) ==
        Numbers{20, 130, 200, 300, 0, 40, 0, 400, 6, 57, 60, 70, 0, 0, 0, 0});
}

TEST_CASE("dense layers, normalisation and activations") {
  LayerGraph graph = Graph("{x: [2]}", "- dense: 2");
  Parameters parameters;
  parameters.emplace("dense_1_weight", Filled({2, 2}, {1, 2, 3, 4}));
  parameters.emplace("dense_1_bias", Filled({2}, {10, 20}));
  CHECK(Run(graph, parameters, {2, 2}, {1, 1, 2, 0}) == Numbers{13, 27, 12, 26});

  graph = Graph("{x: [2]}", "- batch_norm: {epsilon: 0.5}");
  parameters.clear();
  parameters.emplace("batch_norm_1_weight", Filled({2}, {3, 1}));
  parameters.emplace("batch_norm_1_bias", Filled({2}, {1, 0}));
  parameters.emplace("batch_norm_1_mean", Filled({2}, {2, 0}));
  parameters.emplace("batch_norm_1_var", Filled({2}, {3.5f, 0.5f}));
  CHECK(Run(graph, parameters, {2, 2}, {6, 5, 0, 1}) == Numbers{7, 5, -2, 1});

  const auto act = [&](const char* verb) {
    return Run(Graph("{x: [3]}", std::string("- ") + verb), {}, {1, 3}, {-2, 0, 1.5});
  };
  CHECK(act("relu") == Numbers{0, 0, 1.5});
  CHECK(act("leaky_relu: 0.25") == Numbers{-0.5, 0, 1.5});
  CheckNear(act("elu: 2"), {2 * (std::exp(-2.0) - 1), 0, 1.5});
  CheckNear(act("sigmoid"), {0.11920292202211755, 0.5, 0.8175744761936437});
  CheckNear(act("tanh"), {-0.9640275800758169, 0, 0.9051482536448664});
  CheckNear(act("softplus"), {0.12692801104297263, 0.6931471805599453, 1.7014132779827524});
  const double sum = std::exp(-2.0) + 1 + std::exp(1.5);
  CheckNear(act("softmax"), {std::exp(-2.0) / sum, 1 / sum, std::exp(1.5) / sum});
  // Where the exponential alone would be infinite.
  CheckNear(Run(Graph("{x: [2]}", "- softplus"), {}, {1, 2}, {-800, 800}), {0, 800});
  CheckNear(Run(Graph("{x: [2]}", "- softmax"), {}, {1, 2}, {800, 800}), {0.5, 0.5});
}

TEST_CASE("pools, sizes and joins") {
  const Numbers nine = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const auto run = [&](const char* layer) {
    return Run(Graph("{x: [1, 3, 3]}", std::string("- ") + layer), {}, {1, 1, 3, 3}, nine);
  };
  CHECK(run("max_pool: {kernel: 3, stride: 2, padding: 1}") == Numbers{5, 6, 8, 9});
  CHECK(run("max_pool: 2") == Numbers{5});
  // What lies outside is not counted.
  CHECK(run("avg_pool: {kernel: 2, stride: 2, padding: 1}") == Numbers{1, 2.5, 5.5, 7});
  CHECK(run("global_pool") == Numbers{5});
  CHECK(run("add: x") == Numbers{2, 4, 6, 8, 10, 12, 14, 16, 18});
  CHECK(run("mul: [x, x, x]") == Numbers{1, 8, 27, 64, 125, 216, 343, 512, 729});
  CHECK(run("flatten") == nine);

  const auto two = [&](const char* layer) {
    return Run(Graph("{x: [1, 1, 2]}", std::string("- ") + layer), {}, {1, 1, 1, 2}, {0, 8});
  };
  CHECK(two("upsample: 2") == Numbers{0, 0, 8, 8, 0, 0, 8, 8});
  CHECK(two("upsample: {factor: 2, mode: bilinear}") == Numbers{0, 2, 6, 8, 0, 2, 6, 8});
  CHECK(Run(Graph("{x: [8, 1, 1]}", "- pixel_shuffle: 2"), {}, {1, 8, 1, 1},
            {1, 2, 3, 4, 5, 6, 7, 8}) == Numbers{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(Run(Graph("{x: [4, 1, 2]}", "- pixel_shuffle: 2"), {}, {1, 4, 1, 2},
            {1, 2, 3, 4, 5, 6, 7, 8}) == Numbers{1, 3, 2, 4, 5, 7, 6, 8});
  const LayerGraph joined = Graph("{a: [1], b: [2]}", "- concat: [b, a]");
  CHECK(Forward(joined, {}, {{{2, 1}, {1, 2}}, {{2, 2}, {3, 4, 5, 6}}})[0].data ==
        Numbers{3, 4, 1, 5, 6, 2});
}

TEST_CASE("items of a batch do not see each other") {
  const LayerGraph graph = Graph("{x: [2, any, any]}",
                                 "- conv: {channels: 4, kernel: 3, padding: same}\n- batch_norm\n"
                                 "- elu\n- max_pool: 2\n"
                                 "- deconv: {channels: 3, kernel: 4, stride: 2, padding: same}\n"
                                 "- residual: [upsample: 2, max_pool: 2]");
  const Parameters parameters = Drawn(graph);
  const std::vector<Array> inputs = Inputs(graph, 8, 3);
  const Array all = Forward(graph, parameters, inputs)[0];
  const std::size_t in = inputs[0].data.size() / 3, out = all.data.size() / 3;
  for (std::size_t n = 0; n < 3; ++n) {
    const auto from = inputs[0].data.begin() + static_cast<std::ptrdiff_t>(n * in);
    const Array one = {{1, 2, 8, 8}, Numbers(from, from + static_cast<std::ptrdiff_t>(in))};
    const Array alone = Forward(graph, parameters, {one})[0];
    REQUIRE(alone.data.size() == out);
    for (std::size_t i = 0; i < out; ++i) CHECK(alone.data[i] == all.data[n * out + i]);
  }
}

TEST_CASE("what does not fit is our bug") {
  const LayerGraph graph = Graph("{x: [2]}", "- dense: 2");
  CHECK_THROWS_AS(Forward(graph, {}, {{{1, 2}, {0, 0}}}), InternalError);
  CHECK_THROWS_AS(Forward(graph, Drawn(graph), {{{1, 3}, {0, 0, 0}}}), InternalError);
  CHECK_THROWS_AS(Forward(graph, Drawn(graph), {}), InternalError);
}

// ---- Folding ------------------------------------------------------------------------------------

// Every number of a normalisation is such that nothing is rounded when it is folded: 1 / sqrt(var +
// epsilon) is a power of two, the rest are small multiples of 1/4.
void MakeExact(const LayerGraph& graph, Parameters& parameters) {
  for (auto& [name, tensor] : parameters) {
    for (std::int64_t i = 0; i < tensor.size(); ++i) {
      tensor.data()[i] = static_cast<float>(i * 7 % 11 - 5) / 4;
    }
  }
  for (const Layer& layer : graph.layers) {
    if (layer.kind != LayerKind::kBatchNorm) continue;
    Tensor& var = parameters.at(layer.name + "_var");
    for (std::int64_t i = 0; i < var.size(); ++i) var.data()[i] = i % 2 == 0 ? 3.5f : 15.5f;
  }
}

std::string KindsLeft(const LayerGraph& graph, double tolerance = 1e-12) {
  Parameters parameters = Drawn(graph);
  if (tolerance < 1e-9) MakeExact(graph, parameters);
  const auto [folded, merged] = FoldBatchNorm(graph, parameters);
  const std::vector<Array> inputs = Inputs(graph, 6, 2);
  const std::vector<Array> before = Forward(graph, parameters, inputs);
  const std::vector<Array> after = Forward(folded, merged, inputs);
  REQUIRE(before.size() == after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(before[i].dims == after[i].dims);
    CheckNear(after[i].data, before[i].data, tolerance);
  }
  std::size_t parameter_count = 0;
  std::string names;
  for (const Layer& layer : folded.layers) {
    parameter_count += ParametersOf(layer, folded.layers).size();
    if (layer.kind != LayerKind::kInput) names += (names.empty() ? "" : " ") + layer.name;
  }
  CHECK(parameter_count == merged.size());
  return names;
}

const std::string kNorm = "- batch_norm: {epsilon: 0.5}\n";

TEST_CASE("batch normalisation goes into the layer before it") {
  CHECK(KindsLeft(Graph("{x: [4, any, any]}",
                        "- conv: {channels: 6, kernel: 3, groups: 2, bias: false}\n" + kNorm)) ==
        "conv_1");
  CHECK(KindsLeft(Graph("{x: [4, any, any]}",
                        "- deconv: {channels: 6, kernel: 3, stride: 2, groups: 2}\n" + kNorm)) ==
        "deconv_1");
  CHECK(KindsLeft(Graph("{x: [4, any, any]}", "- deconv: {channels: 3, kernel: 2, bias: false}\n" +
                                                  kNorm + "- relu")) == "deconv_1 relu_1");
  CHECK(KindsLeft(Graph("{x: [4]}", "- dense: 5\n" + kNorm + kNorm + "- tanh")) ==
        "dense_1 tanh_1");
}

TEST_CASE("it stays where something else reads the layer, or no layer takes it") {
  CHECK(KindsLeft(Graph("{x: [4]}", kNorm + "- dense: 5")) == "batch_norm_1 dense_1");
  CHECK(KindsLeft(Graph("{x: [4]}", "- dense: 4\n- relu\n" + kNorm)) ==
        "dense_1 relu_1 batch_norm_1");
  CHECK(KindsLeft(Graph("{x: [4]}", "- dense: 4\n" + kNorm + "- {add: dense_1}")) ==
        "dense_1 batch_norm_1 add_1");
  CHECK(KindsLeft(Graph("{x: [4]}", "- dense: 4\n" + kNorm, "{a: dense_1, b: batch_norm_1}")) ==
        "dense_1 batch_norm_1");
  // The second one may go, the first one's result is needed as it is.
  CHECK(KindsLeft(Graph("{x: [4]}", "- dense: 4\n" + kNorm + kNorm + "- {add: batch_norm_1}")) ==
        "dense_1 batch_norm_2 add_1");
}

TEST_CASE("folded parameters are those of float32") {
  const LayerGraph graph = Graph("{x: [4, any, any]}",
                                 "- conv: {channels: 6, kernel: 3}\n- batch_norm\n- relu\n"
                                 "- deconv: {channels: 5, kernel: 3}\n- batch_norm");
  CHECK(KindsLeft(graph, 2e-6) == "conv_1 relu_1 deconv_1");
}

}  // namespace
}  // namespace pixloom
