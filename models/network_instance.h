// SPDX-License-Identifier: Apache-2.0
// A graph that a backend loaded, as a Network: one instance for all threads where the backend
// allows that, else as many as run at the same time, made when they are needed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "models/backends.h"
#include "models/busy_clock.h"
#include "models/network.h"

namespace pixloom {

// What to load, and how.
struct GraphOrder {
  std::shared_ptr<const Backend> backend;
  std::string path, format, device;
  bool fp16 = false;
  std::vector<Port> inputs, outputs;  // both empty: whatever the graph has
  std::int64_t in_flight = 0;         // 0: what suits the device
};

// What the backend says about the graph.
struct GraphDescription {
  std::vector<Port> inputs, outputs;  // dims with the batch; empty: not known before it ran
  std::string device;
  bool concurrent = false;
  bool waits = false;
};

class BackendNetwork final : public Network {
 public:
  static Result<std::shared_ptr<BackendNetwork>, RunFailure> Create(GraphOrder order);
  ~BackendNetwork() override;
  BackendNetwork(const BackendNetwork&) = delete;
  BackendNetwork& operator=(const BackendNetwork&) = delete;

  const GraphDescription& Described() const { return described_; }
  const std::string& Path() const { return order_.path; }
  // Before the first Run, where the order left them open.
  void SetPorts(std::vector<Port> inputs, std::vector<Port> outputs);

  // Forgets the runs so far: those of the check are not the user's.
  void ResetUse();

  const std::vector<Port>& Inputs() const override { return order_.inputs; }
  const std::vector<Port>& Outputs() const override { return order_.outputs; }
  Result<std::vector<Tensor>, RunFailure> Run(std::span<const Tensor> inputs) override;
  Tensor NewInput(Dims dims) const override;
  bool Waits() const override { return described_.waits; }
  int InFlight() const override { return in_flight_; }
  std::string Device() const override { return described_.device; }
  ModelUse Use() const override;

 private:
  explicit BackendNetwork(GraphOrder order) : order_(std::move(order)) {}

  Result<void*, RunFailure> NewInstance() const;
  RunFailure Failure(pixloom_status status, void* self) const;
  void Describe(void* self);
  void* Take();  // waits for an instance
  void GiveBack(void* self);

  GraphOrder order_;
  GraphDescription described_;
  int in_flight_ = 1;
  FloatAllocator allocate_ = HeapFloats;

  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<void*> all_, idle_;
  std::size_t made_ = 0, most_ = 1;  // made: those that are being made, too

  BusyClock busy_;
  std::atomic<std::uint64_t> runs_{0}, pictures_{0};
};

}  // namespace pixloom
