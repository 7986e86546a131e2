// SPDX-License-Identifier: Apache-2.0
#include "models/backends.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <sstream>

#include <fmt/format.h>

#include "models/plugin_load.h"
#include "models/plugin_sidecar.h"
#include "pipeline/value.h"

namespace pixloom {

namespace {

namespace fs = std::filesystem;

// Never destroyed: libraries are not, and instances may outlive what is static here.
struct OpenBackends {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const Backend>> by_id;
};

OpenBackends& Opened() {
  static auto& opened = *new OpenBackends;
  return opened;
}

// The texts of a folder, sorted, so that its order decides nothing.
std::vector<std::string> Sidecars(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    if (at->path().extension() == ".plugin" && at->is_regular_file(error)) {
      paths.push_back(at->path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool Before(const BackendInfo& a, const BackendInfo& b) {
  return a.preference != b.preference ? a.preference > b.preference : a.id < b.id;
}

std::string Joined(const std::vector<std::string>& words, const char* otherwise) {
  return words.empty() ? otherwise : fmt::format("{}", fmt::join(words, ", "));
}

std::string NotFound(const std::string& id, const std::vector<BackendInfo>& known) {
  std::vector<std::string> ids;
  for (const BackendInfo& info : known) ids.push_back(info.id);
  return fmt::format(
      "there is no backend {}{}; backends: {}; folders searched: {}; add the folder of its .plugin "
      "file to PIXLOOM_PLUGIN_PATH",
      Quoted(id), Suggestion(id, ids), Joined(ids, "none"), Joined(BackendFolders(), "none"));
}

}  // namespace

std::vector<std::string> BackendFolders() {
  std::vector<fs::path> wanted;
  std::error_code ignored;
  // Not for programs with more rights than their user.
  if (const char* path = ::secure_getenv("PIXLOOM_PLUGIN_PATH")) {
    std::istringstream folders(path);
    for (std::string folder; std::getline(folders, folder, ':');) {
      if (!folder.empty()) wanted.push_back(fs::absolute(folder, ignored));
    }
  }
  if (const fs::path program = fs::read_symlink("/proc/self/exe", ignored); !program.empty()) {
    const fs::path above = program.parent_path().parent_path();
    wanted.push_back(above / "plugins");
    wanted.push_back(above / "lib/pixloom/plugins");
  }
  wanted.push_back(PIXLOOM_PLUGIN_FOLDER);

  std::vector<std::string> folders;
  for (const fs::path& folder : wanted) {
    std::string text = folder.lexically_normal().string();
    while (text.size() > 1 && text.back() == '/') text.pop_back();
    if (std::find(folders.begin(), folders.end(), text) == folders.end()) folders.push_back(text);
  }
  return folders;
}

std::vector<BackendInfo> ListBackends() {
  std::map<std::string, BackendInfo> found;
  {
    OpenBackends& opened = Opened();
    const std::lock_guard lock(opened.mutex);
    for (const auto& [id, backend] : opened.by_id) {
      if (backend->info.library.empty()) found.emplace(id, backend->info);
    }
  }
  for (const std::string& folder : BackendFolders()) {
    for (const std::string& path : Sidecars(folder)) {
      BackendInfo info = ReadSidecar(path);
      std::string id = info.id;
      found.try_emplace(std::move(id), std::move(info));
    }
  }
  std::vector<BackendInfo> all;
  for (auto& [id, info] : found) all.push_back(std::move(info));
  std::sort(all.begin(), all.end(), Before);
  return all;
}

Result<std::shared_ptr<const Backend>, std::string> OpenBackend(const std::string& id) {
  const std::vector<BackendInfo> known = ListBackends();
  OpenBackends& opened = Opened();
  const std::lock_guard lock(opened.mutex);
  if (const auto there = opened.by_id.find(id); there != opened.by_id.end()) return there->second;
  const auto info = std::find_if(known.begin(), known.end(),
                                 [&](const BackendInfo& each) { return each.id == id; });
  if (info == known.end()) return NotFound(id, known);
  if (!info->problem.empty()) {
    return fmt::format("backend '{}' cannot be used: {}", id, info->problem);
  }
  auto loaded = LoadPlugin(*info);
  if (loaded) opened.by_id[id] = *loaded;
  return loaded;
}

void AddBackend(Backend backend) {
  PIXLOOM_CHECK(backend.api != nullptr && backend.api->struct_size == sizeof *backend.api,
                "struct_size of " + backend.info.id);
  backend.info.library.clear();
  backend.api = CompleteTable(*backend.api);
  if (backend.runtime.empty()) backend.runtime = backend.info.id;
  OpenBackends& opened = Opened();
  const std::lock_guard lock(opened.mutex);
  std::string id = backend.info.id;
  opened.by_id[std::move(id)] = std::make_shared<const Backend>(std::move(backend));
}

const char* StatusText(pixloom_status status) {
  switch (status) {
    case PIXLOOM_OK:
      return "no error";
    case PIXLOOM_OUT_OF_MEMORY:
      return "out of memory";
    case PIXLOOM_BAD_SHAPE:
      return "the graph does not take tensors of these sizes";
    case PIXLOOM_UNSUPPORTED_OP:
      return "the graph uses an operation that the backend does not know";
    case PIXLOOM_BAD_MODEL:
      return "the file is damaged or of another format";
    case PIXLOOM_NO_DEVICE:
      return "the device, or a library for it, is not there";
    case PIXLOOM_DEVICE_LOST:
      return "the device was lost";
    default:
      return "it failed without saying why";
  }
}

}  // namespace pixloom
