// SPDX-License-Identifier: Apache-2.0
#include "models/torchscript_source.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pixloom {

namespace {

// Names that an argument of `forward` cannot have.
constexpr std::array kReserved = {
    "False",   "None",     "Tensor",   "True",   "Tuple", "and",    "as",     "assert",
    "break",   "class",    "continue", "def",    "del",   "elif",   "else",   "except",
    "finally", "for",      "from",     "global", "if",    "import", "in",     "is",
    "lambda",  "nonlocal", "not",      "or",     "pass",  "raise",  "return", "self",
    "torch",   "try",      "while",    "with",   "yield",
};

// A number that TorchScript takes for a float, not for an int.
std::string FloatText(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string Twice(std::int64_t value) { return fmt::format("[{0}, {0}]", value); }

class Source {
 public:
  explicit Source(const LayerGraph& graph) : graph_(graph) {}

  std::string Text() const {
    std::string text = "def forward(self";
    for (const int i : graph_.inputs) text += fmt::format(", {}: Tensor", Variable(i));
    std::vector<std::string> results, types;
    for (const auto& [name, layer] : graph_.outputs) {
      results.push_back(Variable(layer));
      types.push_back("Tensor");
    }
    text += types.size() == 1 ? std::string(") -> Tensor:\n")
                              : fmt::format(") -> Tuple[{}]:\n", fmt::join(types, ", "));
    for (std::size_t i = 0; i < graph_.layers.size(); ++i) {
      if (graph_.layers[i].kind == LayerKind::kInput) continue;
      text += fmt::format("    {} = {}\n", Variable(static_cast<int>(i)), Call(graph_.layers[i]));
    }
    return text + fmt::format("    return {}\n", fmt::join(results, ", "));
  }

 private:
  // Inputs keep their names; the value of a layer cannot be mistaken for anything else.
  std::string Variable(int index) const {
    const Layer& layer = graph_.At(index);
    if (layer.kind != LayerKind::kInput) return fmt::format("v{}_{}", index, layer.name);
    const bool reserved = std::ranges::find(kReserved, layer.name) != kReserved.end();
    return reserved ? layer.name + "_" : layer.name;
  }

  std::string Input(const Layer& layer) const { return Variable(layer.inputs.at(0)); }

  std::string Inputs(const Layer& layer, std::string_view between) const {
    std::vector<std::string> names;
    for (const int i : layer.inputs) names.push_back(Variable(i));
    return fmt::format("{}", fmt::join(names, between));
  }

  static std::string Weights(const Layer& layer) {
    const std::string bias = layer.bias ? "self." + layer.name + "_bias" : "None";
    return fmt::format("self.{}_weight, {}", layer.name, bias);
  }

  std::string Call(const Layer& layer) const {
    const std::string x = Input(layer), stride = Twice(layer.stride), pad = Twice(layer.padding);
    const std::string kernel = Twice(layer.kernel);
    switch (layer.kind) {
      case LayerKind::kInput:
        break;
      case LayerKind::kConv:
        return fmt::format("torch.conv2d({}, {}, {}, {}, {}, {})", x, Weights(layer), stride, pad,
                           Twice(layer.dilation), layer.groups);
      case LayerKind::kDeconv:
        return fmt::format("torch.conv_transpose2d({}, {}, {}, {}, {}, {}, {})", x, Weights(layer),
                           stride, pad, Twice(layer.output_padding), layer.groups,
                           Twice(layer.dilation));
      case LayerKind::kDense:
        return fmt::format("torch.linear({}, {})", x, Weights(layer));
      case LayerKind::kBatchNorm:
        return fmt::format(
            "torch.batch_norm({0}, self.{1}_weight, self.{1}_bias, self.{1}_mean, self.{1}_var, "
            "self.training, 0.1, {2}, True)",
            x, layer.name, FloatText(layer.epsilon));
      case LayerKind::kActivation:
        return ActivationCall(layer, x);
      case LayerKind::kMaxPool:
        return fmt::format("torch.max_pool2d({}, {}, {}, {})", x, kernel, stride, pad);
      case LayerKind::kAvgPool:  // round down; do not count padding
        return fmt::format("torch.avg_pool2d({}, {}, {}, {}, False, False)", x, kernel, stride,
                           pad);
      case LayerKind::kGlobalPool:
        return fmt::format("torch.mean({}, [2, 3])", x);
      case LayerKind::kUpsample: {
        const std::string factor = FloatText(static_cast<double>(layer.factor));
        return layer.bilinear
                   ? fmt::format(
                         "torch.upsample_bilinear2d({0}, None, False, [{1}, "
                         "{1}])",
                         x, factor)
                   : fmt::format("torch.upsample_nearest2d({0}, None, [{1}, {1}])", x, factor);
      }
      case LayerKind::kPixelShuffle:
        return fmt::format("torch.pixel_shuffle({}, {})", x, layer.factor);
      case LayerKind::kReshape:
        return fmt::format("torch.reshape({}, [-1, {}])", x,
                           fmt::join(ShapeDims(layer.shape), ", "));
      case LayerKind::kConcat:
        return fmt::format("torch.cat([{}], 1)", Inputs(layer, ", "));
      case LayerKind::kAdd:
        return Inputs(layer, " + ");
      case LayerKind::kMul:
        return Inputs(layer, " * ");
    }
    PIXLOOM_CHECK(false, "layer " + layer.name + " has no TorchScript form");
  }

  static std::string ActivationCall(const Layer& layer, const std::string& x) {
    switch (layer.activation) {
      case Activation::kRelu:
        return fmt::format("torch.relu({})", x);
      case Activation::kLeakyRelu:
        return fmt::format("torch.leaky_relu({}, {})", x, FloatText(layer.alpha));
      case Activation::kElu:
        return fmt::format("torch.elu({}, {})", x, FloatText(layer.alpha));
      case Activation::kSigmoid:
        return fmt::format("torch.sigmoid({})", x);
      case Activation::kTanh:
        return fmt::format("torch.tanh({})", x);
      case Activation::kSoftplus:
        return fmt::format("torch.softplus({})", x);
      case Activation::kSoftmax:
        return fmt::format("torch.softmax({}, 1)", x);
    }
    PIXLOOM_CHECK(false, "layer " + layer.name + " has no TorchScript form");
  }

  const LayerGraph& graph_;
};

}  // namespace

std::string TorchScriptSource(const LayerGraph& graph) { return Source(graph).Text(); }

}  // namespace pixloom
