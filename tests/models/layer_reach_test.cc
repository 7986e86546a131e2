// SPDX-License-Identifier: Apache-2.0
// How far a pixel sees, against changing pixels and looking what comes out different.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "models/layer_list.h"
#include "tests/models/layer_lists.h"

namespace pixloom {
namespace {

std::int64_t Floor(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// The furthest that a change of one px in the middle is seen, in px of the input, over a whole
// period of places. `num` / `den`: px of the output per px of the input.
std::int64_t Furthest(const LayerGraph& graph, std::int64_t side, std::int64_t num,
                      std::int64_t den, std::int64_t period) {
  const Parameters parameters = Drawn(graph);
  std::vector<Array> inputs = Inputs(graph, side, 1);
  const Dims dims = inputs[0].dims;
  const Array before = Forward(graph, parameters, inputs)[0];
  const std::int64_t height = before.dims[2], width = before.dims[3];
  std::int64_t furthest = 0;
  for (std::int64_t place = dims[3] / 2; place < dims[3] / 2 + period; ++place) {
    std::vector<Array> changed = inputs;
    for (std::int64_t c = 0; c < dims[1]; ++c) {
      // So much that every maximum and every activation notices.
      changed[0].data[static_cast<std::size_t>((c * dims[2] + place) * dims[3] + place)] += 50;
    }
    const Array after = Forward(graph, parameters, changed)[0];
    for (std::size_t i = 0; i < after.data.size(); ++i) {
      if (after.data[i] == before.data[i]) continue;
      const std::int64_t x = static_cast<std::int64_t>(i) % width;
      const std::int64_t y = static_cast<std::int64_t>(i) / width % height;
      for (const std::int64_t out : {x, y}) {
        const std::int64_t first = Floor(out * den, num);
        const std::int64_t last = std::max(first, Floor((out + 1) * den - 1, num));
        furthest = std::max({furthest, first - place, place - last});
      }
    }
  }
  return furthest;
}

struct Case {
  std::string layers;
  std::int64_t num, den;
  int multiple, scale, radius, least;
};

TEST_CASE("radius, multiple, scale and least size are those that changed pixels show") {
  const std::vector<Case> cases = {
      {"- conv: {channels: 2, kernel: 3, padding: same}", 1, 1, 1, 1, 1, 1},
      {"- conv: {channels: 2, kernel: 3, padding: same, dilation: 3}", 1, 1, 1, 1, 3, 1},
      {"- conv: {channels: 2, kernel: 4, padding: 1}\n- elu", 1, 1, 1, 0, 2, 2},
      {"- conv: {channels: 2, kernel: 5}", 1, 1, 1, 0, 4, 5},
      {"- repeat: {times: 6, layers: [{conv: {channels: 2, kernel: 3, padding: same}}, tanh]}", 1,
       1, 1, 1, 6, 1},
      {"- residual: [{conv: {channels: 2, kernel: 5, padding: same}}, batch_norm]", 1, 1, 1, 1, 2,
       1},
      {"- conv: {channels: 3, kernel: 3, stride: 2, padding: 1}", 1, 2, 2, 0, 1, 2},
      {"- max_pool: 2\n- upsample: 2", 1, 1, 2, 1, 1, 2},
      {"- avg_pool: {kernel: 3, stride: 2, padding: 1}\n- upsample: {factor: 2, mode: bilinear}", 1,
       1, 2, 1, 3, 2},
      {"- upsample: {factor: 3, mode: bilinear}", 3, 1, 1, 3, 1, 1},
      {"- upsample: 2\n- conv: {channels: 2, kernel: 5}", 2, 1, 1, 0, 2, 3},
      {"- conv: {channels: 8, kernel: 3, padding: same}\n- pixel_shuffle: 2", 2, 1, 1, 2, 1, 1},
      {"- deconv: {channels: 2, kernel: 4, stride: 2, padding: same}", 2, 1, 1, 2, 1, 1},
      {"- deconv: {channels: 2, kernel: 2, stride: 3, padding: 0, output_padding: 1}", 3, 1, 1, 3,
       0, 1},
      {"- deconv: {channels: 2, kernel: 3, dilation: 2}", 1, 1, 1, 0, 4, 1},
      {"- conv: {channels: 3, kernel: 4, stride: 2, padding: 1}\n"
       "- conv: {channels: 3, kernel: 4, stride: 2, padding: 1}\n"
       "- deconv: {channels: 3, kernel: 4, stride: 2, padding: same}\n"
       "- deconv: {channels: 3, kernel: 4, stride: 2, padding: same}",
       1, 1, 4, 1, 9, 4},
      {"- max_pool: {kernel: 3, stride: 3}\n- deconv: {channels: 2, kernel: 2, stride: 2}", 2, 3, 3,
       0, 1, 3},
      {"- {conv: {channels: 2, kernel: 3, padding: same}, name: fine}\n"
       "- max_pool: 4\n"
       "- conv: {channels: 2, kernel: 3, padding: same}\n"
       "- {upsample: 4, name: coarse}\n"
       "- concat: [fine, coarse]",
       1, 1, 4, 1, 8, 4},
  };
  for (const Case& c : cases) {
    INFO(c.layers);
    const LayerGraph graph = Graph("{x: [2, any, any]}", c.layers);
    CHECK(graph.MultipleOf() == c.multiple);
    CHECK(graph.Scale() == c.scale);
    CHECK(graph.Least() == c.least);
    REQUIRE(graph.Radius());
    CHECK(*graph.Radius() == Furthest(graph, 12 * 4, c.num, c.den, 12));
    CHECK(*graph.Radius() == c.radius);
  }
}

TEST_CASE("where everything depends on everything there is no radius") {
  for (const char* layers :
       {"- global_pool\n- dense: 4", "- flatten\n- dense: 147\n- reshape: [3, 7, 7]",
        "- global_pool\n- reshape: [3, 1, 1]\n- upsample: 7"}) {
    CHECK_FALSE(Graph("{x: [3, 7, 7]}", layers).Radius());
  }
  CHECK_FALSE(Graph("{x: [10]}", "- dense: 4").Radius());
  // The sides are equal by chance; what they stand for is not.
  CHECK_FALSE(Graph("{x: [2, 5, 5]}",
                    "- {conv: {channels: 2, kernel: 3, stride: 2, padding: 1}, name: a}\n"
                    "- {conv: {channels: 2, kernel: 3}, from: x, name: b}\n"
                    "- add: [a, b]")
                  .Radius());
  // Only the first input counts, and only the first output.
  const LayerGraph graph = Graph("{x: [2, any, any], y: [2, any, any], k: [4]}",
                                 "- {conv: {channels: 2, kernel: 7, padding: same}, from: y}\n"
                                 "- {add: x, name: picture}\n"
                                 "- global_pool\n"
                                 "- {add: [k, k], name: other}\n"
                                 "- concat: [other, global_pool_1]",
                                 "{a: picture, b: concat_1}");
  CHECK(graph.Radius() == 0);
}

TEST_CASE("of a fixed size the radius is the same") {
  const LayerGraph graph =
      Graph("{x: [2, 24, 24]}",
            "- max_pool: 2\n- conv: {channels: 2, kernel: 3, padding: same}\n- upsample: 2");
  CHECK(graph.Radius() == 3);
  CHECK(Furthest(graph, 0, 1, 1, 4) == 3);
  CHECK(graph.MultipleOf() == 1);
  CHECK(graph.Scale() == 0);
}

// Whatever size a graph says it takes, the sizes that it foretells are those that come out; Forward
// works with the foretold ones, so this asks the definitions of the layers instead.
std::int64_t Slid(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
  return (size + 2 * pad - kernel) / stride + 1;
}

TEST_CASE("sizes of strided layers are exact for the multiples that a graph asks for") {
  for (const std::int64_t kernel : {1, 2, 3, 4, 5, 7}) {
    for (const std::int64_t stride : {1, 2, 3, 4}) {
      for (std::int64_t pad = 0; pad <= 3; ++pad) {
        const std::string window = "{channels: 1, kernel: " + std::to_string(kernel) +
                                   ", stride: " + std::to_string(stride) +
                                   ", padding: " + std::to_string(pad) + "}";
        const LayerGraph graph =
            Graph("{x: [1, any, any]}", "- conv: " + window + "\n- conv: " + window +
                                            "\n- deconv: " + window + "\n- upsample: 2");
        const std::int64_t multiple = graph.MultipleOf();
        for (std::int64_t size = graph.Least(); size < graph.Least() + 5 * multiple;
             size += multiple) {
          const std::int64_t one = Slid(size, kernel, stride, pad);
          const std::int64_t two = Slid(one, kernel, stride, pad);
          const std::int64_t back = (two - 1) * stride - 2 * pad + kernel;
          CHECK(graph.At(1).shape[1].Of(size) == one);
          CHECK(graph.At(2).shape[1].Of(size) == two);
          CHECK(graph.At(3).shape[1].Of(size) == back);
          CHECK(graph.At(4).shape[2].Of(size) == 2 * back);
          CHECK(std::min({one, two, back}) >= 1);
        }
        // The least size is the least: one step smaller, some layer has nothing.
        const std::int64_t less = graph.Least() - multiple;
        if (less < 1) continue;
        const bool nothing = graph.At(1).shape[1].Of(less) < 1 ||
                             graph.At(2).shape[1].Of(less) < 1 || graph.At(3).shape[1].Of(less) < 1;
        CHECK(nothing);
      }
    }
  }
}

}  // namespace
}  // namespace pixloom
