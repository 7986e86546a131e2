// SPDX-License-Identifier: Apache-2.0
// Whether the parts of a manifest fit each other and the graphs of its role.
#include <algorithm>
#include <initializer_list>
#include <set>

#include <fmt/format.h>

#include "models/manifest.h"

namespace pixloom {

namespace {

struct RoleGraphs {
  std::vector<std::string> needed, possible;
};

RoleGraphs GraphsOf(ModelRole role) {
  switch (role) {
    case ModelRole::kVae:
      return {{"encoder", "decoder"}, {}};
    case ModelRole::kGenerator:
      return {{"generator"}, {"discriminator"}};
    case ModelRole::kSequence:
      return {{"cell"}, {}};
    case ModelRole::kEnhancer:
    case ModelRole::kAutoencoder:
    case ModelRole::kClassifier:
      break;
  }
  return {{"main"}, {}};
}

std::string NamesOf(const std::vector<Port>& ports) {
  std::string text;
  for (const Port& port : ports) text += (text.empty() ? "" : ", ") + port.name;
  return text.empty() ? "none" : text;
}

const Port* FindPort(const std::vector<Port>& ports, const std::string& name) {
  const auto found =
      std::find_if(ports.begin(), ports.end(), [&](const Port& p) { return p.name == name; });
  return found == ports.end() ? nullptr : &*found;
}

class Checker {
 public:
  Checker(Manifest& manifest, const Value& document, Diagnostics& diagnostics)
      : m_(manifest), document_(document), diagnostics_(diagnostics) {}

  void Check() {
    CheckChannels();
    if (!CheckGraphs()) return;
    switch (m_.role) {
      case ModelRole::kEnhancer:
      case ModelRole::kAutoencoder:
        CheckPictureIn("main");
        CheckPictureOut("main");
        CheckFed("main", {});
        break;
      case ModelRole::kClassifier:
        CheckPictureIn("main");
        CheckScores("main");
        CheckFed("main", {});
        break;
      case ModelRole::kVae:
        CheckPictureIn("encoder");
        CheckFed("encoder", m_.condition ? std::set{*m_.condition} : std::set<std::string>());
        CheckLatent("decoder");
        CheckPictureOut("decoder");
        break;
      case ModelRole::kGenerator:
        CheckLatent("generator");
        CheckPictureOut("generator");
        break;
      case ModelRole::kSequence:
        CheckPictureIn("cell");
        CheckStates();
        CheckFrames();
        break;
    }
    CheckFeatures();
    CheckScale();
  }

 private:
  using Path = std::initializer_list<std::string_view>;

  // The deepest place on this path that the document has.
  Position At(Path path) const {
    const Value* value = &document_;
    Position at = document_.at;
    for (const std::string_view key : path) {
      if (value->kind != Value::Kind::kMap) break;
      value = value->Find(key);
      if (value == nullptr) break;
      at = value->at;
    }
    return at;
  }

  void Error(Path path, std::string text) {
    diagnostics_.Error("MOD-MANIFEST", At(path), std::move(text));
  }

  void CheckChannels() {
    const auto n = static_cast<std::size_t>(m_.picture.channels());
    for (auto* values : {&m_.picture.mean, &m_.picture.deviation}) {
      if (values->size() == 1) values->assign(n, values->front());
      if (values->empty() || values->size() == n) continue;
      const char* key = values == &m_.picture.mean ? "mean" : "std";
      Error({"picture", key},
            fmt::format("{}: {} numbers for {} channels", key, values->size(), n));
    }
    if (m_.output.kind == PictureOutput::Kind::kResidual && m_.output.scale != 1) {
      Error({"output", "scale"}, fmt::format("scale: {} with kind: residual; what is added to a "
                                             "picture must be as large as the picture",
                                             m_.output.scale));
    }
  }

  bool CheckGraphs() {
    const RoleGraphs graphs = GraphsOf(m_.role);
    bool complete = true;
    for (const std::string& name : graphs.needed) {
      const auto it = m_.graphs.find(name);
      if (it == m_.graphs.end()) {
        Error({"graphs"}, fmt::format("graph {} is missing; role {} needs it", Quoted(name),
                                      RoleName(m_.role)));
        complete = false;
      } else if (it->second.inputs.empty() || it->second.outputs.empty()) {
        Error({"graphs", name}, fmt::format("graph {} needs inputs and outputs", Quoted(name)));
        complete = false;
      }
    }
    std::vector<std::string> known = graphs.needed;
    known.insert(known.end(), graphs.possible.begin(), graphs.possible.end());
    for (const auto& [name, graph] : m_.graphs) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      Error({"graphs", name}, fmt::format("graph {} is none of role {}{}", Quoted(name),
                                          RoleName(m_.role), Suggestion(name, known)));
    }
    return complete;
  }

