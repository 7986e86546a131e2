// SPDX-License-Identifier: Apache-2.0
#include "models/onnx_writer.h"

#include <algorithm>
#include <bit>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace pixloom {

namespace {

// ---- Protocol buffers ---------------------------------------------------------------------------

// One message: numbered fields, one behind the other. That is all there is to the format.
class Message {
 public:
  void Int(int field, std::int64_t value) {
    Varint(static_cast<std::uint64_t>(field) << 3);
    Varint(static_cast<std::uint64_t>(value));
  }
  void Float(int field, float value) {
    Varint(static_cast<std::uint64_t>(field) << 3 | 5);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(bits >> shift & 0xff);
  }
  void Text(int field, std::string_view text) {
    Varint(static_cast<std::uint64_t>(field) << 3 | 2);
    Varint(text.size());
    bytes_ += text;
  }
  void Nested(int field, const Message& message) { Text(field, message.bytes_); }
  const std::string& Bytes() const { return bytes_; }

 private:
  void Varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

// ---- ONNX messages; numbers of fields are those of onnx.proto -----------------------------------

enum : int { kFloat32 = 1, kInt64 = 7 };                                    // TensorProto.DataType
enum : int { kTypeFloat = 1, kTypeInt = 2, kTypeText = 3, kTypeInts = 7 };  // AttributeProto

static_assert(std::endian::native == std::endian::little, "raw_data is little endian");

template <class T>
Message TensorMessage(const std::string& name, int type, const Dims& dims,
                      std::span<const T> values) {
  Message tensor;
  for (const std::int64_t d : dims) tensor.Int(1, d);
  tensor.Int(2, type);
  tensor.Text(8, name);
  tensor.Text(9, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  return tensor;
}

// A side that may have any size has a name; equal names are equal sizes.
std::string SideName(const Side& side, std::string_view axis) {
  std::string name(axis);
  if (side.num != 1) name += fmt::format("_times_{}", side.num);
  if (side.den != 1) name += fmt::format("_by_{}", side.den);
  if (side.add != 0)
    name +=
        fmt::format("_{}_{}", side.add > 0 ? "plus" : "less", side.add > 0 ? side.add : -side.add);
  return name;
}

Message ValueMessage(const std::string& name, const Shape& item) {
  Message shape, dim;
  dim.Text(2, "N");
  shape.Nested(1, dim);
  for (std::size_t i = 0; i < item.size(); ++i) {
    Message side;
    if (item[i].IsFixed()) {
      side.Int(1, item[i].add);
    } else {
      side.Text(2, SideName(item[i], i + 1 == item.size() ? "W" : "H"));
    }
    shape.Nested(1, side);
  }
  Message tensor, type, value;
  tensor.Int(1, kFloat32);
  tensor.Nested(2, shape);
  type.Nested(1, tensor);
  value.Text(1, name);
  value.Nested(2, type);
  return value;
}

// A node while it is put together.
class Node {
 public:
  explicit Node(std::string_view op) : op_(op) {}
  Node& In(std::string_view name) {
    message_.Text(1, name);
    return *this;
  }
  Node& Out(std::string_view name) {
    message_.Text(2, name);
    return *this;
  }
  Node& Int(std::string_view name, std::int64_t value) {
    return Attribute(name, kTypeInt, [&](Message& m) { m.Int(3, value); });
  }
  Node& Float(std::string_view name, double value) {
    return Attribute(name, kTypeFloat, [&](Message& m) { m.Float(2, static_cast<float>(value)); });
  }
  Node& Text(std::string_view name, std::string_view value) {
    return Attribute(name, kTypeText, [&](Message& m) { m.Text(4, value); });
  }
  Node& Ints(std::string_view name, const Dims& values) {
    return Attribute(name, kTypeInts, [&](Message& m) {
      for (const std::int64_t v : values) m.Int(8, v);
    });
  }
  Message Done(const std::string& name) {
    message_.Text(3, name);
    message_.Text(4, op_);
    return message_;
  }

 private:
  template <class Fill>
  Node& Attribute(std::string_view name, int type, const Fill& fill) {
    Message attribute;
    attribute.Text(1, name);
    fill(attribute);
    attribute.Int(20, type);
    message_.Nested(5, attribute);
    return *this;
  }
  std::string_view op_;
  Message message_;
};

// ---- From layers to nodes -----------------------------------------------------------------------

class Writer {
 public:
  Writer(const LayerGraph& graph, const Parameters& parameters)
      : graph_(graph), parameters_(parameters) {
    NameValues();
  }

  Message Graph() {
    for (std::size_t i = 0; i < graph_.layers.size(); ++i) WriteLayer(i);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const auto& [name, layer] = graph_.outputs[i];
      if (Value(layer) != name) Add(Node("Identity").In(Value(layer)).Out(name), name);
    }
    Message graph;
    for (const Message& node : nodes_) graph.Nested(1, node);
    graph.Text(2, graph_.name.empty() ? "main" : graph_.name);
    for (const Message& tensor : initializers_) graph.Nested(5, tensor);
    // Features before pictures: OpenCV 4.6 takes a picture's open batch for 1 unless it has seen
    // other open sizes by then, and refuses to join what it believes to be of two batches.
    std::vector<int> inputs = graph_.inputs;
    std::ranges::stable_sort(inputs, {}, [&](int i) { return graph_.At(i).shape.size(); });
    for (const int i : inputs) graph.Nested(11, ValueMessage(Value(i), graph_.At(i).shape));
    for (const auto& [name, i] : graph_.outputs) {
      graph.Nested(12, ValueMessage(name, graph_.At(i).shape));
    }
    return graph;
  }

 private:
  // A layer's value is called as the layer, or as the output that it is; no two are called alike.
  void NameValues() {
    values_.resize(graph_.layers.size());
    for (const int i : graph_.inputs) {
      values_[static_cast<std::size_t>(i)] = graph_.At(i).name;
      taken_.insert(graph_.At(i).name);
    }
    for (const auto& [name, i] : graph_.outputs) {
      PIXLOOM_CHECK(taken_.insert(name).second, "two inputs or outputs called " + name);
      std::string& value = values_[static_cast<std::size_t>(i)];
      if (value.empty()) value = name;
    }
    for (std::size_t i = 0; i < graph_.layers.size(); ++i) {
      if (values_[i].empty()) values_[i] = Unique(graph_.layers[i].name);
    }
  }

  std::string Unique(std::string name) {
    while (!taken_.insert(name).second) name += '_';
    return name;
  }

  const std::string& Value(int layer) const { return values_[static_cast<std::size_t>(layer)]; }

  void Add(Node node, const std::string& name) { nodes_.push_back(node.Done(name)); }

  // Constants are never shared: OpenCV 4.6 refuses a constant that two nodes read.
  template <class T>
  std::string Constant(const std::string& name, int type, const Dims& dims,
                       const std::vector<T>& values) {
    const std::string unique = Unique(name);
    initializers_.push_back(TensorMessage<T>(unique, type, dims, values));
    return unique;
  }

  std::string Parameter(const Layer& layer, const char* name) {
    const std::string key = layer.name + "_" + name;
    const auto found = parameters_.find(key);
    PIXLOOM_CHECK(found != parameters_.end(), "no parameter " + key);
    const Tensor& tensor = found->second;
    const std::string unique = Unique(key);
    initializers_.push_back(TensorMessage<float>(
        unique, kFloat32, tensor.dims(), {tensor.data(), static_cast<std::size_t>(tensor.size())}));
    return unique;
  }

  void WriteLayer(std::size_t index) {
    const Layer& layer = graph_.layers[index];
    const std::string& out = values_[index];
    switch (layer.kind) {
      case LayerKind::kInput:
        return;
      case LayerKind::kConv:
        return WriteConv(layer, "Conv", out);
      case LayerKind::kDeconv:
        return WriteConv(layer, "ConvTranspose", out);
      case LayerKind::kDense:
        return WriteDense(layer, out);
      case LayerKind::kBatchNorm:
        return WriteBatchNorm(layer, out);
      case LayerKind::kActivation:
        return WriteActivation(layer, out);
      case LayerKind::kMaxPool:
        return WritePool(layer, "MaxPool", out);
      case LayerKind::kAvgPool:
        return WritePool(layer, "AveragePool", out);
      case LayerKind::kGlobalPool:
        return WriteGlobalPool(layer, out);
      case LayerKind::kUpsample:
        return WriteUpsample(layer, out);
      case LayerKind::kPixelShuffle:
        return WritePixelShuffle(layer, out);
      case LayerKind::kReshape:
        return WriteReshape(layer, out);
      case LayerKind::kConcat:
        return WriteConcat(layer, out);
      case LayerKind::kAdd:
        return WritePairs(layer, "Add", out);
      case LayerKind::kMul:
        return WritePairs(layer, "Mul", out);
    }
  }

  const std::string& Input(const Layer& layer) const { return Value(layer.inputs.at(0)); }

  void WriteConv(const Layer& layer, std::string_view op, const std::string& out) {
    Node node(op);
    node.In(Input(layer)).In(Parameter(layer, "weight"));
    if (layer.bias) node.In(Parameter(layer, "bias"));
    node.Out(out)
        .Ints("dilations", {layer.dilation, layer.dilation})
        .Int("group", layer.groups)
        .Ints("kernel_shape", {layer.kernel, layer.kernel})
        .Ints("pads", Dims(4, layer.padding))
        .Ints("strides", {layer.stride, layer.stride});
    if (layer.kind == LayerKind::kDeconv && layer.output_padding != 0) {
      node.Ints("output_padding", {layer.output_padding, layer.output_padding});
    }
    Add(node, layer.name);
  }

  void WriteDense(const Layer& layer, const std::string& out) {
    Node node("Gemm");
    node.In(Input(layer)).In(Parameter(layer, "weight"));
    if (layer.bias) node.In(Parameter(layer, "bias"));
    Add(node.Out(out).Float("alpha", 1).Float("beta", 1).Int("transB", 1), layer.name);
  }

  void WriteBatchNorm(const Layer& layer, const std::string& out) {
    Node node("BatchNormalization");
    node.In(Input(layer));
    for (const char* name : {"weight", "bias", "mean", "var"}) node.In(Parameter(layer, name));
    Add(node.Out(out).Float("epsilon", layer.epsilon), layer.name);
  }

  void WriteActivation(const Layer& layer, const std::string& out) {
    const auto node = [&](std::string_view op) {
      Node made(op);
      made.In(Input(layer)).Out(out);
      return made;
    };
    switch (layer.activation) {
      case Activation::kRelu:
        return Add(node("Relu"), layer.name);
      case Activation::kLeakyRelu:
        return Add(node("LeakyRelu").Float("alpha", layer.alpha), layer.name);
      case Activation::kElu:
        return Add(node("Elu").Float("alpha", layer.alpha), layer.name);
      case Activation::kSigmoid:
        return Add(node("Sigmoid"), layer.name);
      case Activation::kTanh:
        return Add(node("Tanh"), layer.name);
      case Activation::kSoftplus:
        return Add(node("Softplus"), layer.name);
      case Activation::kSoftmax:
        return Add(node("Softmax").Int("axis", 1), layer.name);
    }
  }

  void WritePool(const Layer& layer, std::string_view op, const std::string& out) {
    Node node(op);
    node.In(Input(layer))
        .Out(out)
        .Ints("kernel_shape", {layer.kernel, layer.kernel})
        .Ints("pads", Dims(4, layer.padding))
        .Ints("strides", {layer.stride, layer.stride});
    if (layer.kind == LayerKind::kAvgPool) node.Int("count_include_pad", 0);
    Add(node, layer.name);
  }

  void WriteGlobalPool(const Layer& layer, const std::string& out) {
    const std::string picture = Unique(layer.name + "_picture");
    Add(Node("GlobalAveragePool").In(Input(layer)).Out(picture), layer.name);
    Add(Node("Flatten").In(picture).Out(out).Int("axis", 1), layer.name + "_flatten");
  }

  // "pytorch_half_pixel" is "half_pixel" for every result larger than 1 px, and the one of the two
  // that OpenCV 4.6 computes so. Opset 11 wants a region, though it is read in another mode only.
  void WriteUpsample(const Layer& layer, const std::string& out) {
    const auto factor = static_cast<float>(layer.factor);
    Node node("Resize");
    node.In(Input(layer))
        .In(Constant<float>(layer.name + "_region", kFloat32, {8}, {0, 0, 0, 0, 1, 1, 1, 1}))
        .In(Constant<float>(layer.name + "_scales", kFloat32, {4}, {1, 1, factor, factor}))
        .Out(out);
    if (layer.bilinear) {
      node.Text("coordinate_transformation_mode", "pytorch_half_pixel").Text("mode", "linear");
    } else {
      node.Text("coordinate_transformation_mode", "asymmetric")
          .Text("mode", "nearest")
          .Text("nearest_mode", "floor");
    }
    Add(node, layer.name);
  }

  // As a transposed convolution by ones and zeros, which gives the very same numbers: OpenCV 4.6
  // has DepthToSpace for one batch size only.
  void WritePixelShuffle(const Layer& layer, const std::string& out) {
    const std::int64_t r = layer.factor, channels = layer.shape.at(0).add;
    std::vector<float> ones(static_cast<std::size_t>(channels * r * r * r * r), 0.0f);
    for (std::int64_t in = 0; in < channels * r * r; ++in) {
      ones[static_cast<std::size_t>(in * r * r + in % (r * r))] = 1.0f;
    }
    Node node("ConvTranspose");
    node.In(Input(layer))
        .In(Constant<float>(layer.name + "_places", kFloat32, {channels * r * r, 1, r, r}, ones))
        .Out(out)
        .Ints("dilations", {1, 1})
        .Int("group", channels)
        .Ints("kernel_shape", {r, r})
        .Ints("pads", {0, 0, 0, 0})
        .Ints("strides", {r, r});
    Add(node, layer.name);
  }

  void WriteReshape(const Layer& layer, const std::string& out) {
    if (layer.shape.size() == 1) {
      return Add(Node("Flatten").In(Input(layer)).Out(out).Int("axis", 1), layer.name);
    }
    Dims shape = ShapeDims(layer.shape);
    shape.insert(shape.begin(), 0);  // the batch as it is
    const Dims size{static_cast<std::int64_t>(shape.size())};
    const std::string target = Constant<std::int64_t>(layer.name + "_shape", kInt64, size, shape);
    Add(Node("Reshape").In(Input(layer)).In(target).Out(out), layer.name);
  }

  void WriteConcat(const Layer& layer, const std::string& out) {
    Node node("Concat");
    for (const int i : layer.inputs) node.In(Value(i));
    Add(node.Out(out).Int("axis", 1), layer.name);
  }

  void WritePairs(const Layer& layer, std::string_view op, const std::string& out) {
    std::string sum = Input(layer);
    for (std::size_t i = 1; i < layer.inputs.size(); ++i) {
      const bool last = i + 1 == layer.inputs.size();
      const std::string next = last ? out : Unique(fmt::format("{}_{}", layer.name, i));
      Add(Node(op).In(sum).In(Value(layer.inputs[i])).Out(next),
          last ? layer.name : fmt::format("{}_{}", layer.name, i));
      sum = next;
    }
  }

  const LayerGraph& graph_;
  const Parameters& parameters_;
  std::vector<std::string> values_;  // of layers, by index
  std::set<std::string> taken_;
  std::vector<Message> nodes_, initializers_;
};

}  // namespace

std::vector<std::uint8_t> OnnxBytes(const LayerGraph& graph, const Parameters& parameters) {
  const auto [folded, weights] = FoldBatchNorm(graph, parameters);
  Message opset, model;
  opset.Text(1, "");
  opset.Int(2, 11);
  model.Int(1, 7);  // IR version
  model.Text(2, "pixloom");
  model.Nested(7, Writer(folded, weights).Graph());
  model.Nested(8, opset);
  return {model.Bytes().begin(), model.Bytes().end()};
}

}  // namespace pixloom
