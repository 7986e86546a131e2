// SPDX-License-Identifier: Apache-2.0
// For authors of backend plugins in C++: derive from Graph and write one PIXLOOM_PLUGIN line. This
// header turns that into the C tables of plugin_abi.h and needs nothing else of Pixloom;
// examples/backend_plugin is a complete plugin.
//
// Exceptions end here: Error gives its status, std::bad_alloc PIXLOOM_OUT_OF_MEMORY, all others
// PIXLOOM_FAILED with their text. Threads as in plugin_abi.h.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "models/plugin_abi.h"

namespace pixloom::plugin {

using Dims = std::vector<std::int64_t>;

// Thrown by anything below. The text says what is wrong and what would help.
class Error : public std::runtime_error {
 public:
  Error(pixloom_status status, const std::string& text)
      : std::runtime_error(text), status_(status) {}
  pixloom_status status() const { return status_; }

 private:
  pixloom_status status_;
};

struct Options {
  std::string model_path;
  std::string format;  // "onnx"
  std::string device;  // "cpu", "cuda", "cuda:1", "tensorrt": this one or PIXLOOM_NO_DEVICE
  bool fp16 = false;   // inside the device
  int threads = 1;     // inside one run
  std::string extra;   // "key=value" lines of this backend's own
  // The order of tensors in Run; empty: the order of the graph.
  std::vector<std::string> input_names, output_names;
};

struct Port {
  std::string name;
  Dims dims;  // with the batch; -1: any; empty: not known before it ran
};

struct Description {
  std::vector<Port> inputs, outputs;  // in the order that Options asked for
  std::string device = "cpu";         // where it really runs
  bool runs_concurrently = false;     // Run may be called by several threads at a time
  bool waits = false;                 // mostly for a device, and leaves the processor alone
};

// Memory of the host, for the time of Run: row-major, without gaps.
struct Tensor {
  const float* data = nullptr;
  std::span<const std::int64_t> dims;  // the first is the batch
  std::int64_t Size() const {
    std::int64_t size = 1;
    for (const std::int64_t n : dims) size *= n;
    return size;
  }
};

class Outputs {
 public:
  explicit Outputs(pixloom_outputs& host) : host_(host) {}
  // Memory to fill for output `index`; once per output and run.
  float* Place(std::size_t index, std::span<const std::int64_t> dims) {
    float* memory = host_.place(host_.context, static_cast<std::uint32_t>(index),
                                static_cast<std::uint32_t>(dims.size()), dims.data());
    if (memory == nullptr) throw Error(PIXLOOM_OUT_OF_MEMORY, "no memory for a result");
    return memory;
  }

 private:
  pixloom_outputs& host_;
};

struct MemoryUse {
  std::uint64_t used = 0, limit = 0;  // bytes on the device; 0: not known
};

// One loaded graph. A derived class G has the constructor
//   explicit G(const Options&);
// which loads the file, and may have
//   static std::string Runtime();
//     what it found, as "onnxruntime 1.21.0"; throws Error(PIXLOOM_NO_DEVICE, "...") when what it
//     needs is not installed. Fast: no model, no device.
//   static void Probe(const std::string& path, const std::string& format,
//                     const std::string& device);
//     cheap: throws Error when the constructor could not load this.
//   static const void* Extension(const std::string& id);
//     a static table of plugin_abi.h, or null.
class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  virtual ~Graph() = default;
  // Asked once, after the constructor.
  virtual Description Describe() const = 0;
  virtual void Run(std::span<const Tensor> inputs, Outputs& outputs) = 0;
  virtual MemoryUse Memory() const { return {}; }
};

