// SPDX-License-Identifier: Apache-2.0
// Networks that are a function of one item, and models made of them, for tests of nodes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "models/network.h"

namespace pixloom::testing {

struct FakeOutput {
  Dims dims;
  std::vector<float> values;
};
// What becomes of one item (its first input): all outputs.
using FakeItem = std::function<std::vector<FakeOutput>(const Dims&, std::span<const float>)>;

class ItemNetwork final : public Network {
 public:
  ItemNetwork(std::vector<Port> inputs, std::vector<Port> outputs, FakeItem item)
      : inputs_(std::move(inputs)), outputs_(std::move(outputs)), item_(std::move(item)) {}

  const std::vector<Port>& Inputs() const override { return inputs_; }
  const std::vector<Port>& Outputs() const override { return outputs_; }
  std::string Device() const override { return device; }

  Result<std::vector<Tensor>, RunFailure> Run(std::span<const Tensor> inputs) override {
    const Tensor& in = inputs[0];
    {
      const std::lock_guard lock(mutex_);
      runs.push_back(in.dims());
    }
    if (most_values > 0 && in.size() > most_values) {
      return RunFailure{PIXLOOM_OUT_OF_MEMORY, "no memory left, as asked for"};
    }
    const Dims dims(in.dims().begin() + 1, in.dims().end());
    std::vector<Tensor> outputs;
    for (std::int64_t n = 0; n < in.batch(); ++n) {
      const std::vector<FakeOutput> made = item_(dims, in.item(n));
      for (std::size_t o = 0; o < made.size(); ++o) {
        if (n == 0) {
          Dims all = made[o].dims;
          all.insert(all.begin(), in.batch());
          outputs.emplace_back(all);
        }
        std::copy(made[o].values.begin(), made[o].values.end(), outputs[o].item(n).begin());
      }
    }
    return outputs;
  }

  std::int64_t most_values = 0;  // more at once do not fit; 0: everything does
  std::string device = "cpu";
  std::vector<Dims> runs;  // dims of every input, batch first

 private:
  const std::vector<Port> inputs_, outputs_;
  const FakeItem item_;
  std::mutex mutex_;
};

inline std::shared_ptr<Model> FakeModel(ModelRole role, FakeItem item, Dims in = {3, -1, -1},
                                        Dims out = {3, -1, -1}) {
  auto model = std::make_shared<Model>();
  model->manifest.path = "fake.yaml";
  model->manifest.name = "fake";
  model->manifest.role = role;
  if (in.size() == 3 && in[0] == 1) model->manifest.picture.color = PictureInput::Color::kGray;
  model->batch = model->manifest.batch = 4;
  model->graphs["main"] =
      std::make_shared<ItemNetwork>(std::vector<Port>{{"x", std::move(in)}},
                                    std::vector<Port>{{"y", std::move(out)}}, std::move(item));
  model->device = "fake on cpu";
  return model;
}

inline ItemNetwork& MainOf(const Model& model) {
  return static_cast<ItemNetwork&>(model.At("main"));
}

// ---- Functions of one item ----------------------------------------------------------------------

inline FakeItem Map(std::function<float(float)> fn) {
  return [fn = std::move(fn)](const Dims& dims, std::span<const float> in) {
    std::vector<float> out(in.begin(), in.end());
    for (float& v : out) v = fn(v);
    return std::vector<FakeOutput>{{dims, out}};
  };
}

inline FakeItem Identity() {
  return Map([](float v) { return v; });
}

// Each pixel from all within `radius` of it, zeros around the item.
inline FakeItem Convolution(int radius) {
  return [radius](const Dims& dims, std::span<const float> in) {
    const auto h = static_cast<int>(dims[1]), w = static_cast<int>(dims[2]);
    std::vector<float> out(in.size());
    for (int c = 0; c < static_cast<int>(dims[0]); ++c) {
      const auto at = [&](int y, int x) { return static_cast<std::size_t>((c * h + y) * w + x); };
      for (int y = 0; y < h; ++y) {
        for (int x = 0; x < w; ++x) {
          double sum = 0;
          for (int dy = -radius; dy <= radius; ++dy) {
            for (int dx = -radius; dx <= radius; ++dx) {
              if (y + dy < 0 || y + dy >= h || x + dx < 0 || x + dx >= w) continue;
              sum += static_cast<double>(in[at(y + dy, x + dx)]) * std::cos(dx + 2.5 * dy) / 8;
            }
          }
          out[at(y, x)] = static_cast<float>(0.4 + sum);
        }
      }
    }
    return std::vector<FakeOutput>{{dims, out}};
  };
}

// Every pixel becomes a square of `factor` times `factor`.
inline FakeItem Repeat(int factor) {
  return [factor](const Dims& dims, std::span<const float> in) {
    const Dims larger{dims[0], dims[1] * factor, dims[2] * factor};
    std::vector<float> out;
    for (std::int64_t c = 0; c < larger[0]; ++c) {
      for (std::int64_t y = 0; y < larger[1]; ++y) {
        for (std::int64_t x = 0; x < larger[2]; ++x) {
          out.push_back(
              in[static_cast<std::size_t>((c * dims[1] + y / factor) * dims[2] + x / factor)]);
        }
      }
    }
    return std::vector<FakeOutput>{{larger, out}};
  };
}

}  // namespace pixloom::testing
