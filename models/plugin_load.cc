// SPDX-License-Identifier: Apache-2.0
#include "models/plugin_load.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <deque>
#include <mutex>

#include <fmt/format.h>

#include "models/plugin_sidecar.h"
#include "models/plugin_trial.h"
#include "pipeline/value.h"

namespace pixloom {

namespace {

// The sizes of version 1.0: what every plugin of this major version has at least.
constexpr std::size_t kLeastInfo = offsetof(pixloom_plugin_info, runtime) + sizeof(const char*);
constexpr std::size_t kLeastTable =
    offsetof(pixloom_backend, get_extension) + sizeof(pixloom_backend::get_extension);

constexpr const char* kRebuild = "build it again with this Pixloom's models/plugin_abi.h";

pixloom_status NoMemory(void*, std::uint64_t* used, std::uint64_t* limit) {
  *used = *limit = 0;
  return PIXLOOM_OK;
}

const void* NoExtension(void*, const char*) { return nullptr; }

// "run" for a table without that function; "" when all are there.
std::string MissingFunctions(const pixloom_backend& table) {
  std::string missing;
  const auto need = [&missing](bool there, const char* name) {
    if (!there) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
  };
  need(table.probe != nullptr, "probe");
  need(table.create != nullptr, "create");
  need(table.describe != nullptr, "describe");
  need(table.run != nullptr, "run");
  need(table.last_error != nullptr, "last_error");
  need(table.destroy != nullptr, "destroy");
  return missing;
}

// "; it needs libonnxruntime.so" from the text, or "".
std::string Needs(const BackendInfo& info) {
  return info.needs.empty() ? "" : fmt::format("; it needs: {}", info.needs);
}

std::string TextOr(const char* text, const char* otherwise) {
  return text == nullptr || *text == 0 ? otherwise : text;
}

// What is wrong with the tables of a plugin whose entry is content; "" when nothing is.
std::string TableProblem(const BackendInfo& info, const pixloom_plugin_info* facts,
                         const pixloom_backend* table) {
  if (facts == nullptr || table == nullptr) {
    return fmt::format("its entry gives no {}; {}", facts == nullptr ? "information" : "functions",
                       kRebuild);
  }
  if (const std::string difference = AbiDifference(facts->abi_version); !difference.empty()) {
    return difference;
  }
  if (facts->struct_size < kLeastInfo || table->struct_size < kLeastTable) {
    return fmt::format(
        "its tables have {} and {} bytes where plugin ABI {}.{} has at least {} and {}; {}",
        facts->struct_size, table->struct_size, PIXLOOM_ABI_MAJOR, PIXLOOM_ABI_MINOR, kLeastInfo,
        kLeastTable, kRebuild);
  }
  if (const std::string missing = MissingFunctions(*table); !missing.empty()) {
    return fmt::format(
        "its table has no function for: {}; only memory and get_extension may be "
        "left out",
        missing);
  }
  if (const std::string id = TextOr(facts->id, ""); id != info.id) {
    return fmt::format(
        "the library says that it is {}, and {} that it is {}; install both from "
        "the same version of the plugin",
        Quoted(id), Quoted(info.sidecar), Quoted(info.id));
  }
  return "";
}

}  // namespace

const pixloom_backend* CompleteTable(const pixloom_backend& table) {
  // Kept for as long as the libraries are.
  static std::mutex mutex;
  static auto& tables = *new std::deque<pixloom_backend>;
  const std::lock_guard lock(mutex);
  pixloom_backend* copy = &tables.emplace_back();
  std::memcpy(copy, &table, std::min<std::size_t>(table.struct_size, sizeof *copy));
  copy->struct_size = sizeof *copy;
  if (copy->memory == nullptr) copy->memory = NoMemory;
  if (copy->get_extension == nullptr) copy->get_extension = NoExtension;
  return copy;
}

Result<std::shared_ptr<const Backend>, std::string> LoadPlugin(const BackendInfo& info) {
  const auto refused = [&](const std::string& why) {
    return fmt::format("backend '{}' cannot be used: {}", info.id, why);
  };
  if (const std::string trial = BeforeLoading(info.library); !trial.empty()) {
    return fmt::format("backend '{}' {}; remove or rebuild it: {}", info.id, trial, info.library);
  }
  void* library = ::dlopen(info.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return refused(fmt::format("{}{}", TextOr(why, "its library cannot be loaded"), Needs(info)));
  }
  void* symbol = ::dlsym(library, PIXLOOM_PLUGIN_ENTRY);
  if (symbol == nullptr) {
    return refused(fmt::format("{} has no function " PIXLOOM_PLUGIN_ENTRY
                               ", so it is no plugin of Pixloom; name the right file as 'library' "
                               "in {}, or build it with PIXLOOM_PLUGIN of models/plugin.h",
                               info.library, info.sidecar));
  }
  const auto entry = reinterpret_cast<pixloom_plugin_entry_fn>(symbol);
  const pixloom_plugin_info* facts = nullptr;
  const pixloom_backend* table = nullptr;
  std::array<char, 1024> error{};
  const pixloom_status status = entry(PIXLOOM_ABI_VERSION, &facts, &table, error.data(),
                                      static_cast<std::uint32_t>(error.size()));
  AfterLoading(info.library);
  error.back() = 0;
  if (status != PIXLOOM_OK) {
    return refused(TextOr(error.data(), StatusText(status)) + Needs(info));
  }
  if (const std::string problem = TableProblem(info, facts, table); !problem.empty()) {
    return refused(problem);
  }
  auto backend = std::make_shared<Backend>();
  backend->info = info;
  backend->runtime = TextOr(facts->runtime, info.id.c_str());
  backend->api = CompleteTable(*table);
  return std::shared_ptr<const Backend>(std::move(backend));
}

}  // namespace pixloom
