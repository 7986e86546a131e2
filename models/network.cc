// SPDX-License-Identifier: Apache-2.0
#include "models/network.h"

#include <filesystem>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "models/model_loader.h"

namespace pixloom {

namespace {

namespace fs = std::filesystem;

// Models that are loaded, for as long as somebody uses them.
struct Cache {
  std::mutex mutex;  // also held while loading: two nodes with one model load it once
  std::map<std::string, std::weak_ptr<Model>> models;
};

Cache& Loaded() {
  static auto& cache = *new Cache;
  return cache;
}

// A path and when it last changed; a file that was replaced is another one.
std::string Stamp(const fs::path& path) {
  std::error_code error;
  const auto changed = fs::last_write_time(path, error).time_since_epoch().count();
  const auto bytes = fs::file_size(path, error);
  return fmt::format("{}|{}|{}\n", fs::absolute(path, error).string(), changed, bytes);
}

std::string KeyOf(const Manifest& manifest, const ModelChoice& choice) {
  std::string key = Stamp(manifest.path);
  for (const auto& [name, graph] : manifest.graphs) {
    for (const auto& [format, file] : graph.files) key += Stamp(fs::path(manifest.folder) / file);
  }
  return key + fmt::format("{}|{}|{}|{}|{}", choice.backend, choice.device, choice.precision,
                           choice.batch, choice.in_flight);
}

// A graph file by itself; the backend tells the rest.
Manifest LoneFile(const std::string& path, const std::string& format) {
  Manifest manifest;
  manifest.path = path;
  manifest.folder = fs::path(path).parent_path().string();
  manifest.name = fs::path(path).stem().string();
  manifest.guessed = true;
  manifest.graphs["main"].files[format] = fs::path(path).filename().string();
  return manifest;
}

Manifest ReadManifest(const std::string& path) {
  const std::string extension = fs::path(path).extension().string();
  if (!fs::exists(path)) {
    throw ModelRejectedError(
        "MOD-FILE", fmt::format("{}: there is no such file; model: names the manifest (.yaml) of "
                                "a network, or an .onnx or .pt file by itself",
                                path));
  }
  if (extension == ".onnx") return LoneFile(path, "onnx");
  if (extension == ".pt" || extension == ".ts") return LoneFile(path, "torchscript");
  return LoadManifest(path);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> Model::Facts() const {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const auto& [path, hash] : files) {
    facts.emplace_back("hash of " + fs::path(path).filename().string(), hash);
  }
  facts.emplace_back("runs with", device);
  facts.emplace_back("precision", fp16 ? "fp16" : "fp32");
  return facts;
}

ModelUse Model::Use() const {
  ModelUse all;
  for (const auto& [name, network] : graphs) {
    const ModelUse use = network->Use();
    all.runs += use.runs;
    all.pictures += use.pictures;
    all.padding += use.padding;
    all.nanoseconds += use.nanoseconds;
  }
  all.device = device + (fp16 ? ", fp16" : "");
  return all;
}

std::shared_ptr<Model> LoadModel(const std::string& path, const ModelChoice& choice) {
  Manifest manifest = ReadManifest(path);
  Cache& cache = Loaded();
  const std::lock_guard lock(cache.mutex);
  std::erase_if(cache.models, [](const auto& entry) { return entry.second.expired(); });
  const std::string key = KeyOf(manifest, choice);
  if (const auto found = cache.models.find(key); found != cache.models.end()) {
    if (auto model = found->second.lock()) return model;
  }
  auto model = ModelLoader(std::move(manifest), choice).Load();
  // What the manifest says decides results as well.
  if (!model->manifest.guessed) {
    model->files.insert(model->files.begin(), {path, HashFile(path)});
  }
  cache.models[key] = model;
  return model;
}

}  // namespace pixloom
