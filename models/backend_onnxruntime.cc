// SPDX-License-Identifier: Apache-2.0
// Backend "onnxruntime": ONNX on ONNX Runtime, on cpu, CUDA or TensorRT.
//
// The library is opened while the program runs and never linked: its symbols carry its version, so
// that a program linked with one release starts with no other. A device that was asked for is used
// or refused; ONNX Runtime by itself would fall back to the processor and say nothing.
#include <dlfcn.h>

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "models/onnx_ports.h"
#include "models/plugin.h"

namespace pixloom {
namespace {

using plugin::Dims;
using plugin::Error;

constexpr int kApi = 21;  // of 1.21; later releases have it too

// ---- The library --------------------------------------------------------------------------------

std::string OwnFolder() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&OwnFolder), &info) == 0) return "";
  const std::string path = info.dli_fname == nullptr ? "" : info.dli_fname;
  return path.substr(0, path.rfind('/') + 1);
}

// Where the library may be, the best place first.
std::vector<std::string> Places() {
  const char* chosen = std::getenv("PIXLOOM_ONNXRUNTIME");
  if (chosen != nullptr && *chosen != 0) return {chosen};  // this one or none
  return {OwnFolder() + "libonnxruntime.so.1", "libonnxruntime.so.1", "libonnxruntime.so"};
}

bool NewEnough(const std::string& version) {  // "1.21.0"
  int major = 0, minor = 0;
  const char* end = version.data() + version.size();
  const auto dot = std::from_chars(version.data(), end, major);
  if (dot.ptr != end) std::from_chars(dot.ptr + 1, end, minor);
  return major > 1 || (major == 1 && minor >= kApi);
}

struct Library {
  std::string version;
  Ort::Env* env = nullptr;  // lives as long as the process: sessions may outlive statics
};

Library OpenLibrary() {
  std::string tried;
  for (const std::string& place : Places()) {
    void* handle = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* why = dlerror();
      tried += std::string(tried.empty() ? "" : "; ") + (why == nullptr ? place.c_str() : why);
      continue;
    }
    const auto base = reinterpret_cast<const OrtApiBase* (*)()>(dlsym(handle, "OrtGetApiBase"));
    if (base == nullptr) {
      throw Error(PIXLOOM_NO_DEVICE, "'" + place + "' is no ONNX Runtime: no OrtGetApiBase in it");
    }
    const std::string version = base()->GetVersionString();
    const OrtApi* api = NewEnough(version) ? base()->GetApi(kApi) : nullptr;
    if (api == nullptr) {
      throw Error(PIXLOOM_NO_DEVICE,
                  "'" + place + "' is ONNX Runtime " + version + "; 1.21 or newer is needed");
    }
    Ort::InitApi(api);
    // What goes wrong comes back as an error; nothing need be printed as well.
    return {version, new Ort::Env(ORT_LOGGING_LEVEL_FATAL, "pixloom")};
  }
  throw Error(PIXLOOM_NO_DEVICE, "no ONNX Runtime library: " + tried +
                                     "; ./dev deps fetches it, or set PIXLOOM_ONNXRUNTIME to the "
                                     "path of libonnxruntime.so.1");
}

const Library& TheLibrary() {
  static const Library library = OpenLibrary();  // tried again after a failure
  return library;
}

// ---- Errors -------------------------------------------------------------------------------------

bool HasAny(const std::string& text, std::initializer_list<const char*> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const char* part) { return text.find(part) != text.npos; });
}

// The code alone is too coarse: most of what happens on a device comes as ORT_FAIL.
pixloom_status StatusOf(const Ort::Exception& error) {
  const std::string text = error.what();
  if (HasAny(text, {"out of memory", "OUT_OF_MEMORY", "Failed to allocate memory", "bad_alloc",
                    "bad allocation", "cudaErrorMemoryAllocation", "CUBLAS_STATUS_ALLOC_FAILED",
                    "CUDNN_STATUS_ALLOC_FAILED", "Available memory of"})) {
    return PIXLOOM_OUT_OF_MEMORY;
  }
  if (HasAny(text, {"no CUDA-capable device", "invalid device ordinal", "driver version is insuff",
                    "libonnxruntime_providers_", "Failed to load library"})) {
    return PIXLOOM_NO_DEVICE;
  }
  if (HasAny(text, {"device is lost", "unspecified launch failure", "cudaErrorLaunchFailure",
                    "illegal memory access", "cudaErrorDevicesUnavailable"})) {
    return PIXLOOM_DEVICE_LOST;
  }
  if (HasAny(text, {"No Op registered", "is not a registered function/op"})) {
    return PIXLOOM_UNSUPPORTED_OP;  // its code says that the graph is invalid
  }
  switch (error.GetOrtErrorCode()) {
    case ORT_INVALID_ARGUMENT:
      return PIXLOOM_BAD_SHAPE;
    case ORT_NOT_IMPLEMENTED:
      return PIXLOOM_UNSUPPORTED_OP;
    case ORT_NO_SUCHFILE:
    case ORT_NO_MODEL:
    case ORT_INVALID_PROTOBUF:
    case ORT_INVALID_GRAPH:
      return PIXLOOM_BAD_MODEL;
    default:
      return PIXLOOM_FAILED;
  }
}

