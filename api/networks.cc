// SPDX-License-Identifier: Apache-2.0
#include "api/networks.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/layer_list.h"
#include "models/network.h"
#include "models/network_files.h"
#include "models/self_check.h"

namespace pixloom::networks {

namespace {

using Json = nlohmann::ordered_json;
using Seconds = std::chrono::duration<double>;

// Inputs as the check draws them; sides that may be anything are those of the check.
std::vector<Tensor> Inputs(const Network& network, const GraphFile& file, std::int64_t batch) {
  constexpr std::int64_t kAnySide = 64;
  std::vector<Tensor> inputs;
  for (const Port& port : network.Inputs()) {
    Dims dims = port.dims;
    if (file.check && file.check->sizes.contains(port.name)) dims = file.check->sizes.at(port.name);
    std::replace(dims.begin(), dims.end(), std::int64_t{-1}, kAnySide);
    dims.insert(dims.begin(), batch);
    inputs.push_back(network.NewInput(dims));
    for (std::int64_t n = 0; n < batch; ++n) {
      DrawCheckInput(1, port.name, n, inputs.back().item(n));
    }
  }
  return inputs;
}

// One run to warm up, then the best of what fits into a short time.
double BestSeconds(Network& network, std::span<const Tensor> inputs) {
  constexpr int kMostRuns = 20;
  constexpr Seconds kLongEnough{0.5};
  double best = std::numeric_limits<double>::infinity();
  Seconds spent{0};
  for (int run = 0; run <= kMostRuns && (run < 2 || spent < kLongEnough); ++run) {
    const auto begin = std::chrono::steady_clock::now();
    const auto outputs = network.Run(inputs);
    const Seconds took = std::chrono::steady_clock::now() - begin;
    if (!outputs) throw EnvironmentError(outputs.Error().message);
    spent += took;
    if (run > 0) best = std::min(best, took.count());
  }
  return best;
}

}  // namespace

MakeReport Make(const MakeOptions& options) {
  Diagnostics diagnostics;
  const auto list = LoadLayerList(options.list, diagnostics);
  if (!list) throw ConfigError(std::move(diagnostics));
  std::map<std::string, Parameters> parameters;
  for (const LayerGraph& graph : list->graphs) {
    parameters[graph.name] =
        DrawParameters(*list, graph, options.seed,
                       options.test_weights ? WeightDraw::kTest : WeightDraw::kTraining);
  }
  NetworkFiles files = WriteNetwork(*list, parameters, options.out, options.torchscript);
  return {std::move(files.manifest), std::move(files.files), std::move(files.notes)};
}

std::string MakeReport::ToText() const {
  std::string text;
  for (const std::string& file : files) text += "wrote " + file + "\n";
  for (const std::string& note : notes) text += "note: " + note + "\n";
  return text;
}

std::string MakeReport::ToJson() const {
  return Json{{"manifest", manifest}, {"files", files}, {"notes", notes}}.dump();
}

CheckReport Check(const CheckOptions& options) {
  ModelChoice choice;
  choice.backend = options.backend;
  choice.device = options.device;
  choice.precision = options.precision;
  const std::shared_ptr<Model> model = LoadModel(options.manifest, choice);
  CheckReport report;
  report.name = model->manifest.name;
  report.role = RoleName(model->manifest.role);
  report.device = model->device;
  report.precision = model->fp16 ? "fp16" : "fp32";
  report.notes = model->notes;
  for (const auto& [name, network] : model->graphs) {
    const GraphFile& file = model->manifest.graphs.at(name);
    std::vector<std::int64_t> batches{model->batch};
    if (!model->manifest.fixed_batch && model->batch != 1) batches.insert(batches.begin(), 1);
    for (const std::int64_t batch : batches) {
      const double seconds = BestSeconds(*network, Inputs(*network, file, batch));
      report.timings.push_back({name, batch, seconds * 1e3 / static_cast<double>(batch)});
    }
  }
  return report;
}

std::string CheckReport::ToText() const {
  std::string text = fmt::format("{} ({}): right on {}, {}\n", name, role, device, precision);
  for (const std::string& note : notes) text += "note: " + note + "\n";
  text += fmt::format("{:<16} {:>6} {:>12}\n", "graph", "batch", "ms per item");
  for (const Timing& t : timings) {
    text += fmt::format("{:<16} {:>6} {:>12.3f}\n", t.graph, t.batch, t.ms_per_item);
  }
  return text;
}

std::string CheckReport::ToJson() const {
  Json json{{"name", name},           {"role", role},   {"device", device},
            {"precision", precision}, {"notes", notes}, {"timings", Json::array()}};
  for (const Timing& t : timings) {
    json["timings"].push_back(
        {{"graph", t.graph}, {"batch", t.batch}, {"ms_per_item", t.ms_per_item}});
  }
  return json.dump();
}

}  // namespace pixloom::networks
