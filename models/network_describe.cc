// SPDX-License-Identifier: Apache-2.0
// What a layer list says about its manifest, completed by what its graphs tell.
#include <algorithm>

#include <fmt/format.h>

#include "models/network_files.h"

namespace pixloom {

namespace {

// The place of `key` in `value`, or nullptr; value may be anything.
const Value* Find(const Value& value, std::string_view key) {
  return value.kind == Value::Kind::kMap ? value.Find(key) : nullptr;
}

const Value* Find(const Value& value, std::string_view key, std::string_view inner) {
  const Value* found = Find(value, key);
  return found == nullptr ? nullptr : Find(*found, inner);
}

GraphFile PortsOf(const LayerGraph& graph) {
  GraphFile file;
  for (const int i : graph.inputs) {
    file.inputs.push_back({graph.At(i).name, ShapeDims(graph.At(i).shape)});
  }
  for (const auto& [name, i] : graph.outputs) {
    file.outputs.push_back({name, ShapeDims(graph.At(i).shape)});
  }
  return file;
}

class Describer {
 public:
  Describer(const LayerList& list, Diagnostics& diagnostics)
      : list_(list), said_(list.manifest), diagnostics_(diagnostics) {}

  Manifest Describe() {
    m_.name = list_.name;
    m_.role = RoleByGraphs();
    for (const LayerGraph& graph : list_.graphs) m_.graphs[graph.name] = PortsOf(graph);
    Diagnostics found;
    if (said_.kind != Value::Kind::kNull) ReadManifestParts(said_, m_, found);
    if (!found.HasErrors()) {
      if (const LayerGraph* graph = PictureGraph()) CompletePicture(*graph, found);
      CompleteLatent();
      CheckManifest(m_, said_, found);
    }
    // Codes that begin with MOD- are those of networks that were rejected; this is a mistake in a
    // configuration.
    for (const Diagnostic& d : found.All()) diagnostics_.Error("NET-MANIFEST", d.at, d.text);
    return std::move(m_);
  }

 private:
  ModelRole RoleByGraphs() const {
    if (list_.Find("encoder") != nullptr) return ModelRole::kVae;
    if (list_.Find("generator") != nullptr) return ModelRole::kGenerator;
    if (list_.Find("cell") != nullptr) return ModelRole::kSequence;
    return ModelRole::kEnhancer;
  }

  // The graph that takes pictures.
  const LayerGraph* PictureGraph() const {
    for (const char* name : {"main", "encoder", "cell"}) {
      const LayerGraph* graph = list_.Find(name);
      if (graph == nullptr) continue;
      const bool picture = !graph->inputs.empty() && graph->At(graph->inputs[0]).shape.size() == 3;
      return picture ? graph : nullptr;
    }
    return nullptr;
  }

  // What was said is kept when it is possible; what was not said is worked out.
  void CompletePicture(const LayerGraph& graph, Diagnostics& found) {
    const Shape& in = graph.At(graph.inputs[0]).shape;
    if (Find(said_, "picture", "color") == nullptr && in[0].add == 1) {
      m_.picture.color = PictureInput::Color::kGray;
    }
    if (!in[1].IsFixed()) {
      const int multiple = graph.MultipleOf(), least = graph.Least();
      if (const Value* value = Find(said_, "picture", "multiple_of")) {
        if (m_.picture.multiple_of % multiple != 0) {
          found.Error("", value->at,
                      fmt::format("multiple_of: {}, but the graph takes multiples "
                                  "of {} only; leave it out",
                                  m_.picture.multiple_of, multiple));
        }
      } else {
        m_.picture.multiple_of = multiple;
      }
      if (const Value* value = Find(said_, "picture", "least")) {
        if (m_.picture.least < least) {
          found.Error("", value->at,
                      fmt::format("least: {}, but the graph needs {} px; leave it "
                                  "out",
                                  m_.picture.least, least));
        }
      } else {
        m_.picture.least = least;
      }
    }
    if (graph.name == "main") CompleteScale(graph, in, found);
    CompleteTiling(graph, found);
  }

  void CompleteScale(const LayerGraph& graph, const Shape& in, Diagnostics& found) {
    const Shape& out = graph.At(graph.outputs[0].second).shape;
    if (m_.role == ModelRole::kClassifier || out.size() != 3) return;
    int scale = graph.Scale();
    if (in[1].IsFixed() && out[1].IsFixed()) {
      scale = out[1].add % in[1].add == 0 ? static_cast<int>(out[1].add / in[1].add) : 0;
    }
    const Value* said = Find(said_, "output", "scale");
    const Position at = said != nullptr ? said->at : graph.At(graph.outputs[0].second).at;
    if (scale == 0) {
      found.Error("", at,
                  fmt::format("output {} is {} for pictures of {}; role {} needs a whole "
                              "multiple of the picture's size",
                              Quoted(graph.outputs[0].first), ShapeText(out), ShapeText(in),
                              RoleName(m_.role)));
    } else if (said == nullptr) {
      m_.output.scale = scale;
    } else if (m_.output.scale != scale) {
      found.Error("", at,
                  fmt::format("scale: {}, but the graph enlarges {} times; leave it out",
                              m_.output.scale, scale));
    }
  }

  // Tiles are right when they overlap by what one pixel depends on; where that is everything,
  // there is no right tile.
  void CompleteTiling(const LayerGraph& graph, Diagnostics& found) {
    const std::optional<int> radius = graph.Radius();
    if (!radius && Find(said_, "tiling", "mode") == nullptr) {
      m_.tiling.mode = Tiling::Mode::kNever;
    }
    if (!radius) return;
    const Value* said = Find(said_, "tiling", "overlap");
    if (said == nullptr) {
      m_.tiling.overlap = *radius;
    } else if (m_.tiling.overlap < *radius && m_.tiling.mode == Tiling::Mode::kSupported) {
      found.Error("", said->at,
                  fmt::format("overlap: {}, but one pixel depends on {} px on each side; leave it "
                              "out, or set mode: discouraged",
                              m_.tiling.overlap, *radius));
    }
  }

  void CompleteLatent() {
    if (m_.latent) return;
    const bool vae = m_.role == ModelRole::kVae;
    if (!vae && m_.role != ModelRole::kGenerator) return;
    const auto graph = m_.graphs.find(vae ? "decoder" : "generator");
    if (graph == m_.graphs.end() || graph->second.inputs.empty()) return;
    LatentSpace& latent = m_.latent.emplace();
    latent.input = graph->second.inputs[0].name;
    latent.dims = graph->second.inputs[0].dims;
    const auto encoder = m_.graphs.find("encoder");
    if (!vae || encoder == m_.graphs.end() || encoder->second.outputs.empty()) return;
    const std::vector<Port>& outputs = encoder->second.outputs;
    latent.mean = outputs[0].name;
    if (outputs.size() > 1) latent.log_variance = outputs[1].name;
  }

  const LayerList& list_;
  const Value& said_;
  Diagnostics& diagnostics_;
  Manifest m_;
};

}  // namespace

Manifest DescribeNetwork(const LayerList& list, Diagnostics& diagnostics) {
  return Describer(list, diagnostics).Describe();
}

}  // namespace pixloom
