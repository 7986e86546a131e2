// SPDX-License-Identifier: Apache-2.0
#include "models/network_instance.h"

#include <algorithm>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace pixloom {

namespace {

constexpr std::int64_t kMostBytes = std::int64_t{1} << 45;  // of one result; no host has that
constexpr int kInFlightOnDevice = 3;  // one runs while another is filled and a third is emptied

std::vector<const char*> NamesOf(const std::vector<Port>& ports) {
  std::vector<const char*> names;
  for (const Port& port : ports) names.push_back(port.name.c_str());
  return names;
}

std::vector<Port> PortsOf(const pixloom_port* ports, std::uint32_t count) {
  std::vector<Port> result;
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(count, PIXLOOM_MAX_PORTS); ++i) {
    const pixloom_port& port = ports[i];
    const std::uint32_t n = std::min<std::uint32_t>(port.ndim, PIXLOOM_MAX_DIMS);
    result.push_back({port.name == nullptr ? "" : port.name, Dims(port.dims, port.dims + n)});
  }
  return result;
}

// Where a run puts its results.
struct Results {
  const std::vector<Port>& ports;
  const FloatAllocator& allocate;
  std::int64_t batch;
  std::vector<Tensor> tensors{};  // without dimensions: not placed yet
  std::string problem{};          // what the backend did wrong
  bool no_memory = false;

  // Why a result of this shape cannot be; "" when it can.
  std::string Refuses(std::uint32_t index, std::uint32_t ndim, const std::int64_t* dims) const {
    if (index >= ports.size()) {
      return fmt::format("output number {} was placed, there are {}", index, ports.size());
    }
    const Port& port = ports[index];
    if (!tensors[index].dims().empty()) return fmt::format("output {} was placed twice", port.name);
    if (ndim < 1 || ndim > PIXLOOM_MAX_DIMS) {
      return fmt::format("output {} has {} dimensions", port.name, ndim);
    }
    std::int64_t bytes = sizeof(float);
    bool fits = ndim == port.dims.size() + 1 && dims[0] == batch;
    for (std::uint32_t i = 0; i < ndim; ++i) {
      fits =
          fits && dims[i] >= 1 && (i == 0 || port.dims[i - 1] < 0 || dims[i] == port.dims[i - 1]);
      fits = fits && !__builtin_mul_overflow(bytes, dims[i], &bytes);
    }
    if (fits) return "";
    return fmt::format("output {} is {} for a batch of {}, the manifest says {} each", port.name,
                       DimsText({dims, ndim}), batch, DimsText(port.dims));
  }

  float* Place(std::uint32_t index, std::uint32_t ndim, const std::int64_t* dims) {
    problem = Refuses(index, ndim, dims);
    if (!problem.empty()) return nullptr;
    Dims shape(dims, dims + ndim);
    no_memory = Elements(shape) > kMostBytes / std::int64_t{sizeof(float)};
    try {
      if (!no_memory) tensors[index] = Tensor(std::move(shape), allocate);
    } catch (const std::bad_alloc&) {
      no_memory = true;
    }
    return no_memory ? nullptr : tensors[index].data();
  }
};

// The C side of Place; plugins may not see exceptions.
float* PlaceResult(void* context, std::uint32_t index, std::uint32_t ndim,
                   const std::int64_t* dims) noexcept {
  auto& results = *static_cast<Results*>(context);
  if (!results.problem.empty() || results.no_memory) return nullptr;
  return results.Place(index, ndim, dims);
}

}  // namespace

Result<std::shared_ptr<BackendNetwork>, RunFailure> BackendNetwork::Create(GraphOrder order) {
  std::shared_ptr<BackendNetwork> network(new BackendNetwork(std::move(order)));
  const auto first = network->NewInstance();
  if (!first) return first.Error();
  network->all_.push_back(*first);
  network->idle_.push_back(*first);
  network->made_ = 1;
  network->Describe(*first);
  if (network->described_.device.empty()) return network->Failure(PIXLOOM_FAILED, *first);
  return network;
}

BackendNetwork::~BackendNetwork() {
  for (void* self : all_) order_.backend->api->destroy(self);
}

void BackendNetwork::SetPorts(std::vector<Port> inputs, std::vector<Port> outputs) {
  order_.inputs = std::move(inputs);
  order_.outputs = std::move(outputs);
}

RunFailure BackendNetwork::Failure(pixloom_status status, void* self) const {
  const char* text = order_.backend->api->last_error(self);
  const bool said = text != nullptr && *text != 0;
  return {status, said ? text : StatusText(status)};
}

Result<void*, RunFailure> BackendNetwork::NewInstance() const {
  const std::vector<const char*> inputs = NamesOf(order_.inputs), outputs = NamesOf(order_.outputs);
  pixloom_options options{};
  options.struct_size = sizeof options;
  options.model_path = order_.path.c_str();
  options.format = order_.format.c_str();
  options.device = order_.device.c_str();
  options.precision = order_.fp16 ? PIXLOOM_FP16 : PIXLOOM_FP32;
  options.threads = 1;  // samples run side by side; a second pool inside would only compete
  options.input_names = inputs.empty() ? nullptr : inputs.data();
  options.input_count = static_cast<std::uint32_t>(inputs.size());
  options.output_names = outputs.empty() ? nullptr : outputs.data();
  options.output_count = static_cast<std::uint32_t>(outputs.size());
  void* self = nullptr;
  const pixloom_status status = order_.backend->api->create(&options, &self);
  if (status != PIXLOOM_OK) return Failure(status, nullptr);
  if (self == nullptr) return RunFailure{PIXLOOM_FAILED, "create() gave nothing back"};
  return self;
}