// Hidden: otherwise the dynamic linker would let two plugins share one copy of what is static here.
#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif
namespace detail {

inline thread_local char last_error[2048] = "";

inline void SetError(const char* text) { std::snprintf(last_error, sizeof last_error, "%s", text); }

// Runs `work` and turns what it throws into a status and last_error.
template <class Work>
pixloom_status Guarded(Work work) noexcept {
  try {
    last_error[0] = 0;
    work();
    return PIXLOOM_OK;
  } catch (const Error& error) {
    SetError(error.what());
    return error.status() == PIXLOOM_OK ? PIXLOOM_FAILED : error.status();
  } catch (const std::bad_alloc&) {
    SetError("out of memory");
    return PIXLOOM_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    SetError(error.what());
  } catch (...) {
    SetError("an exception of unknown type");
  }
  return PIXLOOM_FAILED;
}

inline std::string Text(const char* text) { return text == nullptr ? "" : text; }

inline std::vector<std::string> Names(const char* const* names, std::uint32_t count) {
  if (names == nullptr) return {};
  return {names, names + count};
}

inline Options ReadOptions(const pixloom_options& raw) {
  return {.model_path = Text(raw.model_path),
          .format = Text(raw.format),
          .device = Text(raw.device),
          .fp16 = raw.precision == PIXLOOM_FP16,
          .threads = static_cast<int>(raw.threads),
          .extra = Text(raw.extra),
          .input_names = Names(raw.input_names, raw.input_count),
          .output_names = Names(raw.output_names, raw.output_count)};
}

inline void FillPorts(const std::vector<Port>& ports, pixloom_port* out, std::uint32_t& count) {
  if (ports.size() > PIXLOOM_MAX_PORTS) {
    throw Error(PIXLOOM_BAD_MODEL, "the graph has " + std::to_string(ports.size()) +
                                       " inputs or outputs; at most " +
                                       std::to_string(PIXLOOM_MAX_PORTS) + " are possible");
  }
  count = static_cast<std::uint32_t>(ports.size());
  for (const Port& port : ports) {
    if (port.dims.size() > PIXLOOM_MAX_DIMS) {
      throw Error(PIXLOOM_BAD_MODEL, "'" + port.name + "' has " + std::to_string(port.dims.size()) +
                                         " dimensions; at most " +
                                         std::to_string(PIXLOOM_MAX_DIMS) + " are possible");
    }
    *out = {};
    out->name = port.name.c_str();
    out->ndim = static_cast<std::uint32_t>(port.dims.size());
    for (std::size_t i = 0; i < port.dims.size(); ++i) out->dims[i] = port.dims[i];
    ++out;
  }
}

// What the host holds as `self`.
struct Instance {
  explicit Instance(std::unique_ptr<Graph> loaded)
      : graph(std::move(loaded)), description(graph->Describe()) {}
  std::unique_ptr<Graph> graph;
  Description description;
};

inline Instance& At(void* self) { return *static_cast<Instance*>(self); }

template <class G>
pixloom_status Probe(const char* path, const char* format, const char* device) noexcept {
  return Guarded([&] {
    if constexpr (requires { G::Probe(std::string(), std::string(), std::string()); }) {
      G::Probe(Text(path), Text(format), Text(device));
    } else if (std::FILE* file = std::fopen(path, "rb")) {
      std::fclose(file);
    } else {
      throw Error(PIXLOOM_BAD_MODEL, "cannot open '" + Text(path) + "'");
    }
  });
}

template <class G>
pixloom_status Create(const pixloom_options* options, void** self) noexcept {
  return Guarded([&] {
    *self = nullptr;
    *self = new Instance(std::make_unique<G>(ReadOptions(*options)));
  });
}

inline pixloom_status Describe(void* self, pixloom_description* out) noexcept {
  return Guarded([&] {
    if (out->struct_size < sizeof *out) throw Error(PIXLOOM_FAILED, "the host is too old");
    const Description& from = At(self).description;
    out->flags = from.runs_concurrently ? PIXLOOM_RUNS_CONCURRENTLY : 0;
    out->waits = from.waits ? 1 : 0;
    out->device = from.device.c_str();
    FillPorts(from.inputs, out->inputs, out->input_count);
    FillPorts(from.outputs, out->outputs, out->output_count);
  });
}

inline pixloom_status Run(void* self, const pixloom_tensor* inputs, std::uint32_t count,
                          pixloom_outputs* outputs) noexcept {
  return Guarded([&] {
    std::array<Tensor, PIXLOOM_MAX_PORTS> views;
    if (count > views.size()) throw Error(PIXLOOM_BAD_SHAPE, "too many inputs");
    for (std::uint32_t i = 0; i < count; ++i) {
      views[i] = {inputs[i].data, std::span(inputs[i].dims, inputs[i].ndim)};
    }
    Outputs places(*outputs);
    At(self).graph->Run(std::span(views.data(), count), places);
  });
}

inline pixloom_status Memory(void* self, std::uint64_t* used, std::uint64_t* limit) noexcept {
  return Guarded([&] {
    const MemoryUse use = At(self).graph->Memory();
    *used = use.used;
    *limit = use.limit;
  });
}

inline const char* LastError(void*) noexcept { return last_error; }

inline void Destroy(void* self) noexcept {
  Guarded([&] { delete static_cast<Instance*>(self); });
}

template <class G>
const void* Extension([[maybe_unused]] void* self, [[maybe_unused]] const char* id) noexcept {
  const void* found = nullptr;
  if constexpr (requires { G::Extension(std::string()); }) {
    Guarded([&] { found = G::Extension(Text(id)); });
  }
  return found;
}

template <class G>
pixloom_status Entry(const char* id, const char* name, const char* version,
                     const pixloom_plugin_info** info, const pixloom_backend** backend, char* error,
                     std::uint32_t error_size) noexcept {
  const pixloom_status status = Guarded([&] {
    static const std::string runtime = [&] {
      if constexpr (requires { G::Runtime(); }) return std::string(G::Runtime());
      return std::string(id) + " " + version;
    }();
    static const pixloom_plugin_info facts = {
        sizeof(pixloom_plugin_info), PIXLOOM_ABI_VERSION, id, name, version, runtime.c_str()};
    static const pixloom_backend table = {sizeof(pixloom_backend),
                                          Probe<G>,
                                          Create<G>,
                                          Describe,
                                          Run,
                                          Memory,
                                          LastError,
                                          Destroy,
                                          Extension<G>};
    *info = &facts;
    *backend = &table;
  });
  if (status != PIXLOOM_OK) std::snprintf(error, error_size, "%s", last_error);
  return status;
}

}  // namespace detail
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

// For functions of extensions: runs `work`, turns what it throws into a status and a text for
// last_error.
template <class Work>
pixloom_status Guarded(Work work) noexcept {
  return detail::Guarded(std::move(work));
}

}  // namespace pixloom::plugin

// Exports a plugin. Once per library, outside namespaces:
//   PIXLOOM_PLUGIN("smooth", "Smooth filters", "1.0.0", SmoothGraph)
#define PIXLOOM_PLUGIN(id, name, version, ...)                                                    \
  extern "C" PIXLOOM_PLUGIN_EXPORT pixloom_status pixloom_plugin_entry(                           \
      uint32_t, const pixloom_plugin_info** info, const pixloom_backend** backend, char* error,   \
      uint32_t error_size) {                                                                      \
    return ::pixloom::plugin::detail::Entry<__VA_ARGS__>(id, name, version, info, backend, error, \
                                                         error_size);                             \
  }
