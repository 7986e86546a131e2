// SPDX-License-Identifier: Apache-2.0
// Backend libtorch: TorchScript on the processor or on CUDA devices.
//
// A graph is frozen (constants folded, batch normalisation into convolutions) and run as it stands:
// LibTorch's specialising for shapes is off, because shapes change here.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/StreamGuard.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/graph_iterator.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/version.h>

#include "models/libtorch/device.h"
#include "models/libtorch/files.h"
#include "models/plugin.h"

namespace pixloom::torch_backend {
namespace {

namespace jit = torch::jit;
using plugin::Error;

pixloom_status Write(const char* path, const char* source, const pixloom_parameter* parameters,
                     std::uint32_t count) {
  return plugin::Guarded([&] { WriteTorchScript(path, source, {parameters, count}); });
}

// Extension "run-times/1" of this backend's own, with the option times=1: fills in when the last
// run on this thread began, had its inputs on the device, had its results, had copied them.
struct RunTimes {
  std::uint32_t struct_size;
  void (*last)(std::int64_t nanoseconds[4]);
};

void LastTimes(std::int64_t* nanoseconds) {
  std::copy(RunClock::Last().begin(), RunClock::Last().end(), nanoseconds);
}

// ---- The module ---------------------------------------------------------------------------------

struct Extra {
  bool channels_last = false;  // pictures lie pixel by pixel: what tensor cores like
  // Of the whole process. Off: results do not depend on the machine's mood and are those of
  // float32.
  bool tf32 = false, cudnn_benchmark = false;
  bool times = false;  // for "run-times/1"
};

Extra ReadExtra(const std::string& text) {
  Extra extra;
  const std::map<std::string, bool*> known = {{"channels_last", &extra.channels_last},
                                              {"cudnn_benchmark", &extra.cudnn_benchmark},
                                              {"tf32", &extra.tf32},
                                              {"times", &extra.times}};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty()) continue;
    const std::size_t equals = std::min(line.find('='), line.size());
    const auto option = known.find(line.substr(0, equals));
    const std::string value = line.substr(std::min(equals + 1, line.size()));
    if (option == known.end() || (value != "0" && value != "1")) {
      throw Error(PIXLOOM_FAILED,
                  "libtorch does not know the option '" + line +
                      "'; channels_last, cudnn_benchmark, tf32 and times are 0 or 1");
    }
    *option->second = value == "1";
  }
  return extra;
}

bool IsTensor(const c10::TypePtr& type) {
  if (const auto optional = type->cast<c10::OptionalType>()) {
    return IsTensor(optional->getElementType());
  }
  return type->kind() == c10::TypeKind::TensorType;
}

