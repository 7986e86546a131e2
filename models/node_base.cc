// SPDX-License-Identifier: Apache-2.0
#include "models/node_base.h"

#include <fmt/format.h>

namespace pixloom {

std::vector<std::optional<DataError>> NetworkOperator::RunAll(
    const std::string& graph, bool may_shrink, std::vector<Dims> input_dims, std::size_t count,
    const PackItem& pack, const UnpackItem& unpack) {
  if (count == 0) return {};
  try {
    ItemRun run{&Graph(graph), &batch_, may_shrink && !manifest().fixed_batch,
                std::move(input_dims), &padding_};
    run.tiles = false;
    return RunItems(run, count, pack, unpack);
  } catch (const ItemTooLarge& e) {
    throw EnvironmentError(
        fmt::format("{}; the network takes nothing smaller, run it with device: cpu", e.what()));
  }
}

std::size_t PortOf(const std::string& graph, const std::vector<Port>& ports,
                   std::string_view name) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].name == name) return i;
  }
  std::string names;
  for (const Port& port : ports) names += (names.empty() ? "" : ", ") + port.name;
  throw ModelRejectedError("MOD-SHAPE", fmt::format("graph {} has no '{}', only {}", graph, name,
                                                    names.empty() ? "nothing" : names));
}

ClassedInputs ClassedInputsOf(const Model& model, const std::string& graph, std::string_view main) {
  const std::vector<Port>& ports = model.At(graph).Inputs();
  const std::optional<std::string>& condition = model.manifest.condition;
  ClassedInputs inputs;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (condition && ports[i].name == *condition) inputs.classes = i;
  }
  if (!main.empty()) {
    inputs.main = PortOf(graph, ports, main);
  } else if (inputs.classes == std::size_t{0}) {
    inputs.main = 1;
  }
  const std::size_t known = inputs.classes ? 2 : 1;
  if (ports.size() != known || inputs.main >= ports.size()) {
    throw ModelRejectedError(
        "MOD-SHAPE",
        fmt::format("graph {} has {} inputs; it may have one, and one for the class that the "
                    "manifest names as condition",
                    graph, ports.size()));
  }
  return inputs;
}

std::vector<Dims> ClassedInputs::Of(const Dims& main_dims, std::size_t class_count) const {
  if (!classes) return {main_dims};
  std::vector<Dims> dims(2);
  dims[main] = main_dims;
  dims[*classes] = {static_cast<std::int64_t>(class_count)};
  return dims;
}

void RequireRole(const Model& model, std::string_view node, std::span<const ModelRole> roles) {
  if (std::find(roles.begin(), roles.end(), model.manifest.role) != roles.end()) return;
  std::string names;
  for (const ModelRole role : roles) {
    names += fmt::format("{}{}", names.empty() ? "" : " or ", RoleName(role));
  }
  throw ModelRejectedError(
      "MOD-MANIFEST", fmt::format("{}: role {} is nothing for {}, which takes a network of role {}",
                                  model.manifest.name, RoleName(model.manifest.role), node, names));
}

void RequireGraph(const Model& model, std::string_view node, const std::string& graph) {
  if (model.graphs.contains(graph)) return;
  throw ModelRejectedError("MOD-MANIFEST", fmt::format("{}: {} needs a graph '{}'; the manifest "
                                                       "lists none",
                                                       model.manifest.name, node, graph));
}

void FillOneHot(int label, std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0F);
  out[static_cast<std::size_t>(label)] = 1;
}

std::optional<DataError> ClassProblem(const Sample& sample, std::size_t class_count) {
  const std::optional<int>& label = sample.labels.label;
  if (label && *label >= 0 && static_cast<std::size_t>(*label) < class_count) return std::nullopt;
  return DataError{"MOD-CLASS",
                   label ? fmt::format("class {} of a network with {}", *label, class_count)
                         : "the network needs the picture's class, and it has none",
                   "give it pictures of the classes it was trained with", ""};
}

Meta MetaOf(const cv::Mat& pixels) {
  Meta meta;
  meta.planar = pixels.dims == 3;
  if (meta.planar) return meta;
  meta.size = SizeOf(pixels);
  meta.depth = DepthOf(pixels);
  meta.channels = pixels.channels();
  return meta;
}

std::string RefusesPadded(const PictureInput& input, Meta meta, PictureUse use) {
  if (meta.size) meta.size = PaddedSize(input, *meta.size);
  return RefusesPicture(input, meta, use);
}

cv::Rect PaddedRect(const PictureInput& input, const cv::Mat& pixels) {
  const Size size = PaddedSize(input, SizeOf(pixels));
  return {0, 0, size.width, size.height};
}

cv::Mat MadePicture(std::span<const float> values, const Manifest& manifest, const cv::Mat& before,
                    const ValueRange& range) {
  cv::Mat made(before.size(), before.type());
  UnpackPicture(values, {&manifest.picture, &manifest.output, &before, range},
                PaddedRect(manifest.picture, before), made);
  return made;
}

}  // namespace pixloom