// Runs `work`; ONNX Runtime's exceptions become plugin errors, `otherwise` where they say nothing.
template <class Work>
auto Translated(pixloom_status otherwise, Work work) {
  try {
    return work();
  } catch (const Ort::Exception& error) {
    const pixloom_status status = StatusOf(error);
    throw Error(status == PIXLOOM_FAILED ? otherwise : status, error.what());
  }
}

// ---- Devices ------------------------------------------------------------------------------------

struct Device {
  std::string kind;  // "cpu", "cuda", "tensorrt"
  int number = 0;
  std::string Text() const { return kind == "cpu" ? kind : kind + ":" + std::to_string(number); }
};

Device ReadDevice(const std::string& text) {
  Device device;
  const std::size_t colon = text.find(':');
  device.kind = text.substr(0, colon);
  bool good = device.kind == "cpu" ? colon == text.npos
                                   : device.kind == "cuda" || device.kind == "tensorrt";
  if (good && colon != text.npos) {
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + colon + 1, end, device.number);
    good = read.ec == std::errc() && read.ptr == end && device.number >= 0;
  }
  if (!good) {
    throw Error(PIXLOOM_NO_DEVICE, "device '" + text + "': ONNX Runtime runs networks on cpu, " +
                                       "cuda[:N] and tensorrt[:N]");
  }
  return device;
}

using Settings = std::map<std::string, std::string>;

void AppendCuda(Ort::SessionOptions& options, const Settings& settings) {
  OrtCUDAProviderOptionsV2* raw = nullptr;
  Ort::ThrowOnError(Ort::GetApi().CreateCUDAProviderOptions(&raw));
  const std::unique_ptr<OrtCUDAProviderOptionsV2, void (*)(OrtCUDAProviderOptionsV2*)> cuda(
      raw, [](OrtCUDAProviderOptionsV2* p) { Ort::GetApi().ReleaseCUDAProviderOptions(p); });
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : settings) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  Ort::ThrowOnError(
      Ort::GetApi().UpdateCUDAProviderOptions(cuda.get(), keys.data(), values.data(), keys.size()));
  options.AppendExecutionProvider_CUDA_V2(*cuda);
}

void AppendTensorRt(Ort::SessionOptions& options, const Settings& settings) {
  OrtTensorRTProviderOptionsV2* raw = nullptr;
  Ort::ThrowOnError(Ort::GetApi().CreateTensorRTProviderOptions(&raw));
  const std::unique_ptr<OrtTensorRTProviderOptionsV2, void (*)(OrtTensorRTProviderOptionsV2*)> trt(
      raw,
      [](OrtTensorRTProviderOptionsV2* p) { Ort::GetApi().ReleaseTensorRTProviderOptions(p); });
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : settings) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  Ort::ThrowOnError(Ort::GetApi().UpdateTensorRTProviderOptions(trt.get(), keys.data(),
                                                                values.data(), keys.size()));
  options.AppendExecutionProvider_TensorRT_V2(*trt);
}

// Providers are really asked for: the list of "available" ones names what was compiled in, not
// what can be loaded.
void AppendProviders(Ort::SessionOptions& options, const Device& device, bool fp16) {
  if (device.kind == "cpu") return;
  const std::string id = std::to_string(device.number);
  try {
    if (device.kind == "tensorrt") {
      AppendTensorRt(options, {{"device_id", id}, {"trt_fp16_enable", fp16 ? "1" : "0"}});
    }
    // Also what TensorRT leaves over. The arena takes what is asked for, not the next power of two,
    // and convolutions are chosen by rule, not by trials that each new batch size would repeat.
    AppendCuda(options, {{"device_id", id},
                         {"arena_extend_strategy", "kSameAsRequested"},
                         {"cudnn_conv_algo_search", "HEURISTIC"},
                         {"use_tf32", "0"}});  // fp32 is what was promised
  } catch (const Ort::Exception& error) {
    throw Error(PIXLOOM_NO_DEVICE, "device '" + device.Text() + "': " + error.what());
  }
}

