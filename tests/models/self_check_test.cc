// SPDX-License-Identifier: Apache-2.0
#include "models/self_check.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include "tests/models/fake_network.h"

namespace pixloom {
namespace {

using testing::FakeNetwork;
using testing::MapValues;

float Right(float x) { return 3 * x * x - 0.5f; }

// The graph "y = 3 x^2 - 0.5" with the numbers that a float64 forward pass gives.
GraphFile Graph(std::int64_t batch = 3) {
  GraphFile graph;
  graph.inputs = {{"x", {2, -1, -1}}};
  graph.outputs = {{"y", {2, -1, -1}}};
  GraphCheck& check = graph.check.emplace();
  check.seed = 11;
  check.batch = batch;
  check.sizes["x"] = {2, 5, 4};
  std::vector<double> values;
  for (std::int64_t n = 0; n < batch; ++n) {
    std::vector<float> item(40);
    DrawCheckInput(check.seed, "x", n, item);
    for (const float x : item) values.push_back(3.0 * x * x - 0.5);
  }
  check.outputs["y"] = Summarise(check.seed, "y", values);
  return graph;
}

std::string Said(const FakeNetwork::Function& run, const GraphFile& graph, bool fixed = false,
                 std::int64_t batch = 16) {
  FakeNetwork network(graph.inputs, graph.outputs, run);
  return CheckNetwork(network, graph, fixed, batch, 1e-3);
}

TEST_CASE("inputs depend on seed, name, item and place alone") {
  std::vector<float> a(100), b(37), other(100);
  DrawCheckInput(5, "x", 2, a);
  DrawCheckInput(5, "x", 2, b);
  CHECK(std::equal(b.begin(), b.end(), a.begin()));
  for (const auto& [seed, name, item] :
       {std::tuple{6, "x", 2}, std::tuple{5, "y", 2}, std::tuple{5, "x", 3}}) {
    DrawCheckInput(static_cast<std::uint64_t>(seed), name, item, other);
    CHECK(other != a);
  }
  std::vector<float> many(100'000);
  DrawCheckInput(1, "x", 0, many);
  double mean = 0, squares = 0;
  for (const float v : many) {
    REQUIRE(v >= -1.0f);
    REQUIRE(v < 1.0f);
    mean += v / 1e5;
    squares += v * v / 1e5;
  }
  // Uniform: mean 0 +- 0.0018, mean square 1/3 +- 0.00094.
  CHECK(std::abs(mean) < 0.008);
  CHECK(std::abs(squares - 1.0 / 3) < 0.005);
}

TEST_CASE("places lie in the output and differ between outputs") {
  for (const std::int64_t size : {1, 2, 17, 1'000'000}) {
    const auto places = CheckedPlaces(3, "y", size);
    CHECK(places.size() == kCheckedValues);
    for (const std::int64_t p : places) CHECK((p >= 0 && p < size));
  }
  CHECK(CheckedPlaces(3, "y", 1000) == CheckedPlaces(3, "y", 1000));
  CHECK(CheckedPlaces(3, "y", 1000) != CheckedPlaces(3, "z", 1000));
  CHECK(CheckedPlaces(3, "y", 1000) != CheckedPlaces(4, "y", 1000));
  const auto places = CheckedPlaces(3, "y", 1'000'000);
  CHECK(std::set(places.begin(), places.end()).size() == kCheckedValues);
}

TEST_CASE("what is summarised") {
  const auto e = Summarise(1, "y", std::vector<double>{1, 2, 3, 6});
  CHECK(e.mean == doctest::Approx(3));
  CHECK(e.deviation == doctest::Approx(std::sqrt(14.0 / 4)));
  const auto places = CheckedPlaces(1, "y", 4);
  for (std::size_t i = 0; i < places.size(); ++i) {
    CHECK(e.values[i] == std::vector<double>{1, 2, 3, 6}[static_cast<std::size_t>(places[i])]);
  }
}

TEST_CASE("a network that is right passes; batches 3, 1 and 3 are tried") {
  std::vector<std::int64_t> batches;
  const auto run = [&](std::span<const Tensor> in) {
    batches.push_back(in[0].batch());
    return MapValues(in, Right);
  };
  CHECK(Said(run, Graph()) == "");
  CHECK(batches == std::vector<std::int64_t>{3, 1, 3});
}

TEST_CASE("a difference in the last bits is no fault") {
  const auto run = [](std::span<const Tensor> in) {
    const float off = in[0].batch() == 1 ? 1 + 6e-7f : 1;
    return MapValues(in, [&](float x) { return Right(x) * off; });
  };
  CHECK(Said(run, Graph()) == "");
}

TEST_CASE("wrong by a factor") {
  const auto run = [](std::span<const Tensor> in) {
    return MapValues(in, [](float x) { return 1.1f * Right(x); });
  };
  CHECK(Said(run, Graph()).starts_with("output y: mean is "));
}

TEST_CASE("values in other places with the same mean and spread") {
  const auto run = [](std::span<const Tensor> in) {
    auto out = MapValues(in, Right);
    for (std::int64_t n = 0; n < in[0].batch(); ++n) {
      std::span<float> item = (*out)[0].item(n);
      std::reverse(item.begin(), item.end());
    }
    return out;
  };
  CHECK(Said(run, Graph()).starts_with("output y: checked value "));
}

TEST_CASE(
    "wrong only after the batch size changed, as a deconvolution whose scale is applied again") {
  std::int64_t last = 0;
  float scale = 1;
  const auto run = [&](std::span<const Tensor> in) {
    if (last != 0 && last != in[0].batch()) scale *= 1.05f;
    last = in[0].batch();
    return MapValues(in, [&](float x) { return scale * Right(x); });
  };
  CHECK(Said(run, Graph()).starts_with("output y: results differ by "));
  // Right for the other batch, wrong when the first comes again.
  int changes = 0;
  last = 0;
  const auto late = [&](std::span<const Tensor> in) {
    changes += last != 0 && last != in[0].batch() ? 1 : 0;
    last = in[0].batch();
    return MapValues(in, [&](float x) { return Right(x) + (changes == 2 ? 0.2f : 0.0f); });
  };
  CHECK(Said(late, Graph()).ends_with("before and after another batch size"));
}

TEST_CASE("results that depend on who else is in the batch") {
  const auto run = [](std::span<const Tensor> in) {
    const float first = in[0].data()[0], last = in[0].item(in[0].batch() - 1)[0];
    return MapValues(in, [&](float x) { return Right(x) + 0.1f * (last - first); });
  };
  GraphFile graph = Graph();
  graph.check->outputs.clear();  // not even expected numbers are needed
  CHECK(Said(run, graph).ends_with("alone and among 3"));
}

TEST_CASE("not finite") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const auto run = [&](std::span<const Tensor> in) {
      auto out = MapValues(in, Right);
      (*out)[0].item(in[0].batch() - 1)[39] = bad;
      return out;
    };
    CHECK(Said(run, Graph()) == "output y: 1 of 120 values are not finite");
  }
}

TEST_CASE("another shape, another number of outputs, a run that fails") {
  const auto shaped = [](Dims dims) {
    return [dims](std::span<const Tensor>) {
      std::vector<Tensor> out;
      out.emplace_back(dims);
      std::fill_n(out[0].data(), out[0].size(), 0.0f);
      return FakeNetwork::Ran(std::move(out));
    };
  };
  CHECK(Said(shaped({3, 4, 5, 4}), Graph()) ==
        "output y is 3x4x5x4 for a batch of 3, the manifest says 2x?x? each");
  CHECK(Said(shaped({2, 2, 5, 4}), Graph()).starts_with("output y is 2x2x5x4"));
  CHECK(Said(shaped({3, 2, 20}), Graph()).starts_with("output y is 3x2x20"));
  const auto none = [](std::span<const Tensor>) { return FakeNetwork::Ran(std::vector<Tensor>()); };
  CHECK(Said(none, Graph()) == "0 outputs, the manifest says 1");
  const auto fails = [](std::span<const Tensor>) {
    return FakeNetwork::Ran(RunFailure{PIXLOOM_FAILED, "no such kernel"});
  };
  CHECK(Said(fails, Graph()) == "a batch of 3 does not run: no such kernel");
}

TEST_CASE("a fixed batch runs twice, and is compared where the numbers are about it") {
  std::vector<std::int64_t> batches;
  float factor = 1;
  const auto run = [&](std::span<const Tensor> in) {
    batches.push_back(in[0].batch());
    return MapValues(in, [&](float x) { return factor * Right(x); });
  };
  CHECK(Said(run, Graph(4), true, 4) == "");
  CHECK(batches == std::vector<std::int64_t>{4, 4});
  factor = 2;
  CHECK(Said(run, Graph(4), true, 4).starts_with("output y: mean"));
  CHECK(Said(run, Graph(3), true, 4) == "");  // nothing is known about four
}

TEST_CASE("without a check, batches must still agree") {
  GraphFile graph = Graph();
  graph.check.reset();
  int runs = 0;
  const auto right = [](std::span<const Tensor> in) {
    CHECK(in[0].dims()[2] > 0);
    return MapValues(in, [](float x) { return 5 * x; });
  };
  CHECK(Said(right, graph) == "");
  const auto restless = [&](std::span<const Tensor> in) {
    ++runs;
    return MapValues(in, [&](float x) { return x + static_cast<float>(runs); });
  };
  CHECK(Said(restless, graph).starts_with("output y: results differ by 1 "));
}

}  // namespace
}  // namespace pixloom
