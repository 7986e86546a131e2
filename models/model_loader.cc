// SPDX-License-Identifier: Apache-2.0
#include "models/model_loader.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <new>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "models/self_check.h"

namespace pixloom {

namespace {

namespace fs = std::filesystem;

// What results may be off, relative to the larger of 1 and their size.
constexpr double kToleranceCpu = 1e-3;
constexpr double kToleranceGpu = 5e-3;  // reduced products (TF32) are common there
constexpr double kToleranceHalf = 5e-2;

// Sorted by how far a backend came: what is worth saying when none was taken.
constexpr std::array<std::string_view, 7> kCodes{
    "MOD-BACKEND", "MOD-DEVICE", "MOD-LOAD", "MOD-FILE", "MOD-MANIFEST", "MOD-SHAPE", "MOD-CHECK"};

std::size_t RankOf(const std::string& code) {
  return static_cast<std::size_t>(std::find(kCodes.begin(), kCodes.end(), code) - kCodes.begin());
}

std::string KindOf(const std::string& device) { return device.substr(0, device.find(':')); }

bool Knows(const BackendInfo& info, const std::string& device) {
  return std::find(info.devices.begin(), info.devices.end(), KindOf(device)) != info.devices.end();
}

// Opening a plugin for a GPU can take a second: not where there is none.
bool MayHaveGpu(const BackendInfo& info) {
  static const bool machine =
      fs::exists("/dev/nvidiactl") || fs::exists("/dev/nvidia0") || fs::exists("/dev/dxg");
  return machine || info.library.empty();
}

std::string Joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string FormatName(const std::string& format) {
  if (format == "onnx") return "ONNX";
  if (format == "torchscript") return "TorchScript";
  return format;
}

}  // namespace

std::shared_ptr<Model> ModelLoader::Load() {
  CheckChoice();
  const std::vector<BackendInfo> candidates = Candidates();
  const bool any_device = choice_.device == "auto";
  const std::vector<std::string> devices =
      any_device ? std::vector<std::string>{"cuda", "cpu"} : std::vector{choice_.device};
  for (const std::string& device : devices) {
    for (const BackendInfo& info : candidates) {
      if (!Knows(info, device)) {
        if (any_device) continue;
        Refuse({"MOD-DEVICE", info.id,
                fmt::format("knows no device {}, only {}", device, Joined(info.devices))});
        continue;
      }
      if (any_device && device != "cpu" && !MayHaveGpu(info)) continue;
      if (auto model = Try(info, device)) return model;
    }
  }
  Fail();
}

void ModelLoader::CheckChoice() const {
  const std::string& precision = choice_.precision;
  if (precision != "auto" && precision != "fp32" && precision != "fp16") {
    throw ModelRejectedError("MOD-DEVICE", fmt::format("precision: expected auto, fp32 or fp16, "
                                                       "got {}",
                                                       Quoted(precision)));
  }
  if (precision == "fp16" && !manifest_.fp16) {
    throw ModelRejectedError(
        "MOD-MANIFEST", fmt::format("{}: precision: fp16 was asked for, but the manifest does not "
                                    "allow it; write precision: {{fp16: true}} there if results "
                                    "are good enough",
                                    manifest_.path));
  }
}

std::vector<BackendInfo> ModelLoader::Candidates() {
  if (choice_.backend != "auto") {
    const auto backend = OpenBackend(choice_.backend);
    if (!backend) throw ModelRejectedError("MOD-BACKEND", backend.Error());
    return {(*backend)->info};
  }
  std::vector<BackendInfo> usable;
  for (BackendInfo& info : ListBackends()) {
    if (info.problem.empty()) {
      usable.push_back(std::move(info));
    } else {
      Refuse({"MOD-BACKEND", info.id, info.problem});
    }
  }
  return usable;
}

std::string ModelLoader::FileOf(const GraphFile& graph, const std::string& format) const {
  return (fs::path(manifest_.folder) / graph.files.at(format)).string();
}

// A file that was changed is no matter of the backend: nobody may run it.
void ModelLoader::CheckHash(const std::string& path, const GraphFile& graph,
                            const std::string& format) {
  std::string& hash = hashes_[path];
  if (hash.empty()) hash = HashFile(path);
  const auto said = graph.hashes.find(format);
  if (said == graph.hashes.end() || said->second == hash) return;
  throw ModelRejectedError(
      "MOD-FILE", fmt::format("{}: damaged, or another file than the manifest is about; its hash "
                              "is {}, the manifest says {}; export it again",
                              path, hash, said->second));
}

std::shared_ptr<Model> ModelLoader::Try(const BackendInfo& info, const std::string& device) {
  const std::string who = fmt::format("{} on {}", info.id, device);
  // Not worth opening a backend that reads none of the files.
  for (const auto& [name, graph] : manifest_.graphs) {
    const bool reads = std::any_of(info.formats.begin(), info.formats.end(),
                                   [&](const auto& f) { return graph.files.contains(f); });
    if (reads) continue;
    std::vector<std::string> formats;
    for (const auto& [format, file] : graph.files) formats.push_back(format);
    Refuse({choice_.backend == "auto" ? "MOD-LOAD" : "MOD-BACKEND", who,
            fmt::format("reads {}; graph {} is there as {}", Joined(info.formats), name,
                        Joined(formats))});
    return nullptr;
  }
  const auto backend = OpenBackend(info.id);
  if (!backend) {
    Refuse({"MOD-BACKEND", info.id, backend.Error()});
    return nullptr;
  }
  const bool gpu = KindOf(device) != "cpu";
  if (choice_.precision == "fp16" && !gpu) {
    Refuse({"MOD-DEVICE", who, "fp16 is for devices that have it; take precision: fp32"});
    return nullptr;
  }
  if (gpu && choice_.precision != "fp32") {
    if (manifest_.fp16) {
      auto model = TryPrecision(*backend, device, true);
      if (model != nullptr || choice_.precision == "fp16") return model;
      notes_.push_back(fmt::format("fp16 refused by {}: {}", who, refusals_.back().text));
      refusals_.pop_back();
    } else {
      notes_.push_back("fp32, since the manifest does not allow fp16");
    }
  }
  return TryPrecision(*backend, device, false);
}

std::shared_ptr<Model> ModelLoader::TryPrecision(const std::shared_ptr<const Backend>& backend,
                                                 const std::string& device, bool fp16) {
  const std::string who = fmt::format("{} on {}", backend->info.id, device);
  Networks networks;
  Manifest manifest = manifest_;
  const auto refused = [&]() -> std::optional<Refusal> {
    for (const auto& [name, graph] : manifest_.graphs) {
      if (auto refusal = LoadGraph(backend, device, fp16, name, graph, networks)) return refusal;
    }
    if (manifest_.guessed) {
      auto guess = GuessManifest(manifest_, *networks.at("main"));
      if (!guess) {
        return Refusal{"MOD-MANIFEST", who,
                       fmt::format("{} alone cannot be used: {}; write a manifest", manifest_.path,
                                   guess.Error())};
      }
      manifest = std::move(*guess);
    }
    const bool gpu = KindOf(device) != "cpu";
    const double tolerance = fp16 ? kToleranceHalf : gpu ? kToleranceGpu : kToleranceCpu;
    for (const auto& [name, graph] : manifest.graphs) {
      const std::string wrong = CheckNetwork(*networks.at(name), Checkable(graph, manifest),
                                             manifest.fixed_batch, manifest.batch, tolerance);
      if (!wrong.empty()) {
        return Refusal{"MOD-CHECK", who,
                       fmt::format("graph {} does not pass its check: {}", name, wrong)};
      }
    }
    return std::nullopt;
  };
  try {
    if (auto refusal = refused()) {
      refusal->who = who;
      Refuse(std::move(*refusal));
      return nullptr;
    }
  } catch (const std::bad_alloc&) {
    Refuse({"MOD-CHECK", who, "out of memory in the host", true});
    return nullptr;
  }
  return Done(std::move(manifest), networks, *backend, fp16);
}

std::optional<ModelLoader::Refusal> ModelLoader::LoadGraph(
    const std::shared_ptr<const Backend>& backend, const std::string& device, bool fp16,
    const std::string& name, const GraphFile& graph, Networks& networks) {
  std::optional<Refusal> missing;
  for (const std::string& format : backend->info.formats) {
    if (!graph.files.contains(format)) continue;
    const std::string path = FileOf(graph, format);
    if (!fs::is_regular_file(path)) {
      missing = Refusal{"MOD-FILE", "",
                        fmt::format("{}: there is no such file; the manifest {} "
                                    "names it",
                                    path, manifest_.path)};
      continue;
    }
    CheckHash(path, graph, format);
    const std::string& id = backend->info.id;
    const pixloom_status probed = backend->api->probe(path.c_str(), format.c_str(), device.c_str());
    if (probed != PIXLOOM_OK) {
      const char* text = backend->api->last_error(nullptr);
      const bool said = text != nullptr && *text != 0;
      return Failed({probed, said ? text : StatusText(probed)}, path, graph, format, id);
    }
    auto network = BackendNetwork::Create(
        {backend, path, format, device, fp16, graph.inputs, graph.outputs, choice_.in_flight});
    if (!network) return Failed(network.Error(), path, graph, format, id);
    const GraphDescription& described = (*network)->Described();
    // "cuda:1, some nodes on cpu" is cuda:1.
    const std::string where = described.device.substr(0, described.device.find(','));
    const bool there = where == device || KindOf(where) == device;
    if (!there) {
      return Refusal{"MOD-DEVICE", "",
                     fmt::format("{} was asked for, it runs on {}", device, described.device)};
    }
    if (!manifest_.guessed) {
      const std::string wrong =
          ComparePorts(described, graph, manifest_.fixed_batch, manifest_.batch);
      if (!wrong.empty()) {
        return Refusal{"MOD-SHAPE", "", fmt::format("{}: {}", path, wrong)};
      }
    }
    networks[name] = std::move(*network);
    return std::nullopt;
  }
  PIXLOOM_CHECK(missing.has_value(), "a backend without a format of this graph");
  return missing;
}

ModelLoader::Refusal ModelLoader::Failed(const RunFailure& failure, const std::string& path,
                                         const GraphFile& graph, const std::string& format,
                                         const std::string& id) {
  switch (failure.status) {
    case PIXLOOM_NO_DEVICE:
    case PIXLOOM_DEVICE_LOST:
      return {"MOD-DEVICE", "", failure.message};
    case PIXLOOM_OUT_OF_MEMORY:
      return {"MOD-LOAD", "", fmt::format("{}: {}", path, failure.message), true};
    case PIXLOOM_BAD_SHAPE:
      return {"MOD-SHAPE", "", fmt::format("{}: {}", path, failure.message)};
    case PIXLOOM_BAD_MODEL:
      return {"MOD-LOAD", "",
              fmt::format("{}: damaged or not {} ({}: {}); its hash is {}, {}; export it again",
                          path, FormatName(format), id, failure.message, hashes_[path],
                          graph.hashes.contains(format) ? "as the manifest says"
                                                        : "the manifest does not say which")};
    default:
      return {"MOD-LOAD", "", fmt::format("{}: {}", path, failure.message)};
  }
}

// Without numbers to compare with, at least inputs of a size that the network takes.
GraphFile ModelLoader::Checkable(const GraphFile& graph, const Manifest& manifest) const {
  GraphFile result = graph;
  if (result.check) return result;
  GraphCheck& check = result.check.emplace();
  const std::int64_t multiple = std::max(manifest.picture.multiple_of, 1);
  const std::int64_t least =
      std::max<std::int64_t>(manifest.guessed ? 64 : 32, manifest.picture.least);
  const std::int64_t side = (least + multiple - 1) / multiple * multiple;
  for (const Port& port : graph.inputs) {
    Dims& dims = check.sizes[port.name] = port.dims;
    std::replace(dims.begin(), dims.end(), std::int64_t{-1}, side);
  }
  return result;
}

std::shared_ptr<Model> ModelLoader::Done(Manifest manifest, const Networks& networks,
                                         const Backend& backend, bool fp16) {
  auto model = std::make_shared<Model>();
  const std::string where = networks.begin()->second->Device();
  model->device = fmt::format("{} on {}", backend.runtime, where);
  const auto asked = static_cast<int>(choice_.batch);
  if (manifest.fixed_batch && asked > 0 && asked != manifest.batch) {
    throw ModelRejectedError("MOD-SHAPE",
                             fmt::format("{}: batch: {} was asked for, the network takes {} only",
                                         manifest.path, asked, manifest.batch));
  }
  model->batch = asked > 0 ? asked : manifest.batch;
  model->fp16 = fp16;
  for (const auto& [name, network] : networks) {
    network->ResetUse();
    model->graphs[name] = network;
    model->files.emplace_back(network->Path(), hashes_.at(network->Path()));
  }

  if (manifest.guessed) {
    const bool gray = manifest.picture.color == PictureInput::Color::kGray;
    model->notes.push_back(fmt::format(
        "{}: there is no manifest; guessed an enhancer of {} pictures with values from "
        "0 to 1 that makes pictures{}; a manifest beside it can say otherwise",
        manifest.path, gray ? "gray" : "rgb",
        manifest.output.scale == 1 ? std::string()
                                   : fmt::format(" {} times as large", manifest.output.scale)));
  }
  if (choice_.backend == "auto" || choice_.device == "auto") {
    std::string note =
        fmt::format("{}: chose {}{}", manifest.name, model->device, fp16 ? ", fp16" : "");
    for (const Refusal& refusal : refusals_) {
      note += fmt::format("; {} refused: {}", refusal.who, refusal.text);
    }
    model->notes.push_back(std::move(note));
  }
  for (const std::string& note : notes_) model->notes.push_back(manifest.name + ": " + note);
  model->manifest = std::move(manifest);
  return model;
}

void ModelLoader::Fail() const {
  if (refusals_.empty()) {
    throw ModelRejectedError(
        "MOD-BACKEND",
        fmt::format("{}: there are no backends that could run it; folders searched: {}",
                    manifest_.path, Joined(BackendFolders())));
  }
  const auto by_rank = [](const Refusal& a, const Refusal& b) {
    return RankOf(a.code) < RankOf(b.code);
  };
  const Refusal& best = *std::max_element(refusals_.begin(), refusals_.end(), by_rank);
  std::string text = fmt::format("{}: no backend can run it", manifest_.path);
  for (const Refusal& refusal : refusals_) {
    text += fmt::format("; {}: {}", refusal.who, refusal.text);
  }
  if (refusals_.size() == 1) {
    text = fmt::format("{}: {}: {}", manifest_.path, best.who, best.text);
  }
  if (std::any_of(refusals_.begin(), refusals_.end(), [](const auto& r) { return r.memory; })) {
    throw EnvironmentError(text);
  }
  throw ModelRejectedError(best.code, text);
}

}  // namespace pixloom
