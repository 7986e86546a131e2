// SPDX-License-Identifier: Apache-2.0
// What each verb makes. Composite layers are taken apart here.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/layer_attributes.h"
#include "models/layer_reader.h"
#include "models/layer_shapes.h"

namespace pixloom {

namespace {

// A verb's arguments and where its layers go.
struct Verb {
  GraphBuilder& builder;
  const LayerSpec& spec;
  Attributes& attributes;
  bool may_have_names;

  std::string Name() const { return spec.name.empty() ? builder.FreeName(spec.verb) : spec.name; }

  // Keeps the names that later layers may refer to.
  int Unknown() const { return builder.AddUnknown(Name(), spec.at); }

  int Make(LayerKind kind, std::vector<int> inputs, const std::string& name,
           const std::function<void(Layer&)>& fill = {}) const {
    Layer layer;
    layer.kind = kind;
    layer.name = name;
    layer.inputs = std::move(inputs);
    layer.at = spec.at;
    if (fill) fill(layer);
    return builder.Add(std::move(layer));
  }

  // A layer with one input; nothing is made of attributes that were wrong.
  int MakeOne(Layer layer) const {
    if (!attributes.Ok()) return Unknown();
    layer.name = Name();
    layer.inputs = {*spec.input};
    layer.at = spec.at;
    return builder.Add(std::move(layer));
  }

