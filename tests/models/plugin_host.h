// SPDX-License-Identifier: Apache-2.0
// A backend plugin of the build folder, opened by its C interface alone: no code of the host.
#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "models/plugin_abi.h"

namespace pixloom {

struct Numbers {
  std::vector<std::int64_t> dims;
  std::vector<float> data;
};

class PluginHost {
 public:
  // `refusal` says why there is none; then nothing else may be called.
  explicit PluginHost(const std::string& id) {
    const char* build = std::getenv("PIXLOOM_BINARY_DIR");
    const std::string path =
        std::string(build == nullptr ? "build/ci" : build) + "/plugins/pixloom_" + id + ".so";
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      refusal = dlerror();
      return;
    }
    const auto entry =
        reinterpret_cast<pixloom_plugin_entry_fn>(dlsym(library, PIXLOOM_PLUGIN_ENTRY));
    char error[2048] = "";
    if (entry(PIXLOOM_ABI_VERSION, &info, &api, error, sizeof error) != PIXLOOM_OK) {
      refusal = error;
      api = nullptr;
    }
  }

  std::string refusal;
  const pixloom_plugin_info* info = nullptr;
  const pixloom_backend* api = nullptr;
};

struct InstanceOptions {
  std::string format = "onnx", device = "cpu";
  std::uint32_t precision = PIXLOOM_FP32, threads = 1;
  std::vector<const char*> inputs, outputs;
};

class PluginInstance {
 public:
  PluginInstance(const PluginHost& host, const std::string& path,
                 const InstanceOptions& wanted = {})
      : api_(*host.api) {
    pixloom_options options = {};
    options.struct_size = sizeof options;
    options.model_path = path.c_str();
    options.format = wanted.format.c_str();
    options.device = wanted.device.c_str();
    options.precision = wanted.precision;
    options.threads = wanted.threads;
    if (!wanted.inputs.empty()) options.input_names = wanted.inputs.data();
    options.input_count = static_cast<std::uint32_t>(wanted.inputs.size());
    if (!wanted.outputs.empty()) options.output_names = wanted.outputs.data();
    options.output_count = static_cast<std::uint32_t>(wanted.outputs.size());
    status = api_.create(&options, &self_);
    if (status != PIXLOOM_OK) error = api_.last_error(nullptr);
  }
  ~PluginInstance() {
    if (self_ != nullptr) api_.destroy(self_);
  }
  PluginInstance(const PluginInstance&) = delete;
  PluginInstance& operator=(const PluginInstance&) = delete;

  pixloom_description Describe() const {
    pixloom_description description = {};
    description.struct_size = sizeof description;
    if (api_.describe(self_, &description) != PIXLOOM_OK) {
      throw std::runtime_error(api_.last_error(self_));
    }
    return description;
  }

  // Outputs by their index; placed[i] is the address the plugin was given for output i.
  pixloom_status Run(const std::vector<Numbers>& inputs, std::vector<Numbers>& outputs,
                     std::string& why) const {
    std::vector<pixloom_tensor> views;
    for (const Numbers& input : inputs) {
      pixloom_tensor view = {};
      view.data = input.data.data();
      view.ndim = static_cast<std::uint32_t>(input.dims.size());
      for (std::size_t i = 0; i < input.dims.size(); ++i) view.dims[i] = input.dims[i];
      views.push_back(view);
    }
    outputs.clear();
    outputs.resize(PIXLOOM_MAX_PORTS);
    pixloom_outputs places = {};
    places.struct_size = sizeof places;
    places.context = &outputs;
    places.place = [](void* context, std::uint32_t index, std::uint32_t ndim,
                      const std::int64_t* dims) -> float* {
      Numbers& output = static_cast<std::vector<Numbers>*>(context)->at(index);
      output.dims.assign(dims, dims + ndim);
      std::size_t count = 1;
      for (const std::int64_t n : output.dims) count *= static_cast<std::size_t>(n);
      if (count > (std::size_t{1} << 28)) return nullptr;
      output.data.assign(count, -12345.0f);  // what the plugin does not fill is seen
      return output.data.data();
    };
    const pixloom_status result =
        api_.run(self_, views.data(), static_cast<std::uint32_t>(views.size()), &places);
    why = result == PIXLOOM_OK ? "" : api_.last_error(self_);
    return result;
  }

  pixloom_status status = PIXLOOM_FAILED;
  std::string error;

 private:
  const pixloom_backend& api_;
  void* self_ = nullptr;
};

}  // namespace pixloom
