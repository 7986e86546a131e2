// SPDX-License-Identifier: Apache-2.0
#include "tests/models/small_networks.h"

#include <cmath>
#include <utility>

#include "pipeline/config.h"
#include "pipeline/rng.h"

namespace pixloom {

namespace {

Shape Picture(std::int64_t channels, Side side) { return {Side::Fixed(channels), side, side}; }
Shape Features(std::int64_t count) { return {Side::Fixed(count)}; }

// In [-1, 1), as it goes into a float.
double Drawn(std::uint64_t key, std::uint64_t item, std::int64_t place) {
  const StreamKey stream{key, item, 7};
  const std::uint32_t bits = stream.Block(static_cast<std::uint32_t>(place))[0];
  return static_cast<double>(bits >> 8) / (1 << 23) - 1.0;
}

// Puts a graph together; layers are called by their numbers. Shapes are those of the textbook.
class Builder {
 public:
  Builder(std::string name, std::string graph, const std::string& manifest)
      : name_(std::move(name)) {
    graph_.name = std::move(graph);
    Diagnostics diagnostics;
    Variables none;
    manifest_ = ParseYaml(manifest, name_, none, diagnostics).value();
  }

  int Input(std::string name, Shape shape) {
    const int index = Put({.kind = LayerKind::kInput, .name = std::move(name)}, std::move(shape));
    graph_.inputs.push_back(index);
    return index;
  }
  // Conv and deconv: `layer` says kernel, stride, ...
  int Conv(Layer layer, int input) {
    layer.inputs = {input};
    const Side in = graph_.At(input).shape.at(1);
    const std::int64_t reach = layer.dilation * (layer.kernel - 1) + 1 - 2 * layer.padding;
    const bool up = layer.kind == LayerKind::kDeconv;
    const auto side = [&](std::int64_t size) {
      return up ? (size - 1) * layer.stride + reach + layer.output_padding
                : (size - reach) / layer.stride + 1;
    };
    return Put(layer, Picture(layer.channels, Map(in, side)));
  }
  int Pool(Layer layer, int input) {
    layer.channels = graph_.At(input).shape.at(0).add;
    return Conv(std::move(layer), input);
  }
  int Dense(std::string name, int input, std::int64_t count, bool bias = true) {
    return Put({.kind = LayerKind::kDense,
                .name = std::move(name),
                .inputs = {input},
                .channels = count,
                .bias = bias},
               Features(count));
  }
  // A layer that keeps the shape of its first input.
  int Same(Layer layer, std::vector<int> inputs) {
    layer.inputs = std::move(inputs);
    return Put(layer, graph_.At(layer.inputs[0]).shape);
  }
  int Activate(std::string name, int input, Activation activation, double alpha = 0.01) {
    return Same({.kind = LayerKind::kActivation,
                 .name = std::move(name),
                 .activation = activation,
                 .alpha = alpha},
                {input});
  }
  int Put(Layer layer, Shape shape) {
    layer.shape = std::move(shape);
    graph_.layers.push_back(std::move(layer));
    return static_cast<int>(graph_.layers.size()) - 1;
  }
  int Put(Layer layer, std::vector<int> inputs, Shape shape) {
    layer.inputs = std::move(inputs);
    return Put(std::move(layer), std::move(shape));
  }
  Side SideOf(int layer) const { return graph_.At(layer).shape.at(1); }

  SmallNetwork Done(std::vector<std::pair<std::string, int>> outputs) {
    graph_.outputs = std::move(outputs);
    SmallNetwork network;
    network.list.name = name_;
    network.list.manifest = manifest_;
    network.list.graphs = {graph_};
    Parameters& parameters = network.parameters[graph_.name];
    for (const Layer& layer : graph_.layers) {
      for (const ParameterSpec& spec : ParametersOf(layer, graph_.layers)) {
        const std::string name = layer.name + "_" + spec.name;
        const std::int64_t fan = spec.dims.size() < 2 ? 1 : Elements(spec.dims) / spec.dims[0];
        Tensor tensor(spec.dims);
        for (std::int64_t i = 0; i < tensor.size(); ++i) {
          double value = Drawn(StreamId(name_ + name), 0, i);
          if (fan > 1) value *= 1.5 / std::sqrt(static_cast<double>(fan));
          if (spec.name == "var") value = 1.0 + 0.6 * value;
          tensor.data()[i] = static_cast<float>(value);
        }
        parameters.emplace(name, std::move(tensor));
      }
    }
    return network;
  }