// Where each of `asked` stands in `present`. An argument cannot be called as a word of Python, and
// then has a "_" behind it. Names that a graph made up itself ("argument_1") say nothing: when none
// is known, the order counts.
std::vector<std::size_t> Places(const char* what, const std::vector<std::string>& asked,
                                const std::vector<std::string>& present) {
  std::vector<std::size_t> places;
  std::string missing;
  for (const std::string& name : asked) {
    auto found = std::find(present.begin(), present.end(), name);
    if (found == present.end()) found = std::find(present.begin(), present.end(), name + "_");
    if (found == present.end()) {
      missing = name;
    } else {
      places.push_back(static_cast<std::size_t>(found - present.begin()));
    }
  }
  if (missing.empty() && !asked.empty()) return places;
  if (!places.empty() || asked.size() > present.size()) {
    std::string names;
    for (const std::string& name : present) names += (names.empty() ? "" : ", ") + name;
    throw Error(PIXLOOM_BAD_MODEL, std::string("forward has no ") + what + " '" +
                                       (missing.empty() ? asked.back() : missing) + "'; it has " +
                                       names);
  }
  places.resize(asked.empty() ? present.size() : asked.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  return places;
}

std::vector<std::string> OutputNames(const c10::FunctionSchema& schema, std::size_t asked) {
  const c10::TypePtr type = schema.returns().at(0).type();
  if (IsTensor(type)) return {"out0"};
  std::vector<std::string> names;
  if (const auto tuple = type->cast<c10::TupleType>()) {
    for (const c10::TypePtr& element : tuple->elements()) {
      if (!IsTensor(element)) break;
      const std::size_t i = names.size();
      names.push_back(tuple->schema() ? tuple->schema()->arguments().at(i).name()
                                      : "out" + std::to_string(i));
    }
    if (!names.empty() && names.size() == tuple->elements().size()) return names;
  } else if (type->kind() == c10::TypeKind::ListType && asked > 0) {
    for (std::size_t i = 0; i < asked; ++i) names.push_back("out" + std::to_string(i));
    return names;
  }
  throw Error(PIXLOOM_UNSUPPORTED_OP,
              "forward gives " + type->str() + "; a tensor or a tuple of tensors is possible");
}

std::vector<at::Tensor> Results(const c10::IValue& value) {
  if (value.isTensor()) return {value.toTensor()};
  if (value.isTensorList()) return value.toTensorVector();
  std::vector<at::Tensor> results;
  for (const c10::IValue& element : value.toTupleRef().elements()) {
    results.push_back(element.toTensor());
  }
  return results;
}

class TorchGraph final : public plugin::Graph {
 public:
  explicit TorchGraph(const plugin::Options& options);

  static std::string Runtime() {
    return std::string("libtorch ") + TORCH_VERSION + ", " + BlasText() +
           (BuiltWithCuda() ? ", CUDA" : "");
  }
  static void Probe(const std::string& path, const std::string& format, const std::string& device);
  static const void* Extension(const std::string& id);

  plugin::Description Describe() const override { return description_; }
  void Run(std::span<const plugin::Tensor> inputs, plugin::Outputs& outputs) override;
  plugin::MemoryUse Memory() const override { return MemoryOf(device_); }

 private:
  struct Input {
    std::string argument;
    bool changed = false;  // forward works in place: it gets a copy
  };

  void Load(const plugin::Options& options, const Extra& extra);
  void ReadPorts(const plugin::Options& options);
  void FindWrites();
  std::vector<at::Tensor> Forward(std::span<const plugin::Tensor> inputs, const RunClock& clock);
  void RunHere(std::span<const plugin::Tensor> inputs, plugin::Outputs& outputs);
  void RunOnDevice(std::span<const plugin::Tensor> inputs, plugin::Outputs& outputs);

  const c10::Device device_;
  const bool half_;
  const int threads_;
  bool channels_last_ = false, times_ = false;
  jit::Module module_;
  std::vector<Input> inputs_;         // in the host's order
  std::vector<std::size_t> outputs_;  // which result is the host's n-th output
  plugin::Description description_;
};

TorchGraph::TorchGraph(const plugin::Options& options)
    : device_(ReadDevice(options.device)),
      half_(options.fp16),
      threads_(std::max(options.threads, 1)) {
  if (options.format != "torchscript") {
    throw Error(PIXLOOM_BAD_MODEL, "libtorch reads torchscript, not '" + options.format + "'");
  }
  if (half_ && device_.is_cpu()) {
    throw Error(PIXLOOM_FAILED, "libtorch has no fp16 on the cpu; use precision fp32");
  }
  const Extra extra = ReadExtra(options.extra);
  UseThreads(threads_);
  CheckArchive(options.model_path);
  try {
    Load(options, extra);
    ReadPorts(options);
    FindWrites();
    FinishWork(device_);  // the weights are there before any other stream reads them
  } catch (...) {
    throw Explain(std::current_exception(), PIXLOOM_BAD_MODEL);
  }
  description_.device = device_.is_cpu() ? "cpu" : "cuda:" + std::to_string(device_.index());
  description_.waits = !device_.is_cpu();
}

void TorchGraph::Load(const plugin::Options& options, const Extra& extra) {
  if (device_.is_cuda()) {
    at::Context& context = at::globalContext();
    context.setAllowTF32CuDNN(extra.tf32);
    context.setAllowTF32CuBLAS(extra.tf32);
    context.setBenchmarkCuDNN(extra.cudnn_benchmark);
    context.setDeterministicCuDNN(!extra.cudnn_benchmark);
  }
  channels_last_ = extra.channels_last;
  times_ = extra.times;
  module_ = jit::load(options.model_path, device_);
  module_.eval();
  if (!module_.find_method("forward")) {
    throw Error(PIXLOOM_BAD_MODEL, "the module has no method forward");
  }
  const at::NoGradGuard no_grad;
  const auto convert = [&](at::Tensor tensor) {
    if (half_ && tensor.is_floating_point()) tensor.set_data(tensor.to(at::kHalf));
    if (channels_last_ && tensor.dim() == 4) {
      tensor.set_data(tensor.contiguous(at::MemoryFormat::ChannelsLast));
    }
  };
  for (const at::Tensor& parameter : module_.parameters()) convert(parameter);
  for (const at::Tensor& buffer : module_.buffers()) convert(buffer);
}

void TorchGraph::ReadPorts(const plugin::Options& options) {
  const c10::FunctionSchema& schema = module_.get_method("forward").function().getSchema();
  std::vector<std::string> names;
  for (std::size_t i = 1; i < schema.arguments().size(); ++i) {  // the first is self
    const c10::Argument& argument = schema.arguments()[i];
    const auto& asked = options.input_names;
    const bool wanted = std::find(asked.begin(), asked.end(), argument.name()) != asked.end();
    if (IsTensor(argument.type()) && (wanted || !argument.default_value())) {
      names.push_back(argument.name());
    } else if (!argument.default_value()) {
      throw Error(PIXLOOM_UNSUPPORTED_OP, "forward wants '" + argument.name() + "' of type " +
                                              argument.type()->str() +
                                              "; only tensors are possible");
    }
  }
  for (const std::size_t place : Places("input", options.input_names, names)) {
    description_.inputs.push_back({names[place], {}});
    inputs_.push_back({names[place]});
  }
  const auto results = OutputNames(schema, options.output_names.size());
  outputs_ = Places("output", options.output_names, results);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const std::string& name = options.output_names.empty() ? results[i] : options.output_names[i];
    description_.outputs.push_back({name, {}});
  }
  for (std::size_t i = 0; i < options.input_names.size(); ++i) {
    description_.inputs[i].name = options.input_names[i];
  }
}

