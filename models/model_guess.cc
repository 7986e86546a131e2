// SPDX-License-Identifier: Apache-2.0
// What a graph tells about itself: against the manifest, or where there is none.
#include <algorithm>

#include <fmt/format.h>

#include "models/model_loader.h"
#include "models/self_check.h"

namespace pixloom {

namespace {

std::string NamesOf(const std::vector<Port>& ports) {
  std::string text;
  for (const Port& port : ports) text += (text.empty() ? "" : ", ") + Quoted(port.name);
  return text.empty() ? "none" : text;
}

// `inputs`: a size that the manifest leaves open must be open in the graph, too. What comes out is
// not always known before it ran.
std::string CompareSide(const std::vector<Port>& described, const std::vector<Port>& ports,
                        bool inputs, bool fixed_batch, std::int64_t batch) {
  const char* word = inputs ? "input" : "output";
  std::vector<std::string> names, wanted;
  for (const Port& port : described) names.push_back(port.name);
  for (const Port& port : ports) wanted.push_back(port.name);
  // A format without names: the order has to do.
  const bool unnamed =
      std::all_of(names.begin(), names.end(), [](const std::string& name) { return name.empty(); });
  if (unnamed ? names.size() != wanted.size() : names != wanted) {
    return fmt::format("its {}s are {}, the manifest says {}", word, NamesOf(described),
                       NamesOf(ports));
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const Dims& has = described[i].dims;
    if (has.empty()) continue;
    const Dims& says = ports[i].dims;
    bool fits = has.size() == says.size() + 1;
    for (std::size_t d = 0; fits && d < says.size(); ++d) {
      fits = has[d + 1] < 0 || has[d + 1] == says[d] || (!inputs && says[d] < 0);
    }
    if (!fits) {
      return fmt::format("{} {} is {} with the batch, the manifest says {} without it", word,
                         Quoted(ports[i].name), DimsText(has), DimsText(says));
    }
    if (inputs && has[0] >= 1 && (!fixed_batch || has[0] != batch)) {
      return fmt::format("it takes batches of {} only; write batch: {{size: {}, fixed: true}}",
                         has[0], has[0]);
    }
  }
  return "";
}

Dims WithoutBatch(const Dims& dims) { return {dims.begin() + 1, dims.end()}; }

constexpr std::int64_t kTriedSide = 64;  // many networks halve the picture a few times

}  // namespace

std::string ComparePorts(const GraphDescription& described, const GraphFile& graph,
                         bool fixed_batch, std::int64_t batch) {
  std::string wrong = CompareSide(described.inputs, graph.inputs, true, fixed_batch, batch);
  if (wrong.empty()) {
    wrong = CompareSide(described.outputs, graph.outputs, false, fixed_batch, batch);
  }
  return wrong;
}

Result<Manifest, std::string> GuessManifest(const Manifest& known, BackendNetwork& network) {
  const GraphDescription& has = network.Described();
  if (has.inputs.size() != 1 || has.outputs.empty() || has.inputs[0].dims.size() != 4 ||
      (has.inputs[0].dims[1] != 1 && has.inputs[0].dims[1] != 3)) {
    std::string text;
    for (const Port& port : has.inputs) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", Quoted(port.name),
                          port.dims.empty() ? "of unknown size" : DimsText(port.dims));
    }
    return fmt::format(
        "only a network with one picture of 1 or 3 channels as its input can be "
        "guessed; it has {}",
        text.empty() ? "none" : text);
  }
  Manifest guess = known;
  const Dims& in = has.inputs[0].dims;
  guess.picture.color = in[1] == 1 ? PictureInput::Color::kGray : PictureInput::Color::kRgb;
  if (in[0] >= 1) {
    guess.batch = static_cast<int>(in[0]);
    guess.fixed_batch = true;
  }
  GraphFile& graph = guess.graphs.at("main");
  graph.inputs = {{has.inputs[0].name, WithoutBatch(in)}};
  graph.outputs = {{has.outputs[0].name, {in[1], -1, -1}}};
  network.SetPorts(graph.inputs, graph.outputs);

  // One run tells how large the result is.
  Dims dims = in;
  dims[0] = std::max<std::int64_t>(dims[0], 1);
  std::replace(dims.begin(), dims.end(), std::int64_t{-1}, kTriedSide);
  std::vector<Tensor> inputs;
  inputs.push_back(network.NewInput(dims));
  for (std::int64_t n = 0; n < dims[0]; ++n) DrawCheckInput(1, "x", n, inputs[0].item(n));
  const auto outputs = network.Run(inputs);
  if (!outputs)
    return "a picture of " + DimsText(dims) + " does not run: " + outputs.Error().message;
  const Dims& out = outputs->front().dims();
  const std::int64_t scale = out[2] / dims[2];
  if (scale < 1 || scale > 64 || out[2] != dims[2] * scale || out[3] != dims[3] * scale) {
    return fmt::format("it makes {} of {}, which is no picture of the same or a multiple size",
                       DimsText(out), DimsText(dims));
  }
  guess.output.scale = static_cast<int>(scale);
  graph.outputs[0].dims = {in[1], in[2] < 0 ? -1 : out[2], in[3] < 0 ? -1 : out[3]};
  network.SetPorts(graph.inputs, graph.outputs);
  Diagnostics diagnostics;
  if (!CheckManifest(guess, Value(), diagnostics)) return diagnostics.All().front().text;
  return guess;
}

}  // namespace pixloom
