// SPDX-License-Identifier: Apache-2.0
// Networks that are a function of one item, for tests of the nodes: what comes out can be worked
// out by hand, and what went in is remembered.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/network.h"

namespace pixloom::testing {

// Inputs of one item, in order, to its outputs, in order.
using FakeFunction =
    std::function<std::vector<std::vector<float>>(const std::vector<std::vector<float>>& inputs)>;

class FakeNetwork final : public Network {
 public:
  FakeNetwork(std::vector<Port> inputs, std::vector<Port> outputs, FakeFunction function)
      : inputs_(std::move(inputs)), outputs_(std::move(outputs)), function_(std::move(function)) {}

  const std::vector<Port>& Inputs() const override { return inputs_; }
  const std::vector<Port>& Outputs() const override { return outputs_; }

  // Sizes that a port leaves open are those of the first input.
  Result<std::vector<Tensor>, RunFailure> Run(std::span<const Tensor> inputs) override {
    const std::int64_t batch = inputs[0].batch();
    std::vector<Tensor> outputs;
    for (const Port& port : outputs_) {
      Dims dims{batch};
      for (std::size_t d = 0; d < port.dims.size(); ++d) {
        dims.push_back(port.dims[d] < 0 ? inputs[0].dims()[d + 1] : port.dims[d]);
      }
      outputs.emplace_back(dims);
    }
    for (std::int64_t n = 0; n < batch; ++n) {
      std::vector<std::vector<float>> item;
      for (const Tensor& input : inputs) {
        item.emplace_back(input.item(n).begin(), input.item(n).end());
      }
      const std::vector<std::vector<float>> made = function_(item);
      for (std::size_t o = 0; o < outputs.size(); ++o) {
        if (made[o].size() != outputs[o].item(n).size()) {
          return RunFailure{PIXLOOM_BAD_SHAPE, "of another size"};
        }
        std::copy(made[o].begin(), made[o].end(), outputs[o].item(n).begin());
      }
    }
    const std::lock_guard lock(mutex_);
    batches_.push_back(batch);
    return outputs;
  }

  std::vector<std::int64_t> Batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

 private:
  const std::vector<Port> inputs_, outputs_;
  const FakeFunction function_;
  mutable std::mutex mutex_;
  std::vector<std::int64_t> batches_;
};

inline std::shared_ptr<Model> FakeModel(Manifest manifest,
                                        std::map<std::string, std::shared_ptr<Network>> graphs,
                                        int batch) {
  auto model = std::make_shared<Model>();
  model->manifest = std::move(manifest);
  model->graphs = std::move(graphs);
  model->device = "fake";
  model->batch = batch;
  return model;
}

}  // namespace pixloom::testing