void CheckTarget(const std::string& format, const Device& device, bool fp16) {
  if (format != "onnx") {
    throw Error(PIXLOOM_BAD_MODEL, "format '" + format + "': ONNX Runtime runs onnx alone");
  }
  if (fp16 && device.kind != "tensorrt") {
    // CUDA computes in whatever precision the graph is written in: nothing to switch.
    throw Error(PIXLOOM_UNSUPPORTED_OP,
                "precision fp16 on " + device.Text() + ": ONNX Runtime has it on tensorrt alone");
  }
}

// ---- A graph ------------------------------------------------------------------------------------

std::vector<plugin::Port> ReadPorts(const Ort::Session& session, bool input) {
  Ort::AllocatorWithDefaultOptions allocator;
  std::vector<plugin::Port> ports;
  const std::size_t count = input ? session.GetInputCount() : session.GetOutputCount();
  for (std::size_t i = 0; i < count; ++i) {
    const Ort::AllocatedStringPtr name = input ? session.GetInputNameAllocated(i, allocator)
                                               : session.GetOutputNameAllocated(i, allocator);
    const Ort::TypeInfo type = input ? session.GetInputTypeInfo(i) : session.GetOutputTypeInfo(i);
    if (type.GetONNXType() != ONNX_TYPE_TENSOR ||
        type.GetTensorTypeAndShapeInfo().GetElementType() != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
      throw Error(PIXLOOM_BAD_MODEL, "'" + std::string(name.get()) +
                                         "' is no float32 tensor; a network here takes and gives "
                                         "nothing else");
    }
    plugin::Port port{name.get(), type.GetTensorTypeAndShapeInfo().GetShape()};
    for (std::int64_t& n : port.dims) n = n <= 0 ? -1 : n;
    ports.push_back(std::move(port));
  }
  return ports;
}

class OnnxRuntimeGraph : public plugin::Graph {
 public:
  static std::string Runtime() { return "onnxruntime " + TheLibrary().version; }

  static void Probe(const std::string& path, const std::string& format, const std::string& text) {
    const Device device = ReadDevice(text);
    CheckTarget(format, device, false);
    if (std::FILE* file = std::fopen(path.c_str(), "rb")) {
      std::fclose(file);
    } else {
      throw Error(PIXLOOM_BAD_MODEL, "cannot open '" + path + "'");
    }
    Translated(PIXLOOM_NO_DEVICE, [&] {
      TheLibrary();
      Ort::SessionOptions options;
      AppendProviders(options, device, false);
    });
  }

  explicit OnnxRuntimeGraph(const plugin::Options& options)
      : device_(ReadDevice(options.device)), device_text_(device_.Text()) {
    CheckTarget(options.format, device_, options.fp16);
    ReadOnnxPorts(ReadModelFile(options.model_path));  // refuses what would end the process
    Translated(PIXLOOM_BAD_MODEL, [&] {
      memory_ = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
      Load(options);
      inputs_ = ChoosePorts(ReadPorts(*session_, true), options.input_names, "input");
      outputs_ = ChoosePorts(ReadPorts(*session_, false), options.output_names, "output");
    });
    for (const plugin::Port& port : inputs_) input_names_.push_back(port.name.c_str());
    for (const plugin::Port& port : outputs_) output_names_.push_back(port.name.c_str());
  }

  plugin::Description Describe() const override {
    return {.inputs = inputs_,
            .outputs = outputs_,
            .device = device_text_,
            .runs_concurrently = true,
            .waits = device_.kind != "cpu"};
  }

