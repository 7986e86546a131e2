// SPDX-License-Identifier: Apache-2.0
// A Network that is a function; for tests of what stands above networks.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "models/network.h"

namespace pixloom::testing {

class FakeNetwork final : public Network {
 public:
  using Ran = Result<std::vector<Tensor>, RunFailure>;
  using Function = std::function<Ran(std::span<const Tensor>)>;

  FakeNetwork(std::vector<Port> inputs, std::vector<Port> outputs, Function run)
      : inputs_(std::move(inputs)), outputs_(std::move(outputs)), run_(std::move(run)) {}

  const std::vector<Port>& Inputs() const override { return inputs_; }
  const std::vector<Port>& Outputs() const override { return outputs_; }
  Ran Run(std::span<const Tensor> inputs) override { return run_(inputs); }
  std::string Device() const override { return device; }

  std::string device = "cpu";

 private:
  std::vector<Port> inputs_, outputs_;
  Function run_;
};

// One output of the shape of the first input, each value by itself.
template <class Each>
FakeNetwork::Ran MapValues(std::span<const Tensor> inputs, Each each) {
  Tensor out(inputs[0].dims());
  for (std::int64_t i = 0; i < out.size(); ++i) out.data()[i] = each(inputs[0].data()[i]);
  std::vector<Tensor> all;
  all.push_back(std::move(out));
  return all;
}

}  // namespace pixloom::testing
