// SPDX-License-Identifier: Apache-2.0
#include "models/network_files.h"

#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "models/backends.h"
#include "models/onnx_writer.h"
#include "models/plugin_abi.h"
#include "models/self_check.h"
#include "models/torchscript_source.h"

namespace pixloom {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kCheckBatch = 3;
constexpr std::int64_t kCheckSide = 32;

// A file under another name until it is whole; what is left of one that was not is removed.
class PartialFile {
 public:
  explicit PartialFile(const fs::path& place)
      : place_(place.string()), path_(fmt::format("{}.partial-{}", place_, getpid())) {}
  ~PartialFile() {
    if (!path_.empty()) std::remove(path_.c_str());
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  const std::string& Path() const { return path_; }

  void Write(std::span<const std::uint8_t> bytes) const {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    if (file == nullptr) Fail("cannot write");
    const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() &&
                         std::fflush(file) == 0 && fsync(fileno(file)) == 0;
    const int error = errno;
    if ((std::fclose(file) != 0 || !written) && (errno = error) != 0) Fail("cannot write");
  }

  void MoveToPlace() {
    if (std::rename(path_.c_str(), place_.c_str()) != 0) Fail("cannot rename to its place");
    path_.clear();
  }

 private:
  [[noreturn]] void Fail(const char* what) const {
    throw EnvironmentError(fmt::format("{}: {}: {}", path_, what, std::strerror(errno)));
  }
  std::string place_, path_;
};

std::int64_t RoundUp(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// ---- Checks -------------------------------------------------------------------------------------

// Expected numbers, by the float64 forward pass of what was written.
GraphCheck WorkOutCheck(const LayerGraph& graph, const Parameters& parameters, std::uint64_t seed) {
  GraphCheck check;
  check.seed = seed;
  check.batch = kCheckBatch;
  const std::int64_t side =
      RoundUp(std::max<std::int64_t>(kCheckSide, graph.Least()), graph.MultipleOf());
  std::vector<Array> inputs;
  for (const int index : graph.inputs) {
    const Layer& layer = graph.At(index);
    Dims sizes;
    for (const Side& s : layer.shape) sizes.push_back(s.Of(side));
    const bool open = !std::ranges::all_of(layer.shape, &Side::IsFixed);
    if (open) check.sizes[layer.name] = sizes;
    sizes.insert(sizes.begin(), kCheckBatch);
    Tensor drawn(sizes);
    for (std::int64_t n = 0; n < kCheckBatch; ++n) {
      DrawCheckInput(check.seed, layer.name, n, drawn.item(n));
    }
    inputs.push_back({sizes, {drawn.data(), drawn.data() + drawn.size()}});
  }
  const std::vector<Array> outputs = Forward(graph, parameters, inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string& name = graph.outputs[i].first;
    check.outputs[name] = Summarise(check.seed, name, outputs[i].data);
  }
  return check;
}

// ---- TorchScript --------------------------------------------------------------------------------

class TorchScriptWriter {
 public:
  // When the backend is not there Why() says so, and Write must not be called.
  TorchScriptWriter() {
    const auto backend = OpenBackend("libtorch");
    if (!backend) {
      why_ = backend.Error();
      return;
    }
    backend_ = *backend;
    write_ = static_cast<const pixloom_write_torchscript*>(
        backend_->api->get_extension(nullptr, "write-torchscript/1"));
    if (write_ == nullptr) why_ = backend_->runtime + " does not write it";
  }

  const std::string& Why() const { return why_; }

  void Write(const std::string& path, const LayerGraph& graph, const Parameters& parameters) const {
    std::vector<std::string> names;
    std::vector<pixloom_parameter> values;
    for (const Layer& layer : graph.layers) {
      for (const ParameterSpec& spec : ParametersOf(layer, graph.layers)) {
        names.push_back(layer.name + "_" + spec.name);
        const Tensor& tensor = parameters.at(names.back());
        pixloom_parameter value{};
        value.value.data = tensor.data();
        value.value.ndim = static_cast<std::uint32_t>(tensor.dims().size());
        std::ranges::copy(tensor.dims(), value.value.dims);
        value.is_buffer = spec.buffer ? 1 : 0;
        values.push_back(value);
      }
    }
    for (std::size_t i = 0; i < values.size(); ++i) values[i].name = names[i].c_str();
    const std::string source = TorchScriptSource(graph);
    const pixloom_status status = write_->write(path.c_str(), source.c_str(), values.data(),
                                                static_cast<std::uint32_t>(values.size()));
    if (status == PIXLOOM_OK) return;
    throw EnvironmentError(fmt::format("{}: {}: {}: {}", path, backend_->runtime,
                                       StatusText(status), backend_->api->last_error(nullptr)));
  }

 private:
  std::shared_ptr<const Backend> backend_;
  const pixloom_write_torchscript* write_ = nullptr;
  std::string why_;
};

}  // namespace

NetworkFiles WriteNetwork(const LayerList& list,
                          const std::map<std::string, Parameters>& parameters,
                          const std::string& folder, bool torchscript) {
  Diagnostics diagnostics;
  Manifest manifest = DescribeNetwork(list, diagnostics);
  if (diagnostics.HasErrors()) throw ConfigError(std::move(diagnostics));
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw EnvironmentError(fmt::format("{}: cannot make the folder: {}", folder, error.message()));
  }

  NetworkFiles result;
  std::unique_ptr<TorchScriptWriter> script;
  if (torchscript) script = std::make_unique<TorchScriptWriter>();
  if (script != nullptr && !script->Why().empty()) {
    result.notes.push_back(
        fmt::format("no TorchScript: backend libtorch is not there ({})", script->Why()));
    script.reset();
  }

  for (const LayerGraph& graph : list.graphs) {
    const Parameters& values = parameters.at(graph.name);
    GraphFile& file = manifest.graphs.at(graph.name);
    const auto finish = [&](PartialFile& partial, const std::string& format,
                            const std::string& name) {
      file.files[format] = name;
      file.hashes[format] = HashFile(partial.Path());
      partial.MoveToPlace();
      result.files.push_back((fs::path(folder) / name).string());
    };
    const std::string stem = fmt::format("{}.{}", list.name, graph.name);
    PartialFile onnx(fs::path(folder) / (stem + ".onnx"));
    onnx.Write(OnnxBytes(graph, values));
    finish(onnx, "onnx", stem + ".onnx");
    if (script != nullptr) {
      PartialFile scripted(fs::path(folder) / (stem + ".pt"));
      script->Write(scripted.Path(), graph, values);
      finish(scripted, "torchscript", stem + ".pt");
    }
    file.check = WorkOutCheck(graph, values, 1);
  }

  // Last, so that a manifest never speaks of files that are not there yet.
  result.manifest = (fs::path(folder) / (list.name + ".yaml")).string();
  PartialFile text(result.manifest);
  const std::string yaml = ManifestText(manifest);
  text.Write({reinterpret_cast<const std::uint8_t*>(yaml.data()), yaml.size()});
  text.MoveToPlace();
  result.files.push_back(result.manifest);
  return result;
}

}  // namespace pixloom