 private:
  // A rule for sizes, applied to a side that may be anything: its num, den and add.
  template <class Rule>
  static Side Map(Side in, const Rule& rule) {
    if (in.IsFixed()) return Side::Fixed(rule(in.add));
    const std::int64_t small = 64, large = 128;  // both divide by everything used here
    const std::int64_t at_small = rule(in.Of(small)), at_large = rule(in.Of(large));
    Side out;
    const std::int64_t rise = at_large - at_small;  // num / den * 64
    out.num = rise >= small ? rise / small : 1;
    out.den = rise >= small ? 1 : small / rise;
    out.add = at_small - small * out.num / out.den;
    return out;
  }

  std::string name_;
  Value manifest_;
  LayerGraph graph_;
};

using Kind = LayerKind;

// Everything a denoiser or an upscaler has, for pictures of any size.
SmallNetwork AnySize() {
  Builder b("any_size", "main", "role: enhancer");
  const int x = b.Input("image", Picture(3, Side::Any()));
  int a = b.Conv({.kind = Kind::kConv, .name = "c1", .channels = 8, .kernel = 3, .padding = 1}, x);
  a = b.Same({.kind = Kind::kBatchNorm, .name = "n1"}, {a});
  const int skip = b.Activate("a1", a, Activation::kLeakyRelu, 0.2);
  a = b.Conv({.kind = Kind::kConv,
              .name = "c2",
              .channels = 12,
              .kernel = 3,
              .stride = 2,
              .padding = 1,
              .groups = 4,
              .bias = false},
             skip);
  a = b.Same({.kind = Kind::kBatchNorm, .name = "n2", .epsilon = 1e-3}, {a});
  a = b.Activate("a2", a, Activation::kElu, 0.7);
  a = b.Conv(
      {.kind = Kind::kConv, .name = "c3", .channels = 12, .kernel = 3, .padding = 2, .dilation = 2},
      a);
  a = b.Activate("a3", a, Activation::kSigmoid);
  a = b.Conv({.kind = Kind::kDeconv,
              .name = "d1",
              .channels = 8,
              .kernel = 5,
              .stride = 2,
              .padding = 2,
              .output_padding = 1},
             a);
  a = b.Same({.kind = Kind::kBatchNorm, .name = "n3"}, {a});
  a = b.Activate("a4", a, Activation::kRelu);
  a = b.Same({.kind = Kind::kAdd, .name = "sum"}, {a, skip, skip});
  a = b.Put({.kind = Kind::kConcat, .name = "both"}, {a, skip}, Picture(16, b.SideOf(a)));
  a = b.Conv({.kind = Kind::kConv, .name = "last", .channels = 3, .kernel = 1}, a);
  return b.Done({{"out", b.Same({.kind = Kind::kMul, .name = "gate"}, {a, x})}});
}

// Two ways up, for pictures of any size.
SmallNetwork Upscaler(bool bilinear) {
  Builder b(bilinear ? "up_bilinear" : "up_nearest", "main", "role: enhancer");
  const int x = b.Input("image", Picture(3, Side::Any()));
  int a = b.Conv({.kind = Kind::kConv, .name = "c1", .channels = 3, .kernel = 3, .padding = 1}, x);
  const Side twice{2, 1, 0}, thrice{3, 1, 0};
  const Side up = bilinear ? twice : thrice;
  a = b.Put({.kind = Kind::kUpsample, .name = "up", .factor = up.num, .bilinear = bilinear}, {a},
            Picture(3, up));
  return b.Done({{"out", b.Activate("tanh", a, Activation::kTanh)}});
}

SmallNetwork Shuffle() {
  Builder b("shuffle", "main", "role: enhancer");
  const int x = b.Input("image", Picture(3, Side::Any()));
  int a = b.Conv({.kind = Kind::kConv, .name = "c1", .channels = 27, .kernel = 3, .padding = 1}, x);
  a = b.Put({.kind = Kind::kPixelShuffle, .name = "mix", .factor = 3}, {a},
            Picture(3, Side{3, 1, 0}));
  return b.Done({{"out", a}});
}

SmallNetwork Pools() {
  Builder b("pools", "main", "role: classifier");
  const int x = b.Input("image", Picture(3, Side::Fixed(12)));
  int a = b.Pool({.kind = Kind::kMaxPool, .name = "m", .kernel = 3, .stride = 2, .padding = 1}, x);
  a = b.Pool({.kind = Kind::kAvgPool, .name = "v", .kernel = 3, .stride = 2, .padding = 1}, a);
  return b.Done({{"out", a}});
}

// Features out of pictures; a batch norm that nothing can take in stays.
SmallNetwork Classifier() {
  Builder b("classifier", "main", "role: classifier");
  const int x = b.Input("image", Picture(3, Side::Fixed(16)));
  int a = b.Same({.kind = Kind::kBatchNorm, .name = "n0"}, {x});
  a = b.Conv({.kind = Kind::kConv, .name = "c1", .channels = 8, .kernel = 3, .stride = 2}, a);
  const int pooled = b.Put({.kind = Kind::kGlobalPool, .name = "pool"}, {a}, Features(8));
  const int flat = b.Put({.kind = Kind::kReshape, .name = "flat"}, {a}, Features(8 * 7 * 7));
  const int narrow = b.Dense("d1", flat, 5, false);
  a = b.Put({.kind = Kind::kConcat, .name = "both"}, {pooled, narrow}, Features(13));
  a = b.Same({.kind = Kind::kBatchNorm, .name = "n1"}, {a});
  a = b.Activate("soft", a, Activation::kSoftplus);
  const int last = b.Dense("d2", a, 6);
  return b.Done({{"features", a}, {"scores", b.Activate("max", last, Activation::kSoftmax)}});
}

// As a generator: features become a picture.
SmallNetwork Generator() {
  Builder b("generator", "generator", "role: generator");
  const int z = b.Input("z", Features(10));
  int a = b.Dense("d1", z, 4 * 3 * 3);
  a = b.Same({.kind = Kind::kBatchNorm, .name = "n0"}, {a});
  a = b.Activate("a0", a, Activation::kRelu);
  a = b.Put({.kind = Kind::kReshape, .name = "picture"}, {a}, Picture(4, Side::Fixed(3)));
  a = b.Conv({.kind = Kind::kDeconv,
              .name = "t1",
              .channels = 6,
              .kernel = 4,
              .stride = 2,
              .padding = 1,
              .groups = 2,
              .bias = false},
             a);
  a = b.Same({.kind = Kind::kBatchNorm, .name = "n1"}, {a});
  a = b.Activate("a1", a, Activation::kRelu);
  a = b.Conv({.kind = Kind::kDeconv, .name = "t2", .channels = 3, .kernel = 3}, a);
  return b.Done({{"image", b.Activate("tanh", a, Activation::kTanh)}});
}

// OpenCV 4.6 leaves the dilation out.
SmallNetwork Dilated() {
  Builder b("dilated", "main", "role: classifier");
  const int x = b.Input("image", Picture(3, Side::Fixed(6)));
  return b.Done({{"out", b.Conv({.kind = Kind::kDeconv,
                                 .name = "t",
                                 .channels = 3,
                                 .kernel = 3,
                                 .stride = 2,
                                 .dilation = 2},
                                x)}});
}

// Two inputs, outputs beside the end, one layer under two names, and names that are words of
// Python.
SmallNetwork Names() {
  Builder b("names", "cell", "{role: sequence, state: [{input: lambda, output: state}]}");
  const int x = b.Input("in", Picture(3, Side::Fixed(5)));
  const int h = b.Input("lambda", Picture(3, Side::Fixed(5)));
  const int sum = b.Same({.kind = Kind::kAdd, .name = "class"}, {x, h});
  const int product = b.Same({.kind = Kind::kMul, .name = "self"}, {sum, h});
  const int t = b.Activate("torch", product, Activation::kTanh);
  return b.Done({{"first", t}, {"state", sum}, {"second", t}});
}

}  // namespace

std::vector<SmallNetwork> SmallNetworks() {
  std::vector<SmallNetwork> all;
  all.push_back(AnySize());
  all.push_back(Upscaler(false));
  all.push_back(Upscaler(true));
  all.push_back(Shuffle());
  all.push_back(Pools());
  all.push_back(Classifier());
  all.push_back(Generator());
  all.push_back(Dilated());
  all.push_back(Names());
  return all;
}

Array DrawnArray(std::uint64_t seed, const std::string& name, Dims dims) {
  Array array{std::move(dims), {}};
  const std::int64_t item = Elements(array.dims) / array.dims.at(0);
  const std::uint64_t key = HashCombine(seed, StreamId(name));
  for (std::int64_t n = 0; n < array.dims[0]; ++n) {
    for (std::int64_t i = 0; i < item; ++i) {
      array.data.push_back(Drawn(key, static_cast<std::uint64_t>(n), i));
    }
  }
  return array;
}

std::vector<Array> InputsOf(const LayerGraph& graph, std::int64_t batch, std::int64_t side) {
  std::vector<Array> arrays;
  for (const int i : graph.inputs) {
    Dims dims{batch};
    for (const Side& s : graph.At(i).shape) dims.push_back(s.Of(side));
    arrays.push_back(DrawnArray(1, graph.At(i).name, dims));
  }
  return arrays;
}

}  // namespace pixloom
