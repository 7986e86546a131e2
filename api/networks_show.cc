// SPDX-License-Identifier: Apache-2.0
// Layer lists and manifests as text.
#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/networks.h"
#include "models/layer_list.h"
#include "models/manifest.h"
#include "models/network_files.h"
#include "pipeline/config.h"

namespace pixloom::networks {

namespace {

// ---- Layers -------------------------------------------------------------------------------------

std::string_view ActivationName(Activation activation) {
  constexpr std::array<std::string_view, 7> kNames = {"relu", "leaky_relu", "elu",    "sigmoid",
                                                      "tanh", "softplus",   "softmax"};
  return kNames.at(static_cast<std::size_t>(activation));
}

// "conv 3x3 s2": what a layer is, and what of it is not as usual.
std::string KindText(const Layer& layer) {
  const auto window = [&](std::string_view name) {
    std::string text = fmt::format("{} {}x{}", name, layer.kernel, layer.kernel);
    if (layer.stride != 1) text += fmt::format(" s{}", layer.stride);
    if (layer.dilation != 1) text += fmt::format(" d{}", layer.dilation);
    if (layer.groups != 1) text += fmt::format(" g{}", layer.groups);
    return text;
  };
  switch (layer.kind) {
    case LayerKind::kInput:
      return "input";
    case LayerKind::kConv:
      return window("conv");
    case LayerKind::kDeconv:
      return window("deconv");
    case LayerKind::kDense:
      return "dense";
    case LayerKind::kBatchNorm:
      return "batch_norm";
    case LayerKind::kActivation:
      return std::string(ActivationName(layer.activation));
    case LayerKind::kMaxPool:
      return window("max_pool");
    case LayerKind::kAvgPool:
      return window("avg_pool");
    case LayerKind::kGlobalPool:
      return "global_pool";
    case LayerKind::kUpsample:
      return fmt::format("upsample x{}{}", layer.factor, layer.bilinear ? " bilinear" : "");
    case LayerKind::kPixelShuffle:
      return fmt::format("pixel_shuffle x{}", layer.factor);
    case LayerKind::kReshape:
      return "reshape";
    case LayerKind::kConcat:
      return "concat";
    case LayerKind::kAdd:
      return "add";
    case LayerKind::kMul:
      return "mul";
  }
  return "";
}

// "47,009"
std::string Thousands(std::int64_t number) {
  std::string text = std::to_string(number);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string SidesText(int multiple, int least) {
  if (multiple > 1) return fmt::format("multiples of {} px, at least {}", multiple, least);
  return least > 1 ? fmt::format("at least {} px", least) : "any size";
}

std::string GraphText(const LayerGraph& graph) {
  std::string text = fmt::format("\ngraph {}\n  {:<20} {:<20} {:<14} {:>12}  {}\n", graph.name,
                                 "layer", "what", "makes", "parameters", "reads");
  std::int64_t all = 0, trained = 0;
  for (const Layer& layer : graph.layers) {
    std::int64_t own = 0;
    for (const ParameterSpec& spec : ParametersOf(layer, graph.layers)) {
      own += Elements(spec.dims);
      if (!spec.buffer) trained += Elements(spec.dims);
    }
    all += own;
    std::vector<std::string> reads;
    for (const int i : layer.inputs) reads.push_back(graph.At(i).name);
    text +=
        fmt::format("  {:<20} {:<20} {:<14} {:>12}  {}\n", layer.name, KindText(layer),
                    ShapeText(layer.shape), own == 0 ? "" : Thousands(own), fmt::join(reads, ", "));
  }
  for (const auto& [name, layer] : graph.outputs) {
    text += fmt::format("  output {}: {}, {}\n", name, graph.At(layer).name,
                        ShapeText(graph.At(layer).shape));
  }
  text += fmt::format("  {} parameters, {} of them trained\n", Thousands(all), Thousands(trained));
  if (graph.inputs.empty() || graph.At(graph.inputs[0]).shape.size() != 3) return text;
  const std::optional<int> radius = graph.Radius();
  text += fmt::format("  a pixel depends on {}\n",
                      radius ? fmt::format("{} px on each side", *radius) : "the whole picture");
  if (!graph.At(graph.inputs[0]).shape[1].IsFixed()) {
    text += fmt::format("  sides: {}\n", SidesText(graph.MultipleOf(), graph.Least()));
  }
  return text;
}

std::string ListText(const LayerList& list) {
  std::string text = fmt::format("network {}", list.name);
  if (!list.about.empty()) text += ": " + list.about;
  text += "\n";
  for (const LayerGraph& graph : list.graphs) text += GraphText(graph);
  return text;
}

// ---- Manifests ----------------------------------------------------------------------------------

std::string PortsText(const std::vector<Port>& ports) {
  std::vector<std::string> texts;
  for (const Port& port : ports) texts.push_back(port.name + " " + DimsText(port.dims));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string PictureText(const PictureInput& picture) {
  constexpr std::array<std::string_view, 4> kColors = {"grey", "RGB", "BGR", "luma"};
  std::string text =
      fmt::format("  picture: {}, black {} and white {}",
                  kColors.at(static_cast<std::size_t>(picture.color)), picture.lo, picture.hi);
  if (!picture.mean.empty()) text += fmt::format(", mean [{}]", fmt::join(picture.mean, ", "));
  if (!picture.deviation.empty()) {
    text += fmt::format(", std [{}]", fmt::join(picture.deviation, ", "));
  }
  if (picture.size) {
    text += fmt::format(", {}x{} px only", picture.size->width, picture.size->height);
  } else {
    text += ", " + SidesText(picture.multiple_of, picture.least);
  }
  return text + "\n";
}

std::string TilingText(const Tiling& tiling) {
  if (tiling.mode == Tiling::Mode::kNever) return "  tiles: never\n";
  return fmt::format("  tiles: overlap {} px{}\n", tiling.overlap,
                     tiling.mode == Tiling::Mode::kDiscouraged ? ", discouraged" : "");
}

// Of the graph that comes last: a classifier gives scores, some sequence networks only features.
bool MakesPictures(const Manifest& m) {
  const bool vae = m.role == ModelRole::kVae, generator = m.role == ModelRole::kGenerator;
  const bool sequence = m.role == ModelRole::kSequence;
  const char* graph = vae ? "decoder" : generator ? "generator" : sequence ? "cell" : "main";
  return m.role != ModelRole::kClassifier && m.graphs.at(graph).outputs.front().dims.size() == 3;
}

std::string ManifestDescription(const Manifest& m) {
  std::string text = fmt::format("{}: {}\n", m.name, RoleName(m.role));
  for (const auto& [name, graph] : m.graphs) {
    text += fmt::format("  graph {}: {} -> {}\n", name, PortsText(graph.inputs),
                        PortsText(graph.outputs));
    for (const auto& [format, file] : graph.files) text += fmt::format("    {} {}\n", format, file);
    if (!graph.check) text += "    no numbers to check it with\n";
  }
  if (m.role != ModelRole::kGenerator) text += PictureText(m.picture);
  if (MakesPictures(m)) {
    const bool residual = m.output.kind == PictureOutput::Kind::kResidual;
    text += fmt::format("  output: {}, black {} and white {}",
                        !residual           ? "a picture"
                        : m.output.subtract ? "what to subtract from the picture"
                                            : "what to add to the picture",
                        m.output.lo, m.output.hi);
    text += m.output.scale == 1 ? "\n" : fmt::format(", {} times as large\n", m.output.scale);
  }
  if (m.latent) text += fmt::format("  latent: {} {}\n", m.latent->input, DimsText(m.latent->dims));
  if (m.condition) text += fmt::format("  class: input {}\n", *m.condition);
  for (const StatePort& state : m.state) {
    text +=
        fmt::format("  state: {} -> {}, begins with {}\n", state.output, state.input, state.start);
  }
  if (!m.features.empty()) text += fmt::format("  features: {}\n", fmt::join(m.features, ", "));
  if (!m.classes.empty()) text += fmt::format("  classes: {}\n", fmt::join(m.classes, ", "));
  text += fmt::format("  batch: {}{}\n", m.batch, m.fixed_batch ? ", no other" : "");
  if (m.role == ModelRole::kEnhancer || m.role == ModelRole::kAutoencoder) {
    text += TilingText(m.tiling);
  }
  text += fmt::format("  fp16: {}\n", m.fp16 ? "may be used" : "no");
  if (m.training.kind != Value::Kind::kNull) {
    text += fmt::format("  training: {}\n", ToJson(m.training));
  }
  return text;
}

}  // namespace

std::string Show(const std::string& path) {
  Diagnostics diagnostics;
  Variables none;
  none.use_environment = false;
  const auto document = LoadYaml(path, none, diagnostics);
  if (!document) throw ConfigError(std::move(diagnostics));
  if (document->kind == Value::Kind::kMap && document->Find("pixloom_model") != nullptr) {
    return ManifestDescription(LoadManifest(path));
  }
  const auto list = ParseLayerList(*document, diagnostics);
  if (!list) throw ConfigError(std::move(diagnostics));
  return ListText(*list);
}

}  // namespace pixloom::networks