void BackendNetwork::Describe(void* self) {
  const pixloom_backend& api = *order_.backend->api;
  pixloom_description raw{};
  raw.struct_size = sizeof raw;
  if (api.describe(self, &raw) != PIXLOOM_OK) return;
  described_.inputs = PortsOf(raw.inputs, raw.input_count);
  described_.outputs = PortsOf(raw.outputs, raw.output_count);
  described_.device = raw.device == nullptr ? order_.device : raw.device;
  described_.concurrent = (raw.flags & PIXLOOM_RUNS_CONCURRENTLY) != 0;
  described_.waits = raw.waits != 0;

  const bool on_device = described_.device != "cpu";
  const int suits = on_device || described_.waits
                        ? kInFlightOnDevice
                        : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  in_flight_ = order_.in_flight > 0 ? static_cast<int>(order_.in_flight) : suits;
  most_ = static_cast<std::size_t>(in_flight_);
  if (!on_device) return;
  const auto* pinned =
      static_cast<const pixloom_pinned_memory*>(api.get_extension(self, "pinned-memory/1"));
  if (pinned == nullptr || pinned->struct_size < sizeof *pinned) return;
  allocate_ = [pinned](std::size_t count) {
    void* memory = pinned->allocate(std::uint64_t{count} * sizeof(float));
    // Only a matter of speed: memory that is not pinned serves as well.
    if (memory == nullptr) return HeapFloats(count);
    return FloatMemory(static_cast<float*>(memory), [pinned](float* m) { pinned->release(m); });
  };
}

void* BackendNetwork::Take() {
  std::unique_lock lock(mutex_);
  if (described_.concurrent) return all_.front();
  while (true) {
    if (!idle_.empty()) {
      void* self = idle_.back();
      idle_.pop_back();
      return self;
    }
    if (made_ >= most_) {
      given_back_.wait(lock);
      continue;
    }
    ++made_;
    lock.unlock();
    const auto made = NewInstance();
    lock.lock();
    if (made) {
      all_.push_back(*made);
      return *made;
    }
    // No room for another one: those that are there have to do.
    most_ = --made_;
  }
}

void BackendNetwork::GiveBack(void* self) {
  if (described_.concurrent) return;
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(self);
  }
  given_back_.notify_one();
}

Result<std::vector<Tensor>, RunFailure> BackendNetwork::Run(std::span<const Tensor> inputs) {
  PIXLOOM_CHECK(inputs.size() == order_.inputs.size() && !inputs.empty(), "number of inputs");
  const std::int64_t batch = inputs.front().batch();
  std::vector<pixloom_tensor> views;
  for (const Tensor& input : inputs) {
    PIXLOOM_CHECK(input.batch() == batch && input.dims().size() <= PIXLOOM_MAX_DIMS,
                  "shape of an input");
    pixloom_tensor& view = views.emplace_back();
    view.data = input.data();
    view.ndim = static_cast<std::uint32_t>(input.dims().size());
    std::copy(input.dims().begin(), input.dims().end(), view.dims);
  }
  Results results{order_.outputs, allocate_, batch};
  results.tensors.resize(order_.outputs.size());
  pixloom_outputs outputs{sizeof(pixloom_outputs), &results, PlaceResult};

  void* self = Take();
  busy_.Start();
  const pixloom_status status = order_.backend->api->run(
      self, views.data(), static_cast<std::uint32_t>(views.size()), &outputs);
  busy_.Stop();
  std::optional<RunFailure> failure;
  if (!results.problem.empty()) {
    failure = {PIXLOOM_FAILED, results.problem};
  } else if (results.no_memory) {
    failure = {PIXLOOM_OUT_OF_MEMORY, "out of memory in the host"};
  } else if (status != PIXLOOM_OK) {
    failure = Failure(status, self);
  }
  GiveBack(self);
  if (failure) return *failure;

  for (std::size_t i = 0; i < results.tensors.size(); ++i) {
    if (!results.tensors[i].dims().empty()) continue;
    return RunFailure{PIXLOOM_FAILED,
                      fmt::format("output {} was not given", order_.outputs[i].name)};
  }
  ++runs_;
  pictures_ += static_cast<std::uint64_t>(batch);
  return std::move(results.tensors);
}

Tensor BackendNetwork::NewInput(Dims dims) const { return Tensor(std::move(dims), allocate_); }

void BackendNetwork::ResetUse() {
  runs_ = pictures_ = 0;
  busy_.Reset();
}

ModelUse BackendNetwork::Use() const {
  return {.device = fmt::format("{} on {}", order_.backend->runtime, described_.device),
          .runs = runs_,
          .pictures = pictures_,
          .padding = 0,
          .nanoseconds = busy_.Nanoseconds()};
}

}  // namespace pixloom