  void CheckPicturePort(const std::string& graph, const Port& port, bool input) {
    const char* side = input ? "inputs" : "outputs";
    const char* word = input ? "input" : "output";
    if (port.dims.size() != 3) {
      Error({"graphs", graph, side, port.name},
            fmt::format("{} {} is a picture and needs [channels, height, width], got {}", word,
                        Quoted(port.name), DimsText(port.dims)));
      return;
    }
    if (port.dims[0] != m_.picture.channels()) {
      Error({"graphs", graph, side, port.name},
            fmt::format("{} {} has {} channels, the picture has {}", word, Quoted(port.name),
                        DimsText({port.dims.data(), 1}), m_.picture.channels()));
    }
  }

  void CheckPictureIn(const std::string& graph) {
    const Port& port = m_.graphs.at(graph).inputs.front();
    CheckPicturePort(graph, port, true);
    if (port.dims.size() != 3) return;
    const std::int64_t height = port.dims[1], width = port.dims[2];
    if ((height < 0) != (width < 0)) {
      Error({"graphs", graph, "inputs", port.name},
            fmt::format("input {} is {}: either both sides are any, or none", Quoted(port.name),
                        DimsText(port.dims)));
      return;
    }
    if (height < 0) return;
    const Size size{static_cast<int>(width), static_cast<int>(height)};
    if (!m_.picture.size) m_.picture.size = size;
    if (m_.picture.size != size) {
      Error({"picture", "size"},
            fmt::format("size: [{}, {}], but input {} is {}", m_.picture.size->height,
                        m_.picture.size->width, Quoted(port.name), DimsText(port.dims)));
    }
  }

  void CheckPictureOut(const std::string& graph) {
    CheckPicturePort(graph, m_.graphs.at(graph).outputs.front(), false);
  }

  // Nobody would feed an input that has no part.
  void CheckFed(const std::string& graph, const std::set<std::string>& known) {
    const std::vector<Port>& inputs = m_.graphs.at(graph).inputs;
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      if (known.contains(inputs[i].name)) continue;
      Error({"graphs", graph, "inputs", inputs[i].name},
            fmt::format("input {} is fed by nothing; role {} does not know it",
                        Quoted(inputs[i].name), RoleName(m_.role)));
    }
  }

  const Port* Need(const std::string& graph, bool input, const std::string& name, Path at) {
    const GraphFile& file = m_.graphs.at(graph);
    const std::vector<Port>& ports = input ? file.inputs : file.outputs;
    const Port* port = FindPort(ports, name);
    if (port == nullptr) {
      std::vector<std::string> known;
      for (const Port& p : ports) known.push_back(p.name);
      Error(at, fmt::format("graph {} has no {} {}; it has {}{}", graph, input ? "input" : "output",
                            Quoted(name), NamesOf(ports), Suggestion(name, known)));
    }
    return port;
  }

  void NeedDims(const Port* port, const Dims& dims, Path at) {
    if (port == nullptr || port->dims == dims) return;
    Error(at, fmt::format("{} is {}, expected {}", Quoted(port->name), DimsText(port->dims),
                          DimsText(dims)));
  }

  void CheckLatent(const std::string& graph) {
    if (!m_.latent) {
      Error({}, fmt::format("latent is missing, as in {{dims: [16], input: z}}; role {} needs it",
                            RoleName(m_.role)));
      return;
    }
    const LatentSpace& latent = *m_.latent;
    NeedDims(Need(graph, true, latent.input, {"latent", "input"}), latent.dims, {"latent", "dims"});
    if (m_.role == ModelRole::kVae) {
      NeedDims(Need("encoder", false, latent.mean, {"latent", "mean"}), latent.dims,
               {"latent", "dims"});
      if (!latent.log_variance.empty()) {
        NeedDims(Need("encoder", false, latent.log_variance, {"latent", "log_variance"}),
                 latent.dims, {"latent", "dims"});
      }
    }
    CheckCondition(graph);
    for (const Port& port : m_.graphs.at(graph).inputs) {
      if (port.name == latent.input || port.name == m_.condition) continue;
      Error({"graphs", graph, "inputs", port.name},
            fmt::format("input {} is fed by nothing; name it in latent: {{input: {}}} or "
                        "condition: {}",
                        Quoted(port.name), port.name, port.name));
    }
  }

