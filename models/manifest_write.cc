// SPDX-License-Identifier: Apache-2.0
// Manifests as text.
#include <cmath>

#include <fmt/format.h>

#include "models/manifest.h"
#include "models/manifest_words.h"
#include "pipeline/config.h"

namespace pixloom {

namespace {

// Numbers without a fraction are written without one; a zero keeps its sign.
Value Number(double value) {
  const bool whole = std::abs(value) < 0x1p53 && value == std::trunc(value);
  if (!whole || (value == 0 && std::signbit(value))) return Value::Float(value);
  return Value::Int(static_cast<std::int64_t>(value));
}

template <class T>
Value ListOf(const std::vector<T>& from, Value (*make)(T)) {
  std::vector<Value> items;
  for (const T& item : from) items.push_back(make(item));
  return Value::List(std::move(items));
}

Value Numbers(const std::vector<double>& from) { return ListOf<double>(from, Number); }

Value Texts(const std::vector<std::string>& from) {
  return ListOf<std::string>(from, [](std::string text) { return Value::String(text, {}); });
}

Value Sizes(const Dims& dims) {
  return ListOf<std::int64_t>(
      dims, [](std::int64_t d) { return d < 0 ? Value::String("any", {}) : Value::Int(d); });
}

// Keeps the order in which things are added.
class MapWriter {
 public:
  MapWriter& Add(std::string key, Value value) {
    value_.entries.push_back({std::move(key), {}, std::move(value)});
    return *this;
  }
  MapWriter& Add(std::string key, std::string_view word) {
    return Add(std::move(key), Value::String(std::string(word), {}));
  }
  Value Take() { return std::move(value_); }

 private:
  Value value_ = Value::Map({});
};

Value TextMap(const std::map<std::string, std::string>& from) {
  MapWriter map;
  for (const auto& [key, text] : from) map.Add(key, text);
  return map.Take();
}

Value Ports(const std::vector<Port>& ports) {
  MapWriter map;
  for (const Port& port : ports) map.Add(port.name, Sizes(port.dims));
  return map.Take();
}

Value Check(const GraphCheck& check) {
  MapWriter map;
  map.Add("seed", Value::Int(static_cast<std::int64_t>(check.seed)));
  map.Add("batch", Value::Int(check.batch));
  if (!check.sizes.empty()) {
    MapWriter sizes;
    for (const auto& [name, dims] : check.sizes) sizes.Add(name, Sizes(dims));
    map.Add("sizes", sizes.Take());
  }
  MapWriter outputs;
  for (const auto& [name, expected] : check.outputs) {
    MapWriter numbers;
    numbers.Add("mean", Number(expected.mean)).Add("std", Number(expected.deviation));
    numbers.Add("values", Numbers(expected.values));
    outputs.Add(name, numbers.Take());
  }
  map.Add("outputs", outputs.Take());
  return map.Take();
}

Value Graph(const GraphFile& graph) {
  MapWriter map;
  map.Add("files", TextMap(graph.files));
  if (!graph.hashes.empty()) map.Add("hashes", TextMap(graph.hashes));
  map.Add("inputs", Ports(graph.inputs)).Add("outputs", Ports(graph.outputs));
  if (graph.check) map.Add("check", Check(*graph.check));
  return map.Take();
}

Value Picture(const PictureInput& picture) {
  MapWriter map;
  map.Add("color", WordOf(kColorWords, picture.color));
  map.Add("range", Numbers({picture.lo, picture.hi}));
  if (!picture.mean.empty()) map.Add("mean", Numbers(picture.mean));
  if (!picture.deviation.empty()) map.Add("std", Numbers(picture.deviation));
  if (picture.size) map.Add("size", Sizes({picture.size->height, picture.size->width}));
  if (picture.multiple_of != 1) map.Add("multiple_of", Value::Int(picture.multiple_of));
  if (picture.least != 1) map.Add("least", Value::Int(picture.least));
  return map.Take();
}

Value Output(const PictureOutput& output) {
  MapWriter map;
  map.Add("kind", WordOf(kOutputWords, output.kind));
  if (output.kind == PictureOutput::Kind::kResidual || !output.subtract) {
    map.Add("sign", WordOf(kSignWords, output.subtract));
  }
  map.Add("range", Numbers({output.lo, output.hi}));
  if (output.scale != 1) map.Add("scale", Value::Int(output.scale));
  return map.Take();
}

Value Latent(const LatentSpace& latent) {
  MapWriter map;
  map.Add("dims", Sizes(latent.dims)).Add("input", latent.input).Add("mean", latent.mean);
  if (!latent.log_variance.empty()) map.Add("log_variance", latent.log_variance);
  return map.Take();
}

Value States(const std::vector<StatePort>& states) {
  Value list = Value::List({});
  for (const StatePort& state : states) {
    MapWriter map;
    map.Add("input", state.input).Add("output", state.output).Add("start", Number(state.start));
    list.items.push_back(map.Take());
  }
  return list;
}

}  // namespace

std::string ManifestText(const Manifest& manifest) {
  MapWriter map;
  map.Add("pixloom_model", Value::Int(1)).Add("name", manifest.name);
  map.Add("role", RoleName(manifest.role));
  MapWriter graphs;
  for (const auto& [name, graph] : manifest.graphs) graphs.Add(name, Graph(graph));
  map.Add("graphs", graphs.Take());
  map.Add("picture", Picture(manifest.picture)).Add("output", Output(manifest.output));
  if (manifest.latent) map.Add("latent", Latent(*manifest.latent));
  if (manifest.condition) map.Add("condition", *manifest.condition);
  if (!manifest.state.empty()) map.Add("state", States(manifest.state));
  if (!manifest.features.empty()) map.Add("features", Texts(manifest.features));
  if (!manifest.classes.empty()) map.Add("classes", Texts(manifest.classes));
  MapWriter batch, tiling, precision;
  batch.Add("size", Value::Int(manifest.batch));
  map.Add("batch", batch.Add("fixed", Value::Bool(manifest.fixed_batch)).Take());
  tiling.Add("mode", WordOf(kTilingWords, manifest.tiling.mode));
  map.Add("tiling", tiling.Add("overlap", Value::Int(manifest.tiling.overlap)).Take());
  map.Add("precision", precision.Add("fp16", Value::Bool(manifest.fp16)).Take());
  if (manifest.training.kind != Value::Kind::kNull) map.Add("training", manifest.training);
  return ToYaml(map.Take());
}

}  // namespace pixloom
