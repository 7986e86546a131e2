// SPDX-License-Identifier: Apache-2.0
// The backend libtorch as a test drives it: through its C tables, with vectors of floats.
#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "models/plugin_abi.h"
#include "models/tensor.h"
#include "pipeline/rng.h"

namespace pixloom::testing {

struct Plugin {
  const pixloom_plugin_info* info = nullptr;
  const pixloom_backend* api = nullptr;
  const pixloom_write_torchscript* writer = nullptr;
};

// Null, with a message, where the plugin was not built.
inline const Plugin* Libtorch() {
  static const Plugin plugin = [] {
    Plugin loaded;
    const char* const build = std::getenv("PIXLOOM_BINARY_DIR");
    const std::string path =
        std::string(build == nullptr ? "build/ci" : build) + "/plugins/pixloom_libtorch.so";
    if (!std::filesystem::exists(path)) return loaded;
    void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE_MESSAGE(library != nullptr, std::string(library ? "" : ::dlerror()));
    const auto entry =
        reinterpret_cast<pixloom_plugin_entry_fn>(::dlsym(library, PIXLOOM_PLUGIN_ENTRY));
    REQUIRE((entry != nullptr));
    char error[512] = "";
    REQUIRE_MESSAGE(
        entry(PIXLOOM_ABI_VERSION, &loaded.info, &loaded.api, error, sizeof error) == PIXLOOM_OK,
        std::string(error));
    loaded.writer = static_cast<const pixloom_write_torchscript*>(
        loaded.api->get_extension(nullptr, "write-torchscript/1"));
    REQUIRE(loaded.writer != nullptr);
    return loaded;
  }();
  if (plugin.api == nullptr) MESSAGE("skipped: the backend libtorch was not built");
  return plugin.api == nullptr ? nullptr : &plugin;
}

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "pixloom-torch-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  std::filesystem::path path;
};

struct Values {
  Dims dims;
  std::vector<float> data;
};

inline Values Drawn(std::uint64_t seed, Dims dims) {
  Values values{dims, std::vector<float>(static_cast<std::size_t>(Elements(dims)))};
  for (std::size_t i = 0; i < values.data.size(); ++i) {
    const std::uint64_t bits = Mix64(seed * 1000003 + i);
    values.data[i] = static_cast<float>(static_cast<double>(bits >> 11) * 0x1p-52 - 1);
  }
  return values;
}

struct Answer {
  pixloom_status status = PIXLOOM_FAILED;
  std::string error;
  std::vector<Values> outputs;
};

struct Asked {
  std::string device = "cpu", format = "torchscript", extra = {};
  std::uint32_t precision = PIXLOOM_FP32, threads = 1;
  std::vector<const char*> inputs = {}, outputs = {};
};

class Instance {
 public:
  Instance(const Plugin& plugin, const std::string& path, const Asked& asked = {})
      : api_(plugin.api) {
    pixloom_options options = {};
    options.struct_size = sizeof options;
    options.model_path = path.c_str();
    options.format = asked.format.c_str();
    options.device = asked.device.c_str();
    options.precision = asked.precision;
    options.threads = asked.threads;
    options.extra = asked.extra.c_str();
    options.input_names = asked.inputs.empty() ? nullptr : asked.inputs.data();
    options.input_count = static_cast<std::uint32_t>(asked.inputs.size());
    options.output_names = asked.outputs.empty() ? nullptr : asked.outputs.data();
    options.output_count = static_cast<std::uint32_t>(asked.outputs.size());
    status = api_->create(&options, &self_);
    error = api_->last_error(nullptr);
    description.struct_size = sizeof description;
    if (status == PIXLOOM_OK) REQUIRE(api_->describe(self_, &description) == PIXLOOM_OK);
  }
  Instance(const Instance&) = delete;
  ~Instance() {
    if (self_ != nullptr) api_->destroy(self_);
  }

  Answer Run(const std::vector<Values>& inputs, bool memory = true) const {
    std::vector<pixloom_tensor> views;
    for (const Values& input : inputs) {
      pixloom_tensor view = {input.data.data(), static_cast<std::uint32_t>(input.dims.size()), {}};
      std::copy(input.dims.begin(), input.dims.end(), view.dims);
      views.push_back(view);
    }
    std::map<std::uint32_t, Values> placed;
    pixloom_outputs outputs = {sizeof outputs, memory ? &placed : nullptr, Place};
    Answer answer;
    answer.status =
        api_->run(self_, views.data(), static_cast<std::uint32_t>(views.size()), &outputs);
    answer.error = api_->last_error(self_);
    for (auto& [index, values] : placed) answer.outputs.push_back(std::move(values));
    return answer;
  }

  pixloom_status status;
  std::string error;
  pixloom_description description = {};

 private:
  static float* Place(void* context, std::uint32_t index, std::uint32_t ndim,
                      const std::int64_t* dims) {
    if (context == nullptr) return nullptr;
    Values& values = (*static_cast<std::map<std::uint32_t, Values>*>(context))[index];
    values.dims.assign(dims, dims + ndim);
    values.data.resize(static_cast<std::size_t>(Elements(values.dims)));
    return values.data.data();
  }

  const pixloom_backend* api_;
  void* self_ = nullptr;
};

using Weights = std::map<std::string, Values>;

inline pixloom_status Write(const Plugin& plugin, const std::string& path,
                            const std::string& source, const Weights& weights = {}) {
  std::vector<pixloom_parameter> parameters;
  for (const auto& [name, values] : weights) {
    pixloom_parameter parameter = {name.c_str(), {values.data.data(), 0, {}}, 0};
    parameter.value.ndim = static_cast<std::uint32_t>(values.dims.size());
    std::copy(values.dims.begin(), values.dims.end(), parameter.value.dims);
    parameter.is_buffer = name == "n_mean" || name == "n_var" || name == "count" ? 1 : 0;
    parameters.push_back(parameter);
  }
  return plugin.writer->write(path.c_str(), source.c_str(), parameters.data(),
                              static_cast<std::uint32_t>(parameters.size()));
}

}  // namespace pixloom::testing