  void CheckCondition(const std::string& graph) {
    if (!m_.condition) return;
    const Port* port = Need(graph, true, *m_.condition, {"condition"});
    if (port == nullptr) return;
    if (port->dims.size() != 1 || port->dims[0] < 1) {
      Error({"condition"}, fmt::format("input {} takes the class one-hot and needs [classes], got "
                                       "{}",
                                       Quoted(port->name), DimsText(port->dims)));
    } else if (!m_.classes.empty() && Count(m_.classes) != port->dims[0]) {
      Error({"classes"}, fmt::format("{} classes, but input {} has {}", m_.classes.size(),
                                     Quoted(port->name), port->dims[0]));
    }
  }

  void CheckScores(const std::string& graph) {
    const Port& port = m_.graphs.at(graph).outputs.front();
    if (!m_.classes.empty() && port.dims != Dims{Count(m_.classes)}) {
      Error({"classes"}, fmt::format("{} classes, but output {} is {}", m_.classes.size(),
                                     Quoted(port.name), DimsText(port.dims)));
    }
  }

  void CheckStates() {
    std::set<std::string> known;
    if (m_.state.empty()) {
      Error({}, "state is missing, as in [{input: h, output: h_next}]; role sequence needs it");
    }
    for (const StatePort& state : m_.state) {
      const Port* in = Need("cell", true, state.input, {"state"});
      const Port* out = Need("cell", false, state.output, {"state"});
      if (in != nullptr && out != nullptr) NeedDims(out, in->dims, {"state"});
      if (!known.insert(state.input).second) {
        Error({"state"}, fmt::format("input {} stands twice", Quoted(state.input)));
      }
    }
    CheckFed("cell", known);
  }

  // The first output is the frame, unless it is a state or a feature: a network may describe clips
  // and leave them as they are.
  void CheckFrames() {
    const std::string& first = m_.graphs.at("cell").outputs.front().name;
    const bool state = std::any_of(m_.state.begin(), m_.state.end(),
                                   [&](const StatePort& each) { return each.output == first; });
    const bool feature =
        std::find(m_.features.begin(), m_.features.end(), first) != m_.features.end();
    if (!state && !feature) {
      CheckPictureOut("cell");
    } else if (m_.features.empty()) {
      Error({"graphs", "cell", "outputs"},
            fmt::format("output {} is a state: the network makes no picture; put one first, or "
                        "name outputs to keep in features",
                        Quoted(first)));
    }
  }

  void CheckFeatures() {
    const std::string graph = GraphsOf(m_.role).needed.front();
    for (const std::string& feature : m_.features) Need(graph, false, feature, {"features"});
  }

  // Where both ends are pictures of known size.
  void CheckScale() {
    if (m_.role != ModelRole::kEnhancer && m_.role != ModelRole::kAutoencoder) return;
    const Port& in = m_.graphs.at("main").inputs.front();
    const Port& out = m_.graphs.at("main").outputs.front();
    if (in.dims.size() != 3 || out.dims.size() != 3) return;
    for (const std::size_t side : {1u, 2u}) {
      if (in.dims[side] < 0 || out.dims[side] < 0) continue;
      if (in.dims[side] * m_.output.scale == out.dims[side]) continue;
      Error({"output", "scale"},
            fmt::format("scale: {}, but the graph makes {} of {}", m_.output.scale,
                        DimsText(out.dims), DimsText(in.dims)));
      return;
    }
  }

  static std::int64_t Count(const std::vector<std::string>& names) {
    return static_cast<std::int64_t>(names.size());
  }

  Manifest& m_;
  const Value& document_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool CheckManifest(Manifest& manifest, const Value& document, Diagnostics& diagnostics) {
  const int before = diagnostics.ErrorCount();
  Checker(manifest, document, diagnostics).Check();
  return diagnostics.ErrorCount() == before;
}

}  // namespace pixloom