  void Run(std::span<const plugin::Tensor> inputs, plugin::Outputs& outputs) override {
    CheckInputs(inputs_, inputs);
    Translated(PIXLOOM_FAILED, [&] {
      std::vector<Ort::Value> given;
      std::vector<Dims> shapes;
      for (const plugin::Tensor& input : inputs) {
        shapes.emplace_back(input.dims.begin(), input.dims.end());
        // Inputs are only read; the interface has no const.
        given.push_back(View(const_cast<float*>(input.data), shapes.back()));
      }
      std::vector<Dims> known = KnownShapes(shapes);
      if (known.empty()) {
        RunAndCopy(given, std::move(shapes), outputs);
        return;
      }
      std::vector<Ort::Value> results;
      for (std::size_t i = 0; i < known.size(); ++i) {
        results.push_back(View(outputs.Place(i, known[i]), known[i]));
      }
      session_->Run(Ort::RunOptions{nullptr}, input_names_.data(), given.data(), given.size(),
                    output_names_.data(), results.data(), results.size());
    });
  }

 private:
  void Load(const plugin::Options& options) {
    Ort::SessionOptions session;
    // One thread: everything runs on the caller's, and no pool is made.
    session.SetIntraOpNumThreads(std::max(options.threads, 1));
    session.SetInterOpNumThreads(1);
    session.SetExecutionMode(ORT_SEQUENTIAL);
    session.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
    session.AddConfigEntry("session.intra_op.allow_spinning", "0");
    session.AddConfigEntry("session.inter_op.allow_spinning", "0");
    AppendProviders(session, device_, options.fp16);
    const char* path = options.model_path.c_str();
    const Ort::Env& env = *library_.env;
    if (device_.kind == "cpu") {
      session_ = std::make_unique<Ort::Session>(env, path, session);
      return;
    }
    // First with every node on the device. ONNX Runtime wants nodes that work out shapes on the
    // processor, so a graph with such nodes is loaded all the same; but then Describe says so.
    try {
      Ort::SessionOptions strict = session.Clone();
      strict.AddConfigEntry("session.disable_cpu_ep_fallback", "1");
      session_ = std::make_unique<Ort::Session>(env, path, strict);
    } catch (const Ort::Exception& error) {
      if (!HasAny(error.what(), {"fallback to CPU EP has been explicitly disabled"})) throw;
      session_ = std::make_unique<Ort::Session>(env, path, session);
      device_text_ += ", some nodes on cpu";
    }
  }

  Ort::Value View(float* data, const Dims& dims) const {
    std::size_t count = 1;
    for (const std::int64_t n : dims) count *= static_cast<std::size_t>(n);
    return Ort::Value::CreateTensor<float>(memory_, data, count, dims.data(), dims.size());
  }

  // Shapes of the outputs, where inputs of these shapes have run before; else none.
  std::vector<Dims> KnownShapes(const std::vector<Dims>& inputs) {
    const std::lock_guard lock(mutex_);
    const auto found = shapes_.find(inputs);
    return found == shapes_.end() ? std::vector<Dims>() : found->second;
  }

  // The first run of new shapes: only its results tell how large they are. Later ones are written
  // to the host's memory at once.
  void RunAndCopy(const std::vector<Ort::Value>& given, std::vector<Dims> inputs,
                  plugin::Outputs& outputs) {
    const std::vector<Ort::Value> results =
        session_->Run(Ort::RunOptions{nullptr}, input_names_.data(), given.data(), given.size(),
                      output_names_.data(), output_names_.size());
    std::vector<Dims> shapes;
    for (std::size_t i = 0; i < results.size(); ++i) {
      shapes.push_back(results[i].GetTensorTypeAndShapeInfo().GetShape());
      float* place = outputs.Place(i, shapes.back());
      const std::size_t count = results[i].GetTensorTypeAndShapeInfo().GetElementCount();
      std::copy_n(results[i].GetTensorData<float>(), count, place);
    }
    const std::lock_guard lock(mutex_);
    if (shapes_.size() >= kShapes) shapes_.clear();
    shapes_.insert_or_assign(std::move(inputs), std::move(shapes));
  }

  static constexpr std::size_t kShapes = 256;

  const Library& library_ = TheLibrary();  // before everything that ONNX Runtime gives back
  Device device_;
  std::string device_text_;
  std::unique_ptr<Ort::Session> session_;
  Ort::MemoryInfo memory_{nullptr};
  std::vector<plugin::Port> inputs_, outputs_;
  std::vector<const char*> input_names_, output_names_;
  std::mutex mutex_;
  std::map<std::vector<Dims>, std::vector<Dims>> shapes_;  // of outputs, by those of inputs
};

}  // namespace
}  // namespace pixloom

PIXLOOM_PLUGIN("onnxruntime", "ONNX Runtime", "1.0.0", pixloom::OnnxRuntimeGraph)