  const Shape& InputShape() const { return builder.ShapeOfLayer(*spec.input); }
};

// `padding`, a number or `same`.
std::int64_t ReadPadding(const Verb& verb, const Layer& layer) {
  const Value* padding = verb.attributes.Find("padding");
  if (padding == nullptr || padding->kind != Value::Kind::kString) {
    return verb.attributes.Int("padding", 0, 255, 0);
  }
  if (padding->text != "same") {
    verb.attributes.Fail(padding->at,
                         "padding is an integer or `same`, got " + padding->Describe());
    return 0;
  }
  const bool up = layer.kind == LayerKind::kDeconv;
  std::int64_t both = layer.dilation * (layer.kernel - 1);
  if (up) both += 1 + layer.output_padding - layer.stride;
  if (both < 0 || both % 2 != 0) {
    verb.attributes.Fail(
        padding->at, up ? "padding `same` needs a kernel of the stride plus an even number; or use "
                          "output_padding"
                        : "padding `same` needs an odd kernel, to be equal on both sides");
    return 0;
  }
  return both / 2;
}

void ReadDeviation(Attributes& attributes, Layer& layer) {
  if (attributes.Find("deviation") == nullptr) return;
  layer.deviation = attributes.Number("deviation", 0, 100, 0);
}

int ReadConv(const Verb& verb) {
  Attributes& a = verb.attributes;
  Layer layer;
  layer.kind = verb.spec.verb == "conv" ? LayerKind::kConv : LayerKind::kDeconv;
  layer.channels = a.Int("channels", 1, kMostChannels);
  layer.kernel = a.Int("kernel", 1, 255);
  layer.stride = a.Int("stride", 1, 64, 1);
  layer.dilation = a.Int("dilation", 1, 64, 1);
  layer.groups = a.Int("groups", 1, kMostChannels, 1);
  layer.bias = a.Flag("bias", true);
  ReadDeviation(a, layer);
  if (layer.kind == LayerKind::kDeconv) {
    // As PyTorch and ONNX have it: less than one step, or the last pixels would belong to nobody.
    const std::int64_t most = std::max(layer.stride, layer.dilation) - 1;
    layer.output_padding = a.Int("output_padding", 0, most, 0);
  }
  layer.padding = ReadPadding(verb, layer);
  return verb.MakeOne(std::move(layer));
}

int ReadDense(const Verb& verb) {
  Attributes& a = verb.attributes;
  Layer layer;
  layer.kind = LayerKind::kDense;
  layer.channels = a.Int("features", 1, kMostFeatures);
  if (verb.spec.verb == "dense") {
    layer.bias = a.Flag("bias", true);
    ReadDeviation(a, layer);
  } else {
    // Of a one-hot input one weight counts: fan-in says nothing.
    layer.bias = false;
    layer.deviation = 1;
  }
  return verb.MakeOne(std::move(layer));
}

int ReadBatchNorm(const Verb& verb) {
  Layer layer;
  layer.kind = LayerKind::kBatchNorm;
  layer.epsilon = verb.attributes.Number("epsilon", 1e-12, 1, 1e-5);
  return verb.MakeOne(std::move(layer));
}

int ReadActivation(const Verb& verb) {
  static const std::map<std::string, Activation> activations = {
      {"relu", Activation::kRelu},       {"leaky_relu", Activation::kLeakyRelu},
      {"elu", Activation::kElu},         {"sigmoid", Activation::kSigmoid},
      {"tanh", Activation::kTanh},       {"softplus", Activation::kSoftplus},
      {"softmax", Activation::kSoftmax},
  };
  Layer layer;
  layer.kind = LayerKind::kActivation;
  layer.activation = activations.at(verb.spec.verb);
  if (layer.activation == Activation::kLeakyRelu) {
    layer.alpha = verb.attributes.Number("alpha", 0, 1, 0.01);
  } else if (layer.activation == Activation::kElu) {
    layer.alpha = verb.attributes.Number("alpha", 0, 100, 1);
  }
  return verb.MakeOne(std::move(layer));
}

int ReadPool(const Verb& verb) {
  Attributes& a = verb.attributes;
  Layer layer;
  layer.kind = verb.spec.verb == "max_pool" ? LayerKind::kMaxPool : LayerKind::kAvgPool;
  layer.kernel = a.Int("kernel", 1, 255);
  layer.stride = a.Int("stride", 1, 64, std::min<std::int64_t>(layer.kernel, 64));
  // More, and a window could lie in the padding alone.
  layer.padding = a.Int("padding", 0, layer.kernel / 2, 0);
  return verb.MakeOne(std::move(layer));
}

int ReadGlobalPool(const Verb& verb) {
  Layer layer;
  layer.kind = LayerKind::kGlobalPool;
  return verb.MakeOne(std::move(layer));
}

int ReadEnlarge(const Verb& verb) {
  Layer layer;
  const bool shuffle = verb.spec.verb == "pixel_shuffle";
  layer.kind = shuffle ? LayerKind::kPixelShuffle : LayerKind::kUpsample;
  layer.factor = verb.attributes.Int("factor", 2, 64);
  if (!shuffle)
    layer.bilinear = verb.attributes.Word("mode", {"nearest", "bilinear"}) == "bilinear";
  return verb.MakeOne(std::move(layer));
}

int ReadReshape(const Verb& verb) {
  Layer layer;
  layer.kind = LayerKind::kReshape;
  if (verb.spec.verb == "flatten") return verb.MakeOne(std::move(layer));
  const Value* to = verb.attributes.Need("to");
  if (to == nullptr) return verb.Unknown();
  layer.shape = ReadShape(*to, false, "reshape", verb.builder.Found());
  if (layer.shape.empty()) return verb.Unknown();
  return verb.MakeOne(std::move(layer));
}

// concat, add, mul: of several layers.
int ReadJoin(const Verb& verb) {
  const Value* with = verb.attributes.Need("with");
  if (with == nullptr) return verb.Unknown();
  std::vector<int> inputs;
  bool found = true;
  const auto add = [&](const Value& reference) {
    const auto index = verb.builder.Find(reference);
    if (index) inputs.push_back(*index);
    found = found && index;
  };
  if (with->kind == Value::Kind::kList) {
    if (verb.spec.from != nullptr) {
      verb.attributes.Fail(verb.spec.from->at,
                           "`from` beside a list of layers; put it into the list");
    }
    if (with->items.size() < 2 || with->items.size() > 64) {
      verb.attributes.Fail(with->at, "needs 2 to 64 layers, got " + with->Describe());
    }
    for (const Value& item : with->items) add(item);
  } else {
    if (!verb.spec.input) {
      verb.attributes.Fail(verb.spec.at, "there is no layer before it; list all it reads");
    } else {
      inputs.push_back(*verb.spec.input);
    }
    add(*with);
  }
  if (!found || !verb.attributes.Ok()) return verb.Unknown();
  static const std::map<std::string, LayerKind> kinds = {
      {"concat", LayerKind::kConcat}, {"add", LayerKind::kAdd}, {"mul", LayerKind::kMul}};
  return verb.Make(kinds.at(verb.spec.verb), std::move(inputs), verb.Name());
}

int ReadResidual(const Verb& verb) {
  const Value* layers = verb.attributes.Need("layers");
  if (layers == nullptr) return verb.Unknown();
  const auto last = ReadLayers(verb.builder, *layers, verb.spec.input, verb.may_have_names);
  if (!last) return verb.Unknown();
  return verb.Make(LayerKind::kAdd, {*verb.spec.input, *last}, verb.Name());
}

int ReadRepeat(const Verb& verb) {
  const std::int64_t times = verb.attributes.Int("times", 1, 1000);
  const Value* layers = verb.attributes.Need("layers");
  if (!verb.spec.name.empty()) {
    verb.attributes.Fail(verb.spec.at, "cannot have a name; there is no one layer to bear it");
  }
  if (layers == nullptr) return verb.Unknown();
  const Diagnostics& found = verb.builder.Found();
  const int errors = found.ErrorCount();
  std::optional<int> last = verb.spec.input;
  // What is wrong once would be wrong each time.
  for (std::int64_t i = 0; i < times && found.ErrorCount() == errors; ++i) {
    last = ReadLayers(verb.builder, *layers, last, false);
  }
  return last ? *last : verb.Unknown();
}

// ---- Recurrent cells ----------------------------------------------------------------------------

// Four gates, each a layer of its own (one that is split afterwards is more than OpenCV can do):
//   f, i, o = sigmoid(W [x, h] + b)   g = tanh(W [x, h] + b)
//   c' = f c + i g                    h' = o tanh(c')
// The bias of f begins at 1: what a cell remembers at first lets gradients through.
int MakeCell(const Verb& verb, const Layer& gate, int h, int c) {
  const std::string name = verb.Name();
  const int xh = verb.Make(LayerKind::kConcat, {*verb.spec.input, h}, name + "_xh");
  std::map<char, int> gates;
  for (const char which : {'f', 'i', 'g', 'o'}) {
    Layer layer = gate;
    layer.name = fmt::format("{}_{}", name, which);
    layer.inputs = {xh};
    layer.at = verb.spec.at;
    layer.bias_start = which == 'f' ? 1 : 0;
    const int sum = verb.builder.Add(std::move(layer));
    gates[which] = verb.Make(
        LayerKind::kActivation, {sum}, fmt::format("{}_{}_gate", name, which),
        [&](Layer& l) { l.activation = which == 'g' ? Activation::kTanh : Activation::kSigmoid; });
  }
  const int kept = verb.Make(LayerKind::kMul, {gates['f'], c}, name + "_kept");
  const int fresh = verb.Make(LayerKind::kMul, {gates['i'], gates['g']}, name + "_fresh");
  const int cell = verb.Make(LayerKind::kAdd, {kept, fresh}, name + "_c");
  const int shown = verb.Make(LayerKind::kActivation, {cell}, name + "_shown",
                              [](Layer& l) { l.activation = Activation::kTanh; });
  return verb.Make(LayerKind::kMul, {gates['o'], shown}, name + "_h");
}

int UnknownCell(const Verb& verb) {
  const std::string name = verb.Name();
  verb.builder.AddUnknown(name + "_c", verb.spec.at);
  return verb.builder.AddUnknown(name + "_h", verb.spec.at);
}

int ReadCell(const Verb& verb) {
  Attributes& a = verb.attributes;
  const bool pictures = verb.spec.verb == "conv_lstm_cell";
  Layer gate;
  gate.kind = pictures ? LayerKind::kConv : LayerKind::kDense;
  gate.channels = a.Int(pictures ? "channels" : "features", 1, kMostChannels);
  if (pictures) {
    gate.kernel = a.Int("kernel", 1, 255, 3);
    if (gate.kernel % 2 == 0) a.Fail(a.Find("kernel")->at, "kernel must be odd to keep the size");
    gate.padding = gate.kernel / 2;
  }
  const auto find = [&](const char* key, const char* fallback) -> std::optional<int> {
    const Value* value = a.Find(key);
    return verb.builder.Find(value != nullptr ? *value : Value::String(fallback, verb.spec.at));
  };
  const auto h = find("state", "h");
  const auto c = find("cell", "c");
  if (!h || !c || !a.Ok()) return UnknownCell(verb);
  const Shape& in = verb.InputShape();
  if (in.empty()) return UnknownCell(verb);
  Shape wanted = in;
  wanted[0] = Side::Fixed(gate.channels);
  if (IsPicture(in) != pictures) {
    verb.builder.Error("NET-SHAPE", verb.spec.at,
                       fmt::format("{} reads {}, not {}; there is also {}", verb.spec.verb,
                                   pictures ? "pictures" : "features", ShapeText(in),
                                   pictures ? "lstm_cell" : "conv_lstm_cell"));
    return UnknownCell(verb);
  }
  for (const int index : {*h, *c}) {
    const Shape& shape = verb.builder.ShapeOfLayer(index);
    if (shape == wanted) continue;
    if (!shape.empty()) {
      verb.builder.Error(
          "NET-SHAPE", verb.spec.at,
          fmt::format("{}: '{}' is {}; of what it reads it must be {}", verb.spec.verb,
                      verb.builder.Graph().At(index).name, ShapeText(shape), ShapeText(wanted)));
    }
    return UnknownCell(verb);
  }
  return MakeCell(verb, gate, *h, *c);
}

// ---- The table ----------------------------------------------------------------------------------

struct VerbInfo {
  std::vector<std::string> keys;  // the first is the primary one
  int (*read)(const Verb&);
};

const std::map<std::string, VerbInfo>& Table() {
  static const std::map<std::string, VerbInfo> table = {
      {"add", {{"with"}, ReadJoin}},
      {"avg_pool", {{"kernel", "stride", "padding"}, ReadPool}},
      {"batch_norm", {{"epsilon"}, ReadBatchNorm}},
      {"concat", {{"with"}, ReadJoin}},
      {"conv",
       {{"channels", "kernel", "stride", "padding", "dilation", "groups", "bias", "deviation"},
        ReadConv}},
      {"conv_lstm_cell", {{"channels", "kernel", "state", "cell"}, ReadCell}},
      {"deconv",
       {{"channels", "kernel", "stride", "padding", "output_padding", "dilation", "groups", "bias",
         "deviation"},
        ReadConv}},
      {"dense", {{"features", "bias", "deviation"}, ReadDense}},
      {"elu", {{"alpha"}, ReadActivation}},
      {"embedding", {{"features"}, ReadDense}},
      {"flatten", {{}, ReadReshape}},
      {"global_pool", {{}, ReadGlobalPool}},
      {"leaky_relu", {{"alpha"}, ReadActivation}},
      {"lstm_cell", {{"features", "state", "cell"}, ReadCell}},
      {"max_pool", {{"kernel", "stride", "padding"}, ReadPool}},
      {"mul", {{"with"}, ReadJoin}},
      {"pixel_shuffle", {{"factor"}, ReadEnlarge}},
      {"relu", {{}, ReadActivation}},
      {"repeat", {{"times", "layers"}, ReadRepeat}},
      {"reshape", {{"to"}, ReadReshape}},
      {"residual", {{"layers"}, ReadResidual}},
      {"sigmoid", {{}, ReadActivation}},
      {"softmax", {{}, ReadActivation}},
      {"softplus", {{}, ReadActivation}},
      {"tanh", {{}, ReadActivation}},
      {"upsample", {{"factor", "mode"}, ReadEnlarge}},
  };
  return table;
}

}  // namespace

const std::vector<std::string>& LayerVerbs() {
  static const std::vector<std::string> verbs = [] {
    std::vector<std::string> names;
    for (const auto& [name, info] : Table()) names.push_back(name);
    return names;
  }();
  return verbs;
}

int ReadVerb(GraphBuilder& builder, const LayerSpec& spec, bool may_have_names) {
  const VerbInfo& info = Table().at(spec.verb);
  Attributes attributes(spec.verb, *spec.args, info.keys, spec.at, builder.Found());
  const Verb verb{builder, spec, attributes, may_have_names};
  // Lists of layers say themselves what they read.
  if (!spec.input && info.read != ReadJoin && info.read != ReadRepeat) {
    builder.Error("NET-NAME", spec.at,
                  fmt::format("{}: which input? say `from`, or join them by concat", spec.verb));
    return verb.Unknown();
  }
  return info.read(verb);
}

}  // namespace pixloom