// Freezes the module and finds out whether it keeps anything between runs, and which inputs it
// writes to.
void TorchGraph::FindWrites() {
  try {
    module_ = jit::freeze(module_);
  } catch (const std::exception&) {
    // Some modules cannot be frozen. They run all the same, one at a time.
  }
  auto graph = module_.get_method("forward").graph()->copy();
  jit::Inline(*graph);
  description_.runs_concurrently = true;
  jit::DepthFirstGraphNodeIterator nodes(graph);
  while (const jit::Node* node = nodes.next()) {
    // A frozen module has attributes left only where it changes them.
    if (node->kind() == c10::prim::GetAttr || node->kind() == c10::prim::SetAttr) {
      description_.runs_concurrently = false;
    }
  }
  const jit::AliasDb aliases(graph);
  const c10::FunctionSchema& schema = module_.get_method("forward").function().getSchema();
  for (Input& input : inputs_) {
    const int index = schema.argumentIndexWithName(input.argument).value();
    const jit::Value* const value = graph->inputs().at(static_cast<std::size_t>(index));
    input.changed = aliases.hasWriters(value);
  }
}

void TorchGraph::Probe(const std::string& path, const std::string& format,
                       const std::string& device) {
  if (format != "torchscript") {
    throw Error(PIXLOOM_BAD_MODEL, "libtorch reads torchscript, not '" + format + "'");
  }
  ReadDevice(device);
  std::ifstream file(path, std::ios::binary);
  char start[4] = {};
  if (!file.read(start, sizeof start) || std::memcmp(start, "PK\3\4", sizeof start) != 0) {
    throw Error(PIXLOOM_BAD_MODEL, "'" + path + "' is not there, or no TorchScript file");
  }
}

const void* TorchGraph::Extension(const std::string& id) {
  static constexpr pixloom_write_torchscript kWrite = {sizeof(pixloom_write_torchscript), Write};
  static constexpr RunTimes kTimes = {sizeof(RunTimes), LastTimes};
  if (id == "write-torchscript/1") return &kWrite;
  if (id == "pinned-memory/1") return PinnedMemory();
  if (id == "run-times/1") return &kTimes;
  return nullptr;
}

