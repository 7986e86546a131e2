// SPDX-License-Identifier: Apache-2.0
#include "tests/models/fake_backend.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

namespace pixloom::testing {

namespace {

struct Fake {
  FakeBehaviour behaviour;
  std::unique_ptr<FakeCounts> counts = std::make_unique<FakeCounts>();
};

Fake& At(int fake) {
  static auto& fakes = *new std::array<Fake, kFakeBackends>;
  return fakes.at(static_cast<std::size_t>(fake));
}

struct Instance {
  std::string device;
  bool fp16 = false;
  std::atomic<bool> busy{false};
};

thread_local std::string last_error;

pixloom_status Say(pixloom_status status, const std::string& text) {
  last_error = text;
  return status;
}

template <int n>
struct Functions {
  static pixloom_status Probe(const char*, const char*, const char* device) {
    const FakeBehaviour& b = At(n).behaviour;
    if (b.probe != PIXLOOM_OK) return Say(b.probe, "fake probe");
    if (!b.devices.contains(device)) {
      return Say(PIXLOOM_NO_DEVICE, std::string("there is no ") + device);
    }
    return PIXLOOM_OK;
  }

  static pixloom_status Create(const pixloom_options* options, void** self) {
    const FakeBehaviour& b = At(n).behaviour;
    FakeCounts& c = *At(n).counts;
    if (b.create != PIXLOOM_OK) return Say(b.create, "fake create");
    if (c.created - c.destroyed >= b.most_instances) {
      return Say(PIXLOOM_OUT_OF_MEMORY, "no room for another");
    }
    ++c.created;
    c.threads = options->threads;
    c.seen_inputs.assign(options->input_names, options->input_names + options->input_count);
    c.seen_outputs.assign(options->output_names, options->output_names + options->output_count);
    auto* instance = new Instance;
    instance->device = b.runs_on.empty() ? options->device : b.runs_on;
    instance->fp16 = options->precision == PIXLOOM_FP16;
    *self = instance;
    return PIXLOOM_OK;
  }

  static void Fill(const std::vector<FakePort>& from, pixloom_port* to, std::uint32_t& count) {
    count = static_cast<std::uint32_t>(from.size());
    for (const FakePort& port : from) {
      to->name = port.name.c_str();
      to->ndim = static_cast<std::uint32_t>(port.dims.size());
      std::copy(port.dims.begin(), port.dims.end(), to->dims);
      ++to;
    }
  }

  static pixloom_status Describe(void* self, pixloom_description* out) {
    const FakeBehaviour& b = At(n).behaviour;
    Fill(b.inputs, out->inputs, out->input_count);
    Fill(b.outputs, out->outputs, out->output_count);
    out->flags = b.concurrent ? PIXLOOM_RUNS_CONCURRENTLY : 0;
    out->waits = b.waits;
    out->device = static_cast<Instance*>(self)->device.c_str();
    return PIXLOOM_OK;
  }

  static pixloom_status Run(void* self, const pixloom_tensor* inputs, std::uint32_t,
                            pixloom_outputs* outputs) {
    const FakeBehaviour& b = At(n).behaviour;
    FakeCounts& c = *At(n).counts;
    auto& instance = *static_cast<Instance*>(self);
    if (instance.busy.exchange(true)) ++c.shared;
    const int now = ++c.running;
    int most = c.most_running;
    while (most < now && !c.most_running.compare_exchange_weak(most, now)) {
    }
    ++c.runs;
    const pixloom_status status =
        b.run ? b.run(inputs, outputs) : Multiply(instance, inputs, outputs);
    --c.running;
    instance.busy = false;
    return status;
  }

  static pixloom_status Multiply(const Instance& instance, const pixloom_tensor* inputs,
                                 pixloom_outputs* outputs) {
    float* to = outputs->place(outputs->context, 0, inputs->ndim, inputs->dims);
    if (to == nullptr) return Say(PIXLOOM_OUT_OF_MEMORY, "fake run");
    std::int64_t size = 1;
    for (std::uint32_t d = 0; d < inputs->ndim; ++d) size *= inputs->dims[d];
    for (std::int64_t i = 0; i < size; ++i) {
      to[i] = At(n).behaviour.value(inputs->data[i], instance.fp16);
    }
    return PIXLOOM_OK;
  }

  static const char* LastError(void*) { return last_error.c_str(); }

  static void Destroy(void* self) {
    ++At(n).counts->destroyed;
    delete static_cast<Instance*>(self);
  }

  static void* Allocate(std::uint64_t bytes) {
    ++At(n).counts->pinned;
    return std::malloc(bytes);
  }

  static const void* Extension(void*, const char* id) {
    static const pixloom_pinned_memory pinned{sizeof pinned, Allocate, std::free};
    const bool has = At(n).behaviour.pinned && std::strcmp(id, "pinned-memory/1") == 0;
    return has ? &pinned : nullptr;
  }

  static const pixloom_backend* Table() {
    static const pixloom_backend table{sizeof table, Probe,     Create,  Describe, Run,
                                       nullptr,      LastError, Destroy, Extension};
    return &table;
  }
};

}  // namespace

FakeBehaviour& Behaviour(int fake) { return At(fake).behaviour; }
FakeCounts& Counts(int fake) { return *At(fake).counts; }

void ResetFakes(int offered, std::vector<std::string> devices) {
  const std::array tables{Functions<0>::Table(), Functions<1>::Table(), Functions<2>::Table(),
                          Functions<3>::Table()};
  for (int n = 0; n < kFakeBackends; ++n) {
    At(n).behaviour = {};
    At(n).counts = std::make_unique<FakeCounts>();
    Backend backend;
    backend.info.id = "fake" + std::to_string(n);
    backend.info.formats = {"onnx"};
    backend.info.devices = devices;
    backend.info.preference = 1000 - n;
    if (n >= offered) backend.info.problem = "not offered";
    backend.runtime = backend.info.id + " 1.0";
    backend.api = tables[static_cast<std::size_t>(n)];
    AddBackend(backend);
  }
}

}  // namespace pixloom::testing
