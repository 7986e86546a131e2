// SPDX-License-Identifier: Apache-2.0
#include "models/layer_list.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "models/layer_reader.h"
#include "pipeline/config.h"
#include "pipeline/language.h"

namespace pixloom {

namespace {

bool IsNetworkName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void ReadHead(const Value& document, LayerList& list, Diagnostics& diagnostics) {
  const Value* name = document.Find("network");
  if (name == nullptr || !name->IsScalar() || !IsNetworkName(name->text)) {
    diagnostics.Error("NET-VALUE", name == nullptr ? document.at : name->at,
                      fmt::format("network: expected a name of a-z, 0-9 and _, at most 64, got {}",
                                  name == nullptr ? "nothing" : name->Describe()));
  } else {
    list.name = name->text;
  }
  if (const Value* about = document.Find("about")) {
    if (about->kind == Value::Kind::kString) {
      list.about = about->text;
    } else {
      diagnostics.Error("NET-VALUE", about->at,
                        fmt::format("about: expected a line of text, got {}", about->Describe()));
    }
  }
  list.weights = "he";
  if (const Value* weights = document.Find("weights")) {
    const std::vector<std::string> known = {"he", "dcgan"};
    if (std::find(known.begin(), known.end(), weights->text) == known.end()) {
      diagnostics.Error("NET-VALUE", weights->at,
                        fmt::format("weights: expected he or dcgan, got {}{}", weights->Describe(),
                                    Suggestion(weights->text, known)));
    } else {
      list.weights = weights->text;
    }
  }
  if (const Value* manifest = document.Find("manifest")) {
    if (manifest->kind != Value::Kind::kMap && manifest->kind != Value::Kind::kNull) {
      diagnostics.Error("NET-VALUE", manifest->at,
                        fmt::format("manifest: expected a mapping, got {}", manifest->Describe()));
    }
    list.manifest = *manifest;
  }
}

}  // namespace

const LayerGraph* LayerList::Find(std::string_view graph) const {
  for (const LayerGraph& candidate : graphs) {
    if (candidate.name == graph) return &candidate;
  }
  return nullptr;
}

std::optional<LayerList> ParseLayerList(const Value& document, Diagnostics& diagnostics) {
  const int errors = diagnostics.ErrorCount();
  if (document.kind != Value::Kind::kMap) {
    diagnostics.Error(
        "NET-VALUE", document.at,
        fmt::format("a layer list has `network` and `graphs`, got {}", document.Describe()));
    return {};
  }
  const std::vector<std::string> keys = {"network", "about", "weights", "graphs", "manifest"};
  for (const Value::Entry& entry : document.entries) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) continue;
    diagnostics.Error(
        "NET-KEY", entry.at,
        fmt::format("unknown key {}{}", Quoted(entry.key), Suggestion(entry.key, keys)));
  }
  LayerList list;
  ReadHead(document, list, diagnostics);
  const Value* graphs = document.Find("graphs");
  if (graphs == nullptr || graphs->kind != Value::Kind::kMap || graphs->entries.empty()) {
    diagnostics.Error("NET-VALUE", graphs == nullptr ? document.at : graphs->at,
                      fmt::format("graphs: expected {{NAME: graph}}, got {}",
                                  graphs == nullptr ? "nothing" : graphs->Describe()));
    return {};
  }
  for (const Value::Entry& entry : graphs->entries) {
    if (!IsName(entry.key)) {
      diagnostics.Error(
          "NET-NAME", entry.at,
          fmt::format("{} cannot be a graph: a-z, 0-9 and _, a letter first", Quoted(entry.key)));
      continue;
    }
    list.graphs.push_back(ReadGraph(entry.key, entry.value, diagnostics));
  }
  if (diagnostics.ErrorCount() != errors) return {};
  return list;
}

std::optional<LayerList> LoadLayerList(const std::string& path, Diagnostics& diagnostics) {
  // A network is what its file says, wherever it is read.
  Variables variables;
  variables.use_environment = false;
  const auto document = LoadYaml(path, variables, diagnostics);
  if (!document) return {};
  return ParseLayerList(*document, diagnostics);
}

}  // namespace pixloom