std::vector<at::Tensor> TorchGraph::Forward(std::span<const plugin::Tensor> inputs,
                                            const RunClock& clock) {
  if (inputs.size() != inputs_.size()) {
    throw Error(PIXLOOM_BAD_SHAPE, "the graph takes " + std::to_string(inputs_.size()) +
                                       " inputs, not " + std::to_string(inputs.size()));
  }
  clock.Mark(0);
  jit::Kwargs arguments;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const at::IntArrayRef dims(inputs[i].dims.data(), inputs[i].dims.size());
    at::Tensor input = at::from_blob(const_cast<float*>(inputs[i].data), dims, at::kFloat);
    if (!device_.is_cpu()) {
      input = input.to(device_, /*non_blocking=*/true);
      if (half_) input = input.to(at::kHalf);
    } else if (inputs_[i].changed) {
      input = input.clone();
    }
    if (channels_last_ && input.dim() == 4) {
      input = input.contiguous(at::MemoryFormat::ChannelsLast);
    }
    arguments.emplace(inputs_[i].argument, std::move(input));
  }
  clock.Mark(1);
  // Results in the host's order.
  const std::vector<at::Tensor> all = Results(module_.get_method("forward")({}, arguments));
  std::vector<at::Tensor> results;
  for (const std::size_t place : outputs_) {
    if (place >= all.size()) {
      throw Error(PIXLOOM_BAD_SHAPE, "forward gave " + std::to_string(all.size()) + " results, " +
                                         std::to_string(outputs_.size()) + " were asked for");
    }
    if (all[place].dim() > PIXLOOM_MAX_DIMS) {
      throw Error(PIXLOOM_BAD_SHAPE, "a result has " + std::to_string(all[place].dim()) +
                                         " dimensions; at most " +
                                         std::to_string(PIXLOOM_MAX_DIMS) + " are possible");
    }
    results.push_back(all[place].to(at::kFloat));
  }
  clock.Mark(2);
  return results;
}

// The host's memory for a result, as a tensor.
at::Tensor Target(const at::Tensor& result, std::size_t index, plugin::Outputs& outputs) {
  const at::IntArrayRef dims = result.sizes();
  return at::from_blob(outputs.Place(index, {dims.data(), dims.size()}), dims, at::kFloat);
}

void TorchGraph::RunHere(std::span<const plugin::Tensor> inputs, plugin::Outputs& outputs) {
  const RunClock clock(device_, times_);
  const std::vector<at::Tensor> results = Forward(inputs, clock);
  for (std::size_t i = 0; i < results.size(); ++i) Target(results[i], i, outputs).copy_(results[i]);
  clock.Mark(3);
}

void TorchGraph::RunOnDevice(std::span<const plugin::Tensor> inputs, plugin::Outputs& outputs) {
  const c10::Stream stream = StreamOfThread(device_);
  const c10::StreamGuard guard(stream);
  const RunClock clock(device_, times_);
  try {
    std::vector<std::pair<at::Tensor, at::Tensor>> staged;  // what came, where it goes
    const std::vector<at::Tensor> results = Forward(inputs, clock);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const at::Tensor result = results[i].contiguous();
      const at::Tensor target = Target(result, i, outputs);
      if (target.is_pinned()) {
        target.copy_(result, /*non_blocking=*/true);
      } else {
        const auto pinned = at::TensorOptions(at::kFloat).pinned_memory(true);
        staged.emplace_back(at::empty(result.sizes(), pinned), target);
        staged.back().first.copy_(result, /*non_blocking=*/true);
      }
    }
    clock.Mark(3);
    Wait(stream);
    clock.Finish();
    for (const auto& [from, to] : staged) to.copy_(from);
  } catch (...) {
    // The host's memory is still being read from or written to.
    try {
      stream.synchronize();
    } catch (...) {  // what went wrong first is what is told
    }
    throw;
  }
}

void TorchGraph::Run(std::span<const plugin::Tensor> inputs, plugin::Outputs& outputs) {
  std::optional<Error> failure;
  try {
    UseThreads(threads_);
    const c10::InferenceMode inference;
    // Nothing is specialised for shapes seen before: they change, and it costs seconds each time.
    const jit::GraphOptimizerEnabledGuard as_it_is(false);
    device_.is_cpu() ? RunHere(inputs, outputs) : RunOnDevice(inputs, outputs);
    return;
  } catch (...) {
    failure = Explain(std::current_exception(), PIXLOOM_FAILED);
  }
  // Here, where no tensor of the run is left.
  if (failure->status() == PIXLOOM_OUT_OF_MEMORY && !device_.is_cpu()) GiveBackUnusedMemory();
  throw *failure;
}

}  // namespace
}  // namespace pixloom::torch_backend

PIXLOOM_PLUGIN("libtorch", "LibTorch", "1.0.0", pixloom::torch_backend::TorchGraph)
